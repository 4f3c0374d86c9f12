package orders

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A world is one resource and the system that it is in, moved at random. The
// system may do what it was asked without anybody hearing of it.
type world struct {
	t       *rapid.T
	a       *AssignedResource
	h       Handling
	e       assignments.ExpectedResource
	system  *resources.Resource
	now     time.Time
	orders  OrderID
	steps   []Step
	asked   []asked                           // what was handed out and may still happen
	refused map[schema.PropertyName][]Holding // what people declined, as the test remembers it
}

type asked struct {
	fence int
	order OrderID
	items []Item
}

var letters = rapid.SampledFrom([]string{"", "a", "b", "c"})

func (w *world) occasion() Occasion {
	return Occasion{Now: w.now, Actor: "p", NewOrder: func() OrderID { w.orders++; return w.orders }}
}

func (w *world) tick() { w.now = w.now.Add(time.Second) }

func (w *world) flag(name string) bool { return rapid.Bool().Draw(w.t, name) }

// act does one thing, which may be refused, and checks what must always hold.
func (w *world) act(name string, err error) {
	if err != nil && len(w.a.TakeSteps()) > 0 {
		w.t.Fatalf("%s was refused in the middle: %v", name, err)
	}
	w.steps = append(w.steps, w.a.TakeSteps()...)
	for _, problem := range wrong(w.a, w.steps) {
		w.t.Fatalf("after %s: %v", name, problem)
	}
}

// reborn begins another life where the last one became history: what is closed
// is never evaluated again.
func (w *world) reborn() {
	if w.a.Closed {
		w.a, w.steps, w.asked, w.refused = New(w.a.ID+1, w.e), nil, nil, map[schema.PropertyName][]Holding{}
	}
}

func (w *world) Evaluate(t *rapid.T) {
	w.t = t
	w.tick()
	w.reborn()
	if w.flag("person moves") {
		w.e.Wanted = w.flag("wanted")
		w.h.Review, w.h.Remove, w.h.Add = w.flag("review"), w.flag("remove"), w.flag("add")
	}
	w.e.Items = nil
	for _, p := range []schema.PropertyName{"mail", "phone", "pin"} {
		v := letters.Draw(t, string(p))
		if w.e.Wanted && v != "" {
			x := assignments.ExpectedItem{Origin: &assignments.Origin{Property: p, Once: p == "pin"}, Wanted: true, Value: value.OfString(v)}
			if w.flag("fails") && w.flag("and really") {
				x.Failed = "boom"
			}
			w.e.Items = append(w.e.Items, x)
		}
	}
	w.e.Target = ""
	if w.system != nil && (w.a.Target != "" || w.flag("matched")) {
		w.e.Target, w.e.Confidence = w.system.Key, rapid.SampledFrom([]int{80, 100}).Draw(t, "confidence")
	}
	var current *resources.Resource
	if w.e.Target != "" || w.a.Target != "" {
		current = w.system
	}
	w.a.Adopt(w.e, w.h, current, At(w.now))
	o := w.occasion()
	o.Block = w.flag("blocking") && w.flag("and really")
	w.act("judge", w.a.Judge(o))
	if err := w.a.Judge(o); err != nil {
		t.Fatal(err)
	}
	if again := w.a.TakeSteps(); len(again) > 0 {
		t.Fatalf("judged again although nothing changed: %s %s to %s, %s", again[0].From, again[0].Event, again[0].To, again[0].Why)
	}
}

func (w *world) Collect(t *rapid.T) {
	w.t = t
	w.tick()
	lease := time.Minute
	if w.h.Manual {
		lease = 0
	}
	if err := w.a.Collect(w.occasion(), "agent", lease); err != nil {
		return
	}
	hand := asked{fence: w.a.Order.Fence, order: w.a.Order.ID}
	for _, it := range w.a.Items {
		if it.Place == atTransmitted {
			hand.items = append(hand.items, it)
		}
	}
	w.act("collect", nil)
	for i := range hand.items {
		w.mayGo(&hand.items[i])
	}
	w.asked = append(w.asked, hand)
}

// apply makes the system do what one hand-out asked for.
func (w *world) apply(h asked) {
	for _, it := range h.items {
		if it.Property == "" && !it.Want.There {
			w.system = nil
			return
		}
		if w.system == nil && it.Property == "" {
			w.system = &resources.Resource{Ref: resources.Ref{Type: "User", Key: "k"}}
		}
		if it.Property != "" && w.system != nil {
			w.set(it.Property, it.Want.Value)
		}
	}
}

func (w *world) set(p schema.PropertyName, v value.Value) {
	r := resources.Resource{Ref: w.system.Ref, Values: map[schema.PropertyName]value.Value{}}
	for name, old := range w.system.Values {
		r.Values[name] = old
	}
	r.Values[p] = v
	if v.Text() == "" {
		delete(r.Values, p)
	}
	w.system = &r
}

// Report answers for one of the hand-outs, the newest or a late one.
func (w *world) Report(t *rapid.T) {
	w.t = t
	w.tick()
	if len(w.asked) == 0 {
		return
	}
	h := rapid.SampledFrom(w.asked).Draw(t, "hand-out")
	r := Report{Fence: h.fence, Order: h.order, Items: map[int]ItemReport{}, Down: w.flag("down")}
	if w.h.Manual {
		r.Person = "tim"
	}
	if happened := w.flag("happened"); happened {
		w.apply(h)
		if w.flag("reply arrives") {
			for _, it := range h.items {
				r.Items[it.ID] = ItemReport{Effect: EffectDone}
			}
		}
	} else if w.flag("refusal arrives") {
		for _, it := range h.items {
			r.Items[it.ID] = ItemReport{Effect: EffectNone, Permanent: w.flag("permanent")}
		}
	}
	if w.system != nil {
		r.Key = w.system.Key
	}
	w.act("report", w.a.Report(w.occasion(), r))
}

func (w *world) LookUp(t *rapid.T) {
	w.t = t
	w.tick()
	look := Look{Began: w.now, Resource: w.system}
	if w.flag("fails") {
		look.Failed, look.Resource, look.Deadline = "down", nil, w.flag("deadline")
	}
	w.act("look up", w.a.LookedUp(w.occasion(), look))
}

func (w *world) Read(t *rapid.T) {
	w.t = t
	w.tick()
	began := w.now.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds ago")) * time.Second)
	w.act("observe", w.a.Observe(w.occasion(), Observation{Began: began, Resource: w.system}))
}

func (w *world) Foreign(t *rapid.T) {
	w.t = t
	switch {
	case w.system == nil:
		w.system = &resources.Resource{Ref: resources.Ref{Type: "User", Key: "k"}}
	case w.flag("goes") && w.flag("and really"):
		w.system = nil
	default:
		w.set(rapid.SampledFrom([]schema.PropertyName{"mail", "phone"}).Draw(t, "property"), value.OfString(letters.Draw(t, "value")))
	}
}

func (w *world) Clock(t *rapid.T) {
	w.t = t
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "seconds")) * time.Second)
	w.act("expire", w.a.Expire(w.occasion()))
	if w.a.open() && w.a.Order.LeaseUntil != 0 && w.a.Order.LeaseUntil < At(w.now) {
		w.act("abandon", w.a.Abandoned(w.occasion(), Expire))
	}
}

func (w *world) Decide(t *rapid.T) {
	w.t = t
	w.tick()
	c := Choice{
		On:        rapid.SampledFrom([]Event{Approve, Decline, Postpone, Revoke, Correct, Keep, Retry, Release, RollBack}).Draw(t, "choice"),
		MayReview: w.flag("may review"), Stated: w.flag("stated"), Parked: w.flag("parked"),
	}
	if len(w.a.Items) > 0 && w.flag("one item") {
		c.Items = []int{rapid.SampledFrom(w.a.Items).Draw(t, "item").ID}
	}
	if c.On == RollBack {
		c.Former = map[int]Holding{}
		for i := range w.a.Items {
			if it := &w.a.Items[i]; it.Property != "" && it.Link == "" && w.flag("had a value") {
				c.Former[it.ID] = HoldingOf(value.OfString(letters.Draw(t, "former")))
			} else if w.flag("had nothing") {
				c.Former[it.ID] = Nothing
			}
		}
	}
	before, seen := slices.Clone(w.a.Items), len(w.steps)
	w.act("decide "+string(c.On), w.a.Decide(w.occasion(), c))
	for _, s := range w.steps[seen:] {
		i := slices.IndexFunc(before, func(it Item) bool { return it.ID == s.Item })
		if i < 0 {
			continue
		}
		switch p := before[i].Property; {
		case s.Event == Decline && (s.To == atDeclined || s.To == atFrozen):
			w.refused[p] = append(w.refused[p], before[i].Want)
		case s.Event == Decline && before[i].Place == atFound, s.Event == Approve, s.Event == Revoke, s.Event == Keep, s.Event == Correct,
			s.Event == RollBack:
			delete(w.refused, p)
		}
	}
}

// mayGo holds that what was just collected was declined by nobody and, where
// orders are reviewed, approved by somebody since it was computed.
func (w *world) mayGo(it *Item) {
	for _, h := range w.refused[it.Property] {
		if h == it.Want {
			w.t.Fatalf("%s: the declined value %s went out after %v", it.Name(), h, w.way())
		}
	}
	if !w.h.Review || it.Decision.Correct {
		return
	}
	for _, s := range slices.Backward(w.steps) {
		switch {
		case s.Item != it.ID:
		case s.Event == Approve || s.Event == Correct || s.Event == RollBack || s.Event == Decline:
			return
		case s.From.State == Verified || s.From.State == None || s.From.State == Inactive:
			w.t.Fatalf("%s went out although nobody approved it after %v", it.Name(), w.way())
		}
	}
	w.t.Fatalf("%s went out although nobody ever approved it", it.Name())
}

func (w *world) Undeclare(t *rapid.T) {
	w.t = t
	if !w.flag("really") || !w.flag("truly") {
		return
	}
	w.tick()
	w.a.Undeclare()
	w.act("undeclare", w.a.Judge(w.occasion()))
}

// TestWhateverHappensTheMachineHolds moves one resource at random; wrong says
// what must hold after every act.
func TestWhateverHappensTheMachineHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, now: morning, refused: map[schema.PropertyName][]Holding{}}
		w.h = Handling{Connector: "ad", Target: "User", Readable: true, Add: true, Remove: true, Attempts: 2, Validity: time.Hour, Manual: w.flag("manual")}
		w.h.DiscardManual = w.flag("discard manual")
		w.e = assignments.ExpectedResource{Type: "Account", Wanted: true, Workflow: assignments.Calculated}
		w.a = New(1, w.e)
		t.Repeat(rapid.StateMachineActions(w))
	})
}

// TestLeftAloneEverythingComesToRest runs the machine until nobody has anything
// left to do: what then still is under way waits for a person.
func TestLeftAloneEverythingComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, now: morning, refused: map[schema.PropertyName][]Holding{}}
		w.h = Handling{Connector: "ad", Target: "User", Readable: true, Add: true, Remove: true, Attempts: 2, Validity: time.Hour, Manual: w.flag("manual")}
		w.e = assignments.ExpectedResource{Type: "Account", Wanted: true, Workflow: assignments.Calculated}
		w.a = New(1, w.e)
		w.Evaluate(t)
		acts := []func(*rapid.T){w.Evaluate, w.Collect, w.Report, w.LookUp, w.Read, w.Foreign, w.Clock, w.Decide}
		for range rapid.IntRange(0, 30).Draw(t, "acts") {
			rapid.SampledFrom(acts).Draw(t, "act")(t)
		}
		w.e.Items = slices.DeleteFunc(w.e.Items, func(x assignments.ExpectedItem) bool { return x.Failed != "" })
		for range 12 {
			w.now = w.now.Add(20 * time.Minute)
			w.act("expire", w.a.Expire(w.occasion()))
			w.reborn()
			w.a.Adopt(w.e, w.h, w.system, At(w.now))
			w.act("judge", w.a.Judge(w.occasion()))
			if w.a.Collect(w.occasion(), "agent", 0) == nil {
				h := asked{fence: w.a.Order.Fence, order: w.a.Order.ID, items: slices.Clone(w.a.Items)}
				h.items = slices.DeleteFunc(h.items, func(it Item) bool { return it.Place != atTransmitted })
				w.asked = append(w.asked, h)
			}
			if n := len(w.asked); n > 0 {
				w.finish(w.asked[n-1])
			}
			w.tick()
			w.act("look up", w.a.LookedUp(w.occasion(), Look{Began: w.now, Resource: w.system}))
			w.act("observe", w.a.Observe(w.occasion(), Observation{Began: w.now, Resource: w.system}))
		}
		a0 := &w.a.Items[0]
		for i := range w.a.Items {
			it := &w.a.Items[i]
			waits := a0.Place.State == AwaitingApproval || a0.Place.State == Errored
			if s := it.Place.State; s == Pending && !waits || s == Transmitted || s == Error || s == None {
				t.Fatalf("%s stays %s for ever: %s", it.Name(), it.Place, it.Message)
			}
		}
	})
}

// finish carries out what the newest hand-out asks for, if it is still open.
func (w *world) finish(h asked) {
	live := false
	for i := range w.a.Items {
		live = live || w.a.Items[i].Place.State == Transmitted
	}
	if !live && !w.a.locked() {
		return
	}
	w.tick()
	w.apply(h)
	r := Report{Fence: h.fence, Items: map[int]ItemReport{}, Key: "k"}
	if w.h.Manual {
		r.Person = "tim"
	}
	for _, it := range h.items {
		r.Items[it.ID] = ItemReport{Effect: EffectDone}
	}
	w.act("report", w.a.Report(w.occasion(), r))
}

// Check holds between acts what wrong says.
func (w *world) Check(t *rapid.T) {
	for _, problem := range wrong(w.a, w.steps) {
		t.Fatal(problem)
	}
}

// way tells what happened, for whoever reads a failure.
func (w *world) way() (way []string) {
	for _, s := range w.steps {
		way = append(way, fmt.Sprintf("\n%d %s → %s %s", s.Item, s.Event, s.To, s.Why))
	}
	return way
}

package incremental

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/verify"
	"provisor.dev/provisor/value"
)

// step lets something happen that the seed chooses, then evaluates both ways.
func (w *world) step() {
	w.tally.steps++
	w.now = w.now.Add(time.Minute)
	n := 1
	if w.oneIn(3) {
		n += 1 + w.chance.IntN(2)
	}
	for range n {
		w.something()
	}
	w.evaluate()
}

func (w *world) something() {
	switch n := w.chance.IntN(100); {
	case n < 56:
		w.changeResources()
	case n < 64:
		w.decideRoles()
	case n < 68:
		w.decideAssociation()
	case n < 76:
		w.decide()
	case n < 84:
		w.generate()
	case n < 90:
		w.carry()
	case n < 93:
		_, err := (&verify.Runner{Store: w.db, Model: w.deployed.Model, Clock: w.clock, Actor: w.act("").Actor}).Run(w.ctx)
		w.must("verify", err)
		w.note("verified")
	case n < 95:
		w.day = w.day.Add(schema.Day)
		w.now = w.now.Add(24 * time.Hour)
		w.note("a day passes")
	case n < 97:
		w.deploy(w.chosen.changed(w.chance))
		w.note("the configuration changes")
	case n < 99:
		owner, r := w.somebody(), w.runner()
		_, err := r.RunOwner(w.ctx, w.day, owner)
		w.must("evaluate one", err)
		w.note("%s is evaluated alone", owner)
	case w.oneIn(4):
		t := pick(w, []roles.ResourceTypeID{"A", "B", "C"})
		w.must("go live", w.db.Decide(w.ctx, w.act("go live"), []stage.Decision{{Kind: stage.WentLive, Type: t}}))
		w.note("%s goes live", t)
	case w.oneIn(2):
		w.must("prune", w.db.Prune(w.ctx, w.act("prune"), w.now.Add(-time.Minute))) // what was evaluated since
		w.note("history is forgotten")
	default:
		w.note("nothing happens")
	}
}

func (w *world) clock() time.Time { return w.now }

// changeResources changes one resource, or a few of one entity type.
func (w *world) changeResources() {
	p := w.somePopulation()
	n := 1
	if w.oneIn(5) {
		n += w.chance.IntN(3)
	}
	var put []resources.Resource
	var remove []resources.Ref
	for range n {
		key := pick(w, p.keys())
		if p.entity == "Account" && w.accounts > 0 && w.oneIn(3) {
			key = accountKey(w.chance.IntN(w.accounts))
		}
		ref := resources.Ref{Type: p.entity, Key: key}
		if slices.ContainsFunc(put, func(r resources.Resource) bool { return r.Ref == ref }) || slices.Contains(remove, ref) {
			continue
		}
		r, there := w.there[ref]
		former, was := w.gone[ref]
		switch {
		case there && w.oneIn(7):
			remove = append(remove, ref)
			w.note("%s disappears", ref)
		case there:
			put = append(put, w.varied(p, r))
		case was && w.oneIn(2):
			put = append(put, former)
			w.note("%s comes back", ref)
		default:
			put = append(put, w.fresh(p, key))
			w.note("%s appears: %s", ref, shown(put[len(put)-1]))
		}
	}
	w.write(put, remove)
}

func (w *world) somePopulation() *population {
	all := 0
	for i := range populations {
		all += populations[i].often
	}
	n := w.chance.IntN(all)
	for i := range populations {
		if n -= populations[i].often; n < 0 {
			return &populations[i]
		}
	}
	panic("there is always one")
}

func accountKey(n int) resources.Key { return resources.Key(fmt.Sprintf("N%02d", n)) }

func shown(r resources.Resource) string {
	text, _ := r.Encode()
	return string(text)
}

// fresh is a resource that nobody has seen.
func (w *world) fresh(p *population, key resources.Key) resources.Resource {
	r := resources.Resource{
		Ref:    resources.Ref{Type: p.entity, Key: key},
		Values: map[schema.PropertyName]value.Value{p.key: value.OfString(string(key))}, Links: map[schema.PropertyName][]resources.Key{},
	}
	for _, s := range p.scalars {
		w.set(&r, s)
	}
	for _, l := range p.links {
		w.lead(&r, l)
	}
	return r
}

// varied is a resource with another value or link, seldom with two.
func (w *world) varied(p *population, r resources.Resource) resources.Resource {
	before := r
	r.Values, r.Links = maps.Clone(r.Values), maps.Clone(r.Links)
	for again := true; again; again = w.oneIn(5) {
		if n := w.chance.IntN(len(p.scalars) + 2*len(p.links)); n < len(p.scalars) {
			w.set(&r, p.scalars[n])
		} else {
			w.lead(&r, p.links[(n-len(p.scalars))/2])
		}
	}
	w.note("%s changes: %s", r.Ref, difference(before, r))
	return r
}

// difference says what a resource holds otherwise than before.
func difference(before, r resources.Resource) (text string) {
	names := map[schema.PropertyName]bool{}
	for _, version := range []resources.Resource{before, r} {
		for p := range version.Values {
			names[p] = true
		}
		for p := range version.Links {
			names[p] = true
		}
	}
	for _, p := range slices.Sorted(maps.Keys(names)) {
		if a, b := before.Value(p), r.Value(p); a != b {
			text += fmt.Sprintf(" %s %q -> %q", p, a.Text(), b.Text())
		}
		if a, b := before.Links[p], r.Links[p]; !slices.Equal(a, b) {
			text += fmt.Sprintf(" %s %v -> %v", p, a, b)
		}
	}
	return text
}

// set gives a property another value, or none.
func (w *world) set(r *resources.Resource, s scalar) {
	switch {
	case w.oneIn(7):
		delete(r.Values, s.property)
	case len(s.text) > 0:
		r.Values[s.property] = value.OfString(pick(w, s.text))
	case s.kind == value.Int:
		r.Values[s.property] = value.OfInt(int64(w.chance.IntN(7)))
	case s.kind == value.Bool:
		r.Values[s.property] = value.OfBool(w.oneIn(5))
	default:
		r.Values[s.property] = value.OfDate(w.day.AddDate(0, 0, w.aroundNow(s.property)))
	}
}

// aroundNow is in how many days something begins or ends: most people are here.
func (w *world) aroundNow(p schema.PropertyName) int {
	if p == "hired" || p == "begins" || p == "signed" {
		return w.chance.IntN(40) - 30
	}
	return w.chance.IntN(60) - 10
}

// lead lets a link lead elsewhere: mostly to what is there, seldom nowhere.
func (w *world) lead(r *resources.Resource, l link) {
	n := 1
	if l.many {
		n = w.chance.IntN(4)
	}
	var keys []resources.Key
	for range n {
		key := pick(w, populationOf(l.far).keys())
		if l.far == "Account" && w.accounts > 0 && w.oneIn(3) {
			key = accountKey(w.chance.IntN(w.accounts))
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if r.Links[l.property] = slices.Compact(keys); len(keys) == 0 || w.oneIn(8) {
		delete(r.Links, l.property)
	}
}

// write stores what changed: as an act of its own, or as a reading.
func (w *world) write(put []resources.Resource, remove []resources.Ref) {
	for _, r := range put {
		w.there[r.Ref] = r
	}
	for _, ref := range remove {
		w.gone[ref] = w.there[ref]
		delete(w.there, ref)
	}
	if w.oneIn(3) {
		w.must("save", w.db.Save(w.ctx, w.act("change"), nil, stage.Extra{Put: put, Remove: remove}))
		return
	}
	for i := range populations {
		p := &populations[i]
		changes := stage.Changes{}
		for _, r := range put {
			if r.Type == p.entity {
				changes.Put = append(changes.Put, r)
			}
		}
		for _, ref := range remove {
			if ref.Type == p.entity {
				changes.Remove = append(changes.Remove, ref.Key)
			}
		}
		if len(changes.Put)+len(changes.Remove) == 0 {
			continue
		}
		reading := resources.Reading{Connector: p.connector, Entity: p.entity, Began: w.now, Complete: !w.oneIn(4)}
		id, err := w.db.BeginReading(w.ctx, reading)
		w.must("begin a reading", err)
		reading.ID = id
		w.must("commit a reading", w.db.CommitReading(w.ctx, w.act("synchronize"), reading, changes))
	}
}

func (w *world) somebody() resources.Ref {
	return resources.Ref{Type: "Person", Key: pick(w, populationOf("Person").keys())}
}

var decidable = []roles.RoleID{"worker", "worker", "chief", "found", "local", "bundle", "above", roles.AccountRole("A"), roles.AccountRole("B")}

// decideRoles records what people say about a role of somebody, or takes it back.
func (w *world) decideRoles() {
	d := assignments.RoleDecision{
		Owner: w.somebody(), Role: pick(w, decidable), Workflow: pick(w, []assignments.Workflow{
			assignments.Approved, assignments.Approved, assignments.WorkflowDeclined, assignments.Cancellation,
		}),
	}
	if d.Role == "local" && !w.oneIn(4) {
		d.Parameters = assignments.ParametersOf(map[roles.DimensionID]string{"site": string(pick(w, populationOf("Site").keys()))})
	}
	if w.oneIn(2) {
		d.Period = assignments.Period{From: w.day.AddDate(0, 0, w.chance.IntN(6)-4), To: w.day.AddDate(0, 0, w.chance.IntN(8)-1)}
	}
	if w.oneIn(3) {
		w.must("revoke", w.db.DecideRoles(w.ctx, w.act("revoke"), nil, []stage.AssignedRoleKey{{Owner: d.Owner, Role: d.Role, Parameters: d.Parameters}}))
		w.note("what was decided on %s of %s is taken back", d.Role, d.Owner)
		return
	}
	w.must("decide", w.db.DecideRoles(w.ctx, w.act("decide"), []assignments.RoleDecision{d}, nil))
	w.note("%s of %s %s %s: %s", d.Role, d.Owner, d.Parameters, d.Period, d.Workflow)
}

// decideAssociation records that an account is, or is not, somebody's.
func (w *world) decideAssociation() {
	d := stage.Decision{
		Kind: pick(w, []stage.DecisionKind{stage.AssociationDenied, stage.AssociationDenied, stage.AssociationConfirmed}), Type: "A", Owner: w.somebody(),
		Target: pick(w, populationOf("Account").keys()),
	}
	if w.oneIn(3) {
		d.Type, d.Target = "B", pick(w, populationOf("Badge").keys())
	}
	if w.oneIn(3) {
		w.must("revoke", w.db.Revoke(w.ctx, w.act("revoke"), []stage.Decision{d}))
		w.note("%s %s to %s is taken back", d.Kind, d.Target, d.Owner)
		return
	}
	w.must("decide", w.db.Decide(w.ctx, w.act("decide"), []stage.Decision{d}))
	w.note("%s %s to %s", d.Kind, d.Target, d.Owner)
}

func (w *world) assigned() []*orders.AssignedResource {
	list, err := w.db.Assigned(w.ctx, stage.AssignedFilter{})
	w.must("load what is assigned", err)
	return list
}

func (w *world) desk() *review.Desk {
	return &review.Desk{Store: w.db, Clock: w.clock, Actor: w.act("").Actor, Model: func(context.Context) (*roles.Model, error) { return w.deployed.Model, nil }}
}

// decide lets a person decide about an account, or about a role that was found.
func (w *world) decide() {
	if w.oneIn(3) {
		w.decideFound()
		return
	}
	list := w.assigned()
	if len(list) == 0 {
		return
	}
	a := pick(w, list)
	on := pick(w, []orders.Event{orders.Approve, orders.Approve, orders.Decline, orders.Decline, orders.Postpone, orders.Revoke, orders.Correct, orders.Keep, orders.Keep, orders.Release})
	x := review.Decision{On: on, Assigned: []orders.AssignedID{a.ID}, Why: "because", MayReview: w.oneIn(2), Stated: true, Until: w.now.Add(time.Hour)}
	if w.oneIn(2) {
		x.Items = []int{pick(w, a.Items).ID}
	}
	out, err := w.desk().Decide(w.ctx, x)
	w.must("decide", err)
	w.note("%s %s %s of %s, items %v: refused %v", on, a.Type, a.Target, a.Owner, x.Items, out.Refused)
}

func (w *world) decideFound() {
	rows, err := w.db.AssignedRoles(w.ctx, nil)
	w.must("load roles", err)
	rows = slices.DeleteFunc(rows, func(a assignments.AssignedRole) bool {
		return !a.Workflow.Found() && a.Workflow != assignments.Approved
	})
	if len(rows) == 0 {
		return
	}
	row := pick(w, rows)
	c := review.RoleChoice{On: pick(w, []orders.Event{orders.Keep, orders.Decline, orders.Revoke}), Owner: row.Owner, Role: row.Role, With: row.Parameters, Why: "because", MayReview: w.oneIn(2)}
	_, err = w.desk().DecideRole(w.ctx, c)
	if err != nil && !review.Refusable(err) {
		w.must("decide on a role", err)
	}
	w.note("%s the role %s of %s: %v", c.On, row.Role, row.Owner, err)
}

func (w *world) generate() {
	r := generate.Runner{Store: w.db, Model: w.deployed.Model, Clock: w.clock, Actor: w.act("").Actor, Configuration: w.deployed.Hash}
	_, err := r.Run(w.ctx, generate.Options{Day: w.day, Block: w.oneIn(8)})
	w.must("generate", err)
	w.note("judged")
}

// carry lets an agent carry an order out, or lose or refuse it, and reads back
// what it did.
func (w *world) carry() {
	var ready []*orders.AssignedResource
	for _, a := range w.assigned() {
		if len(a.Ready(w.now)) > 0 {
			ready = append(ready, a)
		}
	}
	if len(ready) == 0 {
		return
	}
	a := pick(w, ready)
	key, effect := a.Target, pick(w, []orders.Effect{orders.EffectDone, orders.EffectDone, orders.EffectDone, orders.EffectNone, orders.EffectUnknown})
	numbers := stage.Numbers(w.ctx, w.db, stage.OrderCounter)
	numbers.Prepare(4)
	o := orders.Occasion{Now: w.now, Actor: "agent", NewOrder: func() orders.OrderID { return orders.OrderID(numbers.Next()) }}
	var also stage.Extra
	if effect == orders.EffectDone {
		key, also = w.carried(a)
	}
	err := w.db.Update(w.ctx, w.act("report"), []orders.AssignedID{a.ID}, func(a *orders.AssignedResource) error {
		if err := a.Collect(o, "agent", time.Minute); err != nil {
			return err
		}
		report := orders.Report{Fence: a.Order.Fence, Key: key, Items: map[int]orders.ItemReport{}}
		for _, it := range a.Carried() {
			report.Items[it.ID] = orders.ItemReport{Effect: effect}
		}
		return a.Report(o, report)
	}, also)
	w.must("report", err)
	w.note("carried %s of %s out as %s: %d", a.Type, a.Owner, key, effect)
}

// carried is what the systems hold after the ready items of an order.
func (w *world) carried(a *orders.AssignedResource) (resources.Key, stage.Extra) {
	var also stage.Extra
	p := populationOf(a.Handling.Target)
	ref := resources.Ref{Type: p.entity, Key: a.Target}
	entity, _ := w.deployed.Model.Entity(p.entity)
	r, there := w.there[ref]
	items := a.Ready(w.now)
	if !there {
		if it := a.Find(p.key, ""); p.entity == "Account" {
			w.accounts++
			ref.Key = accountKey(w.accounts - 1)
		} else if it != nil && it.Want.There {
			ref.Key = resources.Key(it.Want.Value.Text())
		} else {
			ref.Key = resources.Key("X" + strconv.Itoa(int(a.ID)))
		}
		r = resources.Resource{Ref: ref, Values: map[schema.PropertyName]value.Value{p.key: value.OfString(string(ref.Key))}}
	}
	r.Values, r.Links = maps.Clone(r.Values), maps.Clone(r.Links)
	if r.Links == nil {
		r.Links = map[schema.PropertyName][]resources.Key{}
	}
	for _, it := range items {
		property := entity.Properties[it.Property]
		switch {
		case it.Property == "" && !it.Want.There:
			also.Remove = append(also.Remove, ref)
		case it.Property == "" || it.Property == p.key:
		case property.Inverse != "":
			if group, ok := w.there[resources.Ref{Type: property.Link, Key: it.Link}]; ok {
				group.Links = maps.Clone(group.Links)
				relink(&group, property.Inverse, ref.Key, it.Want.There)
				also.Put = append(also.Put, group)
			}
		case property.Many:
			relink(&r, it.Property, it.Link, it.Want.There)
		case property.IsLink():
			if delete(r.Links, it.Property); it.Want.There {
				r.Links[it.Property] = []resources.Key{resources.Key(it.Want.Value.Text())}
			}
		default:
			if delete(r.Values, it.Property); it.Want.There {
				r.Values[it.Property] = it.Want.Value
			}
		}
	}
	if len(also.Remove) == 0 {
		also.Put = append(also.Put, r)
	}
	for _, r := range also.Put {
		w.there[r.Ref] = r
	}
	for _, ref := range also.Remove {
		w.gone[ref] = w.there[ref]
		delete(w.there, ref)
	}
	return ref.Key, also
}

// relink lets a link to many lead to one more, or no longer.
func relink(r *resources.Resource, p schema.PropertyName, to resources.Key, there bool) {
	keys := slices.DeleteFunc(slices.Clone(r.Links[p]), func(key resources.Key) bool { return key == to })
	if there {
		keys = append(keys, to)
	}
	slices.Sort(keys)
	if delete(r.Links, p); len(keys) > 0 {
		r.Links[p] = keys
	}
}

package statement

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// outlinesMax bounds what a reader remembers: beyond it, what is new is
// understood anew each time. Some hundred rule lines and some thousand groups
// make up nearly all outlines.
const outlinesMax = 20_000

// errDocument: a document is not what this release or an earlier one wrote.
var errDocument = errors.New("the document is damaged, or a later release wrote it")

// A reader decodes documents. What it understood once it shares between the
// resources that it returns: nobody changes reasons in place. It is used by one
// goroutine.
type reader struct {
	handlings map[string]orders.Handling
	outlines  map[outlined]map[string]outline
	known     int
	last      outlined
	lastKnown map[string]outline
	text      string // what is left of the document
	damaged   bool
}

// outlined is what an outline depends on beside its own text.
type outlined struct {
	of   roles.ResourceTypeID
	mark string
}

// outline is what many people's items have in common.
type outline struct {
	property schema.PropertyName
	link     resources.Key
	compare  value.Comparison
	once     bool
	workflow assignments.Workflow
	reasons  []assignments.Reason
}

// decode fills in what the document of a resource says; its columns are there.
func (r *reader) decode(a *orders.AssignedResource, text string) error {
	if text == "" || text[0] != compactForm {
		var d document
		err := json.Unmarshal([]byte(text), &d)
		a.Handling, a.Arguments, a.Items = d.Handling, d.Arguments, d.Items
		return err
	}
	r.text, r.damaged = text[1:], false
	a.Handling = r.handling(r.words())
	if n := r.length(); n > 0 {
		a.Arguments = make(map[string]string, n)
		for range n {
			name := r.words()
			a.Arguments[name] = r.words()
		}
	}
	a.Period = r.period()
	b := base{period: a.Period, readAt: r.instant(), settledAt: r.instant(), mark: r.words()}
	known := r.outlinesOf(outlined{a.Type, b.mark})
	n := r.length()
	a.Items = make([]orders.Item, n)
	id := 0
	for i := range a.Items {
		if r.damaged {
			break
		}
		if err := r.item(&a.Items[i], known, a.Type, b, id); err != nil {
			return err
		}
		id = a.Items[i].ID + 1
	}
	if r.damaged || r.text != "" {
		return errDocument
	}
	return nil
}

// outlinesOf returns the outlines known of a resource type and mark.
func (r *reader) outlinesOf(at outlined) map[string]outline {
	if r.lastKnown != nil && r.last == at {
		return r.lastKnown
	}
	at.mark = strings.Clone(at.mark)
	known, ok := r.outlines[at]
	if !ok {
		if r.outlines == nil {
			r.outlines = map[outlined]map[string]outline{}
		}
		known = map[string]outline{}
		r.outlines[at] = known
	}
	r.last, r.lastKnown = at, known
	return known
}

func (r *reader) number() (n uint64) {
	for shift, i := 0, 0; i < len(r.text) && shift < 64; shift, i = shift+5, i+1 {
		d := digitOf[r.text[i]]
		if d < 0 {
			break
		}
		n |= uint64(d&31) << shift
		if d < 32 {
			r.text = r.text[i+1:]
			return n
		}
	}
	r.damaged, r.text = true, ""
	return 0
}

// digitOf turns digits around; -1 is none.
var digitOf = func() (table [256]int8) {
	for i := range table {
		table[i] = int8(strings.IndexByte(digits, byte(i)))
	}
	return table
}()

// length reads how many of something follow, each of which takes a character at least.
func (r *reader) length() int {
	n := r.number()
	if n > uint64(len(r.text)) {
		r.damaged, r.text = true, ""
		return 0
	}
	return int(n) // #nosec G115 -- at most the length of the text
}

func (r *reader) words() string {
	n := r.length()
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}

func (r *reader) signed() int64           { n := r.number(); return int64(n>>1) ^ -int64(n&1) }
func (r *reader) count() int              { return int(r.signed()) }
func (r *reader) instant() orders.Instant { return orders.Instant(r.signed()) }

func (r *reader) place() orders.Place {
	n := r.number()
	state := n / uint64(len(markCodes))
	if state > uint64(orders.Executed) {
		r.damaged = true
		return orders.Place{}
	}
	return orders.Place{State: orders.State(state), Mark: markCodes[n%uint64(len(markCodes))]}
}

func (r *reader) day() time.Time {
	n := r.number()
	if n == 0 {
		return time.Time{}
	}
	if n > uint64(time.Second) {
		r.damaged = true
	}
	return time.Unix(r.signed(), int64(n-1)).UTC() // #nosec G115 -- less than a second
}

func (r *reader) period() assignments.Period {
	from := r.day()
	return assignments.Period{From: from, To: r.day()}
}

func (r *reader) holding() orders.Holding {
	if r.text == "" {
		r.damaged = true
		return orders.Nothing
	}
	letter := r.text[0]
	r.text = r.text[1:]
	if letter == '-' {
		return orders.Nothing
	}
	h := orders.Holding{There: letter < 'a'}
	if !h.There {
		letter -= 'a' - 'A'
	}
	kind := strings.IndexByte(typeLetters, letter)
	switch {
	case kind < 0:
		r.damaged = true
	case kind > 0:
		h.Value = value.Canonical(typeCodes[kind], r.words())
	}
	return h
}

func (r *reader) handling(text string) orders.Handling {
	if h, ok := r.handlings[text]; ok {
		return h
	}
	text = strings.Clone(text)
	in := reader{text: text}
	h := orders.Handling{
		Connector: schema.ConnectorID(in.words()), Connection: schema.ConnectionID(in.words()), Target: schema.EntityType(in.words()),
	}
	flags := in.number()
	h.Manual, h.Readable, h.Review = flags&1 != 0, flags&2 != 0, flags&4 != 0
	h.Add, h.Remove, h.DiscardManual = flags&8 != 0, flags&16 != 0, flags&32 != 0
	h.Attempts = in.count()
	h.Validity = time.Duration(in.signed())
	h.Settle = time.Duration(in.signed())
	r.damaged = r.damaged || in.damaged || in.text != ""
	if r.handlings == nil {
		r.handlings = map[string]orders.Handling{}
	}
	if len(r.handlings) < outlinesMax {
		r.handlings[text] = h
	}
	return h
}

func (r *reader) item(it *orders.Item, known map[string]outline, of roles.ResourceTypeID, b base, id int) error {
	h := has(r.number())
	o := r.outline(r.words(), known, of, b.mark)
	it.ID, it.Property, it.Link, it.Place = id, o.property, o.link, orders.Place{State: orders.Verified}
	it.ReadAt, it.SettledAt, it.Workflow = b.readAt, b.settledAt, o.workflow
	p := &it.Policy
	p.Wanted, p.Once, p.Compare, p.Workflow, p.Reasons = true, o.once, o.compare, o.workflow, o.reasons
	p.Period, p.Holding = b.period, r.holding()
	if h != 0 {
		return r.differences(it, h)
	}
	it.Want, it.Is, it.Before = p.Holding, p.Holding, p.Holding
	return nil
}

// differences reads what of an item is not as it is at rest, in the order in
// which pen.item writes it.
func (r *reader) differences(it *orders.Item, h has) error {
	p := &it.Policy
	read := func(bit has, do func()) {
		if h&bit != 0 {
			do()
		}
	}
	is, before := orders.Nothing, orders.Nothing
	read(hasPlace, func() { it.Place = r.place() })
	read(hasOrder, func() { it.Order = orders.OrderID(r.signed()); it.Steps = r.count() })
	read(hasIs, func() { is = r.holding() })
	read(hasBefore, func() { before = r.holding() })
	read(hasSent, func() { it.SentAt = r.instant(); it.DoneAt = r.instant() })
	it.Want = p.Holding
	read(hasWant, func() { it.Want = r.holding() })
	if it.Is = it.Want; h&hasIs != 0 {
		it.Is = is
	}
	if it.Before = it.Is; h&hasBefore != 0 {
		it.Before = before
	}
	read(hasSettled, func() { it.SettledAt = r.instant() })
	read(hasReadAt, func() { it.ReadAt = r.instant() })
	read(hasPeriod, func() { p.Period = r.period() })
	read(hasWorkflow, func() { it.Workflow = assignments.Workflow(r.count()) })
	read(hasAttempts, func() { it.Attempts = r.count(); it.NotBefore = r.instant() })
	p.Wanted = h&hasUnwanted == 0
	read(hasID, func() { it.ID = r.count() })
	read(hasOurs, func() {
		it.Ours = make([]orders.Sent, r.length())
		for i := range it.Ours {
			it.Ours[i] = orders.Sent{Holding: r.holding(), At: r.instant(), Done: r.instant()}
		}
	})
	if h&hasDecision != 0 {
		if err := json.Unmarshal([]byte(r.words()), &it.Decision); err != nil {
			return err
		}
	}
	read(hasMessage, func() { it.Message = r.words() })
	read(hasFormer, func() { former := r.place(); it.Former = &former })
	read(hasBy, func() { it.By = r.words() })
	read(hasCondition, func() {
		p.Failed = r.words()
		p.Parked = r.words()
		flags := r.number()
		p.Released, p.Review = flags&1 != 0, flags&2 != 0
		p.Doubt = r.count()
	})
	return nil
}

// outline understands what many items have in common, or remembers it.
func (r *reader) outline(text string, known map[string]outline, of roles.ResourceTypeID, mark string) outline {
	if o, ok := known[text]; ok {
		return o
	}
	text = strings.Clone(text) // remembering a part must not keep the document
	in := reader{text: text}
	o := outline{property: schema.PropertyName(in.words()), link: resources.Key(in.words())}
	flags := in.number()
	o.once = flags&1 != 0
	if flags>>1 < uint64(len(compareCodes)) {
		o.compare = compareCodes[flags>>1]
	} else {
		in.damaged = true
	}
	o.workflow = assignments.Workflow(in.number()) // #nosec G115 -- a number that is no workflow state names none
	if n := in.length(); n > 0 {
		o.reasons = make([]assignments.Reason, n)
		for i := range o.reasons {
			o.reasons[i] = in.reason(string(of), string(o.property), strings.Clone(mark))
		}
	}
	r.damaged = r.damaged || in.damaged || in.text != ""
	if r.known < outlinesMax {
		known[text] = o
		r.known++
	}
	return o
}

func (r *reader) reason(of, property, mark string) assignments.Reason {
	flags := r.number()
	x := assignments.Reason{Mark: mark}
	if flags&1 != 0 {
		x.Role = roles.RoleID(r.words())
	}
	x.Rule = r.rule(of, property, string(x.Role))
	if flags&2 != 0 {
		x.With = assignments.Parameters(r.words())
	}
	if flags&4 != 0 {
		x.Mark = r.words()
	}
	if flags&8 != 0 {
		x.Note = r.words()
	}
	return x
}

func (r *reader) rule(of, property, role string) string {
	if r.text == "" {
		r.damaged = true
		return ""
	}
	kind := r.text[0]
	r.text = r.text[1:]
	var name string
	switch kind {
	case ruleInFull:
		return r.words()
	case ruleOfValue:
		name = "resourceTypes." + of + ".values." + property
	case ruleOfWho:
		name = "resourceTypes." + of + ".who"
	case ruleOfGrant:
		name = "roles." + role + ".grants"
	default:
		r.damaged = true
	}
	return name + "[" + strconv.FormatUint(r.number(), 10) + "]"
}

package statement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/value"
)

// What an assigned resource keeps beside its columns is one text, because a
// large organisation has millions of them and nearly all are at rest: an item
// that is Verified with the value that its rule gives is written as its property,
// the place of the rule line and the value once. Whatever differs from that has a
// bit of its own (document.has). The text begins with the form that it is
// written in; earlier releases wrote JSON, which begins with a brace, and is
// still read. It holds no reference to anything outside of the row: a document
// reads the same in a copy of the store and beside another release.
//
// The values that rules read are not kept: package explain reads them anew.

// compactForm is the first character of a document in the form that this file writes.
const compactForm = '1'

// document is the JSON form: what earlier releases wrote, and the form of what is
// no text that both databases take, or has no code in the other form.
type document struct {
	Handling  orders.Handling   `json:"handling"`
	Arguments map[string]string `json:"arguments,omitempty"`
	Items     []orders.Item     `json:"items"`
}

// has says what of an item is not as it is at rest. The frequent bits come
// first: five of them take one character.
type has uint64

const (
	hasPlace     has = 1 << iota
	hasOrder         // the open order, the steps so far
	hasIs            // what was read is not what is wanted
	hasBefore        // what was there before is not what was read
	hasSent          // sent and done at some time
	hasWant          // proposed is not what the rules want
	hasSettled       // at another time than the resource
	hasReadAt        // in another reading than the resource
	hasPeriod        // other days than the resource
	hasWorkflow      // another one than the rules'
	hasAttempts      // and the time of the next one
	hasUnwanted      // no rule wants it
	hasID            // not the number that follows the last item's
	hasOurs          // values on their way
	hasDecision      // what people said
	hasMessage       // the system's words
	hasFormer        // the place before Error
	hasBy            // who confirmed it
	hasCondition     // failed, parked, released, doubt, review
)

// digits write numbers, five bits each, the lowest first; the upper half says
// that more follow. None of them has to be escaped anywhere.
const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"

// A pen writes a document.
type pen struct {
	text    []byte
	part    []byte // of which the length comes first
	strange bool   // something has no code
}

func number(text []byte, n uint64) []byte {
	for n >= 32 {
		text = append(text, digits[32+n&31])
		n >>= 5
	}
	return append(text, digits[n])
}

func words(text []byte, s string) []byte { return append(number(text, uint64(len(s))), s...) }

func (p *pen) number(n uint64)          { p.text = number(p.text, n) }
func (p *pen) count(n int)              { p.signed(int64(n)) }
func (p *pen) signed(n int64)           { p.number(uint64(n<<1) ^ uint64(n>>63)) } // #nosec G115 -- the sign goes into the last bit
func (p *pen) instant(i orders.Instant) { p.signed(int64(i)) }
func (p *pen) words(s string)           { p.text = words(p.text, s) }

func (p *pen) place(at orders.Place) {
	p.number(uint64(at.State)*uint64(len(markCodes)) + codeOf(p, markCodes[:], at.Mark))
}

// codeOf finds a code; what has none is noted.
func codeOf[T comparable](p *pen, codes []T, of T) uint64 {
	code := slices.Index(codes, of)
	if code < 0 {
		p.strange = true
		return 0
	}
	return uint64(code)
}

// day writes a bound of a period; seconds, since a nanosecond count ends in 2262
// and periods end in 9999.
func (p *pen) day(t time.Time) {
	if t.IsZero() {
		p.number(0)
		return
	}
	p.number(1 + uint64(t.Nanosecond())) // #nosec G115 -- never below 0
	p.signed(t.Unix())
}

func (p *pen) period(d assignments.Period) { p.day(d.From); p.day(d.To) }

// The codes of marks and comparisons are their places in these lists, those of
// types the letters: none of them may ever change its meaning.
var (
	markCodes = [...]orders.Mark{
		orders.Unmarked, orders.ReadBack, orders.Unknown, orders.Found, orders.Declined, orders.Frozen, orders.Released,
	}
	compareCodes = [...]value.Comparison{"", value.Exact, value.IgnoreCase, value.IgnoreDiacritics, value.Simplified, value.Phonetic}
	typeCodes    = [...]value.Type{"", value.String, value.Int, value.Float, value.Bool, value.Date, value.Time, value.DN, value.Binary}
)

// typeLetters name the types of values that are there, in the order of
// typeCodes; the lower-case letters those of values that are not.
const typeLetters = "PSIFBDTNY"

func (p *pen) holding(h orders.Holding) {
	if h == orders.Nothing {
		p.text = append(p.text, '-')
		return
	}
	letter := typeLetters[codeOf(p, typeCodes[:], h.Value.Type())]
	if !h.There {
		letter += 'a' - 'A'
	}
	p.text = append(p.text, letter)
	if !h.Value.IsNull() {
		p.words(h.Value.Text())
	}
}

// encode writes what an assigned resource keeps beside its columns.
func (p *pen) encode(a *orders.AssignedResource) (string, error) {
	p.text, p.strange = append(p.text[:0], compactForm), false
	p.part = appendHandling(p.part[:0], a.Handling)
	p.number(uint64(len(p.part)))
	p.text = append(p.text, p.part...)
	p.number(uint64(len(a.Arguments)))
	for _, name := range sortedNames(a.Arguments) {
		p.words(name)
		p.words(a.Arguments[name])
	}
	base := baseOf(a)
	p.period(base.period)
	p.instant(base.readAt)
	p.instant(base.settledAt)
	p.words(base.mark)
	p.number(uint64(len(a.Items)))
	id := 0
	for i := range a.Items {
		if err := p.item(a, &a.Items[i], base, id); err != nil {
			return "", err
		}
		id = a.Items[i].ID + 1
	}
	if p.strange || !utf8.Valid(p.text) || bytes.IndexByte(p.text, 0) >= 0 {
		plain, err := json.Marshal(document{Handling: a.Handling, Arguments: a.Arguments, Items: a.Items})
		return string(plain), err
	}
	return string(p.text), nil
}

func sortedNames(m map[string]string) []string {
	if len(m) == 0 {
		return nil
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// base is what most items have in common with the resource itself.
type base struct {
	period            assignments.Period
	readAt, settledAt orders.Instant
	mark              string
}

func baseOf(a *orders.AssignedResource) base {
	b := base{period: a.Period}
	if len(a.Items) > 0 {
		self := &a.Items[0]
		b.readAt, b.settledAt = self.ReadAt, self.SettledAt
		if len(self.Policy.Reasons) > 0 {
			b.mark = self.Policy.Reasons[0].Mark
		}
	}
	return b
}

func appendHandling(text []byte, h orders.Handling) []byte {
	text = words(text, string(h.Connector))
	text = words(text, string(h.Connection))
	text = words(text, string(h.Target))
	text = number(text, bits(h.Manual, h.Readable, h.Review, h.Add, h.Remove, h.DiscardManual))
	for _, n := range [...]int64{int64(h.Attempts), int64(h.Validity), int64(h.Settle)} {
		text = number(text, uint64(n<<1)^uint64(n>>63)) // #nosec G115 -- the sign goes into the last bit
	}
	return text
}

// bits packs truth values, the first lowest.
func bits(list ...bool) (n uint64) {
	for i, b := range list {
		if b {
			n |= 1 << i
		}
	}
	return n
}

// differs says what of an item is not as it is at rest.
func (b base) differs(it *orders.Item, id int) (h has) {
	p := &it.Policy
	for _, c := range [...]struct {
		bit has
		is  bool
	}{
		{hasPlace, it.Place != orders.Place{State: orders.Verified}},
		{hasOrder, it.Order != 0 || it.Steps != 0},
		{hasIs, it.Is != it.Want},
		{hasBefore, it.Before != it.Is},
		{hasSent, it.SentAt != 0 || it.DoneAt != 0},
		{hasWant, it.Want != p.Holding},
		{hasSettled, it.SettledAt != b.settledAt},
		{hasReadAt, it.ReadAt != b.readAt},
		{hasPeriod, !p.Period.From.Equal(b.period.From) || !p.Period.To.Equal(b.period.To)},
		{hasWorkflow, it.Workflow != p.Workflow},
		{hasAttempts, it.Attempts != 0 || it.NotBefore != 0},
		{hasUnwanted, !p.Wanted},
		{hasID, it.ID != id},
		{hasOurs, len(it.Ours) > 0},
		{hasDecision, decided(&it.Decision)},
		{hasMessage, it.Message != ""},
		{hasFormer, it.Former != nil},
		{hasBy, it.By != ""},
		{hasCondition, p.Failed != "" || p.Parked != "" || p.Released || p.Doubt != 0 || p.Review},
	} {
		if c.is {
			h |= c.bit
		}
	}
	return h
}

// decided reports whether people said anything about an item.
func decided(d *orders.Decision) bool {
	return len(d.Declined) > 0 || d.Exception != nil || d.Against != orders.Nothing || d.Frozen || d.Blocked || d.Approved || d.Retried ||
		d.Released || d.Postponed != 0 || d.Refused || d.Correct || d.By != "" || d.Role != "" || d.With != ""
}

func (p *pen) item(a *orders.AssignedResource, it *orders.Item, b base, id int) error {
	h := b.differs(it, id)
	p.number(uint64(h))
	p.part = appendOutline(p.part[:0], string(a.Type), it, b.mark, codeOf(p, compareCodes[:], it.Policy.Compare))
	p.number(uint64(len(p.part)))
	p.text = append(p.text, p.part...)
	p.holding(it.Policy.Holding)
	if h == 0 {
		return nil
	}
	write := func(bit has, do func()) {
		if h&bit != 0 {
			do()
		}
	}
	write(hasPlace, func() { p.place(it.Place) })
	write(hasOrder, func() { p.signed(int64(it.Order)); p.count(it.Steps) })
	write(hasIs, func() { p.holding(it.Is) })
	write(hasBefore, func() { p.holding(it.Before) })
	write(hasSent, func() { p.instant(it.SentAt); p.instant(it.DoneAt) })
	write(hasWant, func() { p.holding(it.Want) })
	write(hasSettled, func() { p.instant(it.SettledAt) })
	write(hasReadAt, func() { p.instant(it.ReadAt) })
	write(hasPeriod, func() { p.period(it.Policy.Period) })
	write(hasWorkflow, func() { p.count(int(it.Workflow)) })
	write(hasAttempts, func() { p.count(it.Attempts); p.instant(it.NotBefore) })
	write(hasID, func() { p.count(it.ID) })
	write(hasOurs, func() {
		p.number(uint64(len(it.Ours)))
		for _, sent := range it.Ours {
			p.holding(sent.Holding)
			p.instant(sent.At)
			p.instant(sent.Done)
		}
	})
	if h&hasDecision != 0 {
		said, err := json.Marshal(it.Decision)
		if err != nil {
			return fmt.Errorf("decision on %s: %w", it.Name(), err)
		}
		p.words(string(said))
	}
	write(hasMessage, func() { p.words(it.Message) })
	write(hasFormer, func() { p.place(*it.Former) })
	write(hasBy, func() { p.words(it.By) })
	write(hasCondition, func() {
		p.words(it.Policy.Failed)
		p.words(it.Policy.Parked)
		p.number(bits(it.Policy.Released, it.Policy.Review))
		p.count(it.Policy.Doubt)
	})
	return nil
}

// The ways of naming a rule line.
const (
	ruleInFull  = 'x'
	ruleOfValue = 'v' // of this property of this resource type
	ruleOfWho   = 'w' // of this resource type
	ruleOfGrant = 'g' // of the reason's role
)

// appendOutline writes what many people's items have in common: reading them,
// it is understood once.
func appendOutline(text []byte, of string, it *orders.Item, mark string, compare uint64) []byte {
	text = words(text, string(it.Property))
	text = words(text, string(it.Link))
	p := &it.Policy
	text = number(text, compare<<1|bits(p.Once))
	text = number(text, uint64(p.Workflow)) // #nosec G115 -- never below 0
	text = number(text, uint64(len(p.Reasons)))
	for i := range p.Reasons {
		r := &p.Reasons[i]
		text = number(text, bits(r.Role != "", r.With != "", r.Mark != mark, r.Note != ""))
		if r.Role != "" {
			text = words(text, string(r.Role))
		}
		text = appendRule(text, r, of, string(it.Property))
		if r.With != "" {
			text = words(text, string(r.With))
		}
		if r.Mark != mark {
			text = words(text, r.Mark)
		}
		if r.Note != "" {
			text = words(text, r.Note)
		}
	}
	return text
}

func appendRule(text []byte, r *assignments.Reason, of, property string) []byte {
	if n, ok := lineOf(r.Rule, "resourceTypes.", of, ".values.", property); ok {
		return number(append(text, ruleOfValue), n)
	}
	if n, ok := lineOf(r.Rule, "resourceTypes.", of, ".who"); ok {
		return number(append(text, ruleOfWho), n)
	}
	if n, ok := lineOf(r.Rule, "roles.", string(r.Role), ".grants"); ok {
		return number(append(text, ruleOfGrant), n)
	}
	return words(append(text, ruleInFull), r.Rule)
}

// lineOf returns the number in brackets behind the parts of a rule's name, if
// that is what the name consists of.
func lineOf(rule string, parts ...string) (uint64, bool) {
	for _, part := range parts {
		rest, ok := strings.CutPrefix(rule, part)
		if !ok {
			return 0, false
		}
		rule = rest
	}
	if len(rule) < 3 || rule[0] != '[' || rule[len(rule)-1] != ']' {
		return 0, false
	}
	inner := rule[1 : len(rule)-1]
	n, err := strconv.ParseUint(inner, 10, 32)
	return n, err == nil && (inner[0] != '0' || inner == "0") && inner[0] != '+'
}

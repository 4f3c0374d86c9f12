package behaviour

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// A fact is one thing that can be said of a subject: its word and what is so.
// Three need no word: the state, a quoted value and a period.
type fact struct {
	word, is string
	// part: the expectation names a part of it, as of a sentence.
	part bool
}

type facts []fact

// The facts that need no word.
const (
	state  = "state"
	holds  = "value"
	period = "period"
)

// accountFacts are what can be said of an account: its state is the consolidated one.
func accountFacts(a *orders.AssignedResource) facts {
	return facts{
		{state, a.Consolidated().String(), false},
		{"workflow", strconv.Itoa(int(a.Workflow())), false},
		{period, periodText(a.Period), false},
		{"is", string(a.Target), false},
		{"confidence", strconv.Itoa(a.Confidence), false},
		{"because", because(a.Items[0].Policy.Reasons), true},
	}
}

// itemFacts are what can be said of an account itself or of one of its values.
func itemFacts(it *orders.Item) facts {
	return facts{
		{state, it.Place.String(), false},
		{holds, it.Want.String(), false},
		{"found", it.Is.String(), false},
		{"policy", it.Policy.Holding.String(), false},
		{"workflow", strconv.Itoa(int(it.Workflow)), false},
		{period, periodText(it.Policy.Period), false},
		{"because", because(it.Policy.Reasons), true},
		{"says", strings.TrimSpace(it.Message + " " + it.Policy.Failed + " " + it.Policy.Parked), true},
	}
}

// roleFacts are what can be said of a role that somebody has.
func roleFacts(r *view.Role) facts {
	return facts{
		{state, r.Shows, false},
		{"shows", r.Shows, false},
		{"workflow", strconv.Itoa(r.Workflow.Number), false},
		{period, periodText(assignments.Period{From: r.Start, To: r.End}), false},
		{"because", because(r.Reasons), true},
	}
}

// orderFacts are what can be said of an open order: its state is the worst of what it carries.
func orderFacts(a *orders.AssignedResource) facts {
	var names []string
	carried := &orders.AssignedResource{}
	for _, it := range a.Carried() {
		names = append(names, nameOf(it))
		carried.Items = append(carried.Items, *it)
	}
	slices.Sort(names)
	return facts{
		{state, carried.Consolidated().String(), false},
		{"carries", strings.Join(names, ","), false},
		{"waits", a.Order.Waits, true},
		{"taken", a.Order.TakenBy, false},
		{"arguments", argumentsText(a.Arguments), false},
	}
}

// argumentsText writes what is handed to the package: site=BRU,team=T7.
func argumentsText(args map[string]string) string {
	var parts []string
	for _, name := range sorted(args) {
		parts = append(parts, name+"="+args[name])
	}
	return strings.Join(parts, ",")
}

// differ reads what a line says of a subject and returns what is otherwise.
func (f facts) differ(p *phrase) (wrong []string, err error) {
	for !p.done() {
		name, want, err := f.claim(p)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(f, func(x fact) bool { return x.word == name })
		if i < 0 {
			return nil, fmt.Errorf("%q says nothing here: there are %s", name, f.words())
		}
		x := f[i]
		if x.is == want || x.part && want != "" && strings.Contains(x.is, want) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", x.word, x.is, want))
	}
	return wrong, nil
}

// claim reads one thing that is said.
func (f facts) claim(p *phrase) (name, want string, err error) {
	if at := p.words[p.at]; at.quoted {
		p.at++
		return holds, at.text, nil
	}
	if text := p.place(); text != "" {
		return state, text, nil
	}
	w, _ := p.next("")
	if strings.Contains(w.text, "..") {
		return period, w.text, nil
	}
	if !slices.ContainsFunc(f, func(x fact) bool { return x.word == w.text }) {
		return "", "", fmt.Errorf("%q is no state and nothing that can be said here: there are %s", w.text, f.words())
	}
	if want, err = p.text("what it is"); err == nil && w.text == "carries" {
		names := strings.Split(want, ",")
		slices.Sort(names)
		want = strings.Join(names, ",")
	}
	return w.text, want, err
}

func (f facts) words() string {
	var list []string
	for _, x := range f {
		list = append(list, x.word)
	}
	return strings.Join(list, ", ")
}

// placesByText are the states and places as the domain spells them.
var placesByText = func() map[string]bool {
	m := map[string]bool{}
	for _, x := range orders.Places() {
		m[x.String()] = true
	}
	return m
}()

// placeWords is the longest spelling of a place: Transmitted (to be read back).
const placeWords = 5

// place reads the longest spelling of a state that comes next, "" for none.
func (p *phrase) place() string {
	for n := min(placeWords, len(p.words)-p.at); n > 0; n-- {
		var parts []string
		for _, w := range p.words[p.at : p.at+n] {
			if w.quoted {
				break
			}
			parts = append(parts, w.text)
		}
		if text := strings.Join(parts, " "); len(parts) == n && placesByText[text] {
			p.at += n
			return text
		}
	}
	return ""
}

// periodText reads 2026-01-01..2026-12-31; an open end is left out.
func periodText(x assignments.Period) string {
	return dateText(x.From) + ".." + dateText(x.To)
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// because joins reasons: rules, roles and notes.
func because(list []assignments.Reason) string {
	var parts []string
	for _, r := range list {
		text := r.Rule
		if r.Role != "" {
			text += " role " + string(r.Role)
		}
		if r.Note != "" {
			text += " (" + r.Note + ")"
		}
		parts = append(parts, strings.TrimSpace(text))
	}
	return strings.Join(parts, "; ")
}

// text writes facts in one line.
func (f facts) text() string {
	var parts []string
	for _, x := range f {
		switch {
		case x.is == "" || x.is == "..":
		case x.word == state || x.word == period:
			parts = append(parts, x.is)
		case x.word == holds:
			parts = append(parts, strconv.Quote(x.is))
		case x.part || x.word == "found" || x.word == "policy":
			parts = append(parts, x.word+" "+strconv.Quote(x.is))
		default:
			parts = append(parts, x.word+" "+x.is)
		}
	}
	return strings.Join(parts, " ")
}

// everything lists what somebody has, for failures.
func (w *world) everything(person string) string {
	lines := []string{}
	if list, err := w.rolesOf(person); err == nil {
		for i := range list {
			lines = append(lines, "role "+list[i].Role+" "+roleFacts(&list[i]).text())
		}
	}
	list, err := w.accounts(person)
	if err != nil {
		return err.Error()
	}
	for _, a := range list {
		lines = append(lines, string(a.Type)+" "+accountFacts(a).text())
		if a.Order != nil {
			lines = append(lines, "  "+orderText(a))
		}
		for i := range a.Items {
			lines = append(lines, "  "+nameOf(&a.Items[i])+" "+itemFacts(&a.Items[i]).text())
		}
	}
	return fmt.Sprintf("on %s %s has:\n%s", w.pass(0).Format(time.DateOnly), person, indent(lines))
}

func orderText(a *orders.AssignedResource) string {
	return fmt.Sprintf("order %d: %s %s %s %s", a.Order.ID, a.Order.Kind, a.Owner.Key, a.Type, orderFacts(a).text())
}

// orders lists the open orders.
func (w *world) orders() ([]string, error) {
	list, err := w.engine.Assigned(context.Background(), stage.AssignedFilter{OpenOnly: true})
	var lines []string
	for _, a := range list {
		lines = append(lines, orderText(a))
	}
	return lines, err
}

// questions lists what was found and nobody ordered: "E1 Account", then
// "unauthorized" or the values.
func (w *world) questions() ([]string, error) {
	page, err := w.engine.Views().Reconciliation(context.Background(), view.ReconciliationFilter{})
	var lines []string
	for _, q := range page.Questions {
		text := q.Owner.Key + " " + q.Account.Type
		if q.Unauthorized {
			text += " unauthorized " + q.Account.Target
		}
		for _, it := range q.Account.Items {
			text += fmt.Sprintf(" %s=%s", strings.ReplaceAll(it.Name, " → ", "->"), it.Current)
		}
		lines = append(lines, text)
	}
	return lines, err
}

// parked lists what a threshold holds: "Account additions: why", "Person reading: why".
func (w *world) parked() ([]string, error) {
	ctx := context.Background()
	parks, err := w.engine.Views().Parks(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, x := range parks {
		lines = append(lines, fmt.Sprintf("%s %ss: %s", x.Type, x.Kind, x.Why))
	}
	readings, err := w.engine.LastReadings(ctx)
	for _, x := range readings {
		if x.Last.State == resources.Parked {
			lines = append(lines, fmt.Sprintf("%s reading: %s", x.Entity, x.Last.Why))
		}
	}
	return lines, err
}

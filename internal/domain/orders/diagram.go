package orders

import (
	"fmt"
	"slices"
	"strings"
)

// A Path is a part of the machine that is worth a picture of its own.
type Path string

// The paths.
const (
	ReviewPath    Path = "with review"
	ManualPath    Path = "manual"
	AutomaticPath Path = "automatic"
)

// paths say which places and events belong to a picture.
var paths = map[Path]struct {
	places []Place
	events []Event
}{
	ReviewPath: {
		[]Place{atNone, atPending, atAwaiting, atDeclined, atFrozen, atVerified},
		[]Event{Expect, Hold, Approve, Decline, Postpone, Revoke},
	},
	ManualPath: {
		[]Place{atPending, atTransmitted, atErrored, atUnknown, atVerified, atInactive, atExecuted},
		[]Event{Collect, Done, Refuse, Expire, Recall, Retry, Verify},
	},
	AutomaticPath: {
		[]Place{atPending, atTransmitted, atReadBack, atErrored, atUnknown, atVerified, atExecuted},
		[]Event{Collect, Done, Refuse, Lose, Expire, Confirm, Contradict, Retry, Verify},
	},
}

// Diagram draws the machine in Mermaid's notation: the whole by its nine states
// or, with paths named, what belongs to any of them by its places.
func Diagram(only ...Path) string {
	if len(only) == 0 {
		return draw(Triples(), func(p Place) string { return p.State.String() })
	}
	var triples []Triple
	for _, t := range Triples() {
		if slices.ContainsFunc(only, func(p Path) bool {
			path := paths[p]
			return slices.Contains(path.places, t.From) && slices.Contains(path.places, t.To) && slices.Contains(path.events, t.Event)
		}) {
			triples = append(triples, t)
		}
	}
	return draw(triples, Place.String)
}

// draw writes one arrow for all events between two nodes, in the order of the
// places, and leaves out what leads back to where it came from.
func draw(triples []Triple, name func(Place) string) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	declared := map[string]bool{}
	labels := map[[2]string][]string{}
	for _, t := range triples {
		for _, p := range []Place{t.From, t.To} {
			if node := name(p); !declared[node] {
				declared[node] = true
				fmt.Fprintf(&b, "    state %q as %s\n", node, identifier(node))
			}
		}
		arrow := [2]string{name(t.From), name(t.To)}
		if t.From != t.To && arrow[0] != arrow[1] && !slices.Contains(labels[arrow], string(t.Event)) {
			labels[arrow] = append(labels[arrow], string(t.Event))
		}
	}
	drawn := map[[2]string]bool{}
	for _, from := range Places() {
		for _, to := range Places() {
			arrow := [2]string{name(from), name(to)}
			if len(labels[arrow]) == 0 || drawn[arrow] {
				continue
			}
			drawn[arrow] = true
			fmt.Fprintf(&b, "    %s --> %s: %s\n", identifier(arrow[0]), identifier(arrow[1]), strings.Join(labels[arrow], ", "))
		}
	}
	return b.String()
}

// identifier is a node's name without what Mermaid reads as punctuation.
func identifier(node string) string {
	return strings.NewReplacer(" ", "", "(", "_", ")", "").Replace(node)
}

// Markdown is the machine as a page of the documentation: the pictures, the
// states, and every row of the table in its order.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Provisioning states\n\n" +
		"This page is generated from the transition table. What is not in the table is refused and leaves everything as it was.\n")
	for _, picture := range []struct {
		title string
		only  []Path
	}{
		{"The whole", nil}, {"With review", []Path{ReviewPath}},
		{"Manual connections", []Path{ManualPath}}, {"Automatic connections", []Path{AutomaticPath}},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n```mermaid\n%s```\n", picture.title, Diagram(picture.only...))
	}
	b.WriteString("\n## States\n\n| no | state | marks | who moves it on |\n|---|---|---|---|\n")
	for _, s := range States() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", s, s, strings.Join(marksOf(s), ", "), s.Owner())
	}
	b.WriteString("\n## Transitions\n\nWhere several rows fit, the first whose condition holds decides.\n\n" +
		"| what happens | from | event | by | condition | to |\n|---|---|---|---|---|---|\n")
	for i := range table {
		row := &table[i]
		condition := "yes"
		if row.When == nil {
			condition = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", row.Name, list(row.From), row.On, row.By, condition, row.leads())
	}
	return b.String()
}

func marksOf(s State) []string {
	var marks []string
	for _, p := range Places() {
		if p.State == s && p.Mark != Unmarked {
			marks = append(marks, string(p.Mark))
		}
	}
	return marks
}

func list(places []Place) string {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.String()
	}
	return strings.Join(names, "; ")
}

// leads says in words where a row leads.
func (r *Row) leads() string {
	switch {
	case r.Stay:
		return "unchanged"
	case r.Prior:
		return "as before the Error"
	case r.Fresh:
		return "as from None"
	}
	return list(r.To)
}

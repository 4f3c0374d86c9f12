package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/value"
)

// A TestReport is what came of policy tests.
type TestReport struct {
	Tests []TestOutcome `json:"tests"`
	Rules int           `json:"rules"`
	// Untouched are the rule lines that held for nobody in any test.
	Untouched []UntouchedRule `json:"untouched,omitempty"`
}

// A TestOutcome is what came of one test.
type TestOutcome struct {
	Claim  string          `json:"claim"`
	At     schema.Position `json:"at"`
	Missed []Missed        `json:"missed,omitempty"` // nothing: it holds
}

// Missed is an expectation that does not hold.
type Missed struct {
	At   schema.Position `json:"at"`
	What string          `json:"what"`
}

// An UntouchedRule is a rule line that no test speaks of.
type UntouchedRule struct {
	Rule string          `json:"rule"`
	At   schema.Position `json:"at"`
}

// Failed counts the tests that do not hold.
func (r TestReport) Failed() (n int) {
	for _, t := range r.Tests {
		if len(t.Missed) > 0 {
			n++
		}
	}
	return n
}

// Test runs policy tests: each in a world of its own, by the functions that a
// plan and a run call. Nothing is read from a store and nothing is written.
func Test(c *declare.Configuration, tests []declare.PolicyTest) (TestReport, error) {
	report := TestReport{Tests: []TestOutcome{}}
	touched := map[string]bool{}
	for _, t := range tests {
		w := testWorld{configuration: c, touched: touched, test: t}
		outcome, err := w.run()
		if err != nil {
			return report, fmt.Errorf("%s:%d: %s: %w", t.Position.File, t.Position.Line, t.Claim, err)
		}
		report.Tests = append(report.Tests, outcome)
	}
	for _, l := range c.Model.Lines() {
		report.Rules++
		if !touched[l.Object] {
			report.Untouched = append(report.Untouched, UntouchedRule{l.Object, l.Position})
		}
	}
	return report, nil
}

// testWorld is the world of one test.
type testWorld struct {
	configuration *declare.Configuration
	touched       map[string]bool
	test          declare.PolicyTest
	expected      evaluate.Expectation
	assigned      []*orders.AssignedResource
	missed        []Missed
}

func (w *testWorld) run() (TestOutcome, error) {
	known := &evaluate.Known{Resources: w.complete(w.test.Given), Touched: w.touched}
	if err := w.judge(known, w.test.Day); err != nil {
		return TestOutcome{}, err
	}
	if w.test.Changes {
		known = w.provisioned(known)
		if err := w.judge(known, w.test.Later); err != nil {
			return TestOutcome{}, err
		}
	}
	for _, x := range w.test.Expect {
		w.compare(x)
	}
	if w.test.AllOrders {
		w.compareOrders()
	}
	for _, f := range w.expected.Findings {
		w.miss(w.test.Position, "%s", f.String())
	}
	return TestOutcome{Claim: w.test.Claim, At: w.test.Position, Missed: w.missed}, nil
}

// complete adds the far ends that rules name and the test does not: nobody lays
// down every group to speak of a person.
func (w *testWorld) complete(given map[schema.EntityType][]resources.Resource) map[schema.EntityType][]resources.Resource {
	all := map[schema.EntityType][]resources.Resource{}
	for _, c := range w.configuration.Model.Connectors {
		for t := range c.Entities {
			for _, r := range given[t] {
				all[t] = append(all[t], clone(r))
			}
		}
	}
	for _, t := range w.configuration.Model.ResourceTypes {
		entity, _ := w.configuration.Model.Entity(t.Target)
		for _, rule := range t.Links {
			far := entity.Properties[rule.Property].Link
			for name, v := range rule.To {
				if !slices.ContainsFunc(all[far], func(r resources.Resource) bool { return r.Value(name) == v }) {
					all[far] = append(all[far], resources.Resource{
						Ref: resources.Ref{Type: far, Key: resources.Key(v.Text())}, Display: v.Text(),
						Values: map[schema.PropertyName]value.Value{name: v},
					})
				}
			}
		}
	}
	return all
}

func clone(r resources.Resource) resources.Resource {
	r.Values, r.Links = maps.Clone(r.Values), maps.Clone(r.Links)
	return r
}

// judge evaluates and generates, in memory.
func (w *testWorld) judge(known *evaluate.Known, day time.Time) error {
	model := w.configuration.Model
	w.expected = evaluate.Expect(model, w.configuration.Programs, known, day)
	id := orders.AssignedID(len(known.Assigned))
	changed := evaluate.Adopt(model, known, w.expected, func() orders.AssignedID { id++; return id })
	w.assigned = known.Assigned
	for _, a := range changed {
		if int(a.ID) > len(known.Assigned) {
			w.assigned = append(w.assigned, a)
		}
	}
	_, err := generate.Judge(w.assigned, orders.Occasion{Now: day, Actor: "test", NewOrder: func() orders.OrderID { return -1 }})
	return err
}

// provisioned is the world after everything was written and verified, with the
// test's change.
func (w *testWorld) provisioned(before *evaluate.Known) *evaluate.Known {
	model := w.configuration.Model
	after := &evaluate.Known{
		Resources: w.complete(w.test.Then), Touched: w.touched, Roles: w.expected.Roles,
		Allocations: evaluate.Allocations{}, ReadAt: map[schema.EntityType]time.Time{},
	}
	for _, d := range w.expected.Made {
		after.Allocations[evaluate.Subject{Of: string(d.Type), Owner: d.Owner.Key, Property: d.Property}] = d.Value
	}
	for i, x := range w.expected.Resources {
		t := model.ResourceTypes[x.Type]
		if !x.Wanted {
			continue
		}
		entity, _ := model.Entity(t.Target)
		r := written(x, entity, i)
		x.Target, x.Confidence = r.Key, 100
		a := orders.New(orders.AssignedID(len(after.Assigned)+1), x)
		a.Adopt(x, stage.HandlingOf(model, t, true), &r, orders.At(w.test.Day))
		after.Assigned = append(after.Assigned, a)
		after.Resources[t.Target] = slices.DeleteFunc(after.Resources[t.Target], func(old resources.Resource) bool { return old.Key == r.Key })
		after.Resources[t.Target] = append(after.Resources[t.Target], r)
	}
	occasion := orders.Occasion{Now: w.test.Day, Actor: "test", NewOrder: func() orders.OrderID { return -1 }}
	_, _ = generate.Judge(after.Assigned, occasion) // what is there already is verified: no order opens that could fail
	return after
}

// written is the account as it stands in the system when everything was carried out.
func written(x assignments.ExpectedResource, entity schema.Entity, n int) resources.Resource {
	r := resources.Resource{
		Ref:    resources.Ref{Type: entity.Type, Key: x.Target},
		Values: map[schema.PropertyName]value.Value{}, Links: map[schema.PropertyName][]resources.Key{},
	}
	for _, it := range x.Items {
		switch {
		case !it.Wanted || it.Parked != "":
		case it.Link != "":
			r.Links[it.Property] = append(r.Links[it.Property], it.Link)
		case entity.Properties[it.Property].IsLink():
			r.Links[it.Property] = []resources.Key{resources.Key(it.Value.Text())}
		default:
			r.Values[it.Property] = it.Value
		}
	}
	if r.Key == "" {
		r.Key = resources.Key(r.Value(entity.Key).Text())
	}
	if r.Key == "" {
		r.Key = resources.Key(fmt.Sprintf("%s-%d", x.Type, n+1)) // as if the system had assigned it
		r.Values[entity.Key] = value.OfString(string(r.Key))
	}
	for _, keys := range r.Links {
		slices.Sort(keys)
	}
	return r
}

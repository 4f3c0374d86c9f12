// Package explain gives proofs: why somebody has a role, an account or a value,
// by which rule line, through which role, by whose decision and from which
// values; and why somebody does not have one, by asking the evaluation about
// each criterion of each rule line by itself.
//
// It promises to say nothing that the stored reasons or the evaluation do not
// say: absences are answered by the same Evaluate that the stage runs, on a model
// that holds one criterion at a time. The values that a rule reads are read anew,
// as they are known now. It changes nothing. The command line and the pages call it.
package explain

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/view"
)

// Store is what explaining reads from the store.
type Store interface {
	evaluate.OwnerReader
}

// heldAtMost is how many resources of an entity type are read as a whole: places
// and groups that many rules name. Of the others those are read that links and
// names lead to from the person, so that an explanation costs the same however
// many people there are.
const heldAtMost = 200

// Questions are the answers that a proof is made of.
type Questions interface {
	Path(ctx context.Context, id orders.AssignedID) ([]view.Step, error)
}

// A Query says what is to be explained of a person: all of it or, with the
// fields set, one resource type's account, one property of it, one role.
type Query struct {
	Account  string
	Property string
	Value    string // with both: this value, or this link by key or identifier
	Role     string
}

// A Proof explains what a person has and, where asked or where something of the
// kind exists, what not.
type Proof struct {
	Owner    view.Owner `json:"owner"`
	Day      string     `json:"day"`
	Roles    []Role     `json:"roles"`
	Accounts []Account  `json:"accounts"`
	Absent   []Absence  `json:"absent"`
}

// A Role is a role that the person has, with what gave it.
type Role struct {
	Role     string         `json:"role"`
	With     string         `json:"parameters,omitempty"`
	Shows    string         `json:"shows"` // the state, consolidated from what it gives
	Workflow view.Workflow  `json:"workflow"`
	Asked    []view.Request `json:"asked,omitempty"` // the requests that led to it, each with its steps
	Because  []Ground       `json:"because"`
}

// An Account is an account that the person has, with the proof of each item.
type Account struct {
	ID     orders.AssignedID `json:"id"`
	Type   string            `json:"type"`
	Target string            `json:"target,omitempty"`
	State  view.State        `json:"state"`
	Items  []Item            `json:"items"`
}

// An Item is the account itself or one value of it.
type Item struct {
	Item      int           `json:"item"`
	Name      string        `json:"name"`
	State     view.State    `json:"state"`
	Workflow  view.Workflow `json:"workflow"`
	Expected  string        `json:"expected"`
	Current   string        `json:"current"`
	Because   []Ground      `json:"because"`
	Decisions []view.Step   `json:"decisions,omitempty"` // what people said
	Message   string        `json:"message,omitempty"`
}

// A Ground is one reason, with the rule line that it came by.
type Ground struct {
	Rule   string              `json:"rule,omitempty"`
	At     *schema.Position    `json:"at,omitempty"` // in the configuration
	Says   string              `json:"says,omitempty"`
	Role   string              `json:"role,omitempty"`
	Note   string              `json:"note,omitempty"`
	Values []assignments.Input `json:"values,omitempty"` // that the rule read
	By     []Ground            `json:"by,omitempty"`     // why the person has the role
}

// Explain proves what a person has and has not.
func Explain(ctx context.Context, store Store, q Questions, c *declare.Configuration, p view.Person, day time.Time, ask Query) (Proof, error) {
	x := explainer{configuration: c, lines: linesOf(c.Model), person: p}
	var err error
	if x.world, err = evaluate.WorldNear(ctx, store, c.Model, heldAtMost); err != nil {
		return Proof{}, err
	}
	x.where = evaluate.NewWhereabouts(c.Model, c.Programs, x.world)
	proof := Proof{Owner: p.Owner, Day: day.Format(time.DateOnly), Roles: []Role{}, Accounts: []Account{}, Absent: []Absence{}}
	for _, r := range p.Roles {
		if ask.Account == "" && ask.Property == "" && (ask.Role == "" || ask.Role == r.Role) {
			proof.Roles = append(proof.Roles, Role{r.Role, r.With, r.Shows, r.Workflow, r.Asked, x.grounds(r.Reasons, nil, 0)})
		}
	}
	for _, a := range p.Accounts {
		if ask.Role != "" || ask.Account != "" && ask.Account != a.Type {
			continue
		}
		path, err := q.Path(ctx, a.ID)
		if err != nil {
			return proof, err
		}
		proof.Accounts = append(proof.Accounts, x.account(a, path, ask.Property))
	}
	if ask.Value != "" {
		x.valued(c, day, ask, &proof)
		return proof, x.world.Failed()
	}
	proof.Absent = absences(c, p, day, ask, x.world)
	return proof, x.world.Failed()
}

type explainer struct {
	configuration *declare.Configuration
	lines         map[string]line
	person        view.Person
	world         *evaluate.World
	where         *evaluate.Whereabouts
}

func (x *explainer) account(a view.Account, path []view.Step, property string) Account {
	out := Account{ID: a.ID, Type: a.Type, Target: a.Target, State: a.State, Items: []Item{}}
	var there *resources.Resource
	if t, ok := x.configuration.Model.ResourceTypes[roles.ResourceTypeID(a.Type)]; ok {
		there, _ = x.world.Record(t.Target, resources.Key(a.Target))
	}
	for _, it := range a.Items {
		if property != "" && it.Property != property {
			continue
		}
		item := Item{
			Item: it.ID, Name: it.Name, State: it.State, Workflow: it.Workflow, Expected: it.Policy, Current: it.Current,
			Because: x.grounds(it.Reasons, there, 0), Message: it.Message,
		}
		for _, step := range path {
			if step.Item == it.ID && byPerson[orders.Event(step.Event)] {
				item.Decisions = append(item.Decisions, step)
			}
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// byPerson are the events that people raise.
var byPerson = func() map[orders.Event]bool {
	events := map[orders.Event]bool{}
	for _, row := range orders.Table() {
		if row.By == orders.ByPerson {
			events[row.On] = true
		}
	}
	return events
}()

// roleLevelsMax ends a chain of roles that give roles.
const roleLevelsMax = 8

// grounds expands stored reasons by the rule lines of the configuration and, for
// a role, by why the person has it. account is what the rule writes to, nil where
// it is not there.
func (x *explainer) grounds(reasons []assignments.Reason, account *resources.Resource, level int) []Ground {
	list := []Ground{}
	for _, r := range reasons {
		g := Ground{Rule: r.Rule, Role: string(r.Role), Note: r.Note}
		if line, ok := x.lines[r.Rule]; ok {
			g.At, g.Says = &line.Position, Words(line.Line)
			g.Values = x.values(line, account)
		}
		if r.Role != "" && level < roleLevelsMax {
			for _, had := range x.person.Roles {
				if had.Role == string(r.Role) && had.With == string(r.With) {
					g.By = x.grounds(had.Reasons, nil, level+1)
				}
			}
		}
		list = append(list, g)
	}
	return list
}

// values lists what a rule line reads, its condition first.
func (x *explainer) values(l line, account *resources.Resource) (list []assignments.Input) {
	owner, _ := x.world.Record(schema.EntityType(x.person.Type), resources.Key(x.person.Key))
	for _, e := range []schema.Expression{l.When, l.gives} {
		if p, ok := x.configuration.Programs[e]; ok {
			list = append(list, x.where.Reads(p, owner, account)...)
		}
	}
	return list
}

// A line is a rule line with the expression of the value that it gives.
type line struct {
	roles.Line
	gives schema.Expression
}

// linesOf finds every rule line by the name under which reasons keep it.
func linesOf(m *roles.Model) map[string]line {
	all := map[string]line{}
	for _, l := range m.Lines() {
		all[l.Object] = line{Line: l}
	}
	for _, t := range m.ResourceTypes {
		for _, r := range t.Values {
			if !r.Constant && r.Allocate == nil {
				all[r.Object] = line{r.Line, r.Expression}
			}
		}
	}
	return all
}

// Words writes a rule line's criteria as its author did.
func Words(l roles.Line) string {
	var parts []string
	if l.Deny {
		parts = append(parts, "deny")
	}
	for _, id := range dimensions(l) {
		parts = append(parts, matchWords(l, id))
	}
	if l.Role != "" {
		parts = append(parts, "role "+string(l.Role))
	}
	if !l.When.IsZero() {
		parts = append(parts, "when "+l.When.Text)
	}
	if len(parts) == 0 || l.Deny && len(parts) == 1 {
		parts = append(parts, "everybody")
	}
	return strings.Join(parts, ", ")
}

func matchWords(l roles.Line, id roles.DimensionID) string {
	words := string(id) + " " + l.Match[id]
	if slices.Contains(l.Inherit, id) {
		words += " or below"
	}
	return words
}

func dimensions(l roles.Line) []roles.DimensionID {
	ids := make([]roles.DimensionID, 0, len(l.Match))
	for id := range l.Match {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

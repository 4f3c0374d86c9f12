package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// WorkflowStore is what workflows need from the store.
type WorkflowStore interface {
	stage.Counters
	Resource(ctx context.Context, ref resources.Ref) (resources.Resource, bool, error)
	Workflows(ctx context.Context, f stage.WorkflowFilter) ([]workflows.Started, error)
	SaveWorkflow(ctx context.Context, act journal.Act, x stage.WorkflowChange) error
}

// A WorkflowDesk is where people create, change and end identity data through
// the forms of the configuration, and decide what others started. Each act is
// one transaction with its journal entry; the one that approves the last step
// writes the resource as well.
type WorkflowDesk struct {
	Store    WorkflowStore
	Model    *roles.Model
	Programs expression.Programs
	// Named finds what bears a text as key or identifier.
	Named func(ctx context.Context, t schema.EntityType, text string) ([]resources.Key, error)
	// Allocate finds the key of a new resource where its entity type allocates keys.
	Allocate func(ctx context.Context, r *resources.Resource, p schema.Property) (value.Value, error)
	Day      time.Time // the last day of whoever ends, where none is named
	Clock    func() time.Time
	Actor    journal.Actor
}

// Filled is a form as somebody filled it in.
type Filled struct {
	Workflow roles.WorkflowID
	Subject  resources.Key // of a change or an end
	Set      map[schema.PropertyName]string
	Restore  []schema.PropertyName // edits to be taken back
	From, To time.Time             // the first and the last day
	Why      string
}

// Waiting is a started workflow with those who may decide its present step.
type Waiting struct {
	workflows.Started
	Seats []workflows.Seat
}

// keysMax is how often a key is allocated anew when somebody else was quicker.
const keysMax = 5

func (d *WorkflowDesk) declared(id roles.WorkflowID) (roles.Workflow, schema.Entity, error) {
	w, ok := d.Model.Workflows[id]
	e, known := d.Model.Entity(w.Entity)
	if !ok || !known {
		return w, e, &fault.Error{Kind: fault.NotFound, Op: "workflow", Msg: fmt.Sprintf("no workflow %s is declared", id), Do: "`provisor workflow list` shows those that are"}
	}
	return w, e, nil
}

// Start takes a form: what is wrong in it is said at once, field by field. It is
// applied at once where nobody has to approve.
func (d *WorkflowDesk) Start(ctx context.Context, x Filled) (workflows.Started, error) {
	w, e, err := d.declared(x.Workflow)
	if err != nil {
		return workflows.Started{}, err
	}
	before := resources.Resource{Ref: resources.Ref{Type: w.Entity}}
	if w.Action != roles.CreateResource {
		var there bool
		if before, there, err = d.Store.Resource(ctx, resources.Ref{Type: w.Entity, Key: x.Subject}); err != nil {
			return workflows.Started{}, err
		}
		if !there {
			return workflows.Started{}, fault.New(fault.NotFound, "start workflow", "no %s is known as %q", w.Entity, x.Subject)
		}
	}
	f := &form{desk: d, w: w, e: e, before: before, after: before.Clone()}
	if err := f.fill(ctx, x); err != nil {
		return workflows.Started{}, err
	}
	s := workflows.Started{
		Workflow: w.ID, Action: w.Action, Subject: f.after.Ref, Changes: f.changes(x.Restore), Why: x.Why,
		By: d.Actor.String(), At: d.Clock(), Since: d.Clock(),
	}
	about := f.about()
	facts := workflows.Facts{MayStart: workflows.MayStart(d.Model, w, about, s.By), Free: w.Approval == roles.ApprovalNone, Steps: workflows.Steps(w)}
	switch wrong := f.findings.Err(); {
	case facts.MayStart:
	case wrong != nil && w.Action == roles.CreateResource && d.offers(w, about):
		return s, wrong // whose it is may depend on what is wrong
	default:
		return s, d.notHis(w)
	}
	if len(f.findings) == 0 && len(s.Changes) == 0 {
		f.find("", "nothing would change", "name what is to be written with --set property=value")
	}
	if err := f.findings.Err(); err != nil {
		return s, err
	}
	for step := 1; step <= facts.Steps; step++ {
		if len(workflows.Eligible(&s, workflows.Seats(d.Model, w, step, about))) == 0 {
			return s, &fault.Error{
				Kind: fault.Refused, Op: "start workflow", Msg: fmt.Sprintf("nobody could decide step %d of %d", step, facts.Steps),
				Do: "the reviewers of " + string(w.ID) + " in the configuration name somebody who neither starts it nor is whom it is about",
			}
		}
	}
	for _, on := range []workflows.Event{workflows.Start, workflows.Process} {
		if s.State, err = workflows.Next(s.State, on, facts); err != nil {
			return s, err
		}
	}
	id, err := d.Store.Reserve(ctx, stage.WorkflowCounter, 1)
	if err != nil {
		return s, err
	}
	s.ID = workflows.StartedID(id)
	return s, d.save(ctx, "start workflow", x.Why, e, &s)
}

// save stores a workflow after an act; one that is approved is applied.
func (d *WorkflowDesk) save(ctx context.Context, name, why string, e schema.Entity, s *workflows.Started) error {
	for try := 1; ; try++ {
		written := *s
		x, err := d.application(ctx, e, &written)
		if err != nil {
			return err
		}
		act := journal.Act{Actor: d.Actor, Name: name, Subject: written.String(), Why: why, At: d.Clock(), Detail: map[string]any{
			"state": written.State.String(), "changes": written.Changes,
		}}
		err = d.Store.SaveWorkflow(ctx, act, x)
		if err == nil {
			written.Version++
			*s = written
			return nil
		}
		if again := fault.KindOf(err) == fault.Conflict && s.Subject.Key == "" && x.Apply != nil; !again || try == keysMax {
			return err
		}
	}
}

// application is what an act stores: once approved, the resource too.
func (d *WorkflowDesk) application(ctx context.Context, e schema.Entity, s *workflows.Started) (x stage.WorkflowChange, err error) {
	if s.State != assignments.Approved {
		return stage.WorkflowChange{Started: *s}, nil
	}
	kept := d.Model.Kept(e.Type)
	if s.Action == roles.CreateResource && s.Subject.Key == "" {
		r := s.Proposed()
		v, err := d.Allocate(ctx, &r, e.Properties[e.Key])
		if err != nil {
			return x, err
		}
		s.Subject.Key = resources.Key(v.Text())
		s.Changes = append(slices.Clone(s.Changes), workflows.Change{Property: e.Key, After: resources.Given{Value: v}})
		x.Decide = []stage.Decision{{
			Kind: stage.Allocation, Type: roles.ResourceTypeID(e.Type), Owner: s.Subject, Property: e.Key, Value: v,
		}}
	}
	written := *s
	x.Started, x.Due = written, []stage.Due{{What: stage.RoundJob, NotBefore: d.Clock()}}
	x.Apply = &stage.Application{
		Subject: s.Subject, Create: s.Action == roles.CreateResource, Identify: append([]schema.PropertyName{e.Key}, e.Identify...), Editable: e.Editable(),
		Write: func(now *resources.Resource) error {
			if err := written.Write(now, kept); err != nil {
				return err
			}
			now.Display = stage.DisplayOf(e, now, d.Programs)
			return nil
		},
	}
	return x, nil
}

// Decide approves or declines the present step of a workflow, or withdraws it.
// version is the one that the person saw; 0: as it is now.
func (d *WorkflowDesk) Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (workflows.Started, error) {
	x, err := d.Show(ctx, id)
	s := x.Started
	if err != nil {
		return s, err
	}
	if version != 0 && version != s.Version {
		e := fault.New(fault.Conflict, string(on), "workflow %d changed since you looked: it is at version %d", id, s.Version)
		e.Do = fmt.Sprintf("look at it again with `provisor workflow show %d`", id)
		return s, e
	}
	e, _ := d.Model.Entity(s.Subject.Type)
	if on == workflows.Approve {
		if _, e, err = d.declared(s.Workflow); err != nil {
			return s, err
		}
	}
	person := d.Actor.String()
	step, of := s.State.Step()
	facts := workflows.Facts{
		MayReview: slices.ContainsFunc(x.Seats, func(seat workflows.Seat) bool { return seat.Person == person }),
		Apart:     workflows.Apart(&s, person), New: !s.Decided(person), Starter: s.By == person,
	}
	if s.State, err = workflows.Next(s.State, on, facts); err != nil {
		return s, d.refused(err, &x, person, on, facts, step, of)
	}
	if on != workflows.Withdraw {
		s.Rulings = append(slices.Clone(s.Rulings), workflows.Ruling{Step: step, By: person, At: d.Clock(), Approve: on == workflows.Approve, Why: why})
	}
	s.Since = d.Clock()
	if s.State == assignments.Approved {
		if err := d.recheck(ctx, e, &s); err != nil {
			return x.Started, err
		}
	}
	return s, d.save(ctx, string(on)+" workflow", why, e, &s)
}

// refused says in words why a person may not decide.
func (d *WorkflowDesk) refused(err error, x *Waiting, person string, on workflows.Event, f workflows.Facts, step, of int) error {
	refuse := func(kind fault.Kind, do, format string, args ...any) error {
		return &fault.Error{Kind: kind, Op: string(on), Msg: fmt.Sprintf(format, args...), Do: do}
	}
	switch {
	case !x.Open():
		return refuse(fault.Conflict, "", "workflow %d is settled already: %s", x.ID, x.State)
	case on == workflows.Withdraw:
		return refuse(fault.Denied, "a reviewer can decline it", "only %s, who started it, may withdraw workflow %d", x.By, x.ID)
	case !f.Apart:
		return refuse(fault.Denied, "", "%s started workflow %d or is whom it is about: somebody else decides", person, x.ID)
	case !f.New:
		return refuse(fault.Denied, "", "%s decided an earlier step of workflow %d already", person, x.ID)
	case !f.MayReview:
		return refuse(fault.Denied, "name who acts with --as", "step %d of %d of workflow %d is decided by %s, not by %s", step, of, x.ID, Names(x.Seats), person)
	}
	return err
}

// Names writes seats for people: "E5 (manager of E1), E7 (owner of finance)".
func Names(list []workflows.Seat) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = s.Person + " (" + s.As + ")"
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, ", ")
}

// Show returns a started workflow with those who may decide it now.
func (d *WorkflowDesk) Show(ctx context.Context, id workflows.StartedID) (Waiting, error) {
	list, err := d.Store.Workflows(ctx, stage.WorkflowFilter{IDs: []workflows.StartedID{id}})
	if err != nil {
		return Waiting{}, err
	}
	if len(list) == 0 {
		return Waiting{}, &fault.Error{Kind: fault.NotFound, Op: "workflow", Msg: fmt.Sprintf("no workflow has number %d", id), Do: "`provisor workflow list` shows those under way"}
	}
	seats, err := d.seats(ctx, &list[0])
	return Waiting{list[0], seats}, err
}

// List returns started workflows, the newest first.
func (d *WorkflowDesk) List(ctx context.Context, f stage.WorkflowFilter) ([]Waiting, error) {
	list, err := d.Store.Workflows(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]Waiting, len(list))
	for i := range list {
		seats, err := d.seats(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		out[i] = Waiting{list[i], seats}
	}
	return out, nil
}

// Tasks returns what waits for the person who acts.
func (d *WorkflowDesk) Tasks(ctx context.Context) ([]Waiting, error) {
	list, err := d.List(ctx, stage.WorkflowFilter{Open: true})
	return slices.DeleteFunc(list, func(x Waiting) bool {
		return !slices.ContainsFunc(x.Seats, func(s workflows.Seat) bool { return s.Person == d.Actor.String() })
	}), err
}

// seats are those who may decide the present step, as things stand: a person's
// manager of today, not of the day on which it was started.
func (d *WorkflowDesk) seats(ctx context.Context, s *workflows.Started) ([]workflows.Seat, error) {
	step, _ := s.State.Step()
	w, ok := d.Model.Workflows[s.Workflow]
	if step == 0 || !ok {
		return nil, nil
	}
	about := s.Proposed()
	if s.Action != roles.CreateResource {
		found, there, err := d.Store.Resource(ctx, s.Subject)
		if err != nil {
			return nil, err
		}
		if about = found; !there {
			about = resources.Resource{Ref: s.Subject}
		}
	}
	return workflows.Eligible(s, workflows.Seats(d.Model, w, step, &about)), nil
}

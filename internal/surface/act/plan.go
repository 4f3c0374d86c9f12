package act

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/view"
)

// A PlanDesk is where configurations are planned and deployed, and orders rolled back.
type PlanDesk interface {
	Day() time.Time
	// Files are those of the folder, and Check reads others.
	Files() (*declare.Configuration, error)
	Check(declare.Files) (*declare.Configuration, error)
	Deployed(context.Context) (*declare.Configuration, error)
	Deploy(ctx context.Context, c *declare.Configuration, why string) error
	Plan(ctx context.Context, c *declare.Configuration, o plan.Options) (*plan.Plan, []synchronize.Outcome, error)
	PlanBack(ctx context.Context, ids []orders.OrderID) (*plan.Plan, error)
	RollBack(ctx context.Context, p *plan.Plan, why string) (review.Outcome, error)
	Questions() view.Questions
}

// ToPlan is what somebody wants to see planned: a configuration with what it is to
// suppose, or a roll-back.
type ToPlan struct {
	Files            declare.Files // nil: those of the folder
	Sources          []string      // connectors that are read as they are now
	Give, Deny, Take []string      // decisions to suppose: PERSON=ROLE[:dimension=value,...]
	Back             []orders.OrderID
	Since            time.Time // and those carried out since; zero: none
	Connector        string    // of those: only of this one
}

// RollsBack tells whether it is a roll-back that is wanted.
func (x ToPlan) RollsBack() bool { return len(x.Back) > 0 || !x.Since.IsZero() }

// Planned is a plan as it is shown and kept in a file.
type Planned struct {
	*plan.Plan
	Configuration []PlannedDifference `json:"configuration,omitempty"`
	Sources       []string            `json:"sources,omitempty"`
	Readings      []Reading           `json:"readings,omitempty"`
	// Warnings do not stop an apply: what they name will fail when it is used.
	Warnings []fault.Finding `json:"warnings,omitempty"`
}

// PlannedDifference is one part of the configuration that would change.
type PlannedDifference struct {
	Object string `json:"object"`
	Change string `json:"change"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Reading is what became of one entity type.
type Reading struct {
	view.Reading
	Details []fault.Finding `json:"details,omitempty"`
}

// ReadingsOf shows what became of entity types.
func ReadingsOf(outcomes []synchronize.Outcome) []Reading {
	list := make([]Reading, len(outcomes))
	for i, o := range outcomes {
		r := o.Reading
		list[i] = Reading{view.Reading{
			ID: r.ID, Connector: string(r.Connector), Entity: string(r.Entity), Began: r.Began, Ended: r.Ended,
			Complete: r.Complete, State: string(r.State), Counts: r.Counts, Findings: len(o.Findings), Why: r.Why,
		}, o.Findings}
	}
	return list
}

// Supposes says why a plan cannot be applied, "" when it can.
func (p Planned) Supposes() string {
	switch {
	case len(p.Decisions) > 0:
		return "it supposes decisions that nobody made (" + p.Decisions[0].String() + ")"
	case p.Ahead != nil:
		return "it is for " + p.Day + ", and that day has not come"
	}
	return ""
}

// A Proposal is a plan with the configuration that it is of.
type Proposal struct {
	Planned
	Already bool // the configuration is deployed already
	// Checked is the configuration; nil: a roll-back, or a server has it.
	Checked *declare.Configuration
	Asked   ToPlan
	// Idle is a roll-back of which nothing can be brought back; a server knows it itself.
	Idle bool
}

// Unclear is the Op of what is wrong with how a plan was asked for.
const Unclear = "plan"

func unclear(do, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Op: Unclear, Msg: fmt.Sprintf(format, args...), Do: do}
}

// Do plans it. Nothing is stored.
func (x ToPlan) Do(ctx context.Context, d PlanDesk) (p Proposal, err error) {
	p.Asked = x
	if x.RollsBack() {
		return x.back(ctx, d)
	}
	if x.Files == nil {
		p.Checked, err = d.Files()
	} else {
		p.Checked, err = d.Check(x.Files)
	}
	if err != nil {
		return p, err
	}
	o := plan.Options{Sources: make([]schema.ConnectorID, len(x.Sources))}
	for i, name := range x.Sources {
		o.Sources[i] = schema.ConnectorID(name)
		if _, ok := p.Checked.Model.Connectors[o.Sources[i]]; !ok {
			return p, notDeclared("connector", name)
		}
	}
	if o.Decisions, err = x.suppositions(ctx, d, p.Checked); err != nil {
		return p, err
	}
	made, outcomes, err := d.Plan(ctx, p.Checked, o)
	if err != nil {
		return p, err
	}
	p.Planned = Planned{Plan: made, Sources: x.Sources, Readings: ReadingsOf(outcomes)}
	if made.Orders == nil {
		made.Orders = []plan.Order{}
	}
	for _, diff := range made.Configuration {
		p.Configuration = append(p.Configuration, PlannedDifference{diff.Object, string(diff.Change), diff.Before, diff.After})
	}
	if p.Warnings, err = SecretsUnset(ctx, d.Questions(), p.Checked); err != nil {
		return p, err
	}
	deployed, err := d.Deployed(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return p, nil
	}
	p.Already = err == nil && deployed.Hash == p.Checked.Hash
	return p, err
}

// SecretsUnset finds the references of a configuration to secrets that are not set:
// opening their connections will fail.
func SecretsUnset(ctx context.Context, q view.Questions, c *declare.Configuration) (warnings []fault.Finding, err error) {
	uses := c.StoredSecrets()
	if len(uses) == 0 {
		return nil, nil
	}
	list, err := q.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	for _, x := range list {
		set[x.Name] = true
	}
	for _, use := range uses {
		if !set[use.Name] {
			warnings = append(warnings, fault.Finding{
				File: use.Position.File, Line: use.Position.Line, Column: use.Position.Column, Object: use.Setting,
				What: "the secret " + use.Name + " is not set", Do: "set it with `provisor secret set " + use.Name + "`",
			})
		}
	}
	return warnings, nil
}

func notDeclared(what, name string) error {
	return &fault.Error{
		Kind: fault.NotFound, Msg: fmt.Sprintf("the configuration declares no %s %q", what, name),
		Do: "`provisor export` shows what is declared",
	}
}

// back plans the roll-back of orders.
func (x ToPlan) back(ctx context.Context, d PlanDesk) (p Proposal, err error) {
	if len(x.Sources)+len(x.Give)+len(x.Deny)+len(x.Take) > 0 {
		return p, unclear("plan one after the other", "a roll-back supposes nothing else")
	}
	ids := slices.Clone(x.Back)
	if !x.Since.IsZero() {
		more, err := d.Questions().Executed(ctx, x.Since, x.Connector)
		if err != nil {
			return p, err
		}
		ids = append(ids, more...)
	}
	if len(ids) == 0 {
		return p, &fault.Error{Kind: fault.NotFound, Op: "roll back", Msg: "no order was carried out since " + x.Since.Format(time.DateTime), Do: "`provisor order list --all` shows when orders were carried out"}
	}
	slices.Sort(ids)
	made, err := d.PlanBack(ctx, slices.Compact(ids))
	if err != nil {
		return p, err
	}
	if made.Orders == nil {
		made.Orders = []plan.Order{}
	}
	p.Planned, p.Idle = Planned{Plan: made}, len(made.RollBack.Restore) == 0
	return p, nil
}

// suppositions reads the decisions that a plan is to suppose.
func (x ToPlan) suppositions(ctx context.Context, d PlanDesk, c *declare.Configuration) (list []assignments.RoleDecision, err error) {
	for _, side := range []struct {
		how      string
		texts    []string
		workflow assignments.Workflow
	}{
		{"give", x.Give, assignments.Approved}, {"deny", x.Deny, assignments.WorkflowDeclined}, {"take", x.Take, assignments.Cancellation},
	} {
		for _, text := range side.texts {
			s, err := supposition(ctx, d, c, side.how, text)
			if err != nil {
				return nil, err
			}
			s.Workflow, s.At, s.Why = side.workflow, d.Day(), "supposed by the plan"
			list = append(list, s)
		}
	}
	return list, nil
}

// supposition reads PERSON=ROLE[:dimension=value,...].
func supposition(ctx context.Context, d PlanDesk, c *declare.Configuration, how, text string) (assignments.RoleDecision, error) {
	person, rest, ok := strings.Cut(text, "=")
	if !ok || person == "" || rest == "" {
		return assignments.RoleDecision{}, unclear("write it as PERSON=ROLE, or PERSON=ROLE:dimension=value", "--%s: %q names no person and role", how, text)
	}
	name, parameters, _ := strings.Cut(rest, ":")
	role, ok := c.Model.Roles[roles.RoleID(name)]
	if !ok {
		return assignments.RoleDecision{}, notDeclared("role", name)
	}
	with := map[roles.DimensionID]string{}
	for _, part := range strings.FieldsFunc(parameters, func(r rune) bool { return r == ',' }) {
		dimension, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, takes := role.Parameters[roles.DimensionID(dimension)]; !ok || !takes {
			return assignments.RoleDecision{}, unclear("`provisor export` shows the parameters of roles", "--%s: the role %s has no parameter %q", how, name, dimension)
		}
		with[roles.DimensionID(dimension)] = v
	}
	owner, err := personOf(ctx, d, person)
	if err == nil && role.Entity != "" && role.Entity != owner.Type {
		err = unclear("name one of the entity type "+string(role.Entity), "--%s: the role %s is not for a %s", how, name, owner.Type)
	}
	return assignments.RoleDecision{Owner: owner, Role: role.ID, Parameters: assignments.ParametersOf(with)}, err
}

// personOf is who is meant, by what is deployed: nobody else is known.
func personOf(ctx context.Context, d PlanDesk, text string) (resources.Ref, error) {
	deployed, err := d.Deployed(ctx)
	if err != nil {
		return resources.Ref{}, err
	}
	return OnePerson(ctx, d.Questions(), deployed.Model.Owners(), text)
}

// ToApply makes a plan so that somebody saw: by its name.
type ToApply struct {
	ToPlan
	Name    string
	Release bool // let go of the accounts that are no longer declared
	Why     string
}

// Check says why a proposal cannot be applied as it was seen, nil where it can.
func (x ToApply) Check(p Proposal) error {
	why := p.Supposes()
	switch {
	case why != "":
		return NotReal(p.Name, why)
	case x.Name != p.Name:
		return &fault.Error{
			Kind: fault.Conflict, Op: "apply", Msg: fmt.Sprintf("the plan is %s now, not %s: something changed since it was made", p.Name, x.Name),
			Do: "look at it with `provisor plan` and apply the new name",
		}
	case len(p.Released) > 0 && !x.Release:
		accounts := "1 account"
		if n := len(p.Released); n > 1 {
			accounts = fmt.Sprintf("%d accounts", n)
		}
		return &fault.Error{
			Kind: fault.Refused, Op: "apply", Msg: accounts + " would be released: nothing declares them any more",
			Do: "look at them with `provisor plan`, then add --release; nothing is removed from the systems",
		}
	case p.Idle:
		return &fault.Error{Kind: fault.Refused, Op: "apply", Msg: "nothing of it can be rolled back", Do: "`provisor plan --roll-back` says of each value why"}
	}
	return nil
}

// NotReal refuses to apply what merely supposes something.
func NotReal(name, why string) error {
	return &fault.Error{
		Kind: fault.Refused, Op: "apply", Msg: name + " cannot be applied: " + why,
		Do: "decide, or wait for the day; the configuration alone is planned by `provisor plan` without them",
	}
}

// RolledBack is what came of a roll-back.
type RolledBack struct {
	Decided int       `json:"decided"`
	Refused []Refused `json:"refused,omitempty"`
}

// Back rolls back what a proposal says that was seen.
func (x ToApply) Back(ctx context.Context, d PlanDesk, p Proposal) (done RolledBack, err error) {
	out, err := d.RollBack(ctx, p.Plan, x.Why)
	done.Decided = len(out.Decided)
	for _, r := range out.Refused {
		done.Refused = append(done.Refused, Refused{Assigned: r.Assigned, Why: r.Why})
	}
	return done, err
}

// Configuration is the deployed one: the files as they were deployed, and all of it as
// one document in canonical form.
type Configuration struct {
	Hash  string            `json:"hash"`
	Files map[string]string `json:"files"`
	Text  string            `json:"-"`
}

// Exported is the configuration that the stages use.
func Exported(ctx context.Context, d interface {
	Deployed(context.Context) (*declare.Configuration, error)
},
) (x Configuration, err error) {
	c, err := d.Deployed(ctx)
	if err != nil {
		return x, err
	}
	text, err := declare.Export(c)
	x = Configuration{Hash: c.Hash, Files: map[string]string{}, Text: string(text)}
	for name, content := range c.Files {
		x.Files[name] = string(content)
	}
	return x, err
}

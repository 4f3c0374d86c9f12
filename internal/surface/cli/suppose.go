package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/act"
)

// suppositions reads the decisions that a plan is to suppose.
func (v *invocation) suppositions(ctx context.Context, e Engine, c *declare.Configuration, w wanted) (list []assignments.RoleDecision, err error) {
	for _, side := range []struct {
		flag     string
		texts    []string
		workflow assignments.Workflow
	}{
		{"--give", w.give, assignments.Approved}, {"--deny", w.deny, assignments.WorkflowDeclined}, {"--take", w.take, assignments.Cancellation},
	} {
		for _, text := range side.texts {
			d, err := supposition(ctx, e, c, side.flag, text)
			if err != nil {
				return nil, err
			}
			d.Workflow, d.At, d.By, d.Why = side.workflow, e.Day(), v.as, "supposed by the plan"
			list = append(list, d)
		}
	}
	return list, nil
}

// supposition reads PERSON=ROLE[:dimension=value,...].
func supposition(ctx context.Context, e Engine, c *declare.Configuration, flag, text string) (assignments.RoleDecision, error) {
	person, rest, ok := strings.Cut(text, "=")
	if !ok || person == "" || rest == "" {
		return assignments.RoleDecision{}, wrongUsage("write it as PERSON=ROLE, or PERSON=ROLE:dimension=value", "%s: %q names no person and role", flag, text)
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
			return assignments.RoleDecision{}, wrongUsage("`provisor export` shows the parameters of roles", "%s: the role %s has no parameter %q", flag, name, dimension)
		}
		with[roles.DimensionID(dimension)] = v
	}
	owner, err := onePerson(ctx, folder{e}, person)
	if err == nil && role.Entity != "" && role.Entity != owner.Type {
		err = wrongUsage("name one of the entity type "+string(role.Entity), "%s: the role %s is not for a %s", flag, name, owner.Type)
	}
	return assignments.RoleDecision{Owner: owner, Role: role.ID, Parameters: assignments.ParametersOf(with)}, err
}

// planBack plans the roll-back of orders.
func (v *invocation) planBack(ctx context.Context, e Engine, w wanted) (planned, error) {
	if len(w.sources)+len(w.give)+len(w.deny)+len(w.take) > 0 {
		return planned{}, wrongUsage("plan one after the other", "a roll-back supposes nothing else")
	}
	ids := make([]orders.OrderID, len(w.back))
	for i, id := range w.back {
		ids[i] = orders.OrderID(id)
	}
	if w.since != "" {
		since, err := sinceOf(w.since, v.Now())
		if err != nil {
			return planned{}, err
		}
		more, err := e.Questions().Executed(ctx, since, w.connector)
		if err != nil {
			return planned{}, err
		}
		ids = append(ids, more...)
	}
	if len(ids) == 0 {
		return planned{}, &fault.Error{Kind: fault.NotFound, Op: "roll back", Msg: "no order was carried out since " + w.since, Do: "`provisor order list --all` shows when orders were carried out"}
	}
	slices.Sort(ids)
	made, err := e.PlanBack(ctx, slices.Compact(ids))
	if err != nil {
		return planned{}, err
	}
	if made.Orders == nil {
		made.Orders = []plan.Order{}
	}
	return planned{Plan: made}, nil
}

// sinceOf reads a time as people type it: a span before now, a day, a time.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUsage("write 2h, 2026-03-01 or 2026-03-01T14:30 (UTC)", "--roll-back-since: %q is not a time", text)
}

func numbersOf(ids []orders.OrderID) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

// rolledBack is what came of a roll-back.
type rolledBack struct {
	planned
	Decided int           `json:"decided"`
	Refused []act.Refused `json:"refused,omitempty"`
}

// rollBack makes a roll-back plan so.
func (v *invocation) rollBack(ctx context.Context, e Engine, p planned, why string) error {
	if len(p.RollBack.Restore) == 0 {
		v.planKept(p)
		return &fault.Error{Kind: fault.Refused, Op: "apply", Msg: "nothing of it can be rolled back", Do: "`provisor plan --roll-back` says of each value why"}
	}
	out, err := e.RollBack(ctx, p.Plan, why)
	if err != nil {
		return err
	}
	answer := rolledBack{planned: p, Decided: len(out.Decided)}
	for _, r := range out.Refused {
		answer.Refused = append(answer.Refused, act.Refused{Assigned: r.Assigned, Why: r.Why})
		fmt.Fprintf(v.Stderr, "provisor: account %d: %s\n", r.Assigned, r.Why)
	}
	err = v.show(answer, func() {
		v.say("Rolled back %s: what was there before is an exception now.", count(answer.Decided, "account"))
		v.say("Next: `provisor run` writes it, where no review, gate or threshold holds it; `provisor order revoke` lets the rules speak again.")
	})
	if err == nil && len(answer.Refused) > 0 {
		return ended(RefusedCode)
	}
	return err
}

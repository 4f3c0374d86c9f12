package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// Holders answers who has a role.
func (v *Views) Holders(ctx context.Context, f view.HolderFilter) (page view.HolderPage, err error) {
	limit := view.Rows(f.Limit)
	page.Holders = []view.Holder{}
	c := &conditions{args: []any{f.Role}}
	if f.After != (view.HolderCursor{}) {
		c.args = append(c.args, f.After.Type, f.After.Key, f.After.Parameters)
		c.say("(owner_type, owner_key, parameters) > ($2, $3, $4)")
	}
	c.within(v.within, rolesIn, &v.db.dialect)
	err = v.db.snapshot(ctx, "list holders", func(s *session) error {
		few, err := v.fewPeople(ctx, s)
		if few { // an expression has no index that would be walked instead
			c.say("role || '' = $1")
		} else {
			c.say("role = $1")
		}
		if err != nil {
			return err
		}
		var refs []resources.Ref
		query := `SELECT owner_type, owner_key, parameters, workflow, from_at, to_at FROM assigned_role` + c.where() +
			` ORDER BY owner_type, owner_key, parameters` + c.limit(limit+1)
		err = s.each(ctx, query, c.args, func(r *sql.Rows) error {
			var h view.Holder
			var from, to int64
			err := r.Scan(&h.Owner.Type, &h.Owner.Key, &h.Parameters, &h.Workflow.Number, &from, &to)
			h.Workflow, h.Start, h.End = workflowShown(h.Workflow.Number), instant(from), instant(to)
			page.Holders = append(page.Holders, h)
			refs = append(refs, resources.Ref{Type: schema.EntityType(h.Owner.Type), Key: resources.Key(h.Owner.Key)})
			return err
		})
		if err != nil {
			return fmt.Errorf("of %s: %w", f.Role, err)
		}
		if len(page.Holders) > limit {
			page.Holders, refs = page.Holders[:limit], refs[:limit]
			last := page.Holders[limit-1]
			page.After = &view.HolderCursor{Type: last.Owner.Type, Key: last.Owner.Key, Parameters: last.Parameters}
		}
		names, err := s.names(ctx, refs)
		for i := range page.Holders {
			page.Holders[i].Owner.Display = names[refs[i]]
		}
		return err
	})
	return page, err
}

// RuleReach answers how many people rules give something.
func (v *Views) RuleReach(ctx context.Context, f view.RuleFilter) (reach view.RuleReach, err error) {
	if err := v.whole("count whom rules touch"); err != nil {
		return reach, err
	}
	of := map[string]map[resources.Ref]bool{}
	take := func(owner resources.Ref, reasons []assignments.Reason) {
		for _, r := range reasons {
			if of[r.Rule] == nil {
				of[r.Rule] = map[resources.Ref]bool{}
			}
			of[r.Rule][owner] = true
		}
	}
	looks := func() bool {
		if reach.More = reach.Looked == view.RuleWithin; !reach.More {
			reach.Looked++
		}
		return !reach.More
	}
	documents := &reader{}
	if f.Type != "" {
		err = v.db.read().each(ctx, selectAssigned+` WHERE a.type = $1 AND a.closed = 0 ORDER BY a.id LIMIT $2`, []any{f.Type, view.RuleWithin + 1}, func(r *sql.Rows) error {
			a, err := scanAssigned(r, documents)
			if err != nil || !looks() {
				return err
			}
			for _, it := range view.AccountOf(a).Items {
				take(a.Owner, it.Reasons)
			}
			return nil
		})
	} else {
		err = v.db.read().each(ctx, `SELECT owner_type, owner_key, reasons FROM assigned_role WHERE role = $1
			ORDER BY owner_type, owner_key LIMIT $2`, []any{f.Role, view.RuleWithin + 1}, func(r *sql.Rows) error {
			var owner resources.Ref
			var text []byte
			if err := r.Scan(&owner.Type, &owner.Key, &text); err != nil || !looks() {
				return err
			}
			var reasons []assignments.Reason
			err := json.Unmarshal(text, &reasons)
			take(owner, reasons)
			return err
		})
	}
	reach.People = map[string]int{}
	for rule, people := range of {
		reach.People[rule] = len(people)
	}
	return reach, v.db.failed("count whom rules touch", err)
}

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
	err = v.db.snapshot(ctx, "list holders", func(s *session) error {
		few, err := v.fewPeople(ctx, s)
		if err != nil {
			return err
		}
		c := &conditions{args: []any{f.Role}}
		if few { // an expression has no index that would be walked instead
			c.say("role || '' = $1")
		} else {
			c.say("role = $1")
		}
		c.within(v.within, rolesIn, &v.db.dialect)
		var refs []resources.Ref
		if view.HolderColumns.Is(f.Sort, view.ByKey) {
			refs, err = s.holders(ctx, c, f, &page)
		} else {
			refs, err = s.sortedHolders(ctx, c, f, &page)
		}
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
		if page.After != nil && f.Sort.By == view.ByOwner {
			page.After.By = page.Holders[limit-1].Owner.Display
		}
		return err
	})
	return page, err
}

const selectHolders = `SELECT owner_type, owner_key, parameters, workflow, from_at, to_at FROM assigned_role`

// holders reads those of a page, and one more, sorted by key.
func (s *session) holders(ctx context.Context, c *conditions, f view.HolderFilter, page *view.HolderPage) ([]resources.Ref, error) {
	beyond, order := ">", " ORDER BY owner_type, owner_key, parameters"
	if f.Sort.Down {
		beyond, order = "<", " ORDER BY owner_type DESC, owner_key DESC, parameters DESC"
	}
	if f.After != (view.HolderCursor{}) {
		c.args = append(c.args, f.After.Type, f.After.Key, f.After.Parameters)
		c.say(fmt.Sprintf("(owner_type, owner_key, parameters) %s ($%d, $%d, $%d)", beyond, len(c.args)-2, len(c.args)-1, len(c.args)))
	}
	err := s.eachHolder(ctx, c.where()+order+c.limit(view.Rows(f.Limit)+1), c.args, func(h view.Holder) { page.Holders = append(page.Holders, h) })
	return refsOf(page.Holders), err
}

// sortedHolders reads those of a page, and one more, sorted by what they are called.
func (s *session) sortedHolders(ctx context.Context, c *conditions, f view.HolderFilter, page *view.HolderPage) ([]resources.Ref, error) {
	after := roleKey{}
	if f.After != (view.HolderCursor{}) {
		after = roleKey{f.After.Type, f.After.Key, f.Role, f.After.Parameters}
	}
	rows, err := s.sortedRoles(ctx, c, f.Sort, f.After.By, after)
	if err != nil {
		return nil, err
	}
	rows = rows[:min(len(rows), view.Rows(f.Limit)+1)]
	had := map[roleKey]view.Holder{}
	of := &conditions{}
	of.add("role = %s", f.Role)
	of.owners(rows, &s.db.dialect)
	err = s.eachHolder(ctx, of.where(), of.args, func(h view.Holder) { had[roleKey{h.Owner.Type, h.Owner.Key, f.Role, h.Parameters}] = h })
	for _, row := range rows {
		page.Holders = append(page.Holders, had[row.key])
	}
	return refsOf(page.Holders), err
}

func (s *session) eachHolder(ctx context.Context, where string, args []any, do func(view.Holder)) error {
	return s.each(ctx, selectHolders+where, args, func(r *sql.Rows) error {
		var h view.Holder
		var from, to int64
		err := r.Scan(&h.Owner.Type, &h.Owner.Key, &h.Parameters, &h.Workflow.Number, &from, &to)
		h.Workflow, h.Start, h.End = workflowShown(h.Workflow.Number), instant(from), instant(to)
		do(h)
		return err
	})
}

func refsOf(list []view.Holder) []resources.Ref {
	refs := make([]resources.Ref, len(list))
	for i, h := range list {
		refs[i] = resources.Ref{Type: schema.EntityType(h.Owner.Type), Key: resources.Key(h.Owner.Key)}
	}
	return refs
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

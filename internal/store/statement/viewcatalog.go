package statement

import (
	"context"
	"database/sql"
	"fmt"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// EntityCounts answers how many resources of entity types there are, as far as it
// is worth counting.
func (v *Views) EntityCounts(ctx context.Context, entities []string) (map[string]int, error) {
	counts := map[string]int{}
	if err := v.whole("count resources"); err != nil {
		return nil, err
	}
	err := v.db.snapshot(ctx, "count resources", func(s *session) error {
		for _, entity := range entities {
			var n int
			_, err := s.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM resource WHERE entity = $1 LIMIT $2) AS counted`, []any{entity, view.CountMost + 1}, &n)
			if err != nil {
				return err
			}
			counts[entity] = n
		}
		return nil
	})
	return counts, err
}

// AccountCounts answers how the accounts of resource types stand, as far as it is
// worth counting.
func (v *Views) AccountCounts(ctx context.Context, types []string) (list []view.TypeCount, err error) {
	err = v.db.snapshot(ctx, "count accounts", func(s *session) error {
		for _, t := range types {
			for _, state := range orders.States() {
				n := view.TypeCount{Type: t, State: view.StateOf(orders.Place{State: state})}
				c := &conditions{}
				c.add("a.type = %s", t)
				c.add("a.state = %s", int(state))
				c.say("a.closed = 0")
				c.within(v.within, accountsIn, &v.db.dialect)
				_, err := s.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM assigned_resource a`+c.where()+c.limit(view.CountMost+1)+`) AS counted`, c.args, &n.Count)
				if err != nil {
					return err
				}
				if n.Count > 0 {
					list = append(list, n)
				}
			}
		}
		return nil
	})
	return list, err
}

// Holders answers who has a role.
func (v *Views) Holders(ctx context.Context, f view.HolderFilter) (page view.HolderPage, err error) {
	limit := view.Rows(f.Limit)
	page.Holders = []view.Holder{}
	c := &conditions{}
	c.add("role = %s", f.Role)
	if f.After != (view.HolderCursor{}) {
		c.args = append(c.args, f.After.Type, f.After.Key, f.After.Parameters)
		c.say("(owner_type, owner_key, parameters) > ($2, $3, $4)")
	}
	c.within(v.within, rolesIn, &v.db.dialect)
	err = v.db.snapshot(ctx, "list holders", func(s *session) error {
		var refs []resources.Ref
		query := `SELECT owner_type, owner_key, parameters, workflow, from_at, to_at FROM assigned_role` + c.where() +
			` ORDER BY owner_type, owner_key, parameters` + c.limit(limit+1)
		err := s.each(ctx, query, c.args, func(r *sql.Rows) error {
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

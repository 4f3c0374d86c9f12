package statement

import (
	"context"
	"database/sql"
	"fmt"

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

package statement

import (
	"context"
	"fmt"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// FoundRoles answers which roles were found and wait for a person's decision.
func (v *Views) FoundRoles(ctx context.Context, f view.FoundRoleFilter) (page view.FoundRolePage, err error) {
	limit := view.Rows(f.Limit)
	page.Roles = []view.FoundRole{}
	err = v.db.snapshot(ctx, "list found roles", func(s *session) error {
		if !view.FoundRoleColumns.Is(f.Sort, view.ByKey) {
			return v.sortedFound(ctx, s, f, &page)
		}
		after := f.After
		for {
			c := foundConditions(f, after, &v.db.dialect)
			c.within(v.within, foundIn, &v.db.dialect)
			bound := c.limit(limit + 1)
			rows, err := s.chosenRoles(ctx, c, f.Sort.Down, bound)
			if err != nil {
				return err
			}
			for i, a := range rows {
				if len(page.Roles) == limit {
					last := rows[i-1]
					page.After = &view.FoundRoleCursor{
						Type: string(last.Owner.Type), Key: string(last.Owner.Key), Role: string(last.Role), Parameters: string(last.Parameters),
					}
					return s.nameFound(ctx, page.Roles)
				}
				after = view.FoundRoleCursor{Type: string(a.Owner.Type), Key: string(a.Owner.Key), Role: string(a.Role), Parameters: string(a.Parameters)}
				if found := view.FoundRoleOf(a); f.Parts || !found.Part {
					page.Roles = append(page.Roles, found)
				}
			}
			if len(rows) <= limit {
				return s.nameFound(ctx, page.Roles)
			}
		}
	})
	return page, err
}

// sortedFound fills a page that is sorted by another column than the key.
func (v *Views) sortedFound(ctx context.Context, s *session, f view.FoundRoleFilter, page *view.FoundRolePage) error {
	limit := view.Rows(f.Limit)
	c := foundConditions(f, view.FoundRoleCursor{}, &v.db.dialect)
	c.within(v.within, foundIn, &v.db.dialect)
	rows, err := s.sortedRoles(ctx, c, f.Sort, f.After.By, roleKey{f.After.Type, f.After.Key, f.After.Role, f.After.Parameters})
	if err != nil {
		return err
	}
	var last ranked[roleKey]
	for len(rows) > 0 {
		part := rows[:min(len(rows), limit+1)]
		rows = rows[len(part):]
		c := &conditions{}
		c.say("workflow IN (1, 3)")
		c.owners(part, &v.db.dialect)
		list, err := s.chosenRoles(ctx, c, false, "")
		if err != nil {
			return err
		}
		had := map[roleKey]assignments.AssignedRole{}
		for _, a := range list {
			had[roleKey{string(a.Owner.Type), string(a.Owner.Key), string(a.Role), string(a.Parameters)}] = a
		}
		for _, row := range part {
			if len(page.Roles) == limit {
				page.After = &view.FoundRoleCursor{By: last.by, Type: last.key[0], Key: last.key[1], Role: last.key[2], Parameters: last.key[3]}
				return s.nameFound(ctx, page.Roles)
			}
			last = row
			if found := view.FoundRoleOf(had[row.key]); f.Parts || !found.Part {
				page.Roles = append(page.Roles, found)
			}
		}
	}
	return s.nameFound(ctx, page.Roles)
}

// rolesIn is where had roles and requests have what filters ask for.
var rolesIn = columns{kind: access.OfRole, owner: "owner_type", key: "owner_key", what: "role"}

// foundIn is the same of roles that were found: few of those that are had.
var foundIn = columns{kind: access.OfRole, owner: "owner_type", key: "owner_key", what: "role || ''"}

func foundConditions(f view.FoundRoleFilter, after view.FoundRoleCursor, d *Dialect) *conditions {
	c := &conditions{}
	c.say("workflow IN (1, 3)")
	if f.PreExisting != f.NonConforming {
		found := 1
		if f.PreExisting {
			found = 3
		}
		c.add("workflow = %s", found)
	}
	if f.Owner != nil {
		c.add("owner_type = %s", f.Owner.Type)
		c.add("owner_key = %s", f.Owner.Key)
	}
	if f.Roles != nil {
		c.among(foundIn.what, d.Texts, listOf(f.Roles))
	}
	if after != (view.FoundRoleCursor{}) {
		c.args = append(c.args, after.Type, after.Key, after.Role, after.Parameters)
		n := len(c.args)
		beyond := ">"
		if f.Sort.Down {
			beyond = "<"
		}
		c.say(fmt.Sprintf("(owner_type, owner_key, role, parameters) %s ($%d, $%d, $%d, $%d)", beyond, n-3, n-2, n-1, n))
	}
	return c
}

// nameFound fills what is displayed of owners.
func (s *session) nameFound(ctx context.Context, list []view.FoundRole) error {
	refs := make([]resources.Ref, len(list))
	for i, x := range list {
		refs[i] = resources.Ref{Type: schema.EntityType(x.Owner.Type), Key: resources.Key(x.Owner.Key)}
	}
	names, err := s.names(ctx, refs)
	for i := range list {
		list[i].Owner.Display = names[refs[i]]
	}
	return err
}

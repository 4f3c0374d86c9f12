package statement

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// Within answers the same questions about what a filter lets through, and about
// nothing else: rows outside are not there, single things outside are not found.
// What no filter can narrow is answered only where everything passes.
func (v *Views) Within(f access.Filter) *Views {
	if f.All() {
		return v
	}
	return &Views{db: v.db, within: &f}
}

// columns say where a statement's rows have what a filter asks for.
type columns struct {
	kind       access.Kind
	owner, key string
	what       string // the resource type or the role; unused of people
	state, how string // the provisioning state and the kind; of orders alone
}

// within appends: the filter lets the row through. Without a filter, nothing.
func (c *conditions) within(f *access.Filter, at columns, d *Dialect) {
	if f == nil {
		return
	}
	if len(f.Clauses) == 1 { // no OR stands between it and an index
		for _, p := range f.Clauses[0] {
			c.part(p, at, d)
		}
		return
	}
	clauses := make([]string, len(f.Clauses))
	for i, clause := range f.Clauses {
		parts := &conditions{args: c.args}
		for _, p := range clause {
			parts.part(p, at, d)
		}
		c.args = parts.args
		clauses[i] = "1 = 1"
		if len(parts.parts) > 0 {
			clauses[i] = strings.Join(parts.parts, " AND ")
		}
	}
	if len(clauses) == 0 {
		c.say("1 = 0")
		return
	}
	c.say("((" + strings.Join(clauses, ") OR (") + "))")
}

func (c *conditions) part(p access.Part, at columns, d *Dialect) {
	if p.Entities != nil {
		c.among(at.owner, d.Texts, listOf(p.Entities))
	}
	switch {
	case !p.What:
	case at.kind == access.Account:
		oneOf(c, at.what, d.Texts, append([]roles.ResourceTypeID{}, p.Types...), func(t roles.ResourceTypeID) any { return string(t) })
	case at.kind == access.OfRole:
		oneOf(c, at.what, d.Texts, append([]roles.RoleID{}, p.Roles...), func(r roles.RoleID) any { return string(r) })
	default:
		has := func(table, column, live string, arg any) string {
			c.args = append(c.args, arg)
			return fmt.Sprintf("EXISTS (SELECT 1 FROM %s x WHERE x.owner_type = %s AND x.owner_key = %s%s AND x.%s IN (%s))",
				table, at.owner, at.key, live, column, d.Texts(fmt.Sprintf("$%d", len(c.args))))
		}
		c.say("(" + has("assigned_resource", "type", " AND x.closed = 0", listOf(p.Types)) +
			" OR " + has("assigned_role", "role", "", listOf(p.Roles)) +
			" OR " + has("request", "role", "", listOf(p.Roles)) + ")")
	}
	if p.Whom {
		c.whom(p, at, d)
	}
}

// whom appends: the owner is one of the people, or a path leads from him to a key.
func (c *conditions) whom(p access.Part, at columns, d *Dialect) {
	var ways []string
	byType := map[schema.EntityType][]resources.Key{}
	for _, ref := range p.People {
		byType[ref.Type] = append(byType[ref.Type], ref.Key)
	}
	for _, t := range slices.Sorted(maps.Keys(byType)) {
		c.args = append(c.args, t)
		ways = append(ways, fmt.Sprintf("(%s = $%d AND %s IN (%s))", at.owner, len(c.args), at.key, c.keys(byType[t], d)))
	}
	for _, path := range p.Paths {
		query := c.keys(path.Keys, d)
		for _, hop := range slices.Backward(path.Hops) {
			c.args = append(c.args, hop.Entity, hop.Property)
			query = fmt.Sprintf("SELECT l.resource_key FROM resource_link l WHERE l.entity = $%d AND l.property = $%d AND l.target IN (%s)",
				len(c.args)-1, len(c.args), query)
		}
		c.args = append(c.args, path.Hops[0].Entity)
		ways = append(ways, fmt.Sprintf("(%s = $%d AND %s IN (%s))", at.owner, len(c.args), at.key, query))
	}
	switch len(ways) {
	case 0:
		c.say("1 = 0")
	case 1:
		c.say(ways[0])
	default:
		c.say("(" + strings.Join(ways, " OR ") + ")")
	}
}

// writtenOut is how many keys of a list a statement writes out.
const writtenOut = 20

// keys appends a list. A short one is written out: so the database knows how little
// is asked for, and searches an index where it would go through a table.
func (c *conditions) keys(list []resources.Key, d *Dialect) string {
	if len(list) == 0 || len(list) > writtenOut {
		c.args = append(c.args, listOf(list))
		return d.Texts(fmt.Sprintf("$%d", len(c.args)))
	}
	names := make([]string, len(list))
	for i, key := range list {
		c.args = append(c.args, key)
		names[i] = fmt.Sprintf("$%d", len(c.args))
	}
	return strings.Join(names, ", ")
}

// facts are what a filter asks about an owner.
func (s *session) facts(ctx context.Context, f *access.Filter, owner resources.Ref) (access.Facts, error) {
	facts := access.Facts{Reached: map[string][]resources.Key{}}
	texts := func(query string, args []any, take func(string)) error {
		return s.each(ctx, query, args, func(r *sql.Rows) error {
			var text string
			err := r.Scan(&text)
			take(text)
			return err
		})
	}
	who := []any{owner.Type, owner.Key}
	err := texts(`SELECT DISTINCT type FROM assigned_resource WHERE owner_type = $1 AND owner_key = $2 AND closed = 0`, who, func(t string) {
		facts.Types = append(facts.Types, roles.ResourceTypeID(t))
	})
	if err != nil {
		return facts, err
	}
	err = texts(`SELECT role FROM assigned_role WHERE owner_type = $1 AND owner_key = $2
		UNION SELECT role FROM request WHERE owner_type = $1 AND owner_key = $2`, who, func(t string) {
		facts.Roles = append(facts.Roles, roles.RoleID(t))
	})
	for _, path := range f.Paths() {
		if err != nil || path.Hops[0].Entity != owner.Type {
			continue
		}
		var reached []resources.Key
		reached, err = s.led(ctx, owner, path.Hops)
		facts.Reached[path.Name()] = reached
	}
	return facts, err
}

// Reached answers which of these assigned resources the filter lets through:
// what a decision that comes with numbers is checked by.
func (v *Views) Reached(ctx context.Context, ids []orders.AssignedID) (reached []orders.AssignedID, err error) {
	c := &conditions{}
	c.among("a.id", v.db.dialect.Numbers, listOf(ids))
	c.within(v.within, accountsIn, &v.db.dialect)
	err = v.db.read().each(ctx, `SELECT a.id FROM assigned_resource a`+c.where()+` ORDER BY a.id`, c.args, func(r *sql.Rows) error {
		var id orders.AssignedID
		err := r.Scan(&id)
		reached = append(reached, id)
		return err
	})
	return reached, v.db.failed("look for accounts", err)
}

// Sight leaves of resource types and roles those of which the filter shows what
// somebody has: it tells the same as what is left of a person.
func (v *Views) Sight(ctx context.Context, ref resources.Ref, of view.Sight) (seen view.Sight, err error) {
	if v.within == nil {
		return of, nil
	}
	err = v.db.snapshot(ctx, "look at somebody", func(s *session) error {
		facts, err := s.facts(ctx, v.within, ref)
		if err != nil {
			return err
		}
		for _, id := range of.Types {
			if v.within.Holds(access.Subject{Kind: access.Account, Owner: ref, Type: roles.ResourceTypeID(id), Facts: facts}) {
				seen.Types = append(seen.Types, id)
			}
		}
		for _, id := range of.Roles {
			if v.within.Holds(access.Subject{Kind: access.OfRole, Owner: ref, Role: roles.RoleID(id), Facts: facts}) {
				seen.Roles = append(seen.Roles, id)
			}
		}
		return nil
	})
	return seen, err
}

// holds reports whether a filter lets one thing through.
func (v *Views) holds(ctx context.Context, s *session, subject access.Subject) (bool, error) {
	if v.within == nil {
		return true, nil
	}
	facts, err := s.facts(ctx, v.within, subject.Owner)
	subject.Facts = facts
	return err == nil && v.within.Holds(subject), err
}

// whole refuses what no filter can narrow.
func (v *Views) whole(op string) error {
	if v.within == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Denied, Op: op, Msg: "this is about the whole installation, and your profiles reach a part of it", Do: "ask an administrator for a profile without a scope"}
}

// narrowed leaves of a person what the filter lets through.
func (v *Views) narrowed(ctx context.Context, s *session, ref resources.Ref, p *view.Person) error {
	if v.within == nil {
		return nil
	}
	facts, err := s.facts(ctx, v.within, ref)
	if err != nil {
		return err
	}
	if !v.within.Holds(access.Subject{Kind: access.Person, Owner: ref, Facts: facts}) {
		return unknownPerson(ref)
	}
	role := func(id string) bool {
		return !v.within.Holds(access.Subject{Kind: access.OfRole, Owner: ref, Role: roles.RoleID(id), Facts: facts})
	}
	p.Roles = slices.DeleteFunc(p.Roles, func(r view.Role) bool { return role(r.Role) })
	p.Requests = slices.DeleteFunc(p.Requests, func(r view.Request) bool { return role(r.Role) })
	kept := map[any]bool{}
	p.Accounts = slices.DeleteFunc(p.Accounts, func(a view.Account) bool {
		in := v.within.Holds(access.Subject{Kind: access.Account, Owner: ref, Type: roles.ResourceTypeID(a.Type), Facts: facts})
		kept[a.ID] = in
		return !in
	})
	for i := range p.Roles {
		p.Roles[i].Gives = slices.DeleteFunc(p.Roles[i].Gives, func(g view.Gift) bool { return !kept[g.Assigned] })
	}
	return nil
}

func unknownPerson(ref resources.Ref) error {
	return fault.New(fault.NotFound, "show person", "nobody is known as %s", ref)
}

package statement

import (
	"context"
	"database/sql"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// countedWithin is how many rows are looked at to count what a scope of people
// lets through.
const countedWithin = 20_000

// A counting says what is counted: rows told apart by a name and a number.
type counting struct {
	from         string
	name, number string // columns
	at           columns
	only         string // what all of them fulfil
	// scattered: no index leads from what a scope names to a number.
	scattered bool
}

// A counted is how many rows have a name and a number; more: at least so many.
type counted struct {
	name          string
	number, count int
	more          bool
}

// count counts each of these as far as most, and one more, each by itself, so that
// an index answers; 0: exactly. What a scope of people lets through is little, and
// is counted in one go, from these people on.
func (v *Views) count(ctx context.Context, s *session, x counting, most int, of []counted) (list []counted, err error) {
	if most == 0 || v.whom() || v.within != nil && x.scattered {
		return v.together(ctx, s, x, most)
	}
	for _, n := range of {
		c := &conditions{}
		if x.name != "''" {
			c.add(x.name+" = %s", n.name)
		}
		c.add(x.number+" = %s", n.number)
		c.say(x.only)
		c.within(v.within, x.at, &v.db.dialect)
		where := c.where()
		if n.count, err = s.most(ctx, x.from+where, c, most); err != nil {
			return nil, err
		}
		if n.more = n.count > most; n.count > 0 {
			list = append(list, n)
		}
	}
	return list, nil
}

// most counts the rows of a query as far as a number, and one more.
func (s *session) most(ctx context.Context, from string, c *conditions, most int) (n int, err error) {
	_, err = s.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+from+c.limit(most+1)+`) AS counted`, c.args, &n)
	return n, err
}

// whom reports whether the filter chooses people: then what they have is few.
func (v *Views) whom() bool {
	return v.within != nil && slices.ContainsFunc(v.within.Clauses, func(c access.Clause) bool {
		return slices.ContainsFunc(c, func(p access.Part) bool { return p.Whom })
	})
}

func (v *Views) together(ctx context.Context, s *session, x counting, most int) (list []counted, err error) {
	c := &conditions{}
	c.say(x.only)
	c.within(v.within, x.at, &v.db.dialect)
	rows := `SELECT ` + x.name + ` AS name, ` + x.number + ` AS number FROM ` + x.from + c.where()
	if most > 0 {
		rows += c.limit(countedWithin)
	}
	total := 0
	err = s.each(ctx, `SELECT name, number, count(*) FROM (`+rows+`) AS found GROUP BY name, number ORDER BY name, number`, c.args, func(r *sql.Rows) error {
		var n counted
		err := r.Scan(&n.name, &n.number, &n.count)
		n.more = most > 0 && n.count > most
		list = append(list, n)
		total += n.count
		return err
	})
	for i := range list {
		list[i].more = list[i].more || most > 0 && total >= countedWithin
	}
	return list, err
}

// StateCounts answers how many orders, items and roles stand in each state.
func (v *Views) StateCounts(ctx context.Context, most int) (counts view.StateCounts, err error) {
	var states, places []counted
	for _, state := range orders.States() {
		states = append(states, counted{number: int(state)})
	}
	for _, p := range orders.Places() {
		places = append(places, counted{name: string(p.Mark), number: int(p.State)})
	}
	err = v.db.snapshot(ctx, "count states", func(s *session) error {
		states, err := v.count(ctx, s, counting{from: "provisioning_order o", name: "''", number: "o.state", at: ordersIn, only: "o.closed_at = 0", scattered: true}, most, states)
		if err != nil {
			return err
		}
		for _, state := range orders.States() {
			counts.Orders = append(counts.Orders, stateCount(states, orders.Place{State: state}))
		}
		items := counting{from: "order_item i", name: "i.mark", number: "i.state", at: ordersIn, only: "i.live = 1", scattered: true}
		if v.within != nil {
			items.from = "provisioning_order o JOIN order_item i ON i.order_id = o.id"
			items.only += " AND o.closed_at = 0"
		}
		places, err := v.count(ctx, s, items, most, places)
		if err != nil {
			return err
		}
		for _, p := range orders.Places() {
			counts.Items = append(counts.Items, stateCount(places, p))
		}
		counts.Roles, err = v.roleCounts(ctx, s, most)
		return err
	})
	return counts, err
}

// roleCounts counts the roles that people have by workflow state. Most of them are
// calculated: an index holds the others.
func (v *Views) roleCounts(ctx context.Context, s *session, most int) (list []view.WorkflowCount, err error) {
	var others []counted
	for _, w := range assignments.Workflows() {
		if w != assignments.Calculated {
			others = append(others, counted{number: int(w)})
		}
	}
	x := counting{from: "assigned_role", name: "''", number: "workflow", at: rolesIn, only: "workflow <> 18", scattered: true}
	found, err := v.count(ctx, s, x, most, others)
	if err != nil {
		return nil, err
	}
	x.only = "workflow = 18"
	calculated, err := v.count(ctx, s, x, most, []counted{{number: int(assignments.Calculated)}})
	found = append(found, calculated...)
	slices.SortFunc(found, func(a, b counted) int { return a.number - b.number })
	for _, n := range found {
		list = append(list, view.WorkflowCount{Workflow: workflowShown(n.number), Count: n.count, More: n.more})
	}
	return list, err
}

func stateCount(list []counted, p orders.Place) view.StateCount {
	n := view.StateCount{State: view.StateOf(p)}
	for _, x := range list {
		if x.number == int(p.State) && x.name == string(p.Mark) {
			n.Count, n.More = x.count, x.more
		}
	}
	return n
}

// OpenOrders answers exactly how many open orders stand in each state: what a
// graph is drawn of.
func (v *Views) OpenOrders(ctx context.Context) (list []view.StateCount, err error) {
	err = v.db.snapshot(ctx, "count orders", func(s *session) error {
		found, err := v.count(ctx, s, counting{from: "provisioning_order o", name: "''", number: "o.state", at: ordersIn, only: "o.closed_at = 0"}, 0, nil)
		for _, state := range orders.States() {
			list = append(list, stateCount(found, orders.Place{State: state}))
		}
		return err
	})
	return list, err
}

// TypeCounts answers how the assigned resources of each resource type stand.
func (v *Views) TypeCounts(ctx context.Context, most int) (list []view.TypeCount, err error) {
	err = v.db.snapshot(ctx, "count resource types", func(s *session) error {
		types, err := s.assignedTypes(ctx)
		if err == nil {
			list, err = v.accounts(ctx, s, types, most)
		}
		return err
	})
	return list, err
}

// assignedTypes are the resource types of which something is assigned: one step
// in an index for each.
func (s *session) assignedTypes(ctx context.Context) (types []string, err error) {
	err = s.each(ctx, `WITH RECURSIVE t(type) AS (
		SELECT min(type) FROM assigned_resource WHERE closed = 0
		UNION ALL SELECT (SELECT min(a.type) FROM assigned_resource a WHERE a.closed = 0 AND a.type > t.type) FROM t WHERE t.type IS NOT NULL)
		SELECT type FROM t WHERE type IS NOT NULL`, nil, func(r *sql.Rows) error {
		var t string
		err := r.Scan(&t)
		types = append(types, t)
		return err
	})
	return types, err
}

// AccountCounts answers how the accounts of resource types stand, as far as it is
// worth counting.
func (v *Views) AccountCounts(ctx context.Context, types []string) (list []view.TypeCount, err error) {
	err = v.db.snapshot(ctx, "count accounts", func(s *session) error {
		list, err = v.accounts(ctx, s, types, view.CountMost)
		return err
	})
	return list, err
}

func (v *Views) accounts(ctx context.Context, s *session, types []string, most int) (list []view.TypeCount, err error) {
	var of []counted
	for _, t := range types {
		for _, state := range orders.States() {
			of = append(of, counted{name: t, number: int(state)})
		}
	}
	found, err := v.count(ctx, s, counting{from: "assigned_resource a", name: "a.type", number: "a.state", at: accountsIn, only: "a.closed = 0"}, most, of)
	for _, n := range found {
		if slices.Contains(types, n.name) {
			list = append(list, view.TypeCount{Type: n.name, State: view.StateOf(orders.Place{State: orders.Numbered(n.number)}), Count: n.count, More: n.more})
		}
	}
	return list, err
}

// EntityCounts answers how many resources of entity types there are, as far as it
// is worth counting.
func (v *Views) EntityCounts(ctx context.Context, entities []string) (map[string]int, error) {
	counts := map[string]int{}
	if err := v.whole("count resources"); err != nil {
		return nil, err
	}
	err := v.db.snapshot(ctx, "count resources", func(s *session) (err error) {
		for _, entity := range entities {
			c := &conditions{}
			c.add("entity = %s", entity)
			if counts[entity], err = s.most(ctx, "resource"+c.where(), c, view.CountMost); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

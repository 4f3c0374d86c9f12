package statement

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// Views answers the questions of package view.
type Views struct {
	db     *DB
	within *access.Filter // nil: everything
}

// Views returns the store's answers to what people ask.
func (db *DB) Views() *Views { return &Views{db: db} }

var _ view.Questions = (*Views)(nil)

const selectOrders = `SELECT o.id, o.assigned_resource, o.kind, o.type, o.owner_type, o.owner_key, coalesce(r.display, ''), a.target,
	o.connector, o.connection, o.manual, o.state, o.since_at, o.version, o.created_at, o.closed_at, o.outcome, o.supersedes,
	o.waits, o.taken_by, o.agent, a.confidence
	FROM provisioning_order o
	JOIN assigned_resource a ON a.id = o.assigned_resource
	LEFT JOIN resource r ON r.entity = o.owner_type AND r.resource_key = o.owner_key`

func scanOrder(r *sql.Rows) (o view.Order, err error) {
	var state orders.State
	var manual int
	var since, created, closed int64
	err = r.Scan(&o.ID, &o.Assigned, &o.Kind, &o.Type, &o.Owner.Type, &o.Owner.Key, &o.Owner.Display, &o.Target,
		&o.Connector, &o.Connection, &manual, &state, &since, &o.Version, &created, &closed, &o.Outcome, &o.Supersedes,
		&o.Waits, &o.TakenBy, &o.Agent, &o.Confidence)
	o.State, o.Manual = view.StateOf(orders.Place{State: state}), manual == 1
	o.Since, o.Created, o.Closed = instant(since), instant(created), instant(closed)
	return o, err
}

// Orders answers which orders stand where.
func (v *Views) Orders(ctx context.Context, f view.OrderFilter) (page view.OrderPage, err error) {
	limit := view.Rows(f.Limit)
	err = v.db.snapshot(ctx, "list orders", func(s *session) error {
		if !view.OrderColumns.Is(f.Sort, view.ByNumber) {
			return v.sortedOrders(ctx, s, f, &page)
		}
		c, found, err := v.ordersChosen(ctx, s, f, ordersIn)
		if err != nil {
			return err
		}
		var last orders.OrderID
		if f.Closed && found != fewFound && f.Owner == nil {
			if last, err = s.lookedThrough(ctx, f); err != nil {
				return err
			}
			c.until("o.id", last, f.Sort.Down)
		}
		order := c.byNumber("o.id", found == fewFound, int64(f.After), f.Sort.Down)
		page.Orders, err = s.orders(ctx, c.where()+order+c.limit(limit+1), c.args)
		if err != nil {
			return err
		}
		if len(page.Orders) > limit {
			page.Orders = page.Orders[:limit]
			last = page.Orders[limit-1].ID
		}
		page.After = last
		return s.orderItems(ctx, page.Orders)
	})
	return page, err
}

// lookedThrough is the last order of history that is looked at for a page; 0 where
// it ends with the history.
func (s *session) lookedThrough(ctx context.Context, f view.OrderFilter) (last orders.OrderID, err error) {
	c := &conditions{}
	if len(f.States) == 1 {
		c.add("o.state = %s", int(f.States[0]))
	}
	order := c.byNumber("o.id", false, int64(f.After), f.Sort.Down)
	skipped := fmt.Sprintf(" LIMIT 1 OFFSET %d", cmp.Or(f.Within, view.LookedThrough)-1)
	_, err = s.one(ctx, "SELECT o.id FROM provisioning_order o"+c.where()+order+skipped, c.args, &last)
	return last, err
}

// orders reads orders.
func (s *session) orders(ctx context.Context, where string, args []any) (list []view.Order, err error) {
	err = s.each(ctx, selectOrders+where, args, func(r *sql.Rows) error {
		o, err := scanOrder(r)
		list = append(list, o)
		return err
	})
	return list, err
}

// sortedOrders fills a page that is sorted by another column than the number.
func (v *Views) sortedOrders(ctx context.Context, s *session, f view.OrderFilter, page *view.OrderPage) error {
	x := sorting{from: "provisioning_order o", id: "o.id"}
	switch f.Sort.By {
	case view.BySince:
		x.by, x.number = "o.since_at", true
	case view.ByState: // few values: an index would say little, and cost with every move
		x.by, x.number = "o.state + 0", true
	case view.ByType:
		x.by = "o.type"
	default:
		x.by, x.from = calledIn, calledFrom(x.from, "o.owner_type", "o.owner_key")
	}
	c, found, err := v.ordersChosen(ctx, s, f, ordersIn)
	if err != nil {
		return err
	}
	if f.Sort.By != view.ByOwner && !f.Closed {
		x.walk = func() (*conditions, error) {
			c, _, err := v.ordersChosen(ctx, s, f, ordersWalked)
			return c, err
		}
	}
	if found != manyFound {
		x.take = c
	}
	rows, more, err := s.numbers(ctx, x, f.Sort, int64(f.After), f.AfterBy, view.Rows(f.Limit))
	if err != nil {
		return err
	}
	list, err := s.orders(ctx, " WHERE o.id IN ("+v.db.dialect.Numbers("$1")+")", []any{listOf(keysOf(rows))})
	if err != nil {
		return err
	}
	page.Orders, page.After, page.AfterBy = arranged(list, rows, more, func(o view.Order) orders.OrderID { return o.ID })
	return s.orderItems(ctx, page.Orders)
}

// ordersIn and accountsIn are where orders and assigned resources have what filters
// ask for. Expressions have no index that would be searched: in ordersOfFew it is
// that of the owners, in ordersWalked that of the order.
var (
	ordersIn     = columns{kind: access.Account, owner: "o.owner_type", key: "o.owner_key", what: "o.type", state: "o.state", how: "o.kind"}
	ordersWalked = columns{kind: access.Account, owner: "o.owner_type || ''", key: "o.owner_key || ''", what: "o.type || ''", state: "o.state + 0", how: "o.kind || ''"}
	ordersOfFew  = columns{kind: access.Account, owner: "o.owner_type", key: "o.owner_key", what: "o.type || ''", state: "o.state + 0", how: "o.kind || ''"}
	accountsIn   = columns{kind: access.Account, owner: "a.owner_type", key: "a.owner_key", what: "a.type"}
)

// A finding is how many orders a choice may leave.
type finding int

const (
	anyFound  finding = iota // nobody knows
	fewFound                 // few: it begins with them
	manyFound                // each is looked at, and asked for something of its own
)

// ordersChosen are the conditions of a choice of orders.
func (v *Views) ordersChosen(ctx context.Context, s *session, f view.OrderFilter, at columns) (c *conditions, found finding, err error) {
	c = &conditions{}
	few, err := c.owner(ctx, s, f.Text, at)
	if err == nil && f.Text != "" && !few {
		found = manyFound
	}
	if err == nil && f.Property != "" && !f.Closed {
		few, err = c.property(ctx, s, f.Property, few)
	}
	if err == nil && !few {
		few, err = v.fewPeople(ctx, s)
	}
	if few {
		found = fewFound
	}
	if at == ordersIn && (few || f.Text != "") {
		at = ordersOfFew
	}
	c.orders(f, at, &v.db.dialect)
	c.within(v.within, at, &v.db.dialect)
	return c, found, err
}

// orders appends what is asked for, but for the owner's text and the property.
func (c *conditions) orders(f view.OrderFilter, at columns, d *Dialect) {
	if !f.Closed {
		c.say("o.closed_at = 0")
	}
	oneOf(c, at.state, d.Numbers, f.States, func(s orders.State) any { return int(s) })
	oneOf(c, at.how, d.Texts, f.Kinds, func(k orders.Kind) any { return string(k) })
	oneOf(c, at.what, d.Texts, f.Types, func(t string) any { return t })
	if f.Owner != nil {
		c.add(at.owner+" = %s", f.Owner.Type)
		c.add(at.key+" = %s", f.Owner.Key)
	}
	if f.Connector != "" {
		c.add("o.connector = %s", f.Connector)
	}
	if f.Connection != "" {
		c.add("o.connection = %s", f.Connection)
	}
	if f.Property != "" && f.Closed {
		c.add("EXISTS (SELECT 1 FROM order_item i WHERE i.order_id = o.id AND i.property = %s)", f.Property)
	}
	if f.Review {
		c.say("(o.blocked > 0 OR o.errored > 0)")
	}
	if f.Handed {
		c.say("o.manual = 1 AND o.transmitted > 0")
	}
	if f.Gated {
		c.say("o.gated = 1")
	}
	if !f.SinceBefore.IsZero() {
		c.add("o.since_at <= %s", nanos(f.SinceBefore))
	}
	if !f.On.IsZero() {
		c.add("o.postponed_until <= %s", nanos(f.On))
	}
	if !f.Overdue.IsZero() {
		overdue := "o.expires_at > 0 AND o.expires_at <= %s"
		c.add(overdue, nanos(f.Overdue))
		if f.Patience > 0 {
			expired := c.parts[len(c.parts)-1]
			c.add("o.since_at <= %s", nanos(f.Overdue.Add(-f.Patience)))
			patient := c.parts[len(c.parts)-1]
			c.parts = append(c.parts[:len(c.parts)-2], "(("+expired+") OR "+patient+")")
		}
	}
}

// owner appends: the owner is one of those whom a text means or, where these are
// many, he is asked for it: his key is the text, or each of its words begins one of his.
func (c *conditions) owner(ctx context.Context, s *session, text string, at columns) (few bool, err error) {
	if text == "" {
		return false, nil
	}
	list, few, err := s.bearers(ctx, text)
	if err != nil {
		return false, err
	}
	if few {
		c.args = append(c.args, listOf(list))
		c.say("(" + at.owner + ", " + at.key + ") IN (" + s.db.dialect.Pairs(fmt.Sprintf("$%d", len(c.args))) + ")")
		return true, nil
	}
	byWords := &conditions{args: c.args}
	byWords.add("o.owner_key = %s", text)
	key := byWords.parts[0]
	byWords.parts = nil
	for _, word := range splitWords(text) {
		byWords.word("SELECT 1 FROM resource_word w WHERE w.entity = o.owner_type AND w.resource_key = o.owner_key", word)
	}
	c.args = byWords.args
	c.say("(" + key + " OR (" + strings.Join(byWords.parts, " AND ") + "))")
	return false, nil
}

// property appends: an open order touches the property. Where few do, they are
// where to begin.
func (c *conditions) property(ctx context.Context, s *session, name string, few bool) (bool, error) {
	items := &conditions{}
	items.add("i.property = %s", name)
	items.say("i.live = 1")
	n, err := s.most(ctx, "order_item i"+items.where(), items, fewMost)
	if n <= fewMost && !few {
		c.add("o.id IN (SELECT i.order_id FROM order_item i WHERE i.property = %s AND i.live = 1)", name)
		return true, err
	}
	c.add("EXISTS (SELECT 1 FROM order_item i WHERE i.order_id = o.id AND i.property = %s AND i.live = 1)", name)
	return few, err
}

// word appends: the query of words (alias w) finds one that begins like this.
func (c *conditions) word(query, word string) {
	c.args = append(c.args, word, word+beyond)
	c.say(fmt.Sprintf("EXISTS (%s AND w.word >= $%d AND w.word < $%d)", query, len(c.args)-1, len(c.args)))
}

// orderItems fills the items of listed orders.
func (s *session) orderItems(ctx context.Context, list []view.Order) error {
	at := map[orders.OrderID]int{}
	ids := make([]orders.OrderID, len(list))
	for i, o := range list {
		at[o.ID], ids[i] = i, o.ID
		list[i].Items = []view.OrderItem{}
	}
	return s.each(ctx, `SELECT order_id, item, property, link, op, state, mark, since_at, proposed, current_value, before_value, workflow, message
		FROM order_item WHERE order_id IN (`+s.db.dialect.Numbers("$1")+`) ORDER BY order_id, item`, []any{listOf(ids)}, func(r *sql.Rows) error {
		var id orders.OrderID
		var it view.OrderItem
		var p orders.Place
		var since int64
		err := r.Scan(&id, &it.Item, &it.Property, &it.Link, &it.Op, &p.State, &p.Mark, &since, &it.Proposed, &it.Current, &it.Before,
			&it.Workflow.Number, &it.Message)
		it.State, it.Since = view.StateOf(p), instant(since)
		it.Workflow = workflowShown(it.Workflow.Number)
		list[at[id]].Items = append(list[at[id]].Items, it)
		return err
	})
}

// Order answers what became of one order, open or closed.
func (v *Views) Order(ctx context.Context, id orders.OrderID) (detail view.OrderDetail, err error) {
	err = v.db.snapshot(ctx, "show order", func(s *session) error {
		var list []view.Order
		err := s.each(ctx, selectOrders+` WHERE o.id = $1`, []any{int64(id)}, func(r *sql.Rows) error {
			o, err := scanOrder(r)
			list = append(list, o)
			return err
		})
		if err != nil {
			return err
		}
		seen := len(list) > 0
		if seen {
			if seen, err = v.holds(ctx, s, subjectOf(list[0])); err != nil {
				return err
			}
		}
		if !seen {
			return fault.New(fault.NotFound, "show order", "there is no order %d", id)
		}
		if err := s.orderItems(ctx, list); err != nil {
			return err
		}
		detail.Order = list[0]
		steps, err := s.path(ctx, detail.Assigned, id)
		detail.Path = steps
		if err != nil {
			return err
		}
		filter := AssignedFilter{IDs: []orders.AssignedID{detail.Assigned}, Closed: true}
		return s.eachAssigned(ctx, filter, func(a *orders.AssignedResource) error {
			detail.Account = view.AccountOf(a)
			nameSteps(detail.Path, a)
			return nil
		})
	})
	return detail, err
}

// subjectOf is an order as a filter sees it.
func subjectOf(o view.Order) access.Subject {
	return access.Subject{Kind: access.Account, Owner: resources.Ref{Type: schema.EntityType(o.Owner.Type), Key: resources.Key(o.Owner.Key)}, Type: roles.ResourceTypeID(o.Type)}
}

// Path answers which path the items of an assigned resource took.
func (v *Views) Path(ctx context.Context, id orders.AssignedID) (steps []view.Step, err error) {
	err = v.db.snapshot(ctx, "show path", func(s *session) error {
		if steps, err = s.path(ctx, id, 0); err != nil {
			return err
		}
		var of *orders.AssignedResource
		err := s.eachAssigned(ctx, AssignedFilter{IDs: []orders.AssignedID{id}, Closed: true}, func(a *orders.AssignedResource) error {
			nameSteps(steps, a)
			of = a
			return nil
		})
		if err != nil || of == nil {
			return err
		}
		seen, err := v.holds(ctx, s, access.Subject{Kind: access.Account, Owner: of.Owner, Type: of.Type})
		if !seen {
			steps = nil
		}
		return err
	})
	return steps, err
}

// path returns the steps of an assigned resource, under one order or all, as they were taken.
func (s *session) path(ctx context.Context, id orders.AssignedID, order orders.OrderID) ([]view.Step, error) {
	c := &conditions{}
	c.add("assigned_resource = %s", int64(id))
	if order != 0 {
		c.add("order_id = %s", int64(order))
	}
	var steps []view.Step
	err := s.each(ctx, `SELECT item, step, order_id, from_place, event, to_place, at, actor, why FROM order_step`+c.where()+
		` ORDER BY at, item, step`, c.args, func(r *sql.Rows) error {
		var step view.Step
		var from, to string
		var at int64
		err := r.Scan(&step.Item, &step.Step, &step.Order, &from, &step.Event, &to, &at, &step.Actor, &step.Why)
		step.From, step.To, step.At = stateShown(from), stateShown(to), instant(at)
		steps = append(steps, step)
		return err
	})
	return steps, err
}

// stateShown shows a place as it was written; one of an earlier release keeps its text.
func stateShown(text string) view.State {
	p, err := orders.ParsePlace(text)
	if err != nil {
		return view.State{Number: -1, Name: text}
	}
	return view.StateOf(p)
}

func nameSteps(steps []view.Step, a *orders.AssignedResource) {
	for i := range steps {
		if item := a.Item(steps[i].Item); item != nil {
			steps[i].Name = item.Name()
		}
	}
}

// Resolve answers who is meant by a text: whoever bears it as key or as
// identifier, among one entity type, or among all for "".
func (v *Views) Resolve(ctx context.Context, entity, text string) (found []view.Owner, err error) {
	err = v.db.snapshot(ctx, "resolve "+text, func(s *session) error {
		known, err := s.entities(ctx)
		if err != nil {
			return err
		}
		for _, e := range known {
			if entity != "" && string(e.entity) != entity {
				continue
			}
			c := &conditions{args: []any{string(e.entity), text, listOf(e.identify)}}
			c.say(`r.entity = $1 AND (r.resource_key = $2 OR r.resource_key IN
				(SELECT i.resource_key FROM resource_identifier i WHERE i.entity = $1 AND i.identifier = $2 AND i.property IN (` + s.db.dialect.Texts("$3") + `)))`)
			c.within(v.within, peopleIn, &v.db.dialect)
			err := s.each(ctx, `SELECT r.entity, r.resource_key, r.display FROM resource r`+c.where()+
				` ORDER BY r.display, r.resource_key`+c.limit(view.DefaultLimit), c.args, func(r *sql.Rows) error {
				var o view.Owner
				err := r.Scan(&o.Type, &o.Key, &o.Display)
				found = append(found, o)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

type knownEntity struct {
	entity   schema.EntityType
	identify []schema.PropertyName
}

func (s *session) entities(ctx context.Context) ([]knownEntity, error) {
	var list []knownEntity
	err := s.each(ctx, `SELECT entity, identify FROM entity ORDER BY entity`, nil, func(r *sql.Rows) error {
		var e knownEntity
		var names []byte
		if err := r.Scan(&e.entity, &names); err != nil {
			return err
		}
		err := json.Unmarshal(names, &e.identify)
		list = append(list, e)
		return err
	})
	return list, err
}

// Person answers what somebody has, in which state, and why.
func (v *Views) Person(ctx context.Context, ref resources.Ref) (p view.Person, err error) {
	err = v.db.snapshot(ctx, "show person", func(s *session) error {
		p = view.Person{Owner: view.Owner{Type: string(ref.Type), Key: string(ref.Key)}, Gone: true}
		err := s.each(ctx, `SELECT resource_key, display, document FROM resource WHERE entity = $1 AND resource_key = $2`,
			[]any{ref.Type, ref.Key}, func(r *sql.Rows) error {
				found, err := scanResource(r, ref.Type)
				p.Gone, p.Display = false, found.Display
				p.Values, p.Links = view.ValuesOf(found)
				for name, source := range found.Edited {
					if p.Edited == nil {
						p.Edited = map[string]string{}
					}
					p.Edited[string(name)] = source.String()
				}
				return err
			})
		if err != nil {
			return err
		}
		var held []*orders.AssignedResource
		err = s.eachAssigned(ctx, AssignedFilter{Owners: []resources.Ref{ref}}, func(a *orders.AssignedResource) error {
			held = append(held, a)
			p.Accounts = append(p.Accounts, view.AccountOf(a))
			return nil
		})
		if err != nil {
			return err
		}
		assigned, err := s.assignedRoles(ctx, &ref)
		if err != nil {
			return err
		}
		if p.Gone && len(held) == 0 && len(assigned) == 0 {
			return unknownPerson(ref)
		}
		p.Roles = view.RolesOf(assigned, held)
		if err := s.askedFor(ctx, ref, &p); err != nil {
			return err
		}
		return v.narrowed(ctx, s, ref, &p)
	})
	if err != nil {
		return view.Person{}, err // nothing of whom one may not see goes with the refusal
	}
	return p, nil
}

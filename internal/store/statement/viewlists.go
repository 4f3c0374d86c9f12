package statement

import (
	"context"
	"database/sql"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

func workflowShown(no int) view.Workflow { return view.WorkflowOf(assignments.Workflow(no)) }

// propertyWithin is how many questions are looked through for a page of those
// about one property: their values stand in documents, and each is read.
const propertyWithin = 1_000

// Reconciliation answers what was found that nobody ordered.
func (v *Views) Reconciliation(ctx context.Context, f view.ReconciliationFilter) (page view.ReconciliationPage, err error) {
	limit := view.Rows(f.Limit)
	looked := limit
	if f.Property != "" {
		looked = propertyWithin
	}
	c := v.questionConditions(f)
	documents := &reader{}
	err = v.db.snapshot(ctx, "list reconciliation", func(s *session) error {
		few, err := v.fewPeople(ctx, s)
		if err != nil {
			return err
		}
		if !view.QuestionColumns.Is(f.Sort, view.ByNumber) {
			return v.sortedQuestions(ctx, s, c, few, f, &page)
		}
		order := c.byNumber("a.id", few, int64(f.After), f.Sort.Down)
		seen, last, more := 0, orders.AssignedID(0), false
		err = s.each(ctx, selectAssigned+c.where()+order+c.limit(looked+1), c.args, func(r *sql.Rows) error {
			if more = more || seen == looked || len(page.Questions) == limit; more {
				return nil
			}
			a, err := scanAssigned(r, documents)
			if err != nil {
				return err
			}
			seen, last = seen+1, a.ID
			if q := questionOf(a, f.Property); f.Property == "" || len(q.Account.Items) > 0 {
				page.Questions = append(page.Questions, q)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if more {
			page.After = last
		}
		return s.nameOwners(ctx, page.Questions)
	})
	return page, err
}

// sortedQuestions fills a page that is sorted by another column than the number. A
// list of those about one property is not: each account is read to know whether it is one.
func (v *Views) sortedQuestions(ctx context.Context, s *session, c *conditions, few bool, f view.ReconciliationFilter, page *view.ReconciliationPage) error {
	if f.Property != "" {
		return fault.New(fault.Invalid, "sort by "+string(f.Sort.By), "questions about one property are sorted by number alone")
	}
	// By their numbers they are found through the index of questions, and by no other.
	x := sorting{from: "assigned_resource a", id: "a.id", take: c, found: c.byNumber("a.id", few, 0, false)}
	switch f.Sort.By {
	case view.ByType:
		x.by = "a.type"
	case view.ByAccount:
		x.by = "a.target"
	default:
		x.by, x.from = calledIn, calledFrom(x.from, "a.owner_type", "a.owner_key")
	}
	rows, more, err := s.numbers(ctx, x, f.Sort, int64(f.After), f.AfterBy, view.Rows(f.Limit))
	if err != nil {
		return err
	}
	var list []view.Question
	documents := &reader{}
	err = s.each(ctx, selectAssigned+" WHERE a.id IN ("+v.db.dialect.Numbers("$1")+")", []any{listOf(keysOf(rows))}, func(r *sql.Rows) error {
		a, err := scanAssigned(r, documents)
		if err == nil {
			list = append(list, questionOf(a, ""))
		}
		return err
	})
	if err != nil {
		return err
	}
	page.Questions, page.After, page.AfterBy = arranged(list, rows, more, func(q view.Question) orders.AssignedID { return q.Account.ID })
	return s.nameOwners(ctx, page.Questions)
}

// Accounts answers with accounts whole: those of the filter's numbers or names.
func (v *Views) Accounts(ctx context.Context, f view.AccountFilter) (list []view.Question, err error) {
	c := &conditions{}
	if f.IDs != nil {
		c.among("a.id", v.db.dialect.Numbers, listOf(f.IDs))
	}
	if f.Targets != nil {
		c.among("a.target", v.db.dialect.Texts, listOf(f.Targets))
	}
	c.within(v.within, accountsIn, &v.db.dialect)
	documents := &reader{}
	err = v.db.snapshot(ctx, "show accounts", func(s *session) error {
		err := s.each(ctx, selectAssigned+c.where()+" ORDER BY a.id"+c.limit(view.MaxLimit), c.args, func(r *sql.Rows) error {
			a, err := scanAssigned(r, documents)
			if err != nil {
				return err
			}
			q := questionOf(a, "")
			q.Account = view.AccountOf(a)
			list = append(list, q)
			return nil
		})
		if err != nil {
			return err
		}
		return s.nameOwners(ctx, list)
	})
	return list, err
}

func (v *Views) questionConditions(f view.ReconciliationFilter) *conditions {
	c := &conditions{}
	c.say("a.closed = 0 AND (a.found > 0 OR a.workflow IN (1, 3))")
	if f.Unauthorized {
		c.say("a.workflow IN (1, 3) AND a.found = 0")
	}
	if f.Drifted || f.Property != "" {
		c.say("a.found > 0")
	}
	oneOf(c, questionsIn.what, v.db.dialect.Texts, f.Types, func(t string) any { return t })
	c.within(v.within, questionsIn, &v.db.dialect)
	return c
}

// questionsIn is where questions have what filters ask for: the index of questions
// holds the type, and that of all accounts of a type is not to be walked instead.
var questionsIn = columns{kind: access.Account, owner: "a.owner_type", key: "a.owner_key", what: "a.type || ''"}

// questionOf is what is asked about an account: all of it, or about one property.
func questionOf(a *orders.AssignedResource, property string) view.Question {
	account := view.AccountOf(a)
	var asked []view.Item
	for _, item := range account.Items {
		if item.State.Mark == string(orders.Found) && (property == "" || item.Property == property) {
			asked = append(asked, item)
		}
	}
	account.Items = asked
	return view.Question{
		Owner:        view.Owner{Type: string(a.Owner.Type), Key: string(a.Owner.Key)},
		Unauthorized: a.Unauthorized(),
		Account:      account,
	}
}

// nameOwners fills what is displayed of owners.
func (s *session) nameOwners(ctx context.Context, list []view.Question) error {
	refs := make([]resources.Ref, len(list))
	for i, q := range list {
		refs[i] = resources.Ref{Type: schema.EntityType(q.Owner.Type), Key: resources.Key(q.Owner.Key)}
	}
	names, err := s.names(ctx, refs)
	for i := range list {
		list[i].Owner.Display = names[refs[i]]
	}
	return err
}

// names returns what is displayed of the resources that are there.
func (s *session) names(ctx context.Context, refs []resources.Ref) (map[resources.Ref]string, error) {
	names := map[resources.Ref]string{}
	err := s.each(ctx, `SELECT entity, resource_key, display FROM resource WHERE (entity, resource_key) IN (`+s.db.dialect.Pairs("$1")+`)`,
		[]any{pairs(refs)}, func(r *sql.Rows) error {
			var ref resources.Ref
			var display string
			err := r.Scan(&ref.Type, &ref.Key, &display)
			names[ref] = display
			return err
		})
	return names, err
}

// Names answers what resources are called; those that are not there are left out.
func (v *Views) Names(ctx context.Context, refs []resources.Ref) (map[resources.Ref]string, error) {
	names, err := v.db.read().names(ctx, refs)
	return names, v.db.failed("name resources", err)
}

// Readings answers how synchronization goes, the newest first.
func (v *Views) Readings(ctx context.Context, f view.ReadingFilter) ([]view.Reading, error) {
	if err := v.whole("list readings"); err != nil {
		return nil, err
	}
	c := &conditions{}
	if f.Entity != "" {
		c.add("entity = %s", f.Entity)
	}
	var list []view.Reading
	err := v.db.read().each(ctx, selectReading+c.where()+" ORDER BY id DESC"+c.limit(view.Rows(f.Limit)), c.args, func(r *sql.Rows) error {
		x, err := scanReading(r)
		list = append(list, view.Reading{
			ID: x.ID, Connector: string(x.Connector), Entity: string(x.Entity), Began: x.Began, Ended: x.Ended,
			Complete: x.Complete, State: string(x.State), Counts: x.Counts, Findings: x.Findings, Why: x.Why,
		})
		return err
	})
	return list, v.db.failed("list readings", err)
}

// Parks answers what thresholds hold, and how many open orders each holds now.
func (v *Views) Parks(ctx context.Context) ([]view.Park, error) {
	var list []view.Park
	err := v.db.read().each(ctx, `SELECT p.type, p.kind, p.since_at, p.orders, p.ceiling, p.why,
		(SELECT count(*) FROM provisioning_order o WHERE o.type = p.type AND o.kind = p.kind AND o.closed_at = 0)
		FROM park p ORDER BY p.type, p.kind`, nil, func(r *sql.Rows) error {
		var p view.Park
		var since int64
		err := r.Scan(&p.Type, &p.Kind, &since, &p.Count, &p.Limit, &p.Why, &p.Held)
		p.Since = instant(since)
		// A threshold speaks of all people: it is for those who see all of the type.
		if v.within == nil || v.within.Holds(access.Subject{Kind: access.Account, Type: roles.ResourceTypeID(p.Type)}) {
			list = append(list, p)
		}
		return err
	})
	return list, v.db.failed("list parks", err)
}

// Journal answers who did what, the newest first.
func (v *Views) Journal(ctx context.Context, f view.JournalFilter) (page view.JournalPage, err error) {
	if err := v.whole("list journal"); err != nil {
		return page, err
	}
	limit := view.Rows(f.Limit)
	c := &conditions{}
	if f.Actor != "" {
		c.add("(process = %s OR behalf = %s)", f.Actor)
	}
	if f.Text != "" {
		c.add(`(lower(name) LIKE %s ESCAPE '!' OR lower(subject) LIKE %s ESCAPE '!' OR lower(why) LIKE %s ESCAPE '!')`,
			"%"+likeable.Replace(strings.ToLower(f.Text))+"%")
	}
	if !f.Since.IsZero() {
		c.add("at >= %s", nanos(f.Since))
	}
	floor, err := v.journalFloor(ctx, f)
	if err != nil {
		return page, v.db.failed("list journal", err)
	}
	switch {
	case floor == 0:
	case f.Oldest:
		c.add("seq <= %s", floor)
	default:
		c.add("seq >= %s", floor)
	}
	order := c.byNumber("seq", false, f.Before, !f.Oldest)
	err = v.db.read().each(ctx, selectJournal+c.where()+order+c.limit(limit+1), c.args, func(r *sql.Rows) error {
		e, err := scanEntry(r)
		page.Entries = append(page.Entries, e)
		return err
	})
	if len(page.Entries) > limit {
		page.Entries = page.Entries[:limit]
		page.Before = page.Entries[limit-1].Seq
	} else if floor != 0 {
		page.Before = floor
	}
	return page, v.db.failed("list journal", err)
}

// journalFloor is the last entry that a bounded search looks at; 0 where it ends with
// the journal.
func (v *Views) journalFloor(ctx context.Context, f view.JournalFilter) (int64, error) {
	if f.Within == 0 {
		return 0, nil
	}
	head, err := v.db.ChangeCounter(ctx)
	if err != nil {
		return 0, err
	}
	if f.Oldest {
		if last := f.Before + f.Within; last < head {
			return last, nil
		}
		return 0, nil
	}
	top := f.Before
	if top == 0 {
		top = head + 1
	}
	if first := top - f.Within; first > 1 {
		return first, nil
	}
	return 0, nil
}

// likeable quotes what LIKE would take for a pattern.
var likeable = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

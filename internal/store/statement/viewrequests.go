package statement

import (
	"context"
	"database/sql"
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/view"
)

// Requests answers what people asked for, and what waits for whom.
func (v *Views) Requests(ctx context.Context, f view.RequestFilter) (page view.RequestPage, err error) {
	limit := view.Rows(f.Limit)
	page.Requests = []view.Request{}
	err = v.db.snapshot(ctx, "list requests", func(s *session) error {
		asked := RequestFilter{Owner: f.Owner, Open: !f.Closed, States: f.States, Waits: f.WaitsFor, Stuck: f.Stuck, Within: v.within}
		if !view.RequestColumns.Is(f.Sort, view.ByNumber) {
			return s.sortedRequests(ctx, asked, f, &page)
		}
		asked.Newest, asked.After, asked.Limit = f.Sort.Down, f.After, limit+1
		list, err := s.requests(ctx, asked)
		if err != nil {
			return err
		}
		if len(list) > limit {
			list = list[:limit]
			page.After = list[limit-1].ID
		}
		page.Requests, err = s.shownRequests(ctx, list)
		return err
	})
	return page, err
}

// sortedRequests fills a page that is sorted by another column than the number.
func (s *session) sortedRequests(ctx context.Context, asked RequestFilter, f view.RequestFilter, page *view.RequestPage) error {
	x := sorting{from: "request q", id: "q.id", take: requestConditions(asked, &s.db.dialect)}
	if f.Sort.By == view.BySince {
		x.by, x.number = "q.since_at", true
		x.walk = func() (*conditions, error) { return requestConditions(asked, &s.db.dialect), nil }
	} else {
		x.by, x.from = calledIn, calledFrom(x.from, "q.owner_type", "q.owner_key")
	}
	rows, more, err := s.numbers(ctx, x, f.Sort, int64(f.After), f.AfterBy, view.Rows(f.Limit))
	if err != nil {
		return err
	}
	ids := make([]requests.RequestID, len(rows))
	for i, row := range rows {
		ids[i] = requests.RequestID(row.key)
	}
	list, err := s.requests(ctx, RequestFilter{IDs: ids})
	if err != nil {
		return err
	}
	list, page.After, page.AfterBy = arranged(list, rows, more, func(q requests.Request) requests.RequestID { return q.ID })
	page.Requests, err = s.shownRequests(ctx, list)
	return err
}

// Request answers what became of one request.
func (v *Views) Request(ctx context.Context, id requests.RequestID) (shown view.Request, err error) {
	err = v.db.snapshot(ctx, "show request", func(s *session) error {
		list, err := s.requests(ctx, RequestFilter{IDs: []requests.RequestID{id}, Within: v.within})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return &fault.Error{Kind: fault.NotFound, Op: "show request", Msg: fmt.Sprintf("there is no request %d", id), Do: "`provisor request list --all` shows the numbers"}
		}
		all, err := s.shownRequests(ctx, list)
		if err == nil {
			shown = all[0]
		}
		return err
	})
	return shown, err
}

// shownRequests adds who may decide and what owners are called.
func (s *session) shownRequests(ctx context.Context, list []requests.Request) ([]view.Request, error) {
	seats, err := s.requestSeats(ctx, list)
	if err != nil {
		return nil, err
	}
	shown := make([]view.Request, len(list))
	named := map[resources.Ref]string{}
	for i, r := range list {
		shown[i] = view.RequestOf(r, seats[r.ID])
		if _, known := named[r.Owner]; !known {
			named[r.Owner] = ""
			err := s.each(ctx, `SELECT display FROM resource_now WHERE entity = $1 AND resource_key = $2`, []any{r.Owner.Type, r.Owner.Key}, func(rows *sql.Rows) error {
				var name string
				err := rows.Scan(&name)
				named[r.Owner] = name
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		shown[i].Owner.Display = named[r.Owner]
	}
	return shown, nil
}

// askedFor adds a person's open requests, and to each role the request that
// settled how the person has it.
func (s *session) askedFor(ctx context.Context, ref resources.Ref, p *view.Person) error {
	open, err := s.requests(ctx, RequestFilter{Owner: &ref, Open: true})
	if err != nil {
		return err
	}
	if len(open) > 0 {
		if p.Requests, err = s.shownRequests(ctx, open); err != nil {
			return err
		}
	}
	settled, err := s.requests(ctx, RequestFilter{Owner: &ref, States: []assignments.Workflow{assignments.Approved}, Newest: true, Limit: view.MaxLimit})
	if err != nil {
		return err
	}
	all, err := s.shownRequests(ctx, settled)
	for i := range p.Roles {
		p.Roles[i].Asked = historyOf(p.Roles[i], all)
	}
	return err
}

// historyOf lists the requests that led to how somebody has a role, from the one
// that began it. all begins with the newest.
func historyOf(role view.Role, all []view.Request) (list []view.Request) {
	for _, q := range all {
		if q.Role != role.Role || q.Parameters != role.With {
			continue
		}
		if q.Action == string(requests.Remove) && role.Workflow.Number != int(assignments.WorkflowDeclined) {
			return list // what was before ended with it
		}
		list = append([]view.Request{q}, list...)
		if q.Action != string(requests.Extend) {
			return list
		}
	}
	return list
}

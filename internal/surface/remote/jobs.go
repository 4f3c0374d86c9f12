package remote

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// JobDesk is where runs of jobs are begun and ended on the server.
func (s *Server) JobDesk() act.JobDesk { return jobDesk{s} }

type jobDesk struct{ *Server }

func (d jobDesk) Start(ctx context.Context, job runs.Job, of schema.ConnectorID, why string) (runs.Run, bool, error) {
	body := object{"job": job, "why": why}
	if of != "" {
		body["connector"] = of
	}
	var x act.Started
	err := d.post(ctx, "/jobs", body, &x)
	return x.Run, x.Began, err
}

func (d jobDesk) Abort(ctx context.Context, id runs.RunID, why string) (x runs.Run, err error) {
	return x, d.post(ctx, fmt.Sprintf("/jobs/%d/abort", id), object{"why": why}, &x)
}

func (d jobDesk) Resume(ctx context.Context, id runs.RunID, why string) (x runs.Run, err error) {
	return x, d.post(ctx, fmt.Sprintf("/jobs/%d/resume", id), object{"why": why}, &x)
}

// Scheduled lists when the server begins which jobs.
func (s *Server) Scheduled(ctx context.Context) ([]view.Scheduled, error) {
	return all[view.Scheduled](ctx, s, "/schedules", nil)
}

func (a asked) Runs(ctx context.Context, f view.RunFilter) (page view.RunPage, err error) {
	page.Runs = []runs.Run{}
	q := url.Values{}
	given(q, "job", string(f.Job))
	given(q, "connector", f.Connector)
	states := f.States
	if f.Open {
		open := []runs.State{runs.Waiting, runs.Running}
		if states == nil {
			states = open
		}
		states = slices.DeleteFunc(slices.Clone(states), func(x runs.State) bool { return !slices.Contains(open, x) })
		if len(states) == 0 {
			return page, nil
		}
	}
	for _, x := range states {
		q.Add("state", string(x))
	}
	more := false
	if page.Runs, more, err = window[runs.Run](ctx, a.Server, "/jobs", q, f.Limit, place(f.Before), func(x runs.Run) string { return place(x.ID) }); more {
		page.Before = page.Runs[len(page.Runs)-1].ID
	}
	return page, err
}

func (a asked) Run(ctx context.Context, id runs.RunID) (x runs.Run, err error) {
	return x, a.get(ctx, fmt.Sprintf("/jobs/%d", id), nil, &x)
}

func (a asked) Messages(ctx context.Context, f view.MessageFilter) (page view.MessagePage, err error) {
	q := url.Values{}
	given(q, "state", f.State)
	given(q, "recipient", f.Recipient)
	more := false
	if page.Messages, more, err = window[view.Message](ctx, a.Server, "/messages", q, f.Limit, place(f.Before), func(x view.Message) string { return place(x.ID) }); more {
		page.Before = page.Messages[len(page.Messages)-1].ID
	}
	return page, err
}

// RetryMessages makes every message due that waits or was given up.
func (s *Server) RetryMessages(ctx context.Context, why string) (int64, error) {
	n, err := s.Client.RetryMessages(ctx, "", why)
	return n, Failed(err, s.Client.URL)
}

// ChooseDelivery says how whoever signed in is told, and nobody else.
func (s *Server) ChooseDelivery(ctx context.Context, who string, d messages.Delivery) (recipient string, now messages.Delivery, err error) {
	if who != "" {
		return "", now, &fault.Error{Kind: fault.Invalid, Msg: "on a server everybody chooses for himself", Do: "leave --for out, or choose on the server's machine"}
	}
	x, err := s.Client.ChooseDelivery(ctx, "", client.Delivery{How: string(d.How), Hour: d.At, Zone: d.Zone})
	read := func(d client.Delivery) messages.Delivery {
		return messages.Delivery{How: messages.How(d.How), At: d.Hour, Zone: d.Zone}
	}
	return x.Recipient, read(x.Chosen).Or(read(x.Usual)), Failed(err, s.Client.URL)
}

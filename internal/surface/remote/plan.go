package remote

import (
	"context"
	"net/url"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// planMinutes is more than a plan of a million people takes, behind another one.
const planMinutes = 60

// patient waits for what looks at everybody.
func (s *Server) patient() *client.Client {
	c := *s.Client
	if c.HTTP != nil {
		waits := *c.HTTP
		waits.Timeout = planMinutes * time.Minute
		c.HTTP = &waits
	}
	return &c
}

// Timeline asks what changes for somebody up to a day.
func (s *Server) Timeline(ctx context.Context, owner view.Owner, until time.Time) (line explain.Timeline, err error) {
	err = s.patient().Get(ctx, "/people"+escaped(owner.Type, owner.Key)+"/timeline", url.Values{"until": {day(until)}}, &line)
	return line, Failed(err, s.Client.URL)
}

// Configuration is what is deployed on the server.
func (s *Server) Configuration(ctx context.Context) (x act.Configuration, err error) {
	var answer struct {
		act.Configuration
		Text string
	}
	err = s.get(ctx, "/configuration", nil, &answer)
	x, x.Text = answer.Configuration, answer.Text
	return x, err
}

// toPlan is what is wanted as the server reads it.
func toPlan(x act.ToPlan) object {
	body := object{}
	if x.Files != nil {
		files := map[string]string{}
		for name, content := range x.Files {
			files[name] = string(content)
		}
		body["files"] = files
	}
	for name, list := range map[string][]string{"sources": x.Sources, "give": x.Give, "deny": x.Deny, "take": x.Take} {
		if len(list) > 0 {
			body[name] = list
		}
	}
	if len(x.Back) > 0 {
		body["rollBack"] = x.Back
	}
	if !x.Since.IsZero() {
		body["since"] = x.Since
	}
	if x.Connector != "" {
		body["connector"] = x.Connector
	}
	return body
}

// proposed is a plan as the server answers it.
type proposed struct {
	Plan     act.Planned
	Deployed bool
}

// Propose has the server plan what is wanted.
func (s *Server) Propose(ctx context.Context, x act.ToPlan) (act.Proposal, error) {
	var answer proposed
	err := s.patient().Post(ctx, "/plans", "", toPlan(x), &answer)
	return act.Proposal{Planned: answer.Plan, Already: answer.Deployed, Asked: x}, Failed(err, s.Client.URL)
}

// agreed is a proposal that somebody saw and wants.
func agreed(p act.Proposal, x act.ToApply) object {
	body := toPlan(p.Asked)
	body["plan"], body["release"], body["why"] = x.Name, x.Release, x.Why
	return body
}

// Deploy has the server deploy what it planned, if that still causes the same.
func (s *Server) Deploy(ctx context.Context, p act.Proposal, x act.ToApply) error {
	return Failed(s.patient().Post(ctx, "/configuration", "", agreed(p, x), &struct{}{}), s.Client.URL)
}

// RollBack has the server roll back what it planned.
func (s *Server) RollBack(ctx context.Context, p act.Proposal, x act.ToApply) (done act.RolledBack, err error) {
	body := object{"orders": p.Planned.RollBack.Orders, "plan": x.Name, "why": x.Why}
	err = s.patient().Post(ctx, "/roll-backs", "", body, &done)
	return done, Failed(err, s.Client.URL)
}

package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// PlanWanted says what is to be planned: a configuration by the names of its files, or
// that of the server's folder; with decisions that are supposed; or a roll-back.
type PlanWanted struct {
	Files     map[string]string `json:"files,omitempty"`
	Sources   []string          `json:"sources,omitempty"` // connectors that are read as they are now
	Give      []string          `json:"give,omitempty"`    // PERSON=ROLE[:dimension=value,...]
	Deny      []string          `json:"deny,omitempty"`
	Take      []string          `json:"take,omitempty"`
	RollBack  []int64           `json:"rollBack,omitempty"` // orders
	Since     time.Time         `json:"since,omitzero"`     // and those carried out since
	Connector string            `json:"connector,omitempty"`
}

// Plan is what something would cause. Whole is all that the server says of it.
type Plan struct {
	Name   string         `json:"name"` // under which it is deployed
	Day    string         `json:"day"`
	Orders []PlannedOrder `json:"orders"`
	Kinds  map[string]int `json:"kinds"`
	// Deployed: the configuration is deployed already.
	Deployed bool            `json:"-"`
	Whole    json.RawMessage `json:"-"`
}

// PlannedOrder is an order that a plan would cause.
type PlannedOrder struct {
	Kind      string `json:"kind"`
	Type      string `json:"type"`
	OwnerName string `json:"ownerName"`
	State     string `json:"state"`
	Items     []struct {
		Property string `json:"property"`
		Link     string `json:"link"`
		Before   string `json:"before"`
		After    string `json:"after"`
		Why      string `json:"why"`
	} `json:"items"`
}

// MakePlan plans, and stores nothing.
func (c *Client) MakePlan(ctx context.Context, w PlanWanted) (p Plan, err error) {
	var answer struct {
		Plan     json.RawMessage `json:"plan"`
		Deployed bool            `json:"deployed"`
	}
	if err := c.Post(ctx, "/plans", "", w, &answer); err != nil {
		return p, err
	}
	p.Deployed, p.Whole = answer.Deployed, answer.Plan
	return p, json.Unmarshal(answer.Plan, &p)
}

// Deployment is a plan that somebody saw and wants.
type Deployment struct {
	Files   map[string]string `json:"files,omitempty"`
	Sources []string          `json:"sources,omitempty"`
	Plan    string            `json:"plan"` // its name: what would cause anything else by now is refused
	Release bool              `json:"release,omitempty"`
	Why     string            `json:"why,omitempty"`
}

// Deploy deploys a configuration. Sent again it does nothing more.
func (c *Client) Deploy(ctx context.Context, d Deployment) error {
	return c.Post(ctx, "/configuration", "", d, &struct{}{})
}

// Configuration is the deployed one.
type Configuration struct {
	Hash  string            `json:"hash"`
	Files map[string]string `json:"files"`
	Text  string            `json:"text"` // all of it as one document
}

// Configuration reads what is deployed.
func (c *Client) Configuration(ctx context.Context) (x Configuration, err error) {
	return x, c.Get(ctx, "/configuration", nil, &x)
}

// RolledBack is what came of a roll-back.
type RolledBack struct {
	Decided int `json:"decided"`
	Refused []struct {
		Account int64  `json:"assigned"`
		Why     string `json:"why"`
	} `json:"refused"`
}

// RollBack brings back what orders changed, as a plan of this name said. key is as for
// Post.
func (c *Client) RollBack(ctx context.Context, key string, orders []int64, plan, why string) (r RolledBack, err error) {
	body := map[string]any{"orders": orders, "plan": plan, "why": why}
	return r, c.Post(ctx, "/roll-backs", key, body, &r)
}

// Timeline is what changes for somebody on the days to come.
type Timeline struct {
	Today string `json:"today"`
	Until string `json:"until"`
	Days  []struct {
		Day     string `json:"day"`
		Changes []struct {
			Does   string `json:"does"` // gains, loses, changes
			What   string `json:"what"`
			Before string `json:"before"`
			After  string `json:"after"`
			Why    string `json:"why"`
		} `json:"changes"`
	} `json:"days"`
	Cut bool `json:"cut"` // more days would have to be looked at
}

// Timeline shows what changes for somebody after today and up to a day, 2026-12-31.
func (c *Client) Timeline(ctx context.Context, entity, key, until string) (t Timeline, err error) {
	return t, c.Get(ctx, "/people/"+url.PathEscape(entity)+"/"+url.PathEscape(key)+"/timeline", url.Values{"until": {until}}, &t)
}

package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"
)

// The shapes are what programs use most of what a server answers; /openapi.json
// describes all of it, and Get reads any of it into a type of the caller's.

// State is a provisioning state.
type State struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Mark   string `json:"mark"`
}

// Owner is who something belongs to.
type Owner struct {
	Type    string `json:"type"`
	Key     string `json:"key"`
	Display string `json:"display"`
}

// Order is a provisioning order.
type Order struct {
	ID         int64       `json:"id"`
	Kind       string      `json:"kind"`
	Type       string      `json:"type"`
	Owner      Owner       `json:"owner"`
	Target     string      `json:"target"`
	Connector  string      `json:"connector"`
	Connection string      `json:"connection"`
	State      State       `json:"state"`
	Since      time.Time   `json:"since"`
	Version    int         `json:"version"`
	Created    time.Time   `json:"created"`
	Closed     time.Time   `json:"closed"`
	Outcome    string      `json:"outcome"`
	Items      []OrderItem `json:"items"`
}

// OrderItem is one value that an order writes; without a property, the account.
type OrderItem struct {
	Item     int    `json:"item"`
	Property string `json:"property"`
	Link     string `json:"link"`
	State    State  `json:"state"`
	Proposed string `json:"proposed"`
	Current  string `json:"current"`
	Before   string `json:"before"`
	Message  string `json:"message"`
}

// Orders reads the orders that filters choose, by the names of /openapi.json.
func (c *Client) Orders(ctx context.Context, filters url.Values) iter.Seq2[Order, error] {
	return Each[Order](ctx, c, "/orders", filters)
}

// Order shows one order.
func (c *Client) Order(ctx context.Context, id int64) (o Order, err error) {
	return o, c.Get(ctx, fmt.Sprintf("/orders/%d", id), nil, &o)
}

// Decision is what somebody says about an order, or about some of its items.
type Decision struct {
	Do      string         `json:"do,omitempty"` // approve, decline, postpone, retry
	Items   []ItemDecision `json:"items,omitempty"`
	Version int            `json:"version"`         // of the order as it was seen
	Until   string         `json:"until,omitempty"` // with postpone: 2026-03-31
	Why     string         `json:"why,omitempty"`
	Stated  bool           `json:"stated,omitempty"`
}

// ItemDecision is what somebody says about one item.
type ItemDecision struct {
	Item int    `json:"item"`
	Do   string `json:"do"`
}

// Decide decides on one order. key is as for Post.
func (c *Client) Decide(ctx context.Context, id int64, key string, d Decision) error {
	var decided struct{}
	return c.Post(ctx, fmt.Sprintf("/orders/%d/decisions", id), key, d, &decided)
}

// People reads the people of an entity type whose names or identifiers begin so.
func (c *Client) People(ctx context.Context, entity, text string) iter.Seq2[Owner, error] {
	return Each[Owner](ctx, c, "/people/"+url.PathEscape(entity), url.Values{"q": {text}})
}

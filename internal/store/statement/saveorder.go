package statement

import (
	"fmt"
	"slices"

	"provisor.dev/provisor/internal/domain/orders"
)

// shownRunes is how much of a value the lists keep: a photograph is not read
// there, and the whole value stands in the assigned resource.
const shownRunes = 400

var orderColumns = []string{
	"id", "assigned_resource", "kind", "version", "created_at", "closed_at", "supersedes", "outcome", "waits", "taken_by",
	"agent", "fence", "lease_until", "not_before", "type", "owner_type", "owner_key", "connector", "connection", "manual",
	"state", "gated", "ready", "transmitted", "read_back", "blocked", "errored", "due_at", "expires_at",
	"postponed_until", "unsent", "since_at",
}

// What was there before an order is what it was when its item was carried out:
// later readings of the open order show what the order itself wrote.
var keptBefore = fmt.Sprintf(`, before_value = CASE WHEN order_item.state = %d OR order_item.state = %d AND excluded.state IN (%d, %d)
			THEN order_item.before_value ELSE excluded.before_value END`, orders.Executed, orders.Verified, orders.Verified, orders.AwaitingApproval)

// An order stands in its state since the state last changed.
var orderTable = &table{
	name: "provisioning_order", columns: orderColumns,
	conflict: upsert("id", orderColumns[:len(orderColumns)-1],
		", since_at = CASE WHEN provisioning_order.state = excluded.state THEN provisioning_order.since_at ELSE excluded.since_at END"),
}

var itemColumns = []string{
	"order_id", "item", "assigned_resource", "property", "link", "op", "state", "mark", "proposed", "current_value",
	"before_value", "workflow", "message", "live", "since_at",
}

var itemTable = &table{
	name: "order_item", columns: itemColumns,
	conflict: upsert("order_id, item", slices.DeleteFunc(slices.Clone(itemColumns[:len(itemColumns)-1]), func(c string) bool { return c == "before_value" }),
		keptBefore+`, since_at = CASE WHEN order_item.state = excluded.state AND order_item.mark = excluded.mark
			THEN order_item.since_at ELSE excluded.since_at END`),
}

// addOrder encodes the order of an assigned resource and a row for each item
// that it carries or that moved under it.
func (w *writing) addOrder(a *orders.AssignedResource, moved []int) {
	o := a.Order
	live := o.Closed.IsZero()
	if live {
		w.open = append(w.open, o.ID)
	} else {
		w.closed = append(w.closed, o.ID)
	}
	var shown []orders.Item
	for i := range a.Items {
		if item := &a.Items[i]; item.Order == o.ID || slices.Contains(moved, item.ID) {
			shown = append(shown, *item)
			w.addItem(a, item, live)
		}
	}
	view := &orders.AssignedResource{Items: shown}
	if len(shown) == 0 {
		view = a
	}
	n := view.Counters()
	q := queueOf(a)
	w.orders.add(int64(o.ID), int64(a.ID), string(o.Kind), o.Version, nanos(o.Created), nanos(o.Closed), int64(o.Supersedes), o.Outcome,
		o.Waits, o.TakenBy, o.Agent, o.Fence, int64(o.LeaseUntil), int64(o.NotBefore), string(a.Type),
		string(a.Owner.Type), string(a.Owner.Key), string(a.Handling.Connector), string(a.Handling.Connection), flag(a.Handling.Manual),
		int(view.Consolidated()), flag(o.Waits != ""), q.ready, q.transmitted, q.readBack, n.Blocked, n.Errored,
		int64(q.due), int64(q.expires), int64(postponedUntil(a)), flag(a.Unsent()), int64(w.now))
}

func (w *writing) addItem(a *orders.AssignedResource, item *orders.Item, live bool) {
	w.items.add(int64(a.Order.ID), item.ID, int64(a.ID), string(item.Property), string(item.Link), opOf(a.Order, item),
		int(item.Place.State), string(item.Place.Mark), shown(item.Want.String()), shown(item.Is.String()), shown(item.Before.String()),
		int(item.Workflow), shown(item.Message), flag(live), int64(w.now))
}

// postponedUntil is when a reviewer wants to see the order again, where all that
// waits for one was postponed; else 0.
func postponedUntil(a *orders.AssignedResource) orders.Instant {
	var until orders.Instant
	for _, item := range a.Carried() {
		switch item.Place.State {
		case orders.Errored, orders.Error:
			return 0
		case orders.AwaitingApproval:
			at := item.Decision.Postponed
			if at == 0 {
				return 0
			}
			if until == 0 || at < until {
				until = at
			}
		}
	}
	return until
}

// opOf says in a word what is done to the item.
func opOf(o *orders.Order, item *orders.Item) string {
	switch {
	case item.Property == "" && item.Removes():
		return "delete"
	case item.Property == "" && o.Kind == orders.Addition:
		return "create"
	case item.Property == "" && o.Kind == orders.Association:
		return "associate"
	case item.Property == "":
		return "update"
	case item.Removes():
		return "remove"
	case item.Link != "":
		return "add"
	}
	return "set"
}

// shown cuts a text to what lists show.
func shown(text string) string {
	if len(text) <= shownRunes {
		return text
	}
	runes := []rune(text)
	if len(runes) <= shownRunes {
		return text
	}
	return string(runes[:shownRunes]) + "…"
}

// queue is what the agents' and the clock's queries filter by.
type queue struct {
	ready, transmitted, readBack int
	due                          orders.Instant // when the first ready item may be sent
	expires                      orders.Instant // when the first lease or validity ends; 0: never
}

func queueOf(a *orders.AssignedResource) queue {
	var q queue
	for _, item := range a.Carried() {
		switch item.Place.State {
		case orders.Pending:
			due, ok := sendable(a, item)
			if !ok {
				break
			}
			if q.ready == 0 || due < q.due {
				q.due = due
			}
			q.ready++
		case orders.Transmitted:
			if item.Place.Mark == orders.ReadBack {
				q.readBack++
			} else {
				q.transmitted++
			}
		}
		if end := expiry(a, item); end != 0 && (q.expires == 0 || end < q.expires) {
			q.expires = end
		}
	}
	// What a reading verified early stays locked until the report or this instant.
	if lease := a.Order.LeaseUntil; lease != 0 && q.transmitted == 0 && (q.expires == 0 || lease < q.expires) {
		q.expires = lease
	}
	return q
}

// sendable returns when a pending item may be sent, as far as its own resource
// says: a value of an account that is not there goes with the account.
func sendable(a *orders.AssignedResource, item *orders.Item) (orders.Instant, bool) {
	self := &a.Items[0]
	due := max(item.NotBefore, a.Order.NotBefore)
	switch {
	case item.Policy.Parked != "":
		return 0, false
	case item.Property == "" || self.Is.There:
		return due, true
	}
	return max(due, self.NotBefore), self.Place.State == orders.Pending && self.Want.There
}

// expiry returns when the clock has to look at an item; 0 is never. Items to be
// read back are not the clock's: looking them up decides when to give up.
func expiry(a *orders.AssignedResource, item *orders.Item) orders.Instant {
	validity := orders.Instant(a.Handling.Validity)
	switch {
	case item.Place.State == orders.Transmitted && item.Place.Mark == orders.Unmarked:
		if !a.Handling.Manual {
			return a.Order.LeaseUntil
		}
		if validity > 0 && item.SentAt != 0 {
			return item.SentAt + validity
		}
	case item.Place.State == orders.Executed && !item.Policy.Once && validity > 0 && item.DoneAt != 0:
		return item.DoneAt + validity
	}
	return 0
}

package review

import (
	"context"
	"slices"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
)

// many is a store with very many parked orders, which notes how much of them is
// read at once.
type many struct {
	Store
	orders, most int
}

func (s *many) Parks(context.Context) ([]stage.Park, error) {
	return []stage.Park{{Type: "T", Kind: orders.Addition}}, nil
}

func (s *many) OpenOf(_ context.Context, _ stage.ParkKey, after orders.OrderID, limit int) (list []orders.AssignedID, last orders.OrderID, err error) {
	for id := int(after) + 1; id <= s.orders && len(list) < limit; id++ {
		list, last = append(list, orders.AssignedID(id)), orders.OrderID(id)
	}
	return list, last, nil
}

// Assigned makes an order up for each: of three, one comes of another rule.
func (s *many) Assigned(_ context.Context, f stage.AssignedFilter) ([]*orders.AssignedResource, error) {
	if f.IDs == nil {
		s.most = s.orders
	}
	s.most = max(s.most, len(f.IDs))
	var list []*orders.AssignedResource
	for _, id := range f.IDs {
		rule := "resourceTypes.T.who[0]"
		if id%3 == 0 {
			rule = "resourceTypes.T.who[1]"
		}
		e := assignments.ExpectedResource{Type: "T", Wanted: true, Owner: resources.Ref{Type: "Person", Key: "p"}, Workflow: assignments.Calculated, Reasons: []assignments.Reason{{Rule: rule}}}
		a := orders.New(id, e)
		a.Adopt(e, orders.Handling{Add: true}, nil, 0)
		if err := a.Judge(orders.Occasion{Now: time.Unix(1, 0), NewOrder: func() orders.OrderID { return orders.OrderID(id) }}); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

func TestCausesAreCountedOfSomeOrdersAtATime(t *testing.T) {
	store := &many{orders: 2*causesWithin + 500}
	d := &Desk{Store: store, Clock: time.Now}
	counts, pages := map[string]int{}, 0
	for after := orders.OrderID(0); ; pages++ {
		list, last, err := d.Causes(t.Context(), "T", orders.Addition, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			counts[c.Rules] += c.Count
		}
		if !slices.IsSortedFunc(list, func(a, b Cause) int { return b.Count - a.Count }) {
			t.Errorf("the most do not come first: %+v", list)
		}
		if after = last; last == 0 {
			break
		}
	}
	other := store.orders / 3
	if pages != 2 || counts["resourceTypes.T.who[0]"] != store.orders-other || counts["resourceTypes.T.who[1]"] != other {
		t.Errorf("after %d pages the causes are %v", pages, counts)
	}
	for rules, want := range map[string]int{"": store.orders, "resourceTypes.T.who[1]": other, "resourceTypes.T.who[2]": 0} {
		if n, err := d.CountHeld(t.Context(), "T", orders.Addition, rules); err != nil || n != want {
			t.Errorf("of %q %d are held, not %d: %v", rules, n, want, err)
		}
	}
	if store.most > causesWithin {
		t.Errorf("%d orders were read at once", store.most)
	}
	if _, _, err := d.Causes(t.Context(), "T", orders.Deletion, 0); err == nil {
		t.Error("what no threshold parks has causes")
	}
}

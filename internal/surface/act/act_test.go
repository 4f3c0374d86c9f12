package act

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// noted is a desk that notes what it is asked, and refuses or fails as it is told.
type noted struct {
	Desk
	list   []review.Decision
	refuse map[orders.AssignedID]string
	err    error
}

func (n *noted) outcome(id orders.AssignedID) (review.Outcome, error) {
	if why := n.refuse[id]; why != "" {
		return review.Outcome{Refused: []review.Refusal{{Assigned: id, Why: why}}}, n.err
	}
	return review.Outcome{Decided: []orders.AssignedID{id}}, n.err
}

func (n *noted) Decide(_ context.Context, x review.Decision) (review.Outcome, error) {
	n.list = append(n.list, x)
	return n.outcome(x.Assigned[0])
}

func (n *noted) DecideItems(_ context.Context, id orders.AssignedID, list []review.Decision) (review.Outcome, error) {
	n.list = append(n.list, list...)
	return n.outcome(id)
}

func (n *noted) DecideRole(_ context.Context, c review.RoleChoice) (int, error) {
	if c.Role == "gone" {
		return 0, fault.New(fault.Refused, "keep", "it is not there")
	}
	return 1, n.err
}

var order = view.Order{ID: 7, Assigned: 70, Version: 3, Items: []view.OrderItem{{Item: 1}, {Item: 2, Property: "email"}, {Item: 3, Property: "name"}}}

func TestWhatIsRefusedOnOneStopsNoOther(t *testing.T) {
	closed, other := order, order
	closed.ID, closed.Closed, closed.Outcome = 8, time.Unix(1, 0), "verified"
	other.ID, other.Assigned = 9, 90
	d := &noted{refuse: map[orders.AssignedID]string{70: "already decided by X"}}
	got, err := OnOrders{Verb: Approve, Orders: []view.Order{order, closed, other}}.Do(t.Context(), d)
	want := Orders{Decided: []orders.OrderID{9}, Refused: []Refused{{Order: 7, Why: "already decided by X"}, {Order: 8, Why: "the order is closed: verified"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v", got, err)
	}
	if d.list[0].Version != 3 || !d.list[0].MayReview {
		t.Errorf("the desk heard %+v", d.list[0])
	}
	d.err = errors.New("disk")
	if _, err := (OnOrders{Verb: Approve, Orders: []view.Order{other}}).Do(t.Context(), d); err == nil {
		t.Error("a store that does not answer is no refusal")
	}
}

func TestDecliningTheAccountSpeaksForItsItems(t *testing.T) {
	d := &noted{}
	say := map[int]Verb{1: Decline, 2: Approve, 3: Decline}
	if _, err := (OnItems{Order: order, Version: 3, Say: say}).Do(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(d.list) != 1 || d.list[0].On != orders.Decline || !reflect.DeepEqual(d.list[0].Items, []int{1}) {
		t.Errorf("the desk heard %+v", d.list)
	}
	d.list = nil
	say[1] = Approve
	if _, err := (OnItems{Order: order, Version: 3, Say: say}).Do(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(d.list) != 2 || d.list[0].On != orders.Decline || !reflect.DeepEqual(d.list[1].Items, []int{1, 2}) {
		t.Errorf("the desk heard %+v", d.list)
	}
	if _, err := (OnItems{Order: order, Version: 3}).Do(t.Context(), d); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing decided: %v", err)
	}
}

func TestAQuestionIsAnsweredForTheValuesInQuestion(t *testing.T) {
	d := &noted{}
	q := view.Question{Account: view.Account{ID: 5, Items: []view.Item{{ID: 2, State: view.State{Mark: string(orders.Found)}}, {ID: 3}}}}
	alone := view.Question{Unauthorized: true, Account: view.Account{ID: 6, Items: q.Account.Items}}
	if _, err := (OnQuestions{On: orders.Keep, Questions: []view.Question{q, alone}}).Do(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d.list[0].Items, []int{2}) || d.list[1].Items != nil {
		t.Errorf("the desk heard %+v", d.list)
	}
	got, err := OnRoles{On: orders.Keep, Roles: []view.FoundRole{{Role: "gone", Owner: view.Owner{Key: "E1"}}, {Role: "there"}}}.Do(t.Context(), d)
	if err != nil || len(got.Decided) != 1 || len(got.Refused) != 1 || got.Refused[0].Owner != "E1" {
		t.Errorf("got %+v %v", got, err)
	}
}

package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// releaseAll is what the button says that releases everything.
const releaseAll = "all"

// release lets parked orders through: those that were chosen, those that some rules
// raised, or all of the kind.
func (s *site) release(r *http.Request) (outcome, error) {
	p, err := s.parkOf(r)
	if err != nil {
		return outcome{}, err
	}
	why, rules := r.PostForm.Get("why"), r.PostForm.Get("rules")
	if rules == "" && r.PostForm.Get("do") != releaseAll {
		list, err := s.chosenOrders(r)
		if err != nil {
			return outcome{}, err
		}
		answer, err := act.OnOrders{Verb: act.Release, Orders: list, Why: why}.Do(r.Context(), s.desk(r))
		return outcome{Said: happened(len(answer.Decided), "order", pasts[act.Release]), Refused: refusals(answer.Refused)}, err
	}
	if !sure(r) {
		return s.askRelease(r, p, rules)
	}
	x := act.OfKind{Type: roles.ResourceTypeID(p.Type), Kind: orders.Kind(p.Kind), Rules: rules, Why: why}
	answer, err := x.Do(r.Context(), s.desk(r), func(ctx context.Context) (map[orders.AssignedID]orders.OrderID, error) {
		page, err := s.Questions.Orders(ctx, view.OrderFilter{Types: []string{p.Type}, Kinds: []orders.Kind{x.Kind}, Limit: view.MaxLimit})
		opened := map[orders.AssignedID]orders.OrderID{}
		for _, o := range page.Orders {
			opened[o.Assigned] = o.ID
		}
		return opened, err
	})
	out := outcome{Said: happened(len(answer.Decided), "order", pasts[act.Release]), Refused: refusals(answer.Refused)}
	if out.To = r.URL.Path; rules == "" { // of a kind that is released nothing is left to look at
		out.To = "/connectors/" + url.PathEscape(r.PathValue("id"))
	}
	return out, err
}

// askRelease asks before many orders are let through, and says of what they came.
func (s *site) askRelease(r *http.Request, p view.Park, rules string) (outcome, error) {
	held, err := s.desk(r).CountHeld(r.Context(), roles.ResourceTypeID(p.Type), orders.Kind(p.Kind), rules)
	if err != nil {
		return outcome{}, err
	}
	lines := []string{p.Why}
	called := typeCalled(s.calling(r.Context()), p.Type)
	what := fmt.Sprintf("Release all %s of %s", count(held, p.Kind), called)
	if rules != "" {
		if held == 0 {
			return outcome{}, review.NotRaised(rules)
		}
		what = fmt.Sprintf("Release %s of %s", count(held, p.Kind), called)
		lines = append(lines, "Only what came of "+rules+". The rest stays parked.")
	}
	return asking(what+"?", what, append(lines, "They go out with the next run, in widening waves where the resource type asks for it.")), nil
}

// releaseText says on the button of a rule how many orders it lets through; where
// they are counted some at a time, those are not all.
func releaseText(l parkedList, n int) string {
	if l.From || l.Further != "" {
		return "Release all of this rule"
	}
	return "Release " + count(n, "order")
}

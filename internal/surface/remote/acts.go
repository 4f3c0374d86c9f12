package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

type object = map[string]any

// refusals are why nothing of an act was done, one for each place; ok is false
// where something else went wrong.
func refusals(err error) (whys []string, ok bool) {
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict && p.Status != http.StatusNotFound {
		return nil, false
	}
	for _, d := range p.Details {
		whys = append(whys, d.What)
	}
	if len(whys) == 0 {
		whys = []string{text(p.Detail, p.Title)}
	}
	return whys, true
}

// OnOrders does it to each order by itself, as a folder does.
func (s *Server) OnOrders(ctx context.Context, x act.OnOrders) (act.Orders, error) {
	answer := act.Orders{Decided: []orders.OrderID{}}
	for _, o := range x.Orders {
		if !o.Closed.IsZero() && x.Verb != act.Revoke {
			answer.Refused = append(answer.Refused, act.Refused{Order: o.ID, Why: "the order is closed: " + o.Outcome})
			continue
		}
		path, body := onOrder(x, o)
		var one act.Orders
		err := s.Client.Post(ctx, path, "", body, &one)
		whys, refused := refusals(err)
		switch {
		case refused:
			for _, why := range whys {
				answer.Refused = append(answer.Refused, act.Refused{Order: o.ID, Why: why})
			}
		case err != nil:
			return answer, Failed(err, s.Client.URL)
		default:
			answer.Decided, answer.Refused = append(answer.Decided, one.Decided...), append(answer.Refused, one.Refused...)
		}
	}
	return answer, nil
}

// onOrder is where one verb on one order is sent, and with what.
func onOrder(x act.OnOrders, o view.Order) (path string, body object) {
	body = object{}
	at := "/orders/" + o.ID.String()
	if x.Why != "" {
		body["why"] = x.Why
	}
	switch x.Verb {
	case act.Take, act.Confirm, act.Fail:
		body["do"], path = x.Verb, at+"/reports"
	case act.Release:
		return at + "/release", body
	case act.Revoke:
		path = at + "/revocation"
	default:
		body["version"], body["stated"] = o.Version, x.Stated
		if x.Version != 0 {
			body["version"] = x.Version
		}
		if until := day(x.Until); until != "" {
			body["until"] = until
		}
		if len(x.Items) == 0 {
			body["do"] = x.Verb
			return at + "/decisions", body
		}
		items := make([]object, len(x.Items))
		for i, id := range x.Items {
			items[i] = object{"item": id, "do": x.Verb}
		}
		body["items"] = items
		return at + "/decisions", body
	}
	if len(x.Items) > 0 {
		body["items"] = x.Items
	}
	return path, body
}

// OfKind lets through its threshold what is of a kind, or what some rules raised of it.
func (s *Server) OfKind(ctx context.Context, x act.OfKind) (answer act.Orders, err error) {
	return answer, s.post(ctx, "/parks"+escaped(string(x.Type), string(x.Kind))+"/release", object{"rules": x.Rules, "why": x.Why}, &answer)
}

// OnQuestions answers each question by itself.
func (s *Server) OnQuestions(ctx context.Context, x act.OnQuestions) (act.Questions, error) {
	answer := act.Questions{Decided: []orders.AssignedID{}}
	for _, q := range x.Questions {
		path, body := fmt.Sprintf("/reconciliation/%d/decisions", q.Account.ID), object{"why": x.Why}
		switch {
		case x.On == orders.Revoke:
			path = fmt.Sprintf("/reconciliation/%d/revocation", q.Account.ID)
			if len(x.Items) > 0 {
				body["items"] = x.Items
			}
		case len(x.Items) > 0:
			items := make([]object, len(x.Items))
			for i, id := range x.Items {
				items[i] = object{"item": id, "do": x.On}
			}
			body["items"], body["review"] = items, x.ForReview
		default:
			body["do"], body["review"] = x.On, x.ForReview
		}
		if err := s.settle(ctx, path, body, q.Account.ID, &answer); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// settle sends what is said about one account.
func (s *Server) settle(ctx context.Context, path string, body object, id orders.AssignedID, answer *act.Questions) error {
	var one act.Questions
	err := s.Client.Post(ctx, path, "", body, &one)
	whys, refused := refusals(err)
	switch {
	case refused:
		for _, why := range whys {
			answer.Refused = append(answer.Refused, act.Refused{Assigned: id, Why: why})
		}
	case err != nil:
		return Failed(err, s.Client.URL)
	default:
		answer.Decided, answer.Refused = append(answer.Decided, one.Decided...), append(answer.Refused, one.Refused...)
	}
	return nil
}

// ToOwner says whose account it is that was found.
func (s *Server) ToOwner(ctx context.Context, x act.ToOwner) (act.Questions, error) {
	answer := act.Questions{Decided: []orders.AssignedID{}}
	body := object{"entity": x.Owner.Type, "person": x.Owner.Key, "why": x.Why}
	return answer, s.settle(ctx, fmt.Sprintf("/reconciliation/%d/owner", x.Account), body, x.Account, &answer)
}

// OnRoles decides on each found role by itself.
func (s *Server) OnRoles(ctx context.Context, x act.OnRoles) (act.Roles, error) {
	answer := act.Roles{Decided: []view.FoundRole{}}
	for _, r := range x.Roles {
		seen := []object{{"entity": r.Owner.Type, "person": r.Owner.Key, "role": r.Role, "parameters": r.Parameters}}
		path, body := "/found-roles/decisions", object{"do": x.On, "roles": seen, "why": x.Why, "review": x.ForReview}
		if x.On == orders.Revoke {
			path, body = "/found-roles/revocations", object{"roles": seen, "why": x.Why}
		}
		var one act.Roles
		err := s.Client.Post(ctx, path, "", body, &one)
		whys, refused := refusals(err)
		switch {
		case refused:
			for _, why := range whys {
				why = strings.TrimPrefix(why, r.Role+" of "+r.Owner.Key+": ")
				answer.Refused = append(answer.Refused, act.RoleRefused{Owner: r.Owner.Key, Role: r.Role, Why: why})
			}
		case err != nil:
			return answer, Failed(err, s.Client.URL)
		default:
			answer.Decided = append(answer.Decided, r)
		}
	}
	return answer, nil
}

// RequestDesk is where people ask for roles on the server.
func (s *Server) RequestDesk(context.Context) (act.RequestDesk, error) { return requestDesk{s}, nil }

type requestDesk struct{ *Server }

// numbered is a request of which the number is known; what it shows is asked for anew.
func numbered(r view.Request, err error) (requests.Request, error) {
	return requests.Request{ID: r.ID, Version: r.Version}, err
}

func parameters(given map[roles.DimensionID]string) object {
	texts := object{}
	for name, text := range given {
		texts[string(name)] = text
	}
	return texts
}

func (d requestDesk) Ask(ctx context.Context, x review.Asked) (requests.Request, error) {
	body := object{
		"entity": x.Owner.Type, "person": x.Owner.Key, "role": x.Role, "action": x.Action, "why": x.Why, "parameters": parameters(x.Parameters),
	}
	for name, at := range map[string]string{"from": day(x.Period.From), "until": day(x.Period.To)} {
		if at != "" {
			body[name] = at
		}
	}
	var r view.Request
	return numbered(r, d.post(ctx, "/requests", body, &r))
}

func (d requestDesk) Supply(ctx context.Context, id requests.RequestID, given map[roles.DimensionID]string) (requests.Request, error) {
	var r view.Request
	err := d.post(ctx, fmt.Sprintf("/requests/%d/parameters", id), object{"parameters": parameters(given)}, &r)
	return numbered(r, err)
}

// Decide decides the request as it stands.
func (d requestDesk) Decide(ctx context.Context, id requests.RequestID, approve bool, why string) (requests.Request, error) {
	seen, err := d.Server.Ask().Request(ctx, id)
	if err != nil {
		return requests.Request{}, err
	}
	do := requests.Decline
	if approve {
		do = requests.Approve
	}
	var r view.Request
	err = d.post(ctx, fmt.Sprintf("/requests/%d/decisions", id), object{"do": do, "version": seen.Version, "why": why}, &r)
	return numbered(r, err)
}

func (d requestDesk) Withdraw(ctx context.Context, id requests.RequestID, why string) (requests.Request, error) {
	var r view.Request
	err := d.post(ctx, fmt.Sprintf("/requests/%d/withdrawal", id), object{"why": why}, &r)
	return numbered(r, err)
}

func (d requestDesk) Validate(ctx context.Context, owner resources.Ref, role roles.RoleID, given map[roles.DimensionID]string, approve bool, why string) (assignments.AssignedRole, error) {
	do := requests.Decline
	if approve {
		do = requests.Approve
	}
	var x struct {
		Role       roles.RoleID
		Parameters assignments.Parameters
		Was        view.Workflow
	}
	body := object{"entity": owner.Type, "person": owner.Key, "role": role, "parameters": parameters(given), "do": do, "why": why}
	err := d.post(ctx, "/validations", body, &x)
	return assignments.AssignedRole{Owner: owner, Role: x.Role, Parameters: x.Parameters, Workflow: assignments.Workflow(x.Was.Number)}, err
}

// Changes is where people change identity data on the server.
func (s *Server) Changes(context.Context) (act.Changes, error) { return changes{s}, nil }

type changes struct{ *Server }

func (c changes) Forms(ctx context.Context) ([]view.Form, error) {
	return all[view.Form](ctx, c.Server, "/workflows", nil)
}

func (c changes) Start(ctx context.Context, x review.Filled) (s view.Started, err error) {
	set := object{}
	for name, text := range x.Set {
		set[string(name)] = text
	}
	body := object{"person": x.Subject, "set": set, "why": x.Why}
	if len(x.Restore) > 0 {
		body["restore"] = x.Restore
	}
	for name, at := range map[string]string{"from": day(x.From), "until": day(x.To)} {
		if at != "" {
			body[name] = at
		}
	}
	return s, c.post(ctx, "/workflows"+escaped(string(x.Workflow))+"/starts", body, &s)
}

func (c changes) Decide(ctx context.Context, id workflows.StartedID, on workflows.Event, version int, why string) (s view.Started, err error) {
	return s, c.post(ctx, fmt.Sprintf("/started-workflows/%d/decisions", id), object{"do": on, "version": version, "why": why}, &s)
}

func (c changes) Show(ctx context.Context, id workflows.StartedID) (s view.Started, err error) {
	return s, c.get(ctx, fmt.Sprintf("/started-workflows/%d", id), nil, &s)
}

func (c changes) List(ctx context.Context, closed bool) ([]view.Started, error) {
	q := url.Values{}
	yes(q, "closed", closed)
	list, _, err := some[view.Started](ctx, c.Server, "/started-workflows", q, view.DefaultLimit)
	return list, err
}

func (c changes) Tasks(ctx context.Context) ([]view.Started, error) {
	return all[view.Started](ctx, c.Server, "/started-workflows", url.Values{"mine": {"true"}})
}

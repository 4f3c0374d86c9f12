package review

import (
	"context"
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// load finds one request.
func (d *RequestDesk) load(ctx context.Context, id requests.RequestID) (requests.Request, error) {
	list, err := d.Store.Requests(ctx, stage.RequestFilter{IDs: []requests.RequestID{id}})
	if err == nil && len(list) == 0 {
		err = &fault.Error{Kind: fault.NotFound, Op: "request", Msg: fmt.Sprintf("there is no request %d", id), Do: "`provisor request list` shows the numbers"}
	}
	if err != nil {
		return requests.Request{}, err
	}
	return list[0], nil
}

// Supply gives missing parameters.
func (d *RequestDesk) Supply(ctx context.Context, id requests.RequestID, given map[roles.DimensionID]string) (requests.Request, error) {
	r, err := d.load(ctx, id)
	if err != nil {
		return r, err
	}
	role, ok := d.Model.Roles[r.Role]
	if !ok {
		return r, fault.New(fault.NotFound, "supply", "the role %s is not declared any more", r.Role)
	}
	with, err := d.parameters(ctx, role, given)
	if err != nil {
		return r, err
	}
	for name := range role.Parameters {
		if _, again := with[name]; !again {
			with[name] = r.Parameters.Value(name)
		}
	}
	r.Parameters = assignments.ParametersOf(with)
	missing := missingParameters(role, r.Parameters)
	if err := d.move(&r, requests.Supply, requests.Facts{Complete: len(missing) == 0}); err != nil {
		return r, err
	}
	s, err := d.look(ctx, r.Owner, r.Role)
	if err != nil {
		return r, err
	}
	if err := d.fits(&r, &s); err != nil {
		return r, err // what completes it may be had already
	}
	err = d.Store.SaveRequest(ctx, d.act("supply", &r, ""), stage.RequestChange{Request: r, Due: d.due()})
	r.Version++
	return r, err
}

// Withdraw takes a request back; only who asked may.
func (d *RequestDesk) Withdraw(ctx context.Context, id requests.RequestID, why string) (requests.Request, error) {
	r, err := d.load(ctx, id)
	if err != nil {
		return r, err
	}
	if r.Open() && r.By != d.Actor.String() {
		return r, fault.New(fault.Denied, "withdraw", "%s asked for request %d, and withdraws it", r.By, id)
	}
	if err := d.move(&r, requests.Withdraw, requests.Facts{Requester: true}); err != nil {
		return r, err
	}
	r.Remark("withdrawn by %s%s", r.By, colon(why))
	r.Stuck = ""
	err = d.Store.SaveRequest(ctx, d.act("withdraw", &r, why), stage.RequestChange{Request: r})
	r.Version++
	return r, err
}

func colon(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// Decide approves or declines the present step as the person who acts.
func (d *RequestDesk) Decide(ctx context.Context, id requests.RequestID, approve bool, why string) (requests.Request, error) {
	r, err := d.load(ctx, id)
	if err != nil {
		return r, err
	}
	on := requests.Approve
	if !approve {
		on = requests.Decline
	}
	if err := undecidable(&r, on); err != nil {
		return r, err
	}
	s, err := d.look(ctx, r.Owner, r.Role)
	if err != nil {
		return r, err
	}
	if err := reasoned(verdictOf(approve), s.role.Comments, why); err != nil {
		return r, err
	}
	step, _ := r.State.Step()
	p := d.panels()
	seats, err := p.seats(ctx, s.role, step, &s.owner)
	if err != nil {
		return r, err
	}
	facts, err := d.may(&r, s.role, seats)
	if err != nil {
		return r, err
	}
	x := stage.RequestChange{Due: d.due()}
	if err := d.rule(ctx, p, &r, &s, requests.Ruling{Approve: approve, By: d.Actor.As, Why: why, How: requests.ByReviewer}, facts, &x); err != nil {
		return r, err
	}
	x.Request = r
	err = d.Store.SaveRequest(ctx, d.act(string(on)+" request", &r, why), x)
	r.Version++
	return r, err
}

// undecidable says what to do about a request that waits for no reviewer.
func undecidable(r *requests.Request, on requests.Event) error {
	switch r.State {
	case assignments.Requested:
		return &fault.Error{Kind: fault.Refused, Op: string(on), Msg: fmt.Sprintf("request %d is not processed yet", r.ID), Do: "the next round does that: `provisor run`, or `provisor evaluate`"}
	case assignments.RequestedMissingParameters:
		return &fault.Error{Kind: fault.Refused, Op: string(on), Msg: fmt.Sprintf("request %d lacks a parameter", r.ID), Do: fmt.Sprintf("`provisor request supply %d NAME=VALUE` gives it", r.ID)}
	}
	if !r.Open() {
		return fault.New(fault.Refused, string(on), "request %d is settled already: %s", r.ID, r.State)
	}
	return nil
}

// may works out whether who acts may decide, and says who could when not.
func (d *RequestDesk) may(r *requests.Request, role roles.Role, seats []requests.Seat) (requests.Facts, error) {
	who := d.Actor.As
	refuse := func(format string, args ...any) error {
		do := "nobody may decide it now: see reviewers, owners and officers in the configuration"
		if others := requests.Eligible(r, role, seats); len(others) > 0 {
			do = "who may decide: " + requests.Names(others)
		}
		return &fault.Error{Kind: fault.Denied, Op: "decide", Msg: fmt.Sprintf(format, args...), Do: do}
	}
	var f requests.Facts
	if who == "" {
		return f, refuse("a person decides, and nobody was named with --as")
	}
	for _, seat := range seats {
		f.MayReview = f.MayReview || seat.Person == who
	}
	f.Apart, f.New = requests.Apart(r, role, who), !r.Decided(who)
	step, of := r.State.Step()
	switch {
	case !f.MayReview:
		return f, refuse("%s is no reviewer of step %d of %d", who, step, of)
	case !f.Apart:
		return f, refuse("%s asked for it, or it is for %s: four eyes see more than two", who, who)
	case !f.New:
		return f, refuse("%s decided another step already", who)
	}
	return f, nil
}

// move takes the request along a row of the machine.
func (d *RequestDesk) move(r *requests.Request, on requests.Event, f requests.Facts) error {
	to, err := requests.Next(r.State, on, f)
	if err != nil {
		return err
	}
	if to != r.State {
		r.State, r.Since = to, d.Moment()
	}
	return nil
}

// rule passes one step, and those behind it that pass by themselves; what an
// approval changes is added to the act.
func (d *RequestDesk) rule(ctx context.Context, p *panels, r *requests.Request, s *situation, y requests.Ruling, f requests.Facts, x *stage.RequestChange) error {
	on := requests.Approve
	if !y.Approve {
		on = requests.Decline
	}
	y.Step, _ = r.State.Step()
	y.At = d.Moment()
	if err := d.move(r, on, f); err != nil {
		return err
	}
	r.Rulings = append(r.Rulings, y)
	return d.settle(ctx, p, r, s, x)
}

// settle does what a state brings with it: steps that pass by themselves, the
// reviewers of the step it waits in, the effect of an approval.
func (d *RequestDesk) settle(ctx context.Context, p *panels, r *requests.Request, s *situation, x *stage.RequestChange) error {
	for step, of := r.State.Step(); step > 0; step, of = r.State.Step() {
		seats, err := p.seats(ctx, s.role, step, &s.owner)
		if err != nil {
			return err
		}
		if s.role.ImplicitApproval && seated(seats, r.By) {
			if err := d.move(r, requests.Approve, requests.Facts{Engine: true}); err != nil {
				return err
			}
			r.Rulings = append(r.Rulings, requests.Ruling{Step: step, By: r.By, At: d.Moment(), Approve: true, Why: r.Why, How: requests.ByAsking})
			continue
		}
		x.Reviewers = requests.Eligible(r, s.role, seats)
		if r.Stuck = ""; len(x.Reviewers) == 0 {
			r.Stuck = nobody(r, step, of, seats)
		}
		return nil
	}
	x.Reviewers, r.Stuck = nil, ""
	if r.State != assignments.Approved {
		return nil
	}
	had, before := s.at(r.Parameters)
	effect := requests.Settle(r, had, before, d.day())
	r.Remark("%s", effect.Remark)
	if effect.Put != nil {
		effect.Put.At = d.Moment()
		x.Decide = append(x.Decide, *effect.Put)
	}
	if effect.Revoke {
		x.Revoke = append(x.Revoke, stage.AssignedRoleKey{Owner: r.Owner, Role: r.Role, Parameters: r.Parameters})
	}
	if r.Action == requests.Add && r.Parameters != "" {
		// A deny of the role whatever its parameters would outrank what was approved.
		if _, blanket := s.at(""); blanket != nil && blanket.Workflow == assignments.WorkflowDeclined {
			x.Revoke = append(x.Revoke, stage.AssignedRoleKey{Owner: r.Owner, Role: r.Role})
		}
	}
	return nil
}

func seated(list []requests.Seat, person string) bool {
	for _, s := range list {
		if s.Person == person {
			return true
		}
	}
	return false
}

// nobody says why a step has no reviewer who could decide.
func nobody(r *requests.Request, step, of int, seats []requests.Seat) string {
	if len(seats) == 0 {
		return fmt.Sprintf("step %d of %d has no reviewer: nobody is named who is here", step, of)
	}
	return fmt.Sprintf("step %d of %d has no reviewer but %s, who asked for it, whom it is for, or who decided another step", step, of, requests.Names(seats))
}

// panels finds reviewers, and remembers who of them is here.
type panels struct {
	desk *RequestDesk
	here map[string]bool
}

func (d *RequestDesk) panels() *panels { return &panels{desk: d, here: map[string]bool{}} }

// seats lists the reviewers of a step who are here.
func (p *panels) seats(ctx context.Context, role roles.Role, step int, owner *resources.Resource) ([]requests.Seat, error) {
	var list []requests.Seat
	for _, s := range requests.Seats(p.desk.Model, role, step, owner) {
		here, known := p.here[s.Person]
		if !known {
			var err error
			if here, err = p.desk.present(ctx, s.Person); err != nil {
				return nil, err
			}
			p.here[s.Person] = here
		}
		if here {
			list = append(list, s)
		}
	}
	return list, nil
}

// present reports whether a person is known and not gone.
func (d *RequestDesk) present(ctx context.Context, key string) (bool, error) {
	for _, t := range d.Model.Owners() {
		ref := resources.Ref{Type: t, Key: resources.Key(key)}
		if _, there, err := d.Store.Resource(ctx, ref); err != nil || !there {
			if err != nil {
				return false, err
			}
			continue
		}
		s, err := d.Standing(ctx, ref)
		if fault.KindOf(err) == fault.Unavailable {
			return true, nil // of whom nothing is known now is not gone for that
		}
		return err == nil && gone(s, d.day()) == "", err
	}
	return false, nil
}

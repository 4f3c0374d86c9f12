package api

import (
	"context"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

func (s *service) profiles() {
	shows(s, operation{access.HomeView, "/me", "showSelf", "Who asks, and what that profile permits"}, s.self)
	shows(s, operation{access.ProfilesView, "/profiles", "listProfiles", "The profiles that there are, built in and configured"}, s.listProfiles)
	shows(s, operation{access.ProfilesView, "/profile-assignments", "listProfileAssignments", "Who has which profile, how far and from when to when"}, s.listAssignments)
	acts(s, operation{access.ProfilesAssign, "/profile-assignments", "assignProfile", "Give somebody a profile"}, s.assignProfile)
	acts(s, operation{access.ProfilesAssign, "/profile-assignments/{id}/end", "endProfile", "Take a profile away, or a delegation back"}, s.endProfile)
	shows(s, operation{access.Delegate, "/delegations", "listDelegations", "What one has oneself, and what one handed on"}, s.listDelegations)
	acts(s, operation{access.Delegate, "/delegations", "delegateProfile", "Hand a profile of one's own to somebody else, until a day"}, s.delegateProfile)
	acts(s, operation{access.Delegate, "/delegations/{id}/end", "endDelegation", "Take back what one handed on"}, s.endDelegation)
}

// accessDesk is where whoever asks keeps profiles and tokens in order.
func (s *service) accessDesk(ctx context.Context) act.AccessDesk {
	return s.Desks.AccessDesk(reach.Actor(ctx, s.Local))
}

// Self is who asks.
type Self struct {
	Account     string              `json:"account,omitempty" doc:"None where nobody signs in."`
	Entity      string              `json:"entity,omitempty" doc:"With person: who that is in the directory."`
	Person      string              `json:"person,omitempty"`
	Permissions []access.Permission `json:"permissions" nullable:"false" doc:"What any profile permits, for some rows at least."`
}

func (s *service) self(ctx context.Context, _ *struct{}) (Self, error) {
	who := routes.Who(ctx)
	x := Self{Account: who.Account, Entity: string(who.Person.Type), Person: string(who.Person.Key), Permissions: []access.Permission{}}
	for _, d := range access.Permissions() {
		if who.Has(d.Permission) {
			x.Permissions = append(x.Permissions, d.Permission)
		}
	}
	return x, nil
}

func (s *service) listProfiles(ctx context.Context, q *struct{ Window }) (Page[access.Profile], error) {
	list, err := s.accessDesk(ctx).Known(ctx)
	if err != nil {
		return Page[access.Profile]{}, err
	}
	return part(list, q.Window)
}

func (s *service) listAssignments(ctx context.Context, q *struct {
	Window
	Profile string `query:"profile"`
	Who     string `query:"who" maxLength:"200" doc:"The name of an account, or the key or an identifier of a person: then what rules give is listed, too."`
	Over    bool   `query:"over" doc:"Those too that are over; not with who."`

	Sort sorted[heldColumns] `query:"sort"`
},
) (Page[access.ProfileAssignment], error) {
	desk, now := s.accessDesk(ctx), s.Clock()
	list, err := desk.Given(ctx)
	if q.Who != "" {
		var holder access.Holder
		if holder, err = desk.Holder(ctx, q.Who); err == nil {
			list, err = desk.Has(ctx, holder)
		}
	}
	if err != nil {
		return Page[access.ProfileAssignment]{}, err
	}
	list = slices.DeleteFunc(list, func(a access.ProfileAssignment) bool {
		return q.Profile != "" && q.Profile != string(a.Profile) || !q.Over && a.Over(now)
	})
	view.ArrangeHeld(list, q.Sort.sort())
	return part(list, q.Window)
}

// Given says who gets a profile, how far and for how long.
type Given struct {
	Profile string       `json:"profile" minLength:"1"`
	Account string       `json:"account,omitempty" doc:"Who gets it: an account; or"`
	Entity  string       `json:"entity,omitempty" doc:"with person: somebody of the directory, signed in or not yet."`
	Person  string       `json:"person,omitempty"`
	Scope   access.Scope `json:"scope,omitempty" doc:"How far it reaches; none: as far as the profile does."`
	From    string       `json:"from,omitempty" format:"date" doc:"The first day."`
	Until   string       `json:"until,omitempty" format:"date" doc:"The last day."`
	Why     string       `json:"why,omitempty" maxLength:"4000"`
}

func (g Given) assignment(ctx context.Context, desk act.AccessDesk) (a access.ProfileAssignment, err error) {
	text := "account " + g.Account
	switch {
	case (g.Account == "") == (g.Person == ""), (g.Entity == "") != (g.Person == ""):
		return a, &fault.Error{Kind: fault.Invalid, Msg: "it is not said who gets the profile, or twice", Do: "give account, or entity and person"}
	case g.Person != "":
		text = g.Entity + ":" + g.Person
	}
	if a.Holder, err = desk.Holder(ctx, text); err != nil {
		return a, err
	}
	a.Profile, a.Scope, a.Why = access.ProfileID(g.Profile), g.Scope, g.Why
	if a.From, err = dayIn(g.From); err != nil {
		return a, err
	}
	if a.To, err = dayIn(g.Until); err == nil && !a.To.IsZero() {
		a.To = a.To.Add(24 * time.Hour) // the day itself belongs to it
	}
	return a, err
}

func (s *service) assignProfile(ctx context.Context, q *struct{ Body Given }) (access.ProfileAssignment, error) {
	desk := s.accessDesk(ctx)
	a, err := q.Body.assignment(ctx, desk)
	if err != nil {
		return a, err
	}
	return desk.Assign(ctx, a)
}

// Ended is what was ended.
type Ended struct {
	ID int64 `json:"id"`
}

func (s *service) endProfile(ctx context.Context, q *struct {
	Numbered
	Body Reason
},
) (Ended, error) {
	return Ended{q.ID}, s.accessDesk(ctx).Revoke(ctx, access.AssignmentID(q.ID), q.Body.Why)
}

// Delegations are what somebody has, and what he handed on.
type Delegations struct {
	Has    []access.ProfileAssignment `json:"has" nullable:"false" doc:"By hand, by rule or by delegation, now or later."`
	Handed []access.ProfileAssignment `json:"handed" nullable:"false" doc:"Delegations of one's own that are not over."`
}

// selfHolder is who asks, as the holder of profiles.
func selfHolder(ctx context.Context) (access.Holder, error) {
	name := routes.Who(ctx).Account
	if name == "" {
		return access.Holder{}, &fault.Error{Kind: fault.Refused, Msg: "nobody signs in here, so nothing is anybody's own", Do: "make an account; the server asks who comes from then on"}
	}
	return access.Holder{Account: name}, nil
}

func (s *service) listDelegations(ctx context.Context, _ *struct{}) (Delegations, error) {
	x, desk := Delegations{Has: []access.ProfileAssignment{}, Handed: []access.ProfileAssignment{}}, s.accessDesk(ctx)
	self, err := selfHolder(ctx)
	if err != nil {
		return x, err
	}
	has, err := desk.Has(ctx, self)
	if err != nil {
		return x, err
	}
	x.Has = append(x.Has, has...)
	given, err := desk.Given(ctx)
	for _, a := range given {
		if a.Of(self, routes.Who(ctx).Person) && !a.Over(s.Clock()) {
			x.Handed = append(x.Handed, a)
		}
	}
	return x, err
}

func (s *service) delegateProfile(ctx context.Context, q *struct{ Body Given }) (access.ProfileAssignment, error) {
	desk := s.accessDesk(ctx)
	self, err := selfHolder(ctx)
	if err != nil {
		return access.ProfileAssignment{}, err
	}
	a, err := q.Body.assignment(ctx, desk)
	if err != nil {
		return a, err
	}
	return desk.Delegate(ctx, self, a)
}

func (s *service) endDelegation(ctx context.Context, q *struct {
	Numbered
	Body Reason
},
) (Ended, error) {
	self, err := selfHolder(ctx)
	if err != nil {
		return Ended{}, err
	}
	return Ended{q.ID}, s.accessDesk(ctx).TakeBack(ctx, self, access.AssignmentID(q.ID), q.Body.Why)
}

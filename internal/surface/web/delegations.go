package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/routes"
)

// ownProfiles is what whoever asks has, and what he handed on.
type ownProfiles struct {
	Nobody bool // nobody signs in here
	Has    heldList
	Handed heldList
	Own    []option // what he can hand on
	Here   string
	Kept   kept
}

// selfOf is who asks, as the holder of profiles; ok is false where nobody signs in.
func selfOf(ctx context.Context) (h access.Holder, ok bool) {
	name := routes.Who(ctx).Account
	return access.Holder{Account: name}, name != ""
}

// delegations shows whoever asks his profiles and what he delegated.
func (s *site) delegations(r *http.Request) (page, error) {
	ctx, desk := r.Context(), s.accessDesk(r)
	x := ownProfiles{Here: r.URL.RequestURI(), Kept: keptOf(r)}
	self, ok := selfOf(ctx)
	p := page{Title: "My profiles", Section: "profiles"}
	if x.Nobody = !ok; x.Nobody {
		p.Body = delegationsPage(x)
		return p, nil
	}
	known, err := desk.Known(ctx)
	if err != nil {
		return page{}, err
	}
	has, err := desk.Has(ctx, self)
	if err != nil {
		return page{}, err
	}
	handed, err := s.handed(r, self)
	if err != nil {
		return page{}, err
	}
	x.Has, x.Handed = s.heldShown(r, has, known), s.heldShown(r, handed, known)
	x.Has.Of, x.Handed.Of, x.Handed.Ends = true, true, true
	for _, o := range profileOptions(known) {
		own := slices.ContainsFunc(has, func(a access.ProfileAssignment) bool {
			return string(a.Profile) == o.Value && a.How != access.Delegation && a.Active(s.Clock())
		})
		if own {
			x.Own = append(x.Own, o)
		}
	}
	p.Body = delegationsPage(x)
	return p, nil
}

// handed are the delegations of whoever asks that are not over.
func (s *site) handed(r *http.Request, self access.Holder) ([]access.ProfileAssignment, error) {
	given, err := s.accessDesk(r).Given(r.Context())
	person, now := routes.Who(r.Context()).Person, s.Clock()
	return slices.DeleteFunc(given, func(a access.ProfileAssignment) bool { return !a.Of(self, person) || a.Over(now) }), err
}

// changeDelegations hands a profile of one's own on, or takes delegations back.
func (s *site) changeDelegations(r *http.Request) (outcome, error) {
	self, ok := selfOf(r.Context())
	if !ok {
		return outcome{}, &fault.Error{Kind: fault.Refused, Msg: "nobody signs in here, so there is no profile of yours", Do: "Start the server with --sign-in, and sign in."}
	}
	desk := s.accessDesk(r)
	if r.PostForm.Get("do") == "end" {
		handed, err := s.handed(r, self)
		if err != nil {
			return outcome{}, err
		}
		return s.endChosen(r, handed, "Take back", func(id access.AssignmentID, why string) error {
			return desk.TakeBack(r.Context(), self, id, why)
		})
	}
	a, err := s.assignmentIn(r)
	if err != nil {
		return outcome{}, err
	}
	a.Profile = access.ProfileID(r.PostForm.Get("profile"))
	a, err = desk.Delegate(r.Context(), self, a)
	return outcome{Said: fmt.Sprintf("%s has your profile %s until %s.", sentenceCase(a.Holder.String()), a.Profile, day(lastDay(a)))}, err
}

package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// delegatedDaysMost bounds a delegation: who is away for longer is replaced.
const delegatedDaysMost = 366

// lastYear is well before 2262, where the instants end that the store keeps.
const lastYear = 2200

// Given lists who has which profile, those that are over included.
func (d *Desk) Given(ctx context.Context) ([]access.ProfileAssignment, error) {
	return d.Store.Profiles(ctx, stage.ProfileFilter{})
}

// Assign gives a profile by hand. Nobody gives one to himself.
func (d *Desk) Assign(ctx context.Context, a access.ProfileAssignment) (access.ProfileAssignment, error) {
	a.How = access.ByHand
	if err := d.sound(ctx, a); err != nil {
		return a, err
	}
	own, err := d.own(ctx, a.Holder)
	if err != nil {
		return a, err
	}
	if own {
		return a, &fault.Error{Kind: fault.Denied, Op: "assign profile", Msg: d.Actor.As + " would give a profile to themselves: four eyes see more than two", Do: "ask another administrator"}
	}
	a.ID, err = d.Store.AddProfile(ctx, d.given("assign profile", a), a)
	return a, err
}

// Delegate hands a profile of whoever acts to somebody else, from a day to a day.
func (d *Desk) Delegate(ctx context.Context, from access.Holder, a access.ProfileAssignment) (access.ProfileAssignment, error) {
	refuse := func(do, format string, args ...any) error {
		return &fault.Error{Kind: fault.Refused, Op: "delegate profile", Msg: fmt.Sprintf(format, args...), Do: do}
	}
	a.How, a.Delegator = access.Delegation, from
	if err := d.sound(ctx, a); err != nil {
		return a, err
	}
	switch days := a.To.Sub(later(a.From, d.Clock())).Hours() / 24; {
	case a.To.IsZero():
		return a, refuse("say until when", "a delegation ends on a day")
	case days > delegatedDaysMost:
		return a, refuse("choose a nearer day", "a delegation lasts %d days at most", delegatedDaysMost)
	}
	same, err := d.same(ctx, from, a.Holder)
	if err != nil {
		return a, err
	}
	if same {
		return a, refuse("name somebody else", "%s has it already", from)
	}
	person, err := d.personOf(ctx, from)
	if err != nil {
		return a, err
	}
	c, err := d.configuration(ctx)
	if err != nil {
		return a, err
	}
	r := d.rights(ctx, c)
	has, err := r.had(from, person)
	if err != nil {
		return a, err
	}
	if !slices.Contains(has, a.Profile) {
		return a, refuse("`provisor profile list --assigned` shows who has what", "%s does not have the profile %s of their own, and what was delegated is not delegated again", from, a.Profile)
	}
	a.ID, err = d.Store.AddProfile(ctx, d.given("delegate profile", a), a)
	return a, err
}

// Holder finds who is meant: "anna" and "account anna" are an account, "E100" and
// "Person:E100" a person by key or identifier, signed in or not yet.
func (d *Desk) Holder(ctx context.Context, text string) (access.Holder, error) {
	text = strings.TrimSpace(text)
	var found []access.Holder
	name, named := strings.CutPrefix(text, "account ")
	if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
		a, err := d.Store.Account(ctx, name)
		switch {
		case err == nil:
			found = append(found, access.Holder{Account: a.Name})
		case fault.KindOf(err) != fault.NotFound:
			return access.Holder{}, err
		}
	}
	if !named && text != "" {
		people, err := d.peopleKnownAs(ctx, text)
		if err != nil {
			return access.Holder{}, err
		}
		found = append(found, people...)
	}
	switch {
	case len(found) == 0:
		return access.Holder{}, &fault.Error{Kind: fault.NotFound, Op: "find holder", Msg: fmt.Sprintf("no account and nobody is known as %q", text), Do: "give the name of an account, or the key or an identifier of a person"}
	case len(found) > 1:
		names := make([]string, len(found))
		for i, h := range found {
			names[i] = h.String()
		}
		return access.Holder{}, &fault.Error{Kind: fault.Invalid, Op: "find holder", Msg: fmt.Sprintf("%q may be any of %d", text, len(found)), Do: "write one of " + strings.Join(names, ", ")}
	}
	return found[0], nil
}

// peopleKnownAs are those who bear a text as key or identifier.
func (d *Desk) peopleKnownAs(ctx context.Context, text string) (found []access.Holder, err error) {
	c, err := d.configuration(ctx)
	if err != nil || c == nil {
		return nil, err
	}
	of, key, typed := strings.Cut(text, ":")
	for _, t := range c.Model.Owners() {
		if typed && string(t) != of {
			continue
		}
		if !typed {
			key = text
		}
		list, err := d.Resolve(ctx, string(t), key)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			found = append(found, access.Holder{Person: resources.Ref{Type: schema.EntityType(o.Type), Key: resources.Key(o.Key)}})
		}
	}
	return found, nil
}

// Has lists what a holder has now or will have, by hand, by delegation and by rule.
func (d *Desk) Has(ctx context.Context, h access.Holder) ([]access.ProfileAssignment, error) {
	person, err := d.personOf(ctx, h)
	if err != nil {
		return nil, err
	}
	c, err := d.configuration(ctx)
	if err != nil {
		return nil, err
	}
	r := d.rights(ctx, c)
	assigned, err := d.Store.Profiles(ctx, stage.ProfileFilter{Holders: holders(h, person)})
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(assigned, func(a access.ProfileAssignment) bool { return a.Over(r.now) })
	ruled, err := r.byRule(person, access.World{Person: person})
	for _, g := range ruled {
		list = append(list, access.ProfileAssignment{Holder: access.Holder{Person: person}, Profile: g.Profile, Scope: g.Scopes[0], How: access.ByRule})
	}
	return list, errors.Join(err, r.failed)
}

// TakeBack ends a delegation of whoever handed it on, and no other profile.
func (d *Desk) TakeBack(ctx context.Context, from access.Holder, id access.AssignmentID, why string) error {
	list, err := d.Store.Profiles(ctx, stage.ProfileFilter{IDs: []access.AssignmentID{id}})
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.How != access.Delegation {
			continue
		}
		own, err := d.same(ctx, a.Delegator, from)
		if err != nil {
			return err
		}
		if own {
			return d.Revoke(ctx, id, why)
		}
	}
	return &fault.Error{Kind: fault.NotFound, Op: "take a delegation back", Msg: fmt.Sprintf("no delegation of yours has the number %d", id), Do: "your delegations list those that there are"}
}

// Revoke takes a profile away, or a delegation back.
func (d *Desk) Revoke(ctx context.Context, id access.AssignmentID, why string) error {
	return d.Store.RevokeProfile(ctx, d.act("revoke profile", fmt.Sprintf("profile assignment %d", id), why), id)
}

// sound checks that a profile and everything that its scope names are there.
func (d *Desk) sound(ctx context.Context, a access.ProfileAssignment) error {
	known, err := d.Known(ctx)
	if err != nil {
		return err
	}
	refuse := func(what, do string) error {
		return &fault.Error{Kind: fault.Invalid, Op: "assign profile", Msg: what, Do: do}
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = string(p.ID)
	}
	if !slices.Contains(names, string(a.Profile)) {
		return refuse("there is no profile "+string(a.Profile), "there are "+strings.Join(names, ", "))
	}
	if a.From.Year() > lastYear || a.To.Year() > lastYear {
		return refuse(fmt.Sprintf("nobody knows what holds after the year %d", lastYear), "leave the end out: then it holds for good")
	}
	if !a.To.IsZero() && !a.To.After(later(a.From, d.Clock())) {
		return refuse("it would end before it begins, or is over already", "give a later last day")
	}
	if a.Holder.Account != "" {
		if _, err := d.Store.Account(ctx, a.Holder.Account); err != nil {
			return err
		}
	}
	return d.real(ctx, a.Scope, refuse)
}

// real checks what a scope names: one that names nothing real would reach nothing.
func (d *Desk) real(ctx context.Context, s access.Scope, refuse func(what, do string) error) error {
	if s.IsZero() {
		return nil
	}
	c, err := d.configuration(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return refuse("a scope names what the configuration declares, and none is deployed", "deploy one with `provisor apply`, or leave the scope out")
	}
	m := c.Model
	for _, t := range s.EntityTypes {
		if _, ok := m.Entity(t); !ok {
			return refuse("there is no entity type "+string(t), "")
		}
	}
	for _, x := range s.ResourceTypes {
		if _, ok := m.ResourceTypes[x]; !ok {
			return refuse("there is no resource type "+string(x), "")
		}
	}
	for _, x := range s.Categories {
		if _, ok := m.Categories[x]; !ok {
			return refuse("there is no category "+string(x), "")
		}
	}
	for _, x := range s.Roles {
		if _, ok := m.Roles[x]; !ok {
			return refuse("there is no role "+string(x), "")
		}
	}
	for x := range s.Places {
		if _, ok := m.Dimensions[x]; !ok {
			return refuse("there is no dimension "+string(x), fmt.Sprint("there are ", slices.Sorted(maps.Keys(m.Dimensions))))
		}
	}
	return nil
}

// own reports whether a holder is whoever acts, by whatever name.
func (d *Desk) own(ctx context.Context, h access.Holder) (bool, error) {
	if d.Actor.As == "" {
		return false, nil
	}
	if h.Account == d.Actor.As || string(h.Person.Key) == d.Actor.As {
		return true, nil
	}
	person, err := d.personOf(ctx, h)
	if err != nil || person.Key == "" {
		return false, err
	}
	acts, err := d.personOf(ctx, access.Holder{Account: d.Actor.As})
	return string(person.Key) == d.Actor.As || acts == person, err
}

// same reports whether two holders are one person.
func (d *Desk) same(ctx context.Context, a, b access.Holder) (bool, error) {
	if a == b {
		return true, nil
	}
	one, err := d.personOf(ctx, a)
	if err != nil {
		return false, err
	}
	other, err := d.personOf(ctx, b)
	return one.Key != "" && one == other, err
}

// personOf is whom the directory knows a holder as; the zero Ref for nobody.
func (d *Desk) personOf(ctx context.Context, h access.Holder) (resources.Ref, error) {
	if h.Account == "" {
		return h.Person, nil
	}
	a, err := d.Store.Account(ctx, h.Account)
	if fault.KindOf(err) == fault.NotFound {
		return resources.Ref{}, nil
	}
	return a.Person, err
}

func (d *Desk) given(name string, a access.ProfileAssignment) journal.Act {
	act := d.act(name, string(a.Profile)+" for "+a.Holder.String(), a.Why)
	act.Detail = map[string]any{"profile": a.Profile, "holder": a.Holder.String(), "scope": a.Scope.String(), "from": a.From, "to": a.To}
	return act
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

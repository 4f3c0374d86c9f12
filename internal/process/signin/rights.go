package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
)

// configuration is what is deployed; nil where nothing is.
func (d *Desk) configuration(ctx context.Context) (*declare.Configuration, error) {
	c, err := d.Deployed(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return c, err
}

// Known lists the profiles that there are: built in and configured.
func (d *Desk) Known(ctx context.Context) ([]access.Profile, error) {
	c, err := d.configuration(ctx)
	if err != nil || c == nil {
		return access.BuiltIn(), err
	}
	return c.Profiles, nil
}

// Principal says what an account may do now.
func (d *Desk) Principal(ctx context.Context, a stage.Account) (access.Principal, error) {
	c, err := d.configuration(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	profiles := access.BuiltIn()
	if c != nil {
		profiles = c.Profiles
	}
	r := d.rights(ctx, c)
	list, err := r.of(access.Holder{Account: a.Name}, a.Person, true)
	if err = errors.Join(err, r.failed); err != nil {
		return access.Principal{}, err
	}
	return access.Resolve(a.Name, a.Person, profiles, list), nil
}

// rights works out what one account has.
type rights struct {
	desk     *Desk
	ctx      context.Context
	config   *declare.Configuration // nil: nothing is deployed
	now      time.Time
	standing map[resources.Ref]*requests.Standing
	failed   error // of a question that a scope asked
}

func (d *Desk) rights(ctx context.Context, c *declare.Configuration) *rights {
	return &rights{desk: d, ctx: ctx, config: c, now: d.Clock(), standing: map[resources.Ref]*requests.Standing{}}
}

// had lists the profiles that a holder has himself.
func (r *rights) had(holder access.Holder, person resources.Ref) ([]access.ProfileID, error) {
	list, err := r.of(holder, person, false)
	var ids []access.ProfileID
	for _, g := range list {
		ids = append(ids, g.Profile)
	}
	return ids, errors.Join(err, r.failed)
}

// of lists what a holder has now. Delegations are followed one step: what was
// handed on is not handed on again.
func (r *rights) of(holder access.Holder, person resources.Ref, delegated bool) ([]access.Given, error) {
	assigned, err := r.desk.Store.Profiles(r.ctx, stage.ProfileFilter{Holders: holders(holder, person)})
	if err != nil {
		return nil, err
	}
	world := r.world(person)
	var list []access.Given
	for _, a := range assigned {
		switch {
		case !a.Active(r.now):
		case a.How != access.Delegation:
			list = append(list, access.Given{Profile: a.Profile, Scopes: []access.Scope{a.Scope}, World: world})
		case delegated:
			handed, err := r.handed(a)
			if err != nil {
				return nil, err
			}
			list = append(list, handed...)
		}
	}
	ruled, err := r.byRule(person, world)
	return append(list, ruled...), err
}

// holders are a holder and the person that he is.
func holders(h access.Holder, person resources.Ref) []access.Holder {
	list := []access.Holder{}
	if h.Account != "" {
		list = append(list, h)
	}
	if person.Key != "" {
		list = append(list, access.Holder{Person: person})
	}
	return list
}

// handed is what a delegation hands on: the profile as its delegator has it.
func (r *rights) handed(a access.ProfileAssignment) ([]access.Given, error) {
	person := a.Delegator.Person
	if a.Delegator.Account != "" {
		account, err := r.desk.Store.Account(r.ctx, a.Delegator.Account)
		if fault.KindOf(err) == fault.NotFound {
			return nil, nil
		}
		if err != nil || !account.Disabled.IsZero() {
			return nil, err
		}
		person = account.Person
	}
	own, err := r.of(a.Delegator, person, false)
	var list []access.Given
	for _, g := range own {
		if g.Profile == a.Profile {
			g.Scopes = append(slices.Clone(g.Scopes), a.Scope)
			list = append(list, g)
		}
	}
	return list, err
}

// world is what the scopes of a person's profiles are worked out in.
func (r *rights) world(person resources.Ref) access.World {
	w := access.World{Person: person}
	if r.config == nil {
		return w
	}
	w.Model = r.config.Model
	w.Below = r.below
	return w
}

func (r *rights) below(dimension roles.DimensionID, place resources.Key) []resources.Key {
	d, ok := r.config.Model.Dimensions[dimension]
	if !ok || d.Hierarchy == "" {
		return []resources.Key{place}
	}
	list, err := r.desk.Store.Below(r.ctx, d.Entity, d.Hierarchy, place)
	r.failed = errors.Join(r.failed, err)
	return list
}

// byRule are the profiles that rules give a person.
func (r *rights) byRule(person resources.Ref, world access.World) (list []access.Given, err error) {
	if r.config == nil || person.Key == "" {
		return nil, nil
	}
	for _, p := range r.config.Profiles {
		for _, rule := range p.Rules {
			if rule.Entity != person.Type {
				continue
			}
			holds, err := r.holds(rule, person)
			if err != nil {
				return nil, err
			}
			if holds {
				list = append(list, access.Given{Profile: p.ID, Scopes: []access.Scope{rule.Scope}, World: world})
			}
		}
	}
	return list, nil
}

// holds reports whether a rule gives its profile: to nobody who has no day now.
func (r *rights) holds(rule access.ProfileRule, person resources.Ref) (bool, error) {
	s, known := r.standing[person]
	if !known {
		found, err := r.desk.Standing(r.ctx, person)
		switch {
		case fault.KindOf(err) == fault.NotFound:
		case err != nil:
			return false, err
		default:
			s = &found
		}
		r.standing[person] = s
	}
	if s == nil || s.Excluded || !s.Period.Covers(r.desk.Day()) {
		return false, nil
	}
	return access.RuleHolds(rule, person, func(dimension string, below bool, place resources.Key) bool {
		id := roles.DimensionID(dimension)
		in := []resources.Key{place}
		if below {
			in = r.below(id, place)
		}
		return slices.ContainsFunc(s.Places[id], func(k resources.Key) bool { return slices.Contains(in, k) })
	}), nil
}

// World is what scopes of nobody in particular are worked out in.
func (d *Desk) World(ctx context.Context, c *declare.Configuration) access.World {
	return d.rights(ctx, c).world(resources.Ref{})
}

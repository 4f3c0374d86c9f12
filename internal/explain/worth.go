package explain

import (
	"fmt"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// valued narrows a proof to one value of a property. Where an account should have
// it, what is left is why; else what would give exactly it.
func (x *explainer) valued(c *declare.Configuration, day time.Time, ask Query, proof *Proof) {
	probe := newProbe(c, x.person, x.world)
	t := c.Model.ResourceTypes[roles.ResourceTypeID(ask.Account)]
	names := probe.names(t, schema.PropertyName(ask.Property), ask.Value)
	given := false
	for i := range proof.Accounts {
		a := &proof.Accounts[i]
		held := x.person.Accounts[slices.IndexFunc(x.person.Accounts, func(y view.Account) bool { return y.ID == a.ID })]
		a.Items = slices.DeleteFunc(a.Items, func(it Item) bool {
			j := slices.IndexFunc(held.Items, func(y view.Item) bool { return y.ID == it.Item })
			return !slices.Contains(names, it.Expected) && !slices.Contains(names, it.Current) && !slices.Contains(names, held.Items[j].Link)
		})
		given = given || slices.ContainsFunc(a.Items, func(it Item) bool { return it.Expected != "-" && it.Expected != "" })
	}
	if !given {
		proof.Absent = absences(c, x.person, day, ask, x.world)
	}
}

// names are all by which a value of a property may be called: as it is written
// and, for a link, by the far end's key.
func (x *probe) names(t roles.ResourceType, property schema.PropertyName, text string) []string {
	names := []string{text}
	entity, _ := x.configuration.Model.Entity(t.Target)
	p := entity.Properties[property]
	if !p.IsLink() {
		if v, err := value.Normalize(p.Type, "", text); err == nil {
			names = append(names, v.String())
		}
		return names
	}
	far, _ := x.configuration.Model.Entity(p.Link)
	for _, name := range append([]schema.PropertyName{far.Key}, far.Identify...) {
		if r, ok := x.world.Find(p.Link, name, value.OfString(text)); ok {
			names = append(names, string(r.Key))
		}
	}
	return names
}

// valued replaces what is asked for by the lines that give a value, and the
// account by itself where the person has none.
func (x *probe) valued(list []candidate, ask Query) []candidate {
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.role.ID != "" })
	t := x.configuration.Model.ResourceTypes[roles.ResourceTypeID(ask.Account)]
	c := candidate{typ: t, property: schema.PropertyName(ask.Property), value: ask.Value, gives: map[string]Criterion{}}
	names := x.names(t, c.property, ask.Value)
	entity, _ := x.configuration.Model.Entity(t.Target)
	p := entity.Properties[c.property]
	for _, r := range t.Links {
		if r.Property == c.property && x.leads(p, r.To, names) {
			c.lines = append(c.lines, r.Line)
		}
	}
	for _, r := range t.Values {
		switch {
		case r.Property != c.property:
		case r.Constant:
			if slices.Contains(names, r.Value.String()) {
				c.lines = append(c.lines, r.Line)
			}
		case r.Allocate == nil:
			c.lines = append(c.lines, r.Line)
			c.gives[r.Object] = x.computed(r.Expression, names, ask.Value)
		}
	}
	for _, r := range t.Find {
		if r.Property == c.property {
			c.lines = append(c.lines, r.Line)
			c.gives[r.Object] = x.finds(r, p.Link, names, ask.Value)
		}
	}
	return append(list, c)
}

// leads reports whether a navigation rule leads to the far end that is meant.
func (x *probe) leads(p schema.Property, to map[schema.PropertyName]value.Value, names []string) bool {
	for name, v := range to {
		if slices.Contains(names, v.Text()) {
			return true
		}
		if r, ok := x.world.Find(p.Link, name, v); ok && slices.Contains(names, string(r.Key)) {
			return true
		}
	}
	return false
}

// computed says whether an expression gives the value for this person.
func (x *probe) computed(e schema.Expression, names []string, wanted string) Criterion {
	c := Criterion{Says: e.Text + " gives " + wanted, Would: e.Text + " gave " + wanted}
	v, err := x.eval(e)
	switch {
	case err != nil:
		c.Found = err.Error()
	case slices.Contains(names, v.String()):
		c.Holds = true
	default:
		c.Found = v.String()
	}
	return c
}

// finds says whether a query rule finds the far end for this person.
func (x *probe) finds(r roles.QueryRule, far schema.EntityType, names []string, wanted string) Criterion {
	c := Criterion{Says: r.Source.Text + " finds " + wanted, Would: fmt.Sprintf("%s was what %s gives of %s", r.Source.Text, r.Target.Text, wanted)}
	v, err := x.eval(r.Source)
	if err != nil {
		c.Found = err.Error()
		return c
	}
	c.Found = v.String()
	for _, name := range names {
		end, ok := x.world.Record(far, resources.Key(name))
		program, known := x.configuration.Programs[r.Target]
		if ok && known {
			is, err := program.Eval(expression.Bindings{Target: end, Own: end, Records: x.world})
			c.Holds = c.Holds || err == nil && !is.IsNull() && is.Text() == v.Text()
		}
	}
	return c
}

// eval computes an expression for the person, as far as it needs no account.
func (x *probe) eval(e schema.Expression) (value.Value, error) {
	p, ok := x.configuration.Programs[e]
	owner, there := x.world.Record(schema.EntityType(x.person.Type), resources.Key(x.person.Key))
	if !ok || !there {
		return value.Null, nil
	}
	return p.Eval(expression.Bindings{Source: owner, Records: x.world})
}

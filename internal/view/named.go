package view

import (
	"context"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// Named answers like q, with linked resources called what people call them: the
// keys of groups are often numbers that nobody can read. model tells where a
// property leads; while it fails, keys stand as they are.
func Named(q Questions, model func(context.Context) (*roles.Model, error)) Questions {
	return naming{q, model}
}

type naming struct {
	Questions
	model func(context.Context) (*roles.Model, error)
}

func (n naming) Orders(ctx context.Context, f OrderFilter) (OrderPage, error) {
	page, err := n.Questions.Orders(ctx, f)
	if err != nil {
		return page, err
	}
	return page, n.name(ctx, func(c *called) {
		for i := range page.Orders {
			c.order(&page.Orders[i])
		}
	})
}

func (n naming) Order(ctx context.Context, id orders.OrderID) (OrderDetail, error) {
	detail, err := n.Questions.Order(ctx, id)
	if err != nil {
		return detail, err
	}
	err = n.name(ctx, func(c *called) {
		c.order(&detail.Order)
		c.account(&detail.Account)
	})
	names := map[int]string{}
	for _, it := range detail.Account.Items {
		names[it.ID] = it.Name
	}
	for i, step := range detail.Path {
		if name, ok := names[step.Item]; ok {
			detail.Path[i].Name = name
		}
	}
	return detail, err
}

func (n naming) Person(ctx context.Context, ref resources.Ref) (Person, error) {
	p, err := n.Questions.Person(ctx, ref)
	if err != nil {
		return p, err
	}
	p.Called = map[string]string{}
	return p, n.name(ctx, func(c *called) {
		for i := range p.Accounts {
			c.account(&p.Accounts[i])
		}
		entity, _ := c.model.Entity(ref.Type)
		for name, declared := range entity.Properties {
			for _, key := range p.Links[string(name)] {
				at := resources.Ref{Type: declared.Link, Key: resources.Key(key)}
				c.places[at] = append(c.places[at], func(text string) { p.Called[string(name)+" "+key] = text })
			}
		}
	})
}

func (n naming) Reconciliation(ctx context.Context, f ReconciliationFilter) (ReconciliationPage, error) {
	page, err := n.Questions.Reconciliation(ctx, f)
	if err != nil {
		return page, err
	}
	return page, n.name(ctx, func(c *called) {
		for i := range page.Questions {
			c.account(&page.Questions[i].Account)
		}
	})
}

func (n naming) Accounts(ctx context.Context, f AccountFilter) ([]Question, error) {
	list, err := n.Questions.Accounts(ctx, f)
	if err != nil {
		return list, err
	}
	return list, n.name(ctx, func(c *called) {
		for i := range list {
			c.account(&list[i].Account)
		}
	})
}

// name looks up at once what collect found, and writes the names in their places.
func (n naming) name(ctx context.Context, collect func(*called)) error {
	m, err := n.model(ctx)
	if err != nil {
		return nil
	}
	c := &called{model: m, places: map[resources.Ref][]func(name string){}}
	collect(c)
	refs := make([]resources.Ref, 0, len(c.places))
	for ref := range c.places {
		refs = append(refs, ref)
	}
	if len(refs) == 0 {
		return nil
	}
	names, err := n.Names(ctx, refs)
	for ref, name := range names {
		if name == string(ref.Key) {
			continue
		}
		for _, write := range c.places[ref] {
			write(name)
		}
	}
	return err
}

// called collects where which resource is named.
type called struct {
	model  *roles.Model
	places map[resources.Ref][]func(name string)
}

func (c *called) order(o *Order) {
	for i := range o.Items {
		it := &o.Items[i]
		c.item(o.Type, it.Property, it.Link, func(name string) { it.LinkName = name }, &it.Proposed, &it.Current, &it.Before)
	}
}

func (c *called) account(a *Account) {
	for i := range a.Items {
		it := &a.Items[i]
		c.item(a.Type, it.Property, it.Link, func(name string) {
			it.LinkName, it.Name = name, it.Property+" → "+name
		}, &it.Proposed, &it.Current, &it.Before, &it.Policy)
	}
}

// item notes the resource that one link of many leads to, or those that the
// values of a link to one hold.
func (c *called) item(resourceType, property, link string, many func(name string), one ...*string) {
	entity, _ := c.model.Entity(c.model.ResourceTypes[roles.ResourceTypeID(resourceType)].Target)
	for name, p := range entity.Properties {
		if string(name) != property || !p.IsLink() {
			continue
		}
		if link != "" {
			ref := resources.Ref{Type: p.Link, Key: resources.Key(link)}
			c.places[ref] = append(c.places[ref], many)
			return
		}
		for _, text := range one {
			ref := resources.Ref{Type: p.Link, Key: resources.Key(*text)}
			c.places[ref] = append(c.places[ref], func(name string) { *text = name + " (" + *text + ")" })
		}
	}
}

package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
)

// plan plans what is deployed, or a variant of it, executes the plan at once and
// holds that it produces exactly its orders.
func (w *world) plan(ctx context.Context) error {
	other := slices.Clone(w.other)
	if w.oneIn(2) {
		i := w.chance.IntN(len(other))
		other[i] = !other[i]
	}
	c := w.load(other)
	made, _, err := w.engine.Plan(ctx, c, plan.Options{})
	if err != nil {
		return err
	}
	if err := w.executes(ctx, c, made); err != nil {
		return err
	}
	w.other = other
	return nil
}

// executes deploys what was planned, and holds that exactly the plan's orders follow.
func (w *world) executes(ctx context.Context, c *declare.Configuration, made *plan.Plan) error {
	w.check()
	before := map[orders.AssignedID]orders.Order{}
	for _, a := range w.book.sorted() {
		if a.Order != nil {
			before[a.ID] = *a.Order
		}
	}
	if err := w.engine.Deploy(ctx, c, "as planned"); err != nil {
		return err
	}
	if err := w.compute(ctx); err != nil {
		return err
	}
	w.check()
	if want, got := w.planned(made), w.raised(before); !slices.Equal(want, got) {
		w.fail("the plan was\n%s\nand executing it at once raised\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	return nil
}

// planned writes a plan's orders in a form that can be compared.
func (w *world) planned(p *plan.Plan) (list []string) {
	for _, o := range p.Orders {
		text := fmt.Sprintf("%s of %s for %s, %s:", o.Kind, o.Type, o.Owner, o.State)
		for _, it := range o.Items {
			text += fmt.Sprintf(" %s %s %s %s;", it.Property, it.Link, it.After, it.State)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// raised writes the orders that are not as they were, in the same form.
func (w *world) raised(before map[orders.AssignedID]orders.Order) (list []string) {
	for _, a := range w.book.sorted() {
		was, open := before[a.ID]
		if a.Order == nil || open && was.ID == a.Order.ID && was.Version == a.Order.Version {
			continue
		}
		text := fmt.Sprintf("%s of %s for %s, %s:", a.Order.Kind, a.Type, a.Owner, a.Consolidated())
		for _, it := range a.Carried() {
			text += fmt.Sprintf(" %s %s %s %s;", it.Property, it.Link, it.Want, it.Place)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

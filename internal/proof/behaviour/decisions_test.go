package behaviour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
)

// decisions are what people say: WORD PERSON TYPE [property...], then as whom and why.
var decisions = map[string]act{
	"approve": decides(orders.Approve), "decline": decides(orders.Decline), "postpone": decides(orders.Postpone),
	"keep": decides(orders.Keep), "correct": decides(orders.Correct), "retry": decides(orders.Retry),
	"revoke": decides(orders.Revoke), "release": (*world).release,
	"assign": technician(func(ctx context.Context, d *review.Desk, x *choice) (review.Outcome, error) {
		owner := resources.Ref{Type: x.assigned.Owner.Type, Key: resources.Key(x.to)}
		return d.AssignOwner(ctx, x.assigned.ID, owner, x.why)
	}),
	"take": technician(func(ctx context.Context, d *review.Desk, x *choice) (review.Outcome, error) {
		return d.Take(ctx, x.on())
	}),
	"confirm": technician(func(ctx context.Context, d *review.Desk, x *choice) (review.Outcome, error) {
		return d.Confirm(ctx, x.on(), x.items, x.why)
	}),
	"fail": technician(func(ctx context.Context, d *review.Desk, x *choice) (review.Outcome, error) {
		return d.Fail(ctx, x.on(), x.items, cmp.Or(x.why, "it could not be done"))
	}),
}

// refused is what the engine says to a decision that cannot be made.
type refused struct{ why string }

func (r *refused) Error() string { return "refused: " + r.why }

// misused is a line that makes no sense, whatever the engine would say.
type misused struct{ error }

// choice is what a line says about a decision.
type choice struct {
	assigned  *orders.AssignedResource
	items     []int
	as, why   string
	to        string // the owner of an account that was found
	until     time.Time
	forReview bool // the person may not review the resource type himself
	stated    bool
}

func (x *choice) on() []orders.AssignedID { return []orders.AssignedID{x.assigned.ID} }

// qualifiers are what may follow the properties of a decision.
var qualifiers = map[string]func(x *choice, p *phrase) error{
	"as":      func(x *choice, p *phrase) (err error) { x.as, err = p.text("a person"); return err },
	"to":      func(x *choice, p *phrase) (err error) { x.to, err = p.text("a person"); return err },
	"because": func(x *choice, p *phrase) (err error) { x.why, err = p.text("a reason"); return err },
	"until": func(x *choice, p *phrase) error {
		text, err := p.text("a date")
		if err == nil {
			x.until, err = time.Parse(time.DateOnly, text)
		}
		return err
	},
	"for-review": func(x *choice, _ *phrase) error { x.forReview = true; return nil },
	"stated":     func(x *choice, _ *phrase) error { x.stated = true; return nil },
}

// chosen reads what a decision is about.
func (w *world) chosen(p *phrase) (*choice, error) {
	owner, err := p.text("a person")
	if err != nil {
		return nil, err
	}
	kind, err := p.text("a resource type")
	if err != nil {
		return nil, err
	}
	x := &choice{}
	if x.assigned, err = w.account(owner, kind); err != nil {
		return nil, err
	}
	if x.assigned == nil {
		return nil, &misused{fmt.Errorf("%s has no %s\n%s", owner, kind, w.everything(owner))}
	}
	for !p.done() {
		next, _ := p.next("")
		if q, ok := qualifiers[next.text]; ok && !next.quoted {
			if err := q(x, p); err != nil {
				return nil, &misused{err}
			}
			continue
		}
		it := itemOf(x.assigned, next.text)
		if it == nil {
			return nil, &misused{fmt.Errorf("%q is neither a value of this account nor one of %s\n%s", next.text, strings.Join(sorted(qualifiers), ", "), w.everything(owner))}
		}
		x.items = append(x.items, it.ID)
	}
	return x, nil
}

// itemOf finds an item by its name: account, title, groups->X.
func itemOf(a *orders.AssignedResource, name string) *orders.Item {
	i := slices.IndexFunc(a.Items, func(it orders.Item) bool { return nameOf(&it) == name })
	if i < 0 {
		return nil
	}
	return &a.Items[i]
}

// nameOf is an item's name as it is typed.
func nameOf(it *orders.Item) string { return strings.ReplaceAll(it.Name(), " → ", "->") }

// desk is where somebody decides.
func (w *world) desk(as string) *review.Desk { return w.engine.As(as).Desk() }

func decides(on orders.Event) act {
	return func(w *world, p *phrase) error {
		if p.take("role") {
			return w.decideRole(on, p)
		}
		if (on == orders.Approve || on == orders.Decline) && p.take("request") {
			return w.decideRequest(on == orders.Approve, p)
		}
		x, err := w.chosen(p)
		if err != nil {
			return err
		}
		out, err := w.desk(x.as).Decide(context.Background(), review.Decision{
			On: on, Assigned: x.on(), Items: x.items, Until: x.until, Why: x.why, MayReview: !x.forReview, Stated: x.stated,
		})
		return settled(out, err)
	}
}

func technician(do func(context.Context, *review.Desk, *choice) (review.Outcome, error)) act {
	return func(w *world, p *phrase) error {
		x, err := w.chosen(p)
		if err != nil {
			return err
		}
		return settled(do(context.Background(), w.desk(x.as), x))
	}
}

func settled(out review.Outcome, err error) error {
	if err == nil && len(out.Refused) > 0 {
		return &refused{out.Refused[0].Why}
	}
	return err
}

// release lets one order through its threshold or, "release all addition Account", a whole kind.
func (w *world) release(p *phrase) error {
	if !p.take("all") {
		return decides(orders.Release)(w, p)
	}
	kind, err := p.text("a kind of order")
	if err != nil {
		return err
	}
	if _, err := choose("kind of order", kind, kinds); err != nil {
		return err
	}
	name, err := p.text("a resource type")
	if err != nil {
		return err
	}
	if _, err := choose("resource type", name, w.types); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return settled(w.desk("").ReleaseAll(context.Background(), roles.ResourceTypeID(name), orders.Kind(kind), ""))
}

// kinds are the kinds of order by their names.
var kinds = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range orders.Kinds() {
		m[string(k)] = true
	}
	return m
}()

// account finds what somebody has or should have of a resource type, nil for nothing.
func (w *world) account(owner, kind string) (*orders.AssignedResource, error) {
	kind, target, named := strings.Cut(kind, "@")
	if _, err := choose("resource type", kind, w.types); err != nil {
		return nil, &misused{err}
	}
	list, err := w.accounts(owner)
	if err != nil {
		return nil, err
	}
	var found *orders.AssignedResource
	for _, a := range list {
		if string(a.Type) != kind || named && string(a.Target) != target {
			continue
		}
		if found != nil {
			return nil, &misused{errors.New(owner + " has more than one " + kind + ": say which, as " + kind + "@" + string(a.Target))}
		}
		found = a
	}
	return found, nil
}

// accounts lists what somebody has or should have. An account that nobody owns is
// called by the owner that it lacks: nobody:KEY.
func (w *world) accounts(owner string) ([]*orders.AssignedResource, error) {
	all, err := w.engine.Assigned(context.Background(), stage.AssignedFilter{})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a *orders.AssignedResource) bool { return string(a.Owner.Key) != owner })
	slices.SortFunc(all, func(a, b *orders.AssignedResource) int { return cmp.Compare(a.Type, b.Type) })
	if len(all) == 0 && !w.known(owner) {
		return nil, &misused{fmt.Errorf("%s: %w", owner, errNobody)}
	}
	return all, nil
}

// known reports whether the store or the script ever called somebody so, lest a
// slip of the pen pass for somebody who has nothing.
func (w *world) known(owner string) bool {
	for _, t := range w.model.Owners() {
		list, err := w.engine.Resources(context.Background(), t)
		if err != nil {
			return false
		}
		for _, r := range list {
			if string(r.Key) == owner {
				return true
			}
		}
	}
	return w.named[strings.TrimPrefix(owner, "nobody:")]
}

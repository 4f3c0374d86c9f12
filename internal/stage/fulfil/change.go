package fulfil

import (
	"context"
	"slices"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// builder turns the transmitted items of an order into a change.
type builder struct {
	entity  schema.Entity
	items   []*orders.Item
	change  connector.Change
	already map[int]connector.ItemOutcome // items that the look-up before writing found right
}

// builder collects what the change needs, far ends of links included.
func (d *drain) builder(ctx context.Context, t roles.ResourceType, a *orders.AssignedResource) (*builder, error) {
	b := &builder{already: map[int]connector.ItemOutcome{}}
	for _, it := range a.Carried() {
		if it.Place.State == orders.Transmitted {
			b.items = append(b.items, it)
		}
	}
	e, ok := d.Model.Entity(t.Target)
	if !ok {
		return b, fault.New(fault.Invalid, "carry out", "the entity type %s is not declared", t.Target)
	}
	b.entity = e
	if err := d.names.of(ctx, e); err != nil {
		return b, fault.Wrap(fault.Unavailable, "carry out", err)
	}
	b.change = connector.Change{
		Order: a.Order.ID.String(), Shape: stage.ShapeOf(d.Model, e), Kind: connector.Update,
		Key: string(a.Target), Arguments: a.Arguments,
	}
	for _, it := range b.items {
		item, err := d.item(ctx, b, it)
		if err != nil {
			return b, err
		}
		b.change.Items = append(b.change.Items, item)
	}
	if b.change.Kind == connector.Delete {
		if err := d.unlink(ctx, b, a); err != nil {
			return b, err
		}
	}
	return b, nil
}

// unlink names the links to the account that others store, as they were last
// read and as we wrote them since: removals run in the reverse order of
// additions, so that nothing is left that leads nowhere.
func (d *drain) unlink(ctx context.Context, b *builder, a *orders.AssignedResource) error {
	for _, p := range b.change.Shape.Properties {
		declared := b.entity.Properties[schema.PropertyName(p.Name)]
		if declared.Inverse == "" {
			continue
		}
		holders, err := d.names.holders(ctx, declared.Link, declared.Inverse, a.Target)
		if err != nil {
			return fault.Wrap(fault.Unavailable, "carry out", err)
		}
		for i := range a.Items {
			if it := &a.Items[i]; it.Property == declared.Name && it.Link != "" && it.Held() && !slices.Contains(holders, it.Link) {
				holders = append(holders, it.Link)
			}
		}
		slices.Sort(holders)
		for _, far := range holders {
			target, err := d.reference(ctx, declared.Link, far)
			switch {
			case fault.KindOf(err) == fault.NotFound:
				continue // the other side is gone, and the link with it
			case err != nil:
				return err
			}
			b.change.Unlink = append(b.change.Unlink, connector.Item{Op: connector.OpRemove, Property: p, Target: target})
		}
	}
	return nil
}

// item translates one item.
func (d *drain) item(ctx context.Context, b *builder, it *orders.Item) (connector.Item, error) {
	item := connector.Item{ID: it.ID}
	if it.Property == "" {
		item.Op = connector.OpObject
		b.change.Kind = connector.Delete
		if it.Want.There {
			b.change.Kind = connector.Create
		}
		return item, nil
	}
	property, ok := b.change.Shape.Property(string(it.Property))
	if !ok {
		return item, fault.New(fault.Invalid, "carry out", "%s has no property %s any more", b.entity.Type, it.Property)
	}
	item.Property = property
	declared := b.entity.Properties[it.Property]
	far := it.Link
	switch {
	case declared.Many && it.Want.There:
		item.Op = connector.OpAdd
	case declared.Many:
		item.Op = connector.OpRemove
	case it.Want.There:
		item.Op, item.Value, far = connector.OpSet, it.Want.Value, resources.Key(it.Want.Value.Text())
	default:
		item.Op = connector.OpClear
		return item, nil
	}
	if !declared.IsLink() {
		return item, nil
	}
	var err error
	item.Target, err = d.reference(ctx, declared.Link, far)
	return item, err
}

// far finds the far end of a link.
func (d *drain) far(ctx context.Context, t schema.EntityType, key resources.Key) (*resources.Resource, error) {
	byKey, err := d.names.resources(ctx, t)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "carry out", err)
	}
	if r, ok := byKey[key]; ok {
		return r, nil
	}
	return nil, fault.New(fault.NotFound, "carry out", "the linked %s %s is not known any more; synchronize it", t, key)
}

// lookup asks for the resource as it is now: by its key, or by the values that
// make it unique; false when nothing names it.
func (b *builder) lookup(key *resources.Key) (connector.LookupRequest, bool) {
	req := connector.LookupRequest{Shape: b.change.Shape, Key: b.change.Key}
	if key != nil && *key != "" {
		req.Key = string(*key)
	}
	for _, item := range b.change.Items {
		if item.Property.Inverse != "" && (item.Op == connector.OpAdd || item.Op == connector.OpRemove) {
			req.Links = append(req.Links, connector.LinkQuery{Property: item.Property, Target: item.Target})
		}
	}
	if req.Key != "" {
		return req, true
	}
	req.Unique = map[string]value.Value{}
	for _, it := range b.items {
		if v := it.Want.Value; b.unique(it.Property) && !v.IsNull() {
			req.Unique[string(it.Property)] = v
		}
	}
	return req, len(req.Unique) > 0
}

func (b *builder) unique(p schema.PropertyName) bool {
	if p == b.entity.Key {
		return true
	}
	for _, id := range b.entity.Identify {
		if p == id {
			return true
		}
	}
	return false
}

// keyValue is the key of a resource whose key we write ourselves.
func (b *builder) keyValue() string {
	for _, it := range b.items {
		if it.Property == b.entity.Key && it.Property != "" {
			return it.Want.Value.Text()
		}
	}
	return ""
}

// asked names the links that the other side stores and that the change is about.
func (b *builder) asked() map[itemName]bool {
	asked := map[itemName]bool{}
	for _, it := range b.items {
		if it.Link != "" && b.entity.Properties[it.Property].Inverse != "" {
			asked[itemName{it.Property, it.Link}] = true
		}
	}
	return asked
}

// inverse names the properties that the other side stores.
func (b *builder) inverse() map[schema.PropertyName]bool {
	names := map[schema.PropertyName]bool{}
	for name, p := range b.entity.Properties {
		if p.Inverse != "" {
			names[name] = true
		}
	}
	return names
}

// skipDone leaves out what the system already holds as wanted.
func (b *builder) skipDone(now connector.Object) {
	kept := b.change.Items[:0:0]
	for _, item := range b.change.Items {
		if b.holds(now, item) {
			b.already[item.ID] = connector.ItemOutcome{Effect: connector.Done}
			continue
		}
		kept = append(kept, item)
	}
	b.change.Items = kept
}

func (b *builder) holds(now connector.Object, item connector.Item) bool {
	switch {
	case item.Property.Link != "" || item.Op == connector.OpObject:
		return false // writing a link by value twice does no harm, and its spelling is the system's
	case item.Op == connector.OpSet:
		return now.Values[item.Property.Name] == item.Value
	case item.Op == connector.OpClear:
		return now.Values[item.Property.Name].IsNull() && !partial(now, item.Property.Name)
	}
	return false
}

func partial(o connector.Object, name string) bool {
	for _, p := range o.Partial {
		if p == name {
			return true
		}
	}
	return false
}

package fakesystem

import (
	"context"
	"fmt"
	"slices"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/value"
)

// Apply carries out a change as far as the plan lets it, item by item, and
// answers what the plan lets through of the truth.
func (s *System) Apply(ctx context.Context, change connector.Change) connector.Outcome {
	if err := ctx.Err(); err != nil {
		return connector.All(change, connector.ItemOutcome{Err: "not sent: " + err.Error(), Effect: connector.None})
	}
	f, err := s.begin(ctx, OpApply)
	if err != nil { // the wait was interrupted: nothing was carried out, but the caller cannot know
		return lost(err.Error(), change)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	refusal := connector.ItemOutcome{Effect: connector.None, Err: f.What.String()}
	switch f.What {
	case LostBefore:
		return lost(f.What.String(), change)
	case Transient:
		out := connector.All(change, refusal)
		out.RetryAfter = f.RetryAfter
		return out
	case Permanent:
		refusal.Permanent = true
		return connector.All(change, refusal)
	case Down:
		out := connector.All(change, refusal)
		out.Down, out.RetryAfter = true, f.RetryAfter
		return out
	case Partial:
		return s.carryOut(change, f.Items, refusal)
	case LostAfter:
		items := f.Items
		if items <= 0 {
			items = len(change.Items)
		}
		s.carryOut(change, items, refusal)
		return lost(f.What.String(), change)
	}
	return s.carryOut(change, len(change.Items), refusal)
}

// lost is the answer of a caller that got none; a created object's key is not known.
func lost(why string, change connector.Change) connector.Outcome {
	return connector.All(change, connector.ItemOutcome{Effect: connector.Unknown, Err: why})
}

// carryOut does the first items of a change; the others get the refusal.
func (s *System) carryOut(change connector.Change, items int, refusal connector.ItemOutcome) connector.Outcome {
	out := connector.All(change, refusal)
	do := change.Items[:min(max(items, 0), len(change.Items))]
	if len(do) == 0 {
		return out
	}
	t := s.tables[change.Shape.Entity]
	if t == nil {
		return refuse(out, change.Items, "the system holds no "+change.Shape.Entity)
	}
	key, rest := change.Key, do
	if change.Kind == connector.Create && do[0].Op == connector.OpObject {
		var why string
		if key, rest, why = s.create(t, change, do); why != "" {
			return refuse(out, change.Items, why)
		}
		for _, item := range do[:len(do)-len(rest)] {
			s.done(&out, change, key, item, true)
		}
		out.Key = key
	}
	if t.get(key) == nil {
		return refuse(out, change.Items, "there is no "+change.Shape.Entity+" "+key)
	}
	for _, item := range rest {
		if item.Op == connector.OpObject && change.Kind == connector.Delete {
			s.drop(t, key)
			for _, item := range do { // whatever else was asked for went with it
				s.done(&out, change, key, item, true)
			}
			return out
		}
		changed, why := s.change(t, key, item)
		if why != "" {
			refuse(out, []connector.Item{item}, why)
			continue
		}
		s.done(&out, change, key, item, changed)
	}
	return out
}

func (s *System) done(out *connector.Outcome, change connector.Change, key string, item connector.Item, changed bool) {
	out.Items[item.ID] = connector.ItemOutcome{Effect: connector.Done}
	s.effects = append(s.effects, Effect{Order: change.Order, Entity: change.Shape.Entity, Key: key, Kind: change.Kind, Item: item, Changed: changed, At: s.now()})
}

func refuse(out connector.Outcome, items []connector.Item, why string) connector.Outcome {
	for _, item := range items {
		out.Items[item.ID] = connector.ItemOutcome{Effect: connector.None, Err: why, Permanent: true}
	}
	return out
}

// create makes the object with the scalars that directly follow it, in one
// write, and returns the items that are left. A reason means that nothing was done.
func (s *System) create(t *table, change connector.Change, items []connector.Item) (key string, rest []connector.Item, why string) {
	object := connector.Object{Key: change.Key, Values: map[string]value.Value{}, Links: map[string][]string{}}
	rest = items[1:]
	for len(rest) > 0 && rest[0].Op == connector.OpSet && rest[0].Property.Link == "" {
		p := rest[0].Property
		if why := unwritable(t.shape, p); why != "" {
			return "", nil, why
		}
		setValue(&object, p.Name, rest[0].Value)
		rest = rest[1:]
	}
	keyProperty, _ := t.shape.Property(t.shape.Key)
	switch {
	case keyProperty.System:
		object.Key = s.assign(t.shape.Entity)
	case object.Key == "":
		object.Key = object.Values[t.shape.Key].Text()
	}
	if object.Key == "" {
		return "", nil, "the key " + t.shape.Key + " has no value"
	}
	object.Values[t.shape.Key] = keyValue(t.shape, object.Key)
	if t.get(object.Key) != nil {
		return "", nil, "there is a " + t.shape.Entity + " " + object.Key + " already"
	}
	if why := t.taken(object); why != "" {
		return "", nil, why
	}
	s.remember(version{t.shape.Entity, object.Key, nil})
	t.put(object)
	return object.Key, rest, ""
}

// taken says that another object bears one of the object's unique values.
func (t *table) taken(object connector.Object) string {
	for _, property := range t.shape.Identify {
		v := object.Values[property]
		for _, key := range t.named(map[string]value.Value{property: v}) {
			if key != object.Key {
				return fmt.Sprintf("there is a %s with %s %s already", t.shape.Entity, property, v)
			}
		}
	}
	return ""
}

func unwritable(shape connector.Shape, p connector.Property) string {
	known, ok := shape.Property(p.Name)
	switch {
	case !ok:
		return "there is no property " + p.Name
	case known.System:
		return p.Name + " is assigned by the system"
	case known.ReadOnly:
		return p.Name + " is read only"
	}
	return ""
}

// change does one item on an object that is there.
func (s *System) change(t *table, key string, item connector.Item) (changed bool, why string) {
	if item.Op == connector.OpObject {
		return false, "an object can be created or deleted, nothing else"
	}
	p, _ := t.shape.Property(item.Property.Name)
	if why := unwritable(t.shape, item.Property); why != "" {
		return false, why
	}
	if p.Link != "" {
		return s.changeLink(t, key, p, item)
	}
	object := clone(t.objects[key])
	switch item.Op {
	case connector.OpSet:
		setValue(&object, p.Name, item.Value)
	case connector.OpClear:
		setValue(&object, p.Name, value.Null)
	default:
		return false, fmt.Sprintf("%s is not possible with the value %s", item.Op, p.Name)
	}
	before := t.objects[key].Values[p.Name]
	if p.Name == t.shape.Key && object.Values[p.Name] != before {
		return false, p.Name + " names the object for life"
	}
	if why := t.taken(object); why != "" {
		return false, why
	}
	s.remember(version{t.shape.Entity, key, t.get(key)})
	t.put(object)
	return object.Values[p.Name] != before, ""
}

// changeLink edits the list of links on the object or, for an inverse link, on
// the object at the far end.
func (s *System) changeLink(t *table, key string, p connector.Property, item connector.Item) (changed bool, why string) {
	target := ""
	if item.Op != connector.OpClear {
		target, why = s.resolve(p, item.Target)
		if why != "" && item.Op == connector.OpRemove {
			return false, "" // no link leads to what is not there
		}
		if why != "" {
			return false, why
		}
	}
	holder, holderKey, property, link := t, key, p.Name, target
	if !p.Stored() {
		if holder = s.tables[p.Link]; holder == nil || item.Op == connector.OpSet || item.Op == connector.OpClear {
			return false, fmt.Sprintf("%s is not possible with the inverse link %s", item.Op, p.Name)
		}
		holderKey, property, link = target, p.Inverse, key
	}
	object := clone(holder.objects[holderKey])
	links := object.Links[property]
	has := slices.Contains(links, link)
	switch {
	case item.Op == connector.OpSet && !p.Many:
		links = []string{link}
	case item.Op == connector.OpClear && !p.Many:
		links = nil
	case item.Op == connector.OpAdd && !has:
		links = append(links, link)
	case item.Op == connector.OpRemove:
		links = without(links, link)
	case item.Op != connector.OpAdd:
		return false, fmt.Sprintf("%s is not possible with the link %s", item.Op, p.Name)
	}
	before := holder.objects[holderKey].Links[property]
	if slices.Equal(before, links) {
		return false, ""
	}
	setLinks(&object, property, links)
	s.remember(version{holder.shape.Entity, holderKey, holder.get(holderKey)})
	holder.put(object)
	return true, ""
}

// resolve returns the key of a link's far end. Links into entity types that the
// system does not hold are kept as they are spelt.
func (s *System) resolve(p connector.Property, ref connector.Reference) (key, why string) {
	t := s.tables[p.Link]
	if t == nil {
		if ref.Key == "" {
			return "", "the link " + p.Name + " has no key"
		}
		return ref.Key, ""
	}
	if t.get(ref.Key) != nil {
		return ref.Key, ""
	}
	if keys := t.named(ref.Values); ref.Key == "" && len(keys) == 1 {
		return keys[0], ""
	}
	return "", fmt.Sprintf("there is no %s %s for the link %s", p.Link, ref.Key, p.Name)
}

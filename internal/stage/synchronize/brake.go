package synchronize

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// percentFloor is the size below which percentages say little: updates and
// links are measured against it where fewer are held. Removals are not: of
// three sites, one that disappears is worth a question.
const percentFloor = 20

// allFloor is how many resources do not all change by chance.
const allFloor = 3

// Brake says why a reading must not be committed unseen, "" when it may.
// Everything that is switched on counts; the strictest wins. An entity type
// that would be emptied is always braked, and where percentages count, one of
// which every resource would change.
func Brake(t schema.ReadingThresholds, c resources.Counts, linksHeld int) string {
	if c.Held > 0 && c.Removed == c.Held {
		return fmt.Sprintf("all %d would be removed", c.Held)
	}
	if c.Held == 0 {
		return ""
	}
	if t.UpdatePercent > 0 && c.Held >= allFloor && c.Changed == c.Held {
		return fmt.Sprintf("all %d would change", c.Held)
	}
	floor := max(c.Held, percentFloor)
	var tripped []string
	check := func(what string, n, limit, percent, of int) {
		if limit > 0 && n > limit {
			tripped = append(tripped, fmt.Sprintf("%d %s, at most %d are let through", n, what, limit))
		}
		if percent > 0 && n*100 > percent*of {
			tripped = append(tripped, fmt.Sprintf("%d %s of %d, at most %d %% are let through", n, what, of, percent))
		}
	}
	check("would be removed", c.Removed, t.Delete, t.DeletePercent, c.Held)
	check("would change", c.Changed, t.Update, t.UpdatePercent, floor)
	check("would be added", c.Added, t.Add, t.AddPercent, floor)
	check("links would be lost", c.Links, t.Link, t.LinkPercent, max(linksHeld, percentFloor))
	return strings.Join(tripped, "; ")
}

// brake says why a difference must not be committed unseen. What brings a system
// to what Provisor itself wants is no surprise: where a threshold would trip,
// such differences are left out and the rest is counted again. Links that would
// all lead nowhere are always braked.
func (r *Runner) brake(ctx context.Context, e schema.Entity, d difference, names stage.Names) (string, error) {
	if len(d.broken) > 0 {
		return fmt.Sprintf("no %s of %s would be known any more: is it another column?", d.broken[0], e.Type), nil
	}
	limits := r.Model.Connectors[e.Connector].Thresholds
	counts := d.counts
	counts.Removed += d.kept // a file that lacks them is as suspicious as if nobody named them
	if tripped := Brake(limits, counts, d.links); tripped == "" && !d.strange && len(d.emptied) == 0 {
		return "", nil
	}
	w, err := r.wanted(ctx, e, names)
	if err != nil {
		return "", err
	}
	for _, key := range d.remove {
		if w.gone[key] {
			counts.Removed--
		}
	}
	for i := range d.put {
		now := &d.put[i]
		old, known := d.before[now.Key]
		switch {
		case !known && w.there[now.Key]:
			counts.Added--
		case known:
			counts.Links -= w.linksWanted(old, now)
			if w.explains(e, old, now) {
				counts.Changed--
			}
		}
	}
	if d.strange && counts.Added > 0 && counts.Removed == 0 {
		return fmt.Sprintf("none of the %d that are known is in it, and %d others are: is the key in another column?", counts.Held, counts.Added), nil
	}
	if name, n := w.emptied(d); n >= allFloor && limits.UpdatePercent > 0 {
		return fmt.Sprintf("all %d values of %s.%s would be lost: is it another column?", n, e.Type, name), nil
	}
	return Brake(limits, counts, d.links), nil
}

// wanted is what Provisor itself wants of the resources of one entity type.
type wanted struct {
	there, gone map[resources.Key]bool
	items       map[wantedItem]orders.Holding
}

// wantedItem names a value of a resource or, seen from the side that stores it,
// one of its links.
type wantedItem struct {
	key      resources.Key
	property schema.PropertyName
	link     resources.Key
}

// wanted collects it from the assigned resources of the entity type, and from
// those whose links it stores.
func (r *Runner) wanted(ctx context.Context, e schema.Entity, names stage.Names) (wanted, error) {
	w := wanted{there: map[resources.Key]bool{}, gone: map[resources.Key]bool{}, items: map[wantedItem]orders.Holding{}}
	types := []schema.EntityType{e.Type}
	for _, p := range e.Properties {
		if p.IsLink() && !slices.Contains(types, p.Link) {
			types = append(types, p.Link)
		}
	}
	for _, t := range types {
		list, err := r.Store.Assigned(ctx, stage.AssignedFilter{Entity: t, Closed: true})
		if err != nil {
			return w, err
		}
		entity, _ := r.Model.Entity(t)
		for _, a := range list {
			w.take(e, entity, a, targetOf(a, entity, names))
		}
	}
	return w, nil
}

// targetOf is the resource that an assigned resource stands for. The process
// that created it may have died before it could say which: then what it was to
// be called tells.
func targetOf(a *orders.AssignedResource, e schema.Entity, names stage.Names) resources.Key {
	if a.Target != "" {
		return a.Target
	}
	for _, p := range e.Identify {
		it := a.Find(p, "")
		if it == nil || !it.Want.There {
			continue
		}
		if key, ok := names.Named(e.Type, it.Want.Value.Text()); ok {
			return key
		}
	}
	return ""
}

func (w *wanted) take(e, entity schema.Entity, a *orders.AssignedResource, target resources.Key) {
	for i := range a.Items {
		it := &a.Items[i]
		switch {
		case it.Property == "" && entity.Type == e.Type:
			w.there[target], w.gone[target] = it.Want.There, !it.Want.There
		case entity.Type == e.Type:
			w.items[wantedItem{target, it.Property, it.Link}] = it.Want
		}
		// user.groups is stored as group.members: seen from the group, the far end is the user.
		if p := entity.Properties[it.Property]; p.Inverse != "" && p.Link == e.Type {
			w.items[wantedItem{it.Link, p.Inverse, target}] = it.Want
		}
	}
}

// emptied returns a property of which all values would be lost, and how many of
// them Provisor does not want gone itself.
func (w *wanted) emptied(d difference) (schema.PropertyName, int) {
	for _, name := range d.emptied {
		n := 0
		for i := range d.put {
			old, known := d.before[d.put[i].Key]
			if !known || old.Value(name).IsNull() || !d.put[i].Value(name).IsNull() {
				continue
			}
			if want, ours := w.items[wantedItem{old.Key, name, ""}]; !ours || want.There {
				n++
			}
		}
		if n >= allFloor {
			return name, n
		}
	}
	return "", 0
}

// linksWanted counts the lost links that Provisor itself wanted gone.
func (w *wanted) linksWanted(old, now *resources.Resource) int {
	n := 0
	for p, keys := range old.Links {
		for _, key := range keys {
			want, known := w.items[wantedItem{now.Key, p, key}]
			if known && !want.There && !now.HasLink(p, key) {
				n++
			}
		}
	}
	return n
}

// explains reports whether every difference of a resource is one that Provisor wants.
func (w *wanted) explains(e schema.Entity, old, now *resources.Resource) bool {
	for _, name := range e.Names() {
		if v := now.Value(name); v != old.Value(name) {
			want, known := w.items[wantedItem{now.Key, name, ""}]
			if !known || want != orders.HoldingOf(v) {
				return false
			}
		}
		for _, pair := range [][2]*resources.Resource{{old, now}, {now, old}} {
			for _, key := range pair[0].Links[name] {
				if pair[1].HasLink(name, key) {
					continue
				}
				want, known := w.items[wantedItem{now.Key, name, key}]
				if !known || want.There != now.HasLink(name, key) {
					return false
				}
			}
		}
	}
	return true
}

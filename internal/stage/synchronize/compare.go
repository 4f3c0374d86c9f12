package synchronize

import (
	"context"
	"fmt"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// difference is what a reading would change.
type difference struct {
	put      []resources.Resource
	remove   []resources.Key
	counts   resources.Counts
	links    int                   // links held before
	broken   []schema.PropertyName // those whose links would all lead nowhere
	before   map[resources.Key]*resources.Resource
	findings []fault.Finding
}

// compare finds what a reading adds, changes and, where it is complete, removes.
func (r *Runner) compare(f *fetched, known []resources.Resource, names stage.Names) difference {
	d := difference{counts: resources.Counts{Held: len(known), Read: len(f.objects), SetAside: len(f.setAside)}}
	before := make(map[resources.Key]*resources.Resource, len(known))
	d.before = before
	for i := range known {
		before[known[i].Key] = &known[i]
		d.links += linksOf(&known[i])
	}
	present := make(map[resources.Key]bool, len(f.objects)+len(f.setAside))
	for _, key := range f.setAside {
		present[key] = true
	}
	dangling, linked := map[schema.PropertyName]int{}, map[schema.PropertyName]int{}
	for _, object := range f.objects {
		now := stage.ResourceOf(f.entity, object, names, r.Programs)
		for p, texts := range now.Dangling {
			dangling[p] += len(texts)
		}
		for p, keys := range now.Links {
			linked[p] += len(keys)
		}
		present[now.Key] = true
		old, ok := before[now.Key]
		switch {
		case !ok:
			d.counts.Added++
		case sameContent(old, &now):
			continue
		default:
			d.counts.Changed++
			d.counts.Links += linksLost(old, &now)
		}
		d.put = append(d.put, now)
	}
	if f.reading.Complete {
		for i := range known {
			if key := known[i].Key; !present[key] {
				d.remove = append(d.remove, key)
			}
		}
	}
	d.counts.Removed = len(d.remove)
	d.broken = broken(f.entity, known, linked, dangling)
	d.findings = danglingFindings(f.entity, dangling)
	return d
}

// broken lists the links of which some were held and none would lead anywhere:
// the column holds something else now.
func broken(e schema.Entity, known []resources.Resource, linked, dangling map[schema.PropertyName]int) (list []schema.PropertyName) {
	for _, name := range e.Names() {
		held := slices.ContainsFunc(known, func(r resources.Resource) bool { return len(r.Links[name]) > 0 })
		if held && linked[name] == 0 && dangling[name] > 0 {
			list = append(list, name)
		}
	}
	return list
}

func sameContent(a, b *resources.Resource) bool {
	_, before := a.Encode()
	_, now := b.Encode()
	return before == now
}

func linksOf(r *resources.Resource) int {
	n := 0
	for _, keys := range r.Links {
		n += len(keys)
	}
	return n
}

// linksLost counts links that a resource had and lost without another in their place.
func linksLost(before, now *resources.Resource) int {
	lost := 0
	for p, keys := range before.Links {
		if n := len(keys) - len(now.Links[p]); n > 0 {
			lost += n
		}
	}
	return lost
}

func danglingFindings(e schema.Entity, dangling map[schema.PropertyName]int) []fault.Finding {
	var list []fault.Finding
	for _, name := range e.Names() {
		if n := dangling[name]; n > 0 {
			list = append(list, fault.Finding{
				Object: string(e.Type) + "." + string(name),
				What:   fmt.Sprintf("%d links lead to no known %s", n, e.Properties[name].Link),
				Do:     "check that the column holds keys or identifiers of that entity type, and that it is synchronized",
			})
		}
	}
	return list
}

// names knows the resources of every entity type that links lead to: those just
// read, and those known from before.
func (r *Runner) names(ctx context.Context, all []*fetched) (stage.Names, error) {
	index := stage.NameIndex{}
	for _, f := range all {
		for _, object := range f.objects {
			index.Add(f.entity, resources.Key(object.Key), func(p schema.PropertyName) value.Value { return object.Values[string(p)] })
		}
	}
	whole := map[schema.EntityType]bool{}
	for _, f := range all {
		whole[f.entity.Type] = f.failed == nil && f.reading.Complete
	}
	for _, f := range all {
		for _, p := range f.entity.Properties {
			if !p.IsLink() || whole[p.Link] {
				continue
			}
			whole[p.Link] = true
			if err := r.addKnown(ctx, index, p.Link); err != nil {
				return nil, err
			}
		}
	}
	return index, nil
}

// addKnown adds what the store holds of an entity type; what was just read stays.
func (r *Runner) addKnown(ctx context.Context, index stage.NameIndex, t schema.EntityType) error {
	entity, ok := r.Model.Entity(t)
	if !ok {
		return nil
	}
	list, err := r.Store.Resources(ctx, t)
	if err != nil {
		return err
	}
	for i := range list {
		index.Add(entity, list[i].Key, list[i].Value)
	}
	return nil
}

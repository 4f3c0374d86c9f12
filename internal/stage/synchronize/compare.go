package synchronize

import (
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// keptNamedMax is how many kept keys a finding names: enough to find the others.
const keptNamedMax = 5

// difference is what a reading would change.
type difference struct {
	put      []resources.Resource
	remove   []resources.Key
	counts   resources.Counts
	links    int                   // links held before
	broken   []schema.PropertyName // those whose links would all lead nowhere
	kept     int                   // missing, and still named by others
	emptied  []schema.PropertyName // those whose values would all be lost
	strange  bool                  // none of those known is in it
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
	for _, key := range f.kept {
		present[key] = true
	}
	d.kept = len(f.kept)
	lost, gained := map[schema.PropertyName]int{}, map[schema.PropertyName]int{}
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
		if ok {
			r.keepLinks(f.entity, old.Source(), &now, names)
		}
		r.edit(f, &now)
		countValues(old, &now, lost, gained)
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
	d.strange = len(known) > 0 && !slices.ContainsFunc(known, func(r resources.Resource) bool { return present[r.Key] })
	d.emptied = emptied(known, lost, gained)
	d.broken = broken(f.entity, known, linked, dangling)
	d.findings = append(danglingFindings(f.entity, dangling), keptFindings(f)...)
	return d
}

// edit puts what people wrote before what the source gives.
func (r *Runner) edit(f *fetched, now *resources.Resource) {
	if _, edited := f.edits[now.Key]; !edited {
		return
	}
	f.edits.Apply(now)
	now.Display = stage.DisplayOf(f.entity, now, r.Programs)
}

// keepLinks keeps the reference data to which a resource led where a link to one
// leads nowhere now: that the department is unknown does not say that somebody is
// in none. What Provisor writes itself is taken as it is, so that drift shows.
func (r *Runner) keepLinks(e schema.Entity, old, now *resources.Resource, names stage.Names) {
	if len(now.Dangling) == 0 || r.managed(e.Type) {
		return
	}
	for name := range now.Dangling {
		p := e.Properties[name]
		held := old.Links[name]
		if p.Many || len(held) != 1 || len(now.Links[name]) > 0 || !r.reference(p.Link) {
			continue
		}
		if key, ok := names.Named(p.Link, string(held[0])); !ok || key != held[0] {
			continue
		}
		if now.Links == nil {
			now.Links = map[schema.PropertyName][]resources.Key{}
		}
		now.Links[name] = held
	}
}

// keptFindings says what is missing and still named.
func keptFindings(f *fetched) []fault.Finding {
	if len(f.kept) == 0 {
		return nil
	}
	named := make([]string, 0, keptNamedMax)
	for _, key := range f.kept[:min(len(f.kept), keptNamedMax)] {
		named = append(named, string(key))
	}
	return []fault.Finding{{
		Object: string(f.entity.Type),
		What:   fmt.Sprintf("%d are missing, although others still name them (%s): they are kept", len(f.kept), strings.Join(named, ", ")),
		Do:     fmt.Sprintf("add them again, or let nobody name them any more; if they are gone: provisor sync %s --release", f.entity.Connector),
	}}
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

// countValues counts the values that a resource has lost and gained.
func countValues(old, now *resources.Resource, lost, gained map[schema.PropertyName]int) {
	for name := range now.Values {
		if old == nil || old.Value(name).IsNull() {
			gained[name]++
		}
	}
	if old == nil {
		return
	}
	for name, v := range old.Values {
		if !v.IsNull() && now.Value(name).IsNull() {
			lost[name]++
		}
	}
}

// emptied lists the properties of which several values were held and all are
// lost: the column holds something else now, or nothing.
func emptied(known []resources.Resource, lost, gained map[schema.PropertyName]int) (list []schema.PropertyName) {
	for name, n := range lost {
		if n < allFloor || gained[name] > 0 {
			continue
		}
		held := 0
		for i := range known {
			if !known[i].Value(name).IsNull() {
				held++
			}
		}
		if held == n {
			list = append(list, name)
		}
	}
	slices.Sort(list)
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

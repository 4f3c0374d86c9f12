package evaluate

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
)

// affected is whom a change may concern: derived from what the expressions read,
// over every link, and from who may match whose account. It may hold owners of
// whom nothing changes; it must not lack one of whom something does.
type affected struct {
	*round
	often   map[resources.Ref]bool // changed more than once since the last evaluation
	owners  map[resources.Ref]bool
	targets map[roles.ResourceTypeID]map[resources.Key]bool // whose they are may be other than before
	all     bool                                            // it may concern everybody
	paths   []expression.Path
	byText  map[textsOf]map[string][]resources.Key
	// What is still to be followed to who else may match.
	newOwners  []resources.Ref
	newTargets []resources.Ref // the type is the resource type
}

// textsOf names an expression that is computed of all owners of a type.
type textsOf struct {
	source  schema.EntityType
	program *expression.Program
}

// affectedBy finds whom the changes since the last evaluation may concern; nil:
// everybody.
func (q *round) affectedBy(todo stage.ToEvaluate) (*affected, error) {
	s := &affected{
		round: q, often: map[resources.Ref]bool{}, owners: map[resources.Ref]bool{}, targets: map[roles.ResourceTypeID]map[resources.Key]bool{},
		paths: pathsOf(q.e), byText: map[textsOf]map[string][]resources.Key{},
	}
	var changed []resources.Ref
	for _, m := range todo.Marks {
		switch m.Kind {
		case stage.MarkEverything:
			s.all = true
		case stage.MarkResource:
			changed = append(changed, m.Ref)
			s.often[m.Ref] = m.Count > 1
		case stage.MarkOwner:
			s.owner(m.Ref)
		case stage.MarkTarget:
			s.target(roles.ResourceTypeID(m.Ref.Type), m.Ref.Key)
		}
	}
	for _, a := range todo.Stale {
		s.owner(a.Owner)
		s.target(a.Type, a.Target)
	}
	if err := s.spread(changed); err != nil || s.all {
		return nil, s.everybody(err)
	}
	return s, nil
}

// everybody takes the place of those affected when that is all.
func (s *affected) everybody(err error) error {
	if err == nil {
		s.round.seen = map[resources.Ref]bool{}
	}
	return err
}

func (s *affected) owner(ref resources.Ref) {
	if isOrphan(ref) {
		for _, id := range s.e.types {
			if s.Model.ResourceTypes[id].Source == ref.Type {
				s.target(id, ref.Key[len(nobody):])
			}
		}
	}
	if !s.owners[ref] {
		s.owners[ref] = true
		s.newOwners = append(s.newOwners, ref)
	}
}

func (s *affected) target(id roles.ResourceTypeID, key resources.Key) {
	if key == "" || s.targets[id][key] {
		return
	}
	if s.targets[id] == nil {
		s.targets[id] = map[resources.Key]bool{}
	}
	s.targets[id][key] = true
	s.newTargets = append(s.newTargets, resources.Ref{Type: schema.EntityType(id), Key: key})
}

// ownersOf lists the owners of a type that are affected, in order.
func (s *affected) ownersOf(t schema.EntityType) (keys []resources.Key) {
	for ref := range s.owners {
		if ref.Type == t && !isOrphan(ref) {
			keys = append(keys, ref.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// left lists the owners who are not there, and those that stand for nobody.
func (s *affected) left(w *World) (list []resources.Ref) {
	layer := w.layer()
	for ref := range s.owners {
		if _, there := layer.Record(ref.Type, ref.Key); !there {
			list = append(list, ref)
		}
	}
	for id, keys := range s.targets {
		if t, declared := s.Model.ResourceTypes[id]; declared {
			for key := range keys {
				list = append(list, resources.Ref{Type: t.Source, Key: nobody + key})
			}
		}
	}
	slices.SortFunc(list, func(a, b resources.Ref) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key)) })
	return slices.Compact(list)
}

// loose lists the targets that may be orphans: all, or those that are affected.
func (q *round) loose(m *matcher) []resources.Key {
	if q.only == nil {
		return m.loose
	}
	return slices.DeleteFunc(slices.Clone(m.loose), func(key resources.Key) bool { return !q.only.targets[m.resourceType.ID][key] })
}

// pathsOf lists what the expressions of a model read. What is read of a record
// that tells where an owner stands is read of the owner, and so are the links of
// an account that the other side stores.
func pathsOf(e *evaluation) []expression.Path {
	known := map[string]expression.Path{}
	add := func(p expression.Path) { known[fmt.Sprint(p.Root, p.Steps)] = p }
	for _, program := range e.programs {
		for _, p := range program.Reads() {
			add(p)
			for t, context := range e.Model.Contexts {
				entity, _ := e.Model.Entity(t)
				if context.Records == "" || p.Root != expression.RootOwn || p.Steps[0].Entity != entity.Properties[context.Records].Link {
					continue
				}
				add(expression.Path{Root: expression.RootOwn, Steps: append([]expression.Step{{Entity: t, Property: context.Records}}, p.Steps...)})
			}
		}
	}
	for t, context := range e.Model.Contexts {
		if context.Records != "" {
			add(expression.Path{Root: expression.RootOwn, Steps: []expression.Step{{Entity: t, Property: context.Records}}})
		}
	}
	for _, t := range e.Model.ResourceTypes {
		entity, _ := e.Model.Entity(t.Target)
		for name, p := range entity.Properties {
			if _, stored := inverseOf(e.Model, p); stored {
				add(expression.Path{Root: expression.RootTarget, Steps: []expression.Step{{Entity: t.Target, Property: name}}})
			}
		}
	}
	list := make([]expression.Path, 0, len(known))
	for _, key := range slices.Sorted(maps.Keys(known)) {
		list = append(list, known[key])
	}
	return list
}

// A change is one resource as it is and as it was, as far as that is kept.
type change struct {
	ref    resources.Ref
	now    *resources.Resource // nil: it is not there
	former []resources.Resource
	absent bool // it was for a while, between two versions
	often  bool // it changed more than once: which versions were evaluated nobody knows
}

// appeared reports whether it is there and was not, or the other way round.
func (c *change) appeared() bool { return c.now == nil || len(c.former) == 0 || c.absent || c.often }

// differs reports whether it holds another value or other links than before.
func (c *change) differs(p schema.PropertyName) bool {
	if c.appeared() {
		return true
	}
	return slices.ContainsFunc(c.former, func(r resources.Resource) bool {
		return r.Value(p) != c.now.Value(p) || !slices.Equal(r.Links[p], c.now.Links[p])
	})
}

// moved lists what a link leads to now and did not before, or the other way round.
func (c *change) moved(p schema.PropertyName) (keys []resources.Key) {
	var before []resources.Key
	versions := make([][]resources.Key, 0, len(c.former)+1)
	for i := range c.former {
		versions = append(versions, c.former[i].Links[p])
	}
	if len(c.former) > 0 && c.now == nil || c.now != nil {
		var now []resources.Key
		if c.now != nil {
			now = c.now.Links[p]
		}
		versions = append(versions, now)
	}
	for i, links := range versions {
		for _, key := range links {
			if i == 0 || c.absent || !slices.Contains(before, key) {
				keys = append(keys, key)
			}
		}
		for _, key := range before {
			if !slices.Contains(links, key) {
				keys = append(keys, key)
			}
		}
		before = links
	}
	return keys
}

// spread follows changed resources to whom they concern.
func (s *affected) spread(refs []resources.Ref) error {
	byType := map[schema.EntityType][]*change{}
	for t, list := range byTypeOf(refs) {
		if _, declared := s.Model.Entity(t); !declared {
			continue
		}
		layer := s.e.World.layer()
		layer.bring(t, list)
		former, err := s.Store.Former(s.ctx, t, list)
		if err != nil || layer.failed != nil {
			return cmp.Or(err, layer.failed)
		}
		known := map[resources.Key]*change{}
		for _, key := range list {
			now, _ := layer.Record(t, key)
			c := &change{ref: resources.Ref{Type: t, Key: key}, now: now}
			c.often = s.often[c.ref]
			known[key], byType[t] = c, append(byType[t], c)
		}
		for _, r := range former {
			c := known[r.Key]
			c.former = append(c.former, r.Resource)
			c.absent = c.absent || r.Last && c.now != nil
		}
	}
	for t, changes := range byType {
		for _, c := range changes {
			s.start(expression.RootSource, t, []resources.Key{c.ref.Key})
			s.start(expression.RootTarget, t, []resources.Key{c.ref.Key})
		}
	}
	for _, p := range s.paths {
		if s.overlooked(Dependency{Read, p}) {
			continue
		}
		if err := s.alongPath(p, byType); err != nil || s.all {
			return err
		}
	}
	if err := s.underDimensions(byType); err != nil || s.all {
		return err
	}
	if err := s.byName(byType); err != nil || s.all {
		return err
	}
	return s.match()
}

// A Dependency is one way in which a change concerns an owner.
type Dependency struct {
	Kind DependencyKind
	Path expression.Path // that is read
}

// A DependencyKind says how a change concerns an owner.
type DependencyKind string

// The kinds of dependency.
const (
	Read      DependencyKind = "read"      // an expression reads what changed, over links
	Hierarchy DependencyKind = "hierarchy" // the owner stands below what moved
	Name      DependencyKind = "name"      // a value of the owner names what changed
	Rivalry   DependencyKind = "rivalry"   // another owner may match the same account
)

func (s *affected) overlooked(d Dependency) bool { return s.Overlooks != nil && s.Overlooks(d) }

func byTypeOf(refs []resources.Ref) map[schema.EntityType][]resources.Key {
	by := map[schema.EntityType][]resources.Key{}
	for _, ref := range refs {
		by[ref.Type] = append(by[ref.Type], ref.Key)
	}
	return by
}

// start notes where a path begins: at owners, or at accounts.
func (s *affected) start(root expression.Root, t schema.EntityType, keys []resources.Key) {
	for _, key := range keys {
		if root == expression.RootTarget {
			for _, id := range s.e.types {
				if s.Model.ResourceTypes[id].Target == t {
					s.target(id, key)
				}
			}
		} else if slices.Contains(s.e.sources(), t) {
			s.owner(resources.Ref{Type: t, Key: key})
		}
	}
}

// alongPath follows a path back from what its last step reads otherwise now.
func (s *affected) alongPath(p expression.Path, changed map[schema.EntityType][]*change) error {
	t, from, err := s.beginning(p, changed)
	s.start(p.Root, t, from)
	return err
}

// beginning finds where a path begins whose last step reads something else now.
func (s *affected) beginning(p expression.Path, changed map[schema.EntityType][]*change) (schema.EntityType, []resources.Key, error) {
	last := p.Steps[len(p.Steps)-1]
	entity, _ := s.Model.Entity(last.Entity)
	link := entity.Properties[last.Property]
	if p.Root == expression.RootAnywhere {
		for _, step := range p.Steps {
			s.all = s.all || len(changed[step.Entity]) > 0
		}
		s.all = s.all || link.IsLink() && len(changed[link.Link]) > 0
		return "", nil, nil
	}
	_, inverse := inverseOf(s.Model, link)
	var at []resources.Key
	for _, c := range changed[last.Entity] {
		if !inverse && c.differs(last.Property) {
			at = append(at, c.ref.Key)
		}
	}
	if link.IsLink() {
		var appeared []resources.Key
		for _, c := range changed[link.Link] {
			if inverse {
				at = append(at, c.moved(link.Inverse)...)
			} else if c.appeared() {
				appeared = append(appeared, c.ref.Key)
			}
		}
		from, err := s.back(last, appeared)
		if err != nil {
			return "", nil, err
		}
		at = append(at, from...)
	}
	return s.backAlong(p.Steps[:len(p.Steps)-1], last.Entity, at)
}

// backAlong goes back from resources to those from which the steps lead there.
func (s *affected) backAlong(steps []expression.Step, t schema.EntityType, at []resources.Key) (schema.EntityType, []resources.Key, error) {
	for i := len(steps) - 1; i >= 0 && len(at) > 0; i-- {
		from, err := s.back(steps[i], at)
		if err != nil {
			return "", nil, err
		}
		at, t = from, steps[i].Entity
	}
	return t, at, nil
}

// back finds the resources from which one step leads to some others.
func (s *affected) back(step expression.Step, at []resources.Key) (from []resources.Key, err error) {
	if len(at) == 0 {
		return nil, nil
	}
	slices.Sort(at)
	at = slices.Compact(at)
	entity, _ := s.Model.Entity(step.Entity)
	p := entity.Properties[step.Property]
	if _, inverse := inverseOf(s.Model, p); inverse {
		layer := s.e.World.layer()
		layer.bring(p.Link, at)
		for _, key := range at {
			if r, there := layer.Record(p.Link, key); there {
				from = append(from, r.Links[p.Inverse]...)
			}
		}
		return from, layer.failed
	}
	links, err := s.Store.LinksTo(s.ctx, step.Entity, step.Property, at)
	for _, keys := range links {
		from = append(from, keys...)
	}
	return from, err
}

// underDimensions finds who stands at, or below, a value of a dimension that has
// another place in its hierarchy now.
func (s *affected) underDimensions(changed map[schema.EntityType][]*change) error {
	if s.overlooked(Dependency{Kind: Hierarchy}) {
		return nil
	}
	for _, d := range s.Model.Dimensions {
		if d.Hierarchy == "" {
			continue
		}
		var level, below []resources.Key
		for _, c := range changed[d.Entity] {
			if c.differs(d.Hierarchy) {
				level = append(level, c.ref.Key)
			}
		}
		for range hierarchyLevelsMax {
			if len(level) == 0 {
				break
			}
			below = append(below, level...)
			var err error
			if level, err = s.back(expression.Step{Entity: d.Entity, Property: d.Hierarchy}, level); err != nil {
				return err
			}
		}
		if len(below) == 0 {
			continue
		}
		for _, p := range s.paths {
			last := p.Steps[len(p.Steps)-1]
			if entity, _ := s.Model.Entity(last.Entity); entity.Properties[last.Property].Link != d.Entity || p.Root == expression.RootTarget {
				continue
			}
			from, err := s.back(last, slices.Clone(below))
			if err != nil {
				return err
			}
			t, owners, err := s.backAlong(p.Steps[:len(p.Steps)-1], last.Entity, from)
			if err != nil {
				return err
			}
			s.start(p.Root, t, owners)
		}
	}
	return nil
}

// each calls do for the resource as it is and as it was.
func (c *change) each(do func(*resources.Resource)) {
	if c.now != nil {
		do(c.now)
	}
	for i := range c.former {
		do(&c.former[i])
	}
}

// constants is a fingerprint of what rule lines name and what was found for it:
// where it differs, a rule means something else for everybody.
func (e *evaluation) constants() string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		r := e.rules[name]
		for _, c := range append(slices.Clone(r.match), r.asked...) {
			fmt.Fprintf(h, "%s %q %q %t\n", name, c.dimension, c.wanted, c.known)
		}
	}
	for _, id := range e.types {
		for _, l := range e.byType[id].links {
			fmt.Fprintf(h, "%s %q %q\n", l.rule.Object, l.far, l.origin.Parked)
		}
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

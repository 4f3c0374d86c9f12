package evaluate

import (
	"slices"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/expression"
)

// match adds who may match the same accounts: what one owner leaves another may
// get, so that all who compete are settled together.
func (s *affected) match() error {
	if s.overlooked(Dependency{Kind: Rivalry}) {
		return nil
	}
	for len(s.newOwners)+len(s.newTargets) > 0 {
		owners, targets := s.newOwners, s.newTargets
		s.newOwners, s.newTargets = nil, nil
		if err := s.renew(targets); err != nil {
			return err
		}
		if err := s.matchOwners(owners); err != nil {
			return err
		}
		if err := s.matchTargets(targets); err != nil {
			return err
		}
	}
	return nil
}

// renew reads the keys of targets anew, where they were left by the run before.
func (s *affected) renew(targets []resources.Ref) error {
	if !s.kept {
		return nil
	}
	for id, keys := range byTypeOf(targets) {
		if m := s.e.matches[roles.ResourceTypeID(id)]; m != nil {
			if err := s.refreshTargets(m, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// matchOwners adds the accounts that owners have for now, and those they may match.
func (s *affected) matchOwners(owners []resources.Ref) error {
	list, err := s.Store.OwnedBy(s.ctx, owners)
	if err != nil {
		return err
	}
	for _, o := range list {
		if !o.Settled {
			s.target(o.Type, o.Target)
		}
	}
	for id, m := range s.e.matches {
		for _, owner := range owners {
			for _, target := range m.confirmed[owner] {
				s.target(id, target)
			}
		}
	}
	for t, keys := range byTypeOf(owners) {
		if !slices.Contains(s.e.sources(), t) {
			continue
		}
		layer := s.e.World.layer()
		layer.bring(t, keys)
		layer.reach(t, keys, s.e.hops)
		for _, key := range keys {
			r, there := layer.Record(t, key)
			if !there {
				continue
			}
			for _, id := range s.e.types {
				m := s.e.matches[id]
				if m.resourceType.Source != t {
					continue
				}
				for i, rule := range m.resourceType.Correlate {
					v, err := s.e.eval(rule.Source, expression.Bindings{Source: r, Records: layer})
					if err != nil || v.IsNull() {
						continue
					}
					for _, target := range m.keys[i][v.Text()] {
						s.target(id, target)
					}
				}
			}
		}
		if layer.failed != nil {
			return layer.failed
		}
	}
	return nil
}

// matchTargets adds who has accounts and, of those that nobody has for good, who
// may match them.
func (s *affected) matchTargets(targets []resources.Ref) error {
	for id, keys := range byTypeOf(targets) {
		m := s.e.matches[roles.ResourceTypeID(id)]
		if m == nil {
			continue
		}
		t := m.resourceType
		list, err := s.Store.OwnersOf(s.ctx, t.ID, t.Target, keys)
		if err != nil {
			return err
		}
		for _, o := range list {
			s.owner(o.Owner)
		}
		for owner, confirmed := range m.confirmed {
			if slices.ContainsFunc(confirmed, func(key resources.Key) bool { return slices.Contains(keys, key) }) {
				s.owner(owner)
			}
		}
		layer := s.e.World.layer()
		layer.bring(t.Target, keys)
		layer.reach(t.Target, keys, s.e.hops)
		for _, key := range keys {
			r, there := layer.Record(t.Target, key)
			if !there || m.owned[key] {
				continue
			}
			for _, rule := range t.Correlate {
				v, err := s.e.eval(rule.Target, expression.Bindings{Target: r, Records: layer})
				program, known := s.e.programs[rule.Source]
				if err != nil || v.IsNull() || !known {
					continue
				}
				texts, err := s.texts(t.Source, program)
				if err != nil {
					return err
				}
				s.start(expression.RootSource, t.Source, texts[v.Text()])
			}
		}
		if layer.failed != nil {
			return layer.failed
		}
	}
	return nil
}

package evaluate

import (
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// certain is the confidence from which a match needs no person.
const certain = 100

// matcher finds the accounts of one resource type: whose they are, and which
// belong to nobody. Keys are computed once per target and rule.
type matcher struct {
	*evaluation
	resourceType roles.ResourceType
	taken        map[resources.Key]bool
	keys         []map[string][]resources.Key // by rule, then by the target's key text
}

func newMatcher(e *evaluation, t roles.ResourceType) *matcher {
	m := &matcher{evaluation: e, resourceType: t, taken: map[resources.Key]bool{}}
	for _, a := range e.Assigned {
		if a.Type == t.ID && a.Target != "" && !isOrphan(a.Owner) {
			m.taken[a.Target] = true
		}
	}
	m.keys = make([]map[string][]resources.Key, len(t.Correlate))
	for i, rule := range t.Correlate {
		m.keys[i] = map[string][]resources.Key{}
		e.World.Each(t.Target, func(r *resources.Resource) {
			v, err := e.eval(rule.Target, expression.Bindings{Target: r, Records: e.World})
			if err == nil && !v.IsNull() {
				m.keys[i][v.Text()] = append(m.keys[i][v.Text()], r.Key)
			}
		})
	}
	return m
}

// match finds the owner's account by falling confidence. A target that somebody
// owns, or that a person refused for this owner, is passed over. Only a certain
// match takes a target for good; a doubtful one is a proposal to an entitled owner.
func (m *matcher) match(owner *resources.Resource, entitled bool) (resources.Key, int) {
	for i, rule := range m.resourceType.Correlate {
		v, err := m.eval(rule.Source, expression.Bindings{Source: owner, Records: m.World})
		if err != nil || v.IsNull() {
			continue // what cannot be computed matches nothing
		}
		for _, key := range m.keys[i][v.Text()] {
			if m.taken[key] || m.Denied[Pair{m.resourceType.ID, owner.Ref, key}] {
				continue
			}
			if rule.Confidence < certain && !entitled {
				continue
			}
			m.taken[key] = true
			return key, min(rule.Confidence, certain)
		}
	}
	return "", 0
}

// orphans reports classified accounts that belong to nobody.
func (m *matcher) orphans() {
	if len(m.resourceType.Classify) == 0 {
		return
	}
	m.World.Each(m.resourceType.Target, func(r *resources.Resource) {
		if m.taken[r.Key] || !m.classified(r) {
			return
		}
		m.result.Resources = append(m.result.Resources, assignments.ExpectedResource{
			Type: m.resourceType.ID, Owner: resources.Ref{Type: m.resourceType.Source, Key: nobody + r.Key},
			Target: r.Key, Confidence: certain, Found: true, Workflow: m.foundAs(m.resourceType.ID),
			Reasons: []assignments.Reason{{Note: "found in the system; nobody owns it"}},
		})
	})
}

// nobody stands for the owner that an account lacks, so that each orphan is an
// assigned resource of its own.
const nobody = "nobody:"

func isOrphan(owner resources.Ref) bool { return strings.HasPrefix(string(owner.Key), nobody) }

func (m *matcher) classified(r *resources.Resource) bool {
	for _, x := range m.resourceType.Classify {
		v, err := m.eval(x, expression.Bindings{Target: r, Records: m.World})
		if err == nil && v.Bool() {
			return true
		}
	}
	return false
}

// queryIndex maps the target expression of a query rule to the resources that
// give it, computed once per rule.
func (e *evaluation) queryIndex(r roles.QueryRule, t schema.EntityType) (map[string]resources.Key, error) {
	if index, ok := e.queries[r.Object]; ok {
		return index, nil
	}
	index := map[string]resources.Key{}
	var failed error
	e.World.Each(t, func(far *resources.Resource) {
		v, err := e.eval(r.Target, expression.Bindings{Target: far, Records: e.World})
		if err != nil {
			failed = err
			return
		}
		if _, taken := index[v.Text()]; !taken && !v.IsNull() {
			index[v.Text()] = far.Key
		}
	})
	if failed == nil {
		e.queries[r.Object] = index
	}
	return index, failed
}

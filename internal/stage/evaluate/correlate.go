package evaluate

import (
	"slices"
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
	resourceType roles.ResourceType
	taken        map[resources.Key]bool            // by an owner, or settled as nobody's
	owned        map[resources.Key]bool            // by an owner, for good
	nobodys      map[resources.Key]bool            // a person said that nobody owns it
	of           map[resources.Ref][]resources.Key // of owners, for good
	confirmed    map[resources.Ref][]resources.Key
	reserved     map[resources.Key]bool       // confirmed to an owner who is there
	keys         []map[string][]resources.Key // by rule, then by the target's key text: of those that are not taken
	texts        map[resources.Key][]string   // of a target, its key text by rule
	loose        []resources.Key              // what may be an orphan, in order
}

func newMatcher(e *evaluation, t roles.ResourceType) *matcher {
	m := &matcher{
		resourceType: t, taken: map[resources.Key]bool{}, owned: map[resources.Key]bool{},
		nobodys: map[resources.Key]bool{}, confirmed: map[resources.Ref][]resources.Key{}, of: map[resources.Ref][]resources.Key{}, reserved: map[resources.Key]bool{},
	}
	for _, pair := range e.Confirmed {
		if pair.Type == t.ID {
			m.confirmed[pair.Owner] = append(m.confirmed[pair.Owner], pair.Target)
		}
	}
	return m
}

// settle notes that a target is somebody's, or nobody's, for good.
func (m *matcher) settle(owner resources.Ref, target resources.Key) {
	m.taken[target] = true
	m.of[owner] = append(m.of[owner], target)
	if isOrphan(owner) {
		m.nobodys[target] = true
	} else {
		m.owned[target] = true
	}
}

// read computes the keys of the targets.
func (m *matcher) read(e *evaluation) {
	m.confirm(e)
	t := m.resourceType
	m.texts = map[resources.Key][]string{}
	m.keys = make([]map[string][]resources.Key, len(t.Correlate))
	for i := range t.Correlate {
		m.keys[i] = map[string][]resources.Key{}
	}
	if len(t.Correlate) == 0 && len(t.Classify) == 0 && len(m.nobodys) == 0 {
		return
	}
	e.World.eachIn(t.Target, e.hops, func(w *World, r *resources.Resource) { m.readOne(e, w, r) })
}

// confirm takes in what people confirmed: it is nobody's no more, and of whoever is
// there it is reserved.
func (m *matcher) confirm(e *evaluation) {
	for owner, targets := range m.confirmed {
		_, there := e.World.Record(owner.Type, owner.Key)
		for _, key := range targets {
			delete(m.nobodys, key)
			m.reserved[key] = m.reserved[key] || there
		}
	}
}

// readOne computes the keys of a target that nobody has.
func (m *matcher) readOne(e *evaluation, w *World, r *resources.Resource) {
	if m.nobodys[r.Key] || !m.taken[r.Key] && m.classified(e, w, r) {
		m.loose = inserted(m.loose, r.Key)
	}
	if m.taken[r.Key] {
		return
	}
	texts := make([]string, len(m.resourceType.Correlate))
	for i, rule := range m.resourceType.Correlate {
		v, err := e.eval(rule.Target, expression.Bindings{Target: r, Records: w})
		if err == nil && !v.IsNull() {
			texts[i] = v.Text()
			m.keys[i][texts[i]] = inserted(m.keys[i][texts[i]], r.Key)
		}
	}
	m.texts[r.Key] = texts
}

// inserted puts a key in its place, at the end nearly always.
func inserted(list []resources.Key, key resources.Key) []resources.Key {
	if len(list) == 0 || list[len(list)-1] < key {
		return append(list, key)
	}
	i, there := slices.BinarySearch(list, key)
	if there {
		return list
	}
	return slices.Insert(list, i, key)
}

// A match is a resource that may be the owner's: known from before, or found now.
type match struct {
	Assigned
	known bool
}

// accountsOf lists the owner's resources of a type: those whose ownership is
// settled or under way, and what matches now.
func (e *evaluation) accountsOf(owner *resources.Resource, t roles.ResourceType) (list []match) {
	if e.Matched {
		for _, a := range e.owned[pairKey{t.ID, owner.Ref}] {
			list = append(list, match{a, true})
		}
		return list
	}
	m := e.matches[t.ID]
	creating, has := -1, false
	for _, a := range e.owned[pairKey{t.ID, owner.Ref}] {
		if !a.Settled {
			continue // matched anew below, as the rules are now
		}
		if a.Target == "" {
			creating = len(list)
		}
		has = has || a.Target != ""
		list = append(list, match{a, true})
	}
	for _, found := range m.match(e, owner, has) {
		if creating >= 0 {
			list[creating].Target, list[creating].Confidence = found.Target, found.Confidence
			list[creating].known = list[creating].Made // by us; what others made no rule ever gave
			creating = -1
			continue
		}
		list = append(list, found)
	}
	return list
}

// sure reports whether nobody doubts whose account it is.
func (m match) sure() bool { return m.Target != "" && (m.Confidence == 0 || m.Confidence >= certain) }

// match finds resources that may be the owner's, by falling confidence. What
// somebody owns, or a person refused for this owner, is passed over. Which of
// them are the owner's, proposed or passed over follows from whether the owner
// has one already, and from what the resource type allows.
func (m *matcher) match(e *evaluation, owner *resources.Resource, has bool) (list []match) {
	sure, doubtful := m.candidates(e, owner)
	has = has || slices.ContainsFunc(sure, func(c candidateTarget) bool { return c.settled })
	t := m.resourceType
	switch {
	case !t.Multiple && has:
		doubtful = nil
		if !t.SuggestAll {
			sure = slices.DeleteFunc(sure, func(c candidateTarget) bool { return !c.settled })
		}
	case t.Multiple && (has || len(sure) > 0) && !t.SuggestAll:
		doubtful = nil
	case !t.Multiple && !t.SuggestAll:
		if len(sure) > 0 {
			doubtful = nil
		}
		sure, doubtful = best(sure), best(doubtful)
	}
	for _, c := range sure {
		if t.SuggestAll && !t.Multiple && !c.settled {
			c.confidence = certain - 1 // a person chooses among all
		}
		m.taken[c.key] = true
		m.owned[c.key] = m.owned[c.key] || c.settled
		list = append(list, match{Assigned: Assigned{Target: c.key, Confidence: c.confidence}})
	}
	for _, c := range doubtful {
		m.taken[c.key] = true
		list = append(list, match{Assigned: Assigned{Target: c.key, Confidence: c.confidence}})
	}
	return list
}

func best(list []candidateTarget) []candidateTarget { return list[:min(1, len(list))] }

// candidateTarget is a resource that a rule matches with an owner.
type candidateTarget struct {
	key        resources.Key
	confidence int
	settled    bool // a person said whose it is
}

// candidates lists what the rules match, the surest first.
func (m *matcher) candidates(e *evaluation, owner *resources.Resource) (sure, doubtful []candidateTarget) {
	seen := map[resources.Key]bool{}
	for _, key := range m.confirmed[owner.Ref] {
		if _, there := e.World.Record(m.resourceType.Target, key); there && !seen[key] && !m.owned[key] {
			seen[key] = true
			sure = append(sure, candidateTarget{key, certain, true})
		}
	}
	if e.Matched {
		return sure, nil
	}
	for i, rule := range m.resourceType.Correlate {
		v, err := e.eval(rule.Source, expression.Bindings{Source: owner, Records: e.World})
		if err != nil || v.IsNull() {
			continue // what cannot be computed matches nothing
		}
		for _, key := range m.keys[i][v.Text()] {
			if seen[key] || m.taken[key] || m.reserved[key] || e.Denied[Pair{m.resourceType.ID, owner.Ref, key}] {
				continue
			}
			seen[key] = true
			if rule.Confidence >= certain {
				sure = append(sure, candidateTarget{key, certain, false})
			} else {
				doubtful = append(doubtful, candidateTarget{key, rule.Confidence, false})
			}
		}
	}
	return sure, doubtful
}

// orphans reports classified accounts that belong to nobody, and those of which
// a person said so.
func (m *matcher) orphans(e *evaluation, keys []resources.Key) {
	for _, key := range keys {
		if !m.nobodys[key] && m.taken[key] {
			continue
		}
		e.result.Resources = append(e.result.Resources, assignments.ExpectedResource{
			Type: m.resourceType.ID, Owner: resources.Ref{Type: m.resourceType.Source, Key: nobody + key},
			Target: key, Confidence: certain, Found: true, Workflow: e.foundAs(m.resourceType.ID),
			Reasons: []assignments.Reason{{Note: "found in the system; nobody owns it"}},
		})
	}
}

// nobody stands for the owner that an account lacks, so that each orphan is an
// assigned resource of its own.
const nobody = "nobody:"

func isOrphan(owner resources.Ref) bool { return strings.HasPrefix(string(owner.Key), nobody) }

func (m *matcher) classified(e *evaluation, w *World, r *resources.Resource) bool {
	for _, x := range m.resourceType.Classify {
		v, err := e.eval(x, expression.Bindings{Target: r, Records: w})
		if err == nil && v.Bool() {
			return true
		}
	}
	return false
}

// queryIndex finds the resources by what the target expression of a query rule
// gives of them.
type queryIndex struct {
	keys map[string]resources.Key
	err  error // of a resource of which it throws: then nothing can be found
}

// indexQuery computes the target expression of a query rule, once for all owners.
func (e *evaluation) indexQuery(r roles.QueryRule, t schema.EntityType) {
	index := queryIndex{keys: map[string]resources.Key{}}
	e.World.eachIn(t, e.hops, func(w *World, far *resources.Resource) {
		v, err := e.eval(r.Target, expression.Bindings{Target: far, Records: w})
		if err != nil {
			index.err = err
			return
		}
		if _, taken := index.keys[v.Text()]; !taken && !v.IsNull() {
			index.keys[v.Text()] = far.Key
		}
	})
	e.queries[r.Object] = index
}

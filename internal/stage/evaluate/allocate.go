package evaluate

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/value"
)

// Allocating is a separate, serial step: its result is stored once as a
// decision and is an input of every later evaluation, which so stays pure.

// A Request asks for a value of a subject that has none yet.
type Request struct {
	Subject  Subject
	Rule     schema.Allocation
	Owner    *resources.Resource
	Start    time.Time // requests are served in the order of start date and key
	Entity   schema.EntityType
	Property schema.PropertyName
	Current  value.Value // what the owner's account holds: it is kept
	Object   string
	Own      bool // the candidates are written over the owner's own properties
}

// numberedMax ends the search for a free numbered name.
const numberedMax = 100_000

// Allocate serves the requests in order and returns what it allocated.
func Allocate(in Input, requests []Request) (Allocations, []fault.Finding) {
	sort.SliceStable(requests, func(i, j int) bool {
		a, b := requests[i], requests[j]
		if !a.Start.Equal(b.Start) {
			return a.Start.Before(b.Start)
		}
		return a.Owner.Key < b.Owner.Key
	})
	al := &allocator{Input: in, used: map[string]map[string]resources.Key{}, next: map[string]int64{}, made: Allocations{}}
	// What accounts hold already comes first: an existing name is never given to somebody else.
	for _, r := range requests {
		if !r.Current.IsNull() {
			al.keep(r)
		}
	}
	for _, r := range requests {
		if _, done := al.made[r.Subject]; done {
			continue
		}
		if err := al.serve(r); err != nil {
			al.findings = append(al.findings, fault.Finding{
				Object: r.Object, What: fmt.Sprintf("%s gets no value: %v", r.Owner.Ref, err), Do: "mend the candidates or the values that they read",
			})
		}
	}
	return al.made, al.findings
}

type allocator struct {
	Input
	used     map[string]map[string]resources.Key // by name space, then by plain name: who has it
	next     map[string]int64
	made     Allocations
	owners   map[resources.Ref]resources.Key // of accounts
	findings []fault.Finding
}

// keep reserves the value that the owner's account holds.
func (al *allocator) keep(r Request) {
	used := al.inUse(r)
	name := plain(r.Current.Text(), r.Rule.Affixes)
	if holder := used[name]; holder != "" && holder != r.Owner.Key {
		return // reserved for somebody else: this account's name is his problem to solve
	}
	used[name] = r.Owner.Key
	al.made[r.Subject] = r.Current
}

func (al *allocator) serve(r Request) error {
	if r.Rule.Sequence != "" {
		return al.number(r)
	}
	used := al.inUse(r)
	last := ""
	for _, x := range r.Rule.Unique {
		p, ok := al.Programs[x]
		if !ok {
			return fmt.Errorf("the candidate %q was not compiled", x.Text)
		}
		b := expression.Bindings{Source: r.Owner, Records: al.World}
		if r.Own {
			b = expression.Bindings{Own: r.Owner, Records: al.World}
		}
		v, err := p.Eval(b)
		if err != nil {
			return err
		}
		if v.IsNull() {
			continue
		}
		last = v.Text()
		if al.take(r, used, last) {
			return nil
		}
	}
	if last == "" {
		return fmt.Errorf("no candidate gives a name")
	}
	for n := 2; n < numberedMax; n++ {
		if al.take(r, used, last+strconv.Itoa(n)) {
			return nil
		}
	}
	return fmt.Errorf("%s and its %d numbered forms are all taken", last, numberedMax)
}

func (al *allocator) take(r Request, used map[string]resources.Key, name string) bool {
	key := plain(name, r.Rule.Affixes)
	if _, taken := used[key]; taken {
		return false
	}
	used[key] = r.Owner.Key
	al.made[r.Subject] = value.OfString(name)
	return true
}

// number gives the next number of a sequence that nobody holds.
func (al *allocator) number(r Request) error {
	used := al.inUse(r)
	n, begun := al.next[r.Rule.Sequence]
	if !begun {
		n = max(r.Rule.Start, 1)
		for subject, v := range al.Allocations {
			if subject.Of == r.Subject.Of && subject.Property == r.Subject.Property {
				n = max(n, v.Int()+1)
			}
		}
	}
	for {
		key := strconv.FormatInt(n, 10)
		if _, taken := used[key]; !taken {
			used[key] = r.Owner.Key
			al.made[r.Subject] = value.OfInt(n)
			al.next[r.Rule.Sequence] = n + 1
			return nil
		}
		n++
	}
}

// plain is the form in which names are compared: an affix or another case does
// not make a name free.
func plain(name string, affixes []string) string {
	name = strings.ToLower(name)
	for _, a := range affixes {
		a = strings.ToLower(a)
		name = strings.TrimSuffix(strings.TrimPrefix(name, a), a)
	}
	return name
}

// inUse collects the names of the request's name space: reserved by decisions,
// and held by accounts that are not the owner's.
func (al *allocator) inUse(r Request) map[string]resources.Key {
	space := r.Subject.Of + "/" + string(r.Subject.Property)
	if used, ok := al.used[space]; ok {
		return used
	}
	used := map[string]resources.Key{}
	al.used[space] = used
	for _, f := range al.fed(r) {
		al.World.Each(f.entity, func(account *resources.Resource) {
			if v := account.Value(f.property); !v.IsNull() {
				used[plain(v.Text(), r.Rule.Affixes)] = al.ownerOf(account.Ref)
			}
		})
	}
	for subject, v := range al.Allocations {
		if subject.Of == r.Subject.Of && subject.Property == r.Subject.Property {
			used[plain(v.Text(), r.Rule.Affixes)] = subject.Owner
		}
	}
	return used
}

// ownerOf names who holds an account, "" when nobody is known to.
func (al *allocator) ownerOf(account resources.Ref) resources.Key {
	if al.owners == nil {
		al.owners = map[resources.Ref]resources.Key{}
		al.eachOwned(func(o stage.Ownership) {
			if t, ok := al.Model.ResourceTypes[o.Type]; ok && o.Target != "" {
				al.owners[resources.Ref{Type: t.Target, Key: o.Target}] = o.Owner.Key
			}
		})
	}
	return al.owners[account]
}

type fedProperty struct {
	entity   schema.EntityType
	property schema.PropertyName
}

// fed lists the account properties that hold the requested value: the one it is
// allocated for, or those whose rule copies the owner's property.
func (al *allocator) fed(r Request) []fedProperty {
	if !r.Own {
		return []fedProperty{{r.Entity, r.Property}}
	}
	return feeds(al.Input, r.Owner.Type, r.Property)
}

// feeds lists the account properties whose rule is exactly source.PROPERTY.
func feeds(in Input, t schema.EntityType, p schema.PropertyName) []fedProperty {
	var list []fedProperty
	for _, id := range sortedTypes(in.Model) {
		rt := in.Model.ResourceTypes[id]
		if rt.Source != t {
			continue
		}
		for _, v := range rt.Values {
			if strings.TrimSpace(v.Expression.Text) == "source."+string(p) {
				list = append(list, fedProperty{rt.Target, v.Property})
			}
		}
	}
	return list
}

// OwnRequests asks for the values that entity types allocate for their own
// resources: for everybody whose time is not over and who has none yet. Whoever
// has an account keeps the name that it bears.
func OwnRequests(in Input) []Request {
	e := &evaluation{Input: in, programs: in.Programs, result: &Result{}}
	e.prepare()
	var requests []Request
	for _, own := range e.allocated() {
		e.World.Each(own.entity.Type, func(r *resources.Resource) { requests = e.ownRequest(requests, own, r) })
	}
	return requests
}

// An ownProperty is a property that an entity type allocates for its own
// resources, and the account properties that hold it.
type ownProperty struct {
	entity schema.Entity
	schema.Property
	fed []fedProperty
}

// allocated lists the properties that the owners' entity types allocate.
func (e *evaluation) allocated() (list []ownProperty) {
	for _, t := range e.sources() {
		entity, _ := e.Model.Entity(t)
		for _, name := range entity.Names() {
			if p := entity.Properties[name]; p.Allocate != nil {
				list = append(list, ownProperty{entity, p, feeds(e.Input, t, name)})
			}
		}
	}
	return list
}

// missing reports whether nothing was allocated to a resource yet.
func (e *evaluation) missing(own ownProperty, key resources.Key) bool {
	_, done := e.Allocations[Subject{string(own.entity.Type), key, own.Name}]
	return !done
}

// ownRequest adds the request of one resource, if it needs a value.
func (e *evaluation) ownRequest(list []Request, own ownProperty, r *resources.Resource) []Request {
	if !e.missing(own, r.Key) {
		return list
	}
	c := e.standingOf(r)
	if c.failed != "" || c.excluded {
		return list
	}
	current := e.heldBy(r, own.fed)
	if current.IsNull() && c.period.Over(e.Day) {
		return list
	}
	t := own.entity.Type
	return append(list, Request{
		Subject: Subject{string(t), r.Key, own.Name}, Rule: *own.Allocate, Owner: r, Start: c.period.From, Entity: t,
		Property: own.Name, Current: current, Object: string(t) + "." + string(own.Name), Own: true,
	})
}

// surelyOf is the resource of a type that is certainly the owner's, "" without one.
func (e *evaluation) surelyOf(r *resources.Resource, t roles.ResourceType) resources.Key {
	for _, a := range e.owned[pairKey{t.ID, r.Ref}] {
		if a.Target != "" && a.Settled {
			return a.Target
		}
	}
	sure, _ := e.matches[t.ID].candidates(e, r)
	if len(sure) == 0 {
		return ""
	}
	e.matches[t.ID].taken[sure[0].key] = true
	return sure[0].key
}

// heldBy is the value that the owner's own account bears, null without one.
func (e *evaluation) heldBy(r *resources.Resource, fed []fedProperty) value.Value {
	for _, id := range e.types {
		t := e.Model.ResourceTypes[id]
		if t.Source != r.Type {
			continue
		}
		for _, f := range fed {
			if f.entity != t.Target {
				continue
			}
			if account, ok := e.World.Record(t.Target, e.surelyOf(r, t)); ok && !account.Value(f.property).IsNull() {
				return account.Value(f.property)
			}
		}
	}
	return value.Null
}

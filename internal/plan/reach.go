package plan

import (
	"cmp"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
)

// Reach is whom a plan's orders touch: its blast radius.
type Reach struct {
	People   int `json:"people"` // owners of whom at least one account is touched
	Of       int `json:"of"`     // all owners that are known
	Accounts int `json:"accounts"`
	// Dimensions and Roles count the same orders once more by where their owners
	// stand and by the roles that their items come by, or came by until now.
	Dimensions []Share `json:"dimensions,omitempty"`
	Roles      []Share `json:"roles,omitempty"`
}

// A Share is the part of a plan that falls on one department, site or role.
type Share struct {
	Dimension string              `json:"dimension,omitempty"` // "" for a role
	Value     string              `json:"value"`
	Name      string              `json:"name,omitempty"`
	People    int                 `json:"people"`
	Of        int                 `json:"of"`      // who stands there, or has the role before or after
	Percent   int                 `json:"percent"` // rounded up: 1 of 300 is not nothing
	Accounts  int                 `json:"accounts"`
	Orders    map[orders.Kind]int `json:"orders"`
}

// reaching counts, order by order.
type reaching struct {
	configuration *declare.Configuration
	day           time.Time
	people        map[resources.Ref]bool
	of            int // all owners
	accounts      int
	places        map[resources.Ref][]placed // of owners that are touched
	shares        map[placed]*Share
	touched       map[placed]map[resources.Ref]bool
	all           map[placed]int // who stands there, or has the role before or after
	gained        map[roles.RoleID]int
	names         map[placed]string
}

// placed names what a share is of; without a dimension it is a role.
type placed struct {
	dimension roles.DimensionID
	value     string
}

type itemKey struct {
	assigned orders.AssignedID
	item     int
}

// rolesBefore remembers by which roles items came so far: a removal no longer
// says whose it was.
func rolesBefore(list []*orders.AssignedResource) map[itemKey][]roles.RoleID {
	before := map[itemKey][]roles.RoleID{}
	for _, a := range list {
		for i := range a.Items {
			if by := rolesIn(a.Items[i].Policy.Reasons); len(by) > 0 {
				before[itemKey{a.ID, a.Items[i].ID}] = by
			}
		}
	}
	return before
}

func rolesIn(reasons []assignments.Reason) (list []roles.RoleID) {
	for _, r := range reasons {
		if r.Role != "" && !slices.Contains(list, r.Role) {
			list = append(list, r.Role)
		}
	}
	return list
}

func newReaching(c *declare.Configuration, day time.Time) *reaching {
	return &reaching{
		configuration: c, day: day, people: map[resources.Ref]bool{}, places: map[resources.Ref][]placed{},
		shares: map[placed]*Share{}, touched: map[placed]map[resources.Ref]bool{}, all: map[placed]int{}, names: map[placed]string{},
		gained: map[roles.RoleID]int{},
	}
}

// stands counts where each owner stands: what shares are compared with.
func (r *reaching) stands(c *declare.Configuration) func(*evaluate.World, *resources.Resource) {
	var where *evaluate.Whereabouts
	var in *evaluate.World
	return func(w *evaluate.World, owner *resources.Resource) {
		if w != in {
			where, in = evaluate.NewWhereabouts(c.Model, c.Programs, w), w
		}
		r.of++
		if at := where.Of(owner); !at.Nowhere && at.Period.Covers(r.day) {
			for _, p := range placesOf(at, r.day) {
				r.all[p]++
			}
		}
	}
}

// holders counts who of a part has which role, before or after.
func (r *reaching) holders(x evaluate.Part) {
	before := holders(x.Roles, nil)
	for p, n := range holders(x.Roles, x.Result.Roles) {
		r.all[p] += n
		r.gained[roles.RoleID(p.value)] += n - before[p]
	}
}

// roles are those of which there is a share.
func (r *reaching) roles() (list []roles.RoleID) {
	for p := range r.shares {
		if p.dimension == "" {
			list = append(list, roles.RoleID(p.value))
		}
	}
	return list
}

// add counts one order. before says by which roles items came so far.
func (r *reaching) add(a *orders.AssignedResource, world *evaluate.World, before map[itemKey][]roles.RoleID, where *evaluate.Whereabouts) {
	r.people[a.Owner] = true
	r.accounts++
	at, known := r.places[a.Owner]
	if owner, ok := world.Record(a.Owner.Type, a.Owner.Key); ok && !known {
		at = placesOf(where.Of(owner), r.day)
		r.places[a.Owner] = at
		for _, p := range at {
			r.name(p, world)
		}
	}
	by := map[placed]bool{}
	for _, p := range at {
		by[p] = true
	}
	for _, it := range a.Carried() {
		list := rolesIn(it.Policy.Reasons)
		if len(list) == 0 {
			list = before[itemKey{a.ID, it.ID}]
		}
		for _, role := range list {
			by[placed{value: string(role)}] = true
		}
	}
	for p := range by {
		share := r.shares[p]
		if share == nil {
			share = &Share{Dimension: string(p.dimension), Value: p.value, Orders: map[orders.Kind]int{}}
			r.shares[p], r.touched[p] = share, map[resources.Ref]bool{}
		}
		share.Accounts++
		share.Orders[a.Order.Kind]++
		r.touched[p][a.Owner] = true
	}
}

// placesOf lists where somebody is counted, each place once.
func placesOf(w evaluate.Where, day time.Time) (list []placed) {
	for _, place := range w.On(day) {
		for id, ref := range place.At {
			if p := (placed{id, string(ref.Key)}); !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return list
}

// sum sums up; nothing where there is no order.
func (r *reaching) sum() *Reach {
	if r.accounts == 0 {
		return nil
	}
	out := &Reach{People: len(r.people), Of: r.of, Accounts: r.accounts}
	for p, share := range r.shares {
		share.People = len(r.touched[p])
		// Somebody who leaves stands nowhere on the day, and is touched all the same.
		share.Of = max(r.all[p], share.People)
		share.Percent = (100*share.People + share.Of - 1) / share.Of
		if p.dimension == "" {
			share.Name = r.configuration.Model.Roles[roles.RoleID(p.value)].Name
			out.Roles = append(out.Roles, *share)
			continue
		}
		share.Name = r.names[p]
		out.Dimensions = append(out.Dimensions, *share)
	}
	sortShares(out.Dimensions)
	sortShares(out.Roles)
	return out
}

// holders counts who has each role before, after, or both.
func holders(had, has []assignments.AssignedRole) map[placed]int {
	type holding struct {
		role  roles.RoleID
		owner resources.Ref
	}
	seen := map[holding]bool{}
	n := map[placed]int{}
	for _, list := range [][]assignments.AssignedRole{had, has} {
		for _, a := range list {
			if at := (holding{a.Role, a.Owner}); a.Workflow.Expected() && !seen[at] {
				seen[at] = true
				n[placed{value: string(a.Role)}]++
			}
		}
	}
	return n
}

// name keeps what people call a place, where that is not its key.
func (r *reaching) name(p placed, world *evaluate.World) {
	if _, known := r.names[p]; known {
		return
	}
	r.names[p] = nameOf(world, r.configuration.Model.Dimensions[p.dimension].Entity, p.value)
}

func sortShares(list []Share) {
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(b.People, a.People), cmp.Compare(a.Value, b.Value))
	})
}

// A Pace is how long one connection would need for a plan's orders.
type Pace struct {
	Connector  schema.ConnectorID  `json:"connector"`
	Connection schema.ConnectionID `json:"connection"`
	Orders     int                 `json:"orders"`
	// Unsent are orders of resource types that are switched off or shadowed:
	// nobody carries them out, so they take no time.
	Unsent      int     `json:"unsent,omitempty"`
	Manual      bool    `json:"manual,omitempty"` // people carry them out, in their own time
	PerSecond   int     `json:"perSecond,omitempty"`
	Concurrency int     `json:"concurrency,omitempty"`
	Seconds     float64 `json:"seconds,omitempty"` // 0: no limit is declared, or people
}

// pacing counts a plan's orders by connection.
type pacing struct {
	model *roles.Model
	by    map[[2]string]*Pace
}

func (p *pacing) add(a *orders.AssignedResource) {
	h := a.Handling
	at := [2]string{string(h.Connector), string(h.Connection)}
	pace := p.by[at]
	if pace == nil {
		limits := p.model.Connectors[h.Connector].Connections[h.Connection].Limits
		pace = &Pace{
			Connector: h.Connector, Connection: h.Connection, Manual: h.Manual,
			PerSecond: limits.PerSecond, Concurrency: limits.Concurrency,
		}
		p.by[at] = pace
	}
	if how := p.model.ResourceTypes[a.Type].Provisioning; !how.Enabled || how.Shadow {
		pace.Unsent++
		return
	}
	pace.Orders++
}

// paces lists the connections, the slowest first, and how long the slowest needs:
// connections are drained side by side.
func (p *pacing) paces() (list []Pace, seconds float64) {
	for _, pace := range p.by {
		if pace.PerSecond > 0 && !pace.Manual {
			pace.Seconds = float64(pace.Orders) / float64(pace.PerSecond)
		}
		seconds = max(seconds, pace.Seconds)
		list = append(list, *pace)
	}
	slices.SortFunc(list, func(a, b Pace) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Connection, b.Connection))
	})
	return list, seconds
}

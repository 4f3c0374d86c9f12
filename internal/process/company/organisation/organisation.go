// Package organisation makes up an organisation of 1,000 to 1,000,000 people in
// the shape that the product is measured with: a department tree five levels
// deep with teams large and small, sites, managers, contractors, joiners, movers
// and leavers around a day; a catalog of roles with the rules that give about ten
// of them to each person; five target systems with ten computed values each and
// links that the roles grant. Lay writes all of it into a folder; People, Accounts
// and the functions beside them stream it to tests and benchmarks without files.
//
// It promises that the same options give the same bytes on every machine; that
// every pass streams, with memory that is bounded whatever the number of people,
// but for four bytes a team lead; and that accounts hold exactly what the rules of
// the configuration give on the day, because both are written from one table.
//
// It keeps nothing. A crash while laying leaves a folder without demo.json.
package organisation

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

// Limits, each with its reason.
const (
	PeopleMin = 1_000     // fewer do not fill a tree five levels deep
	PeopleMax = 1_000_000 // the largest the product is measured with
)

// Options name one organisation.
type Options struct {
	People int
	Seed   int64
	At     time.Time // the day from which the others are reckoned
	// Provisioned: the systems hold what the rules give on the day. Otherwise
	// they hold no accounts.
	Provisioned bool
	// Without is how many people at the end have no accounts all the same.
	Without int
}

// Check says what is wrong with the options, or nil.
func (o Options) Check() error {
	switch {
	case o.People < PeopleMin || o.People > PeopleMax:
		return fmt.Errorf("%d people: ask for %d to %d", o.People, PeopleMin, PeopleMax)
	case o.At.IsZero():
		return fmt.Errorf("no day is given from which first and last days are reckoned")
	case o.Without < 0 || o.Without > o.People:
		return fmt.Errorf("%d people without accounts: ask for 0 to %d", o.Without, o.People)
	case o.Without > 0 && !o.Provisioned:
		return fmt.Errorf("people without accounts are asked for, and nobody has any: ask for provisioned systems too")
	}
	return nil
}

// An Organisation is read-only and may be used by several goroutines at once.
type Organisation struct {
	options Options
	tree    []Department
	byCode  map[string]int // departments, by code
	sites   []Site
	teams   []int // places in the tree
	upTo    []int // the sum of the weights up to each team
	catalog catalog
	systems []System
}

// New makes the organisation that the options name.
func New(o Options) (*Organisation, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.At = o.At.UTC().Truncate(day)
	roles := rolesOf(o.People)
	g := &Organisation{options: o, sites: sitesOf(min(max(roles/20, 4), len(siteTable))), byCode: map[string]int{}}
	g.tree = treeOf(shapeOf(o.People, roles), rand.New(rand.NewPCG(uint64(o.Seed), 1)).IntN, len(g.sites)) // #nosec G115 G404 -- the same seed makes the same organisation
	sum := 0
	for i, d := range g.tree {
		g.byCode[d.Code] = i
		if d.Level == levels-1 {
			sum += d.weight
			g.teams, g.upTo = append(g.teams, i), append(g.upTo, sum)
		}
	}
	g.systems = systemTable()
	g.catalog = g.fillCatalog(roles)
	return g, nil
}

const day = 24 * time.Hour

// Options returns what the organisation was made from.
func (g *Organisation) Options() Options { return g.options }

// Departments returns the department tree, parents first.
func (g *Organisation) Departments() []Department { return slices.Clone(g.tree) }

// Sites returns the sites.
func (g *Organisation) Sites() []Site { return slices.Clone(g.sites) }

// A Person is one row of the personnel file.
type Person struct {
	ID                  string // E0000001, for life
	FirstName, LastName string
	Email, Login        string // unique, in lower case
	HiredOn             time.Time
	LeftOn              time.Time // the last day; zero when none is known
	MovedOn             time.Time // to the present department; zero for most
	Previous            string    // the department before
	Dept, Site, Manager string    // Manager is "" for the chief executive
	Title               string
	Grade               int // 1 to 10
	Contractor          bool

	number, dept, site int
}

// What the personnel file says of how people are employed.
const (
	employee   = "employee"
	contractor = "contractor"
)

// Employment is how the personnel file spells it.
func (p *Person) Employment() string {
	if p.Contractor {
		return contractor
	}
	return employee
}

// Present reports whether the person works here on the day.
func (p *Person) Present(on time.Time) bool {
	return !p.HiredOn.After(on) && (p.LeftOn.IsZero() || !p.LeftOn.Before(on))
}

// Of a thousand people who lead nobody; contractors besides.
const (
	contractors = 80
	leavers     = 30 // have left within a year
	joiners     = 30 // came within a month
	ahead       = 20 // will come within two months
	ending      = 20 // will leave within three months
	movers      = 30 // changed departments within two months
)

const (
	teamPeople  = 12 // led by one team lead
	leadsOfHead = 10 // team leads who answer to the head; later ones answer to a team lead
)

// pass is what one pass over the people remembers.
type pass struct {
	*Organisation
	rng   *rand.Rand
	names *namer
	leads map[int][]int32 // by team, the numbers of its leads
	size  map[int]int     // by team
}

// People yields everybody in the order of their numbers; a manager comes before
// whoever answers to him. The person is the caller's until the next one.
func (g *Organisation) People() iter.Seq[*Person] {
	return func(yield func(*Person) bool) {
		s := &pass{
			Organisation: g, rng: rand.New(rand.NewPCG(uint64(g.options.Seed), 2)), names: newNamer(g.options.Seed), // #nosec G115 G404 -- the same seed makes the same people
			leads: map[int][]int32{}, size: map[int]int{},
		}
		for number := 1; number <= g.options.People; number++ {
			p := &Person{number: number, ID: id(number)}
			s.place(p)
			s.names.name(s.rng, p)
			if !yield(p) {
				return
			}
		}
	}
}

func id(number int) string { return fmt.Sprintf("E%07d", number) }

// place gives department, rank, site and days. The first people lead the
// departments, one each, in the order of the tree.
func (s *pass) place(p *Person) {
	leads := true
	if p.number <= len(s.tree) {
		p.dept = p.number - 1
		d := s.tree[p.dept]
		p.Title, p.Grade = headTitles[d.Level], 10-d.Level
		if d.parent >= 0 {
			p.Manager = id(d.parent + 1)
		}
	} else {
		p.dept = s.team()
		leads = s.rank(p)
	}
	d := s.tree[p.dept]
	p.site = d.site
	if s.rng.IntN(100) < 12 {
		p.site = s.rng.IntN(len(s.sites))
	}
	p.Dept, p.Site = d.Code, s.sites[p.site].Code
	s.days(p, leads)
}

// team draws a team by its weight.
func (s *pass) team() int {
	drawn := s.rng.IntN(s.upTo[len(s.upTo)-1])
	return s.teams[sort.SearchInts(s.upTo, drawn+1)]
}

// rank gives title, grade and manager to a member of a team and reports whether
// he leads others.
func (s *pass) rank(p *Person) bool {
	titles := divisionTable[s.tree[p.dept].division].titles
	p.Title, p.Grade = titles[often(s.rng, len(titles))], 1+often(s.rng, 5)
	outside := s.rng.IntN(1000) < contractors
	head := id(p.dept + 1)
	leads := s.leads[p.dept]
	member := s.size[p.dept]
	s.size[p.dept]++
	if member%teamPeople == 0 {
		p.Title, p.Grade, p.Manager = titleLead, 5, head
		if k := len(leads); k >= leadsOfHead {
			p.Manager = id(int(leads[k/leadsOfHead-1]))
		}
		s.leads[p.dept] = append(leads, int32(p.number)) // #nosec G115 -- a person of a made-up organisation, which has less than 2^31
		return true
	}
	p.Manager, p.Contractor = id(int(leads[len(leads)-1])), outside
	return false
}

// days draws the first and the last day, and who changed departments.
func (s *pass) days(p *Person, leads bool) {
	after := func(days int) time.Time { return s.options.At.AddDate(0, 0, days) }
	phase, near := s.rng.IntN(1000), s.rng.IntN(1<<20)
	p.HiredOn = after(-400 - often(s.rng, 7_000))
	if p.Contractor {
		p.HiredOn = after(-61 - s.rng.IntN(700))
		p.LeftOn = after(1 + s.rng.IntN(365))
	}
	if leads {
		return
	}
	switch {
	case phase < leavers:
		p.LeftOn = after(-1 - near%365)
		if p.Contractor {
			p.HiredOn = p.LeftOn.AddDate(0, 0, -30-near%300)
		}
	case phase < leavers+joiners:
		p.HiredOn = after(-near % 31)
	case phase < leavers+joiners+ahead:
		p.HiredOn = after(1 + near%60)
		if p.Contractor {
			p.LeftOn = p.HiredOn.AddDate(0, 0, 30+near%300)
		}
	case phase < leavers+joiners+ahead+ending:
		p.LeftOn = after(near % 91)
	case phase < leavers+joiners+ahead+ending+movers:
		p.MovedOn, p.Previous = after(-near%60), s.tree[s.team()].Code
	}
}

// Package company makes up an organisation: people with first and last days,
// departments, sites and managers, as a human resources department would keep
// them. The demo lays it down as files; tests and benchmarks load it.
//
// It promises that the same options give the same bytes on every machine, that
// People streams in one pass with memory that hardly grows (a few bytes for
// every team lead), and that nothing hinges on a boundary: no day on which
// somebody comes or goes lies within QuietDays of the day of the company.
// Logins built from initial and surname clash for namesakes only, and namesakes
// stand next to each other, in the order of their first days.
//
// It keeps nothing, so a crash leaves at most the half of a file that it wrote.
package company

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// Limits, each with its reason.
const (
	PeopleMin = 10        // fewer than the chief executive and the first departments is no organisation
	PeopleMax = 1_000_000 // the largest the product is measured with; double surnames run out a little above
	QuietDays = 3         // around the day of the company: whether a boundary day counts must not matter
)

// Options name one organisation.
type Options struct {
	People int
	Seed   int64
	At     time.Time // the day from which the others are reckoned
}

// Check says what is wrong with the options, or nil.
func (o Options) Check() error {
	if o.People < PeopleMin || o.People > PeopleMax {
		return fmt.Errorf("company: %d people: ask for %d to %d", o.People, PeopleMin, PeopleMax)
	}
	if o.At.IsZero() {
		return fmt.Errorf("company: no day is given from which first and last days are reckoned")
	}
	return nil
}

// A Company is one organisation; it is read-only and may be used by several
// goroutines at once.
type Company struct {
	options Options
	day     time.Time
	names   *namer
}

// New makes the organisation that the options name.
func New(o Options) (*Company, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.At = Day(o.At)
	return &Company{options: o, day: o.At, names: newNamer(o.Seed)}, nil
}

// Options returns what the organisation was made from.
func (c *Company) Options() Options { return c.options }

// Day cuts an instant to its day in UTC.
func Day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// A Person is one row of the personnel file.
type Person struct {
	ID                  string // E00001, for life
	FirstName, LastName string
	Email               string // lower case, unique
	HiredOn             time.Time
	LeftOn              time.Time // the last day; zero when none is known
	Dept, Site          string
	Manager             string // "" for the chief executive
	Title               string
	// Namesake is the person before this one who shares initial and surname.
	Namesake string
}

// Name returns the first and the last name.
func (p Person) Name() string { return p.FirstName + " " + p.LastName }

// Left reports whether the person's last day is past on the given day.
func (p Person) Left(day time.Time) bool { return !p.LeftOn.IsZero() && p.LeftOn.Before(day) }

// Present reports whether the person works here on the given day.
func (p Person) Present(day time.Time) bool { return !p.HiredOn.After(day) && !p.Left(day) }

// phase is where a person stands in the life of an employee.
type phase uint8

const (
	steady phase = iota
	leaver       // has left
	joiner       // came in the past month
	ahead        // will come
	ending       // is here, with a last day ahead
	phases
)

// perHundred is how many of a hundred people are in each phase; the rest is steady.
var perHundred = [phases]int{leaver: 3, joiner: 3, ahead: 2, ending: 2}

// stream is what one pass over the people remembers.
type stream struct {
	*Company
	rng    *rand.Rand
	block  [100]phase
	owed   [phases]int // phases that fell on people who have to be steady
	staff  map[string]*staff
	stems  int // combinations of initial and surname given out
	last   Person
	trail  int // how many namesakes stand before the present person
	firsts []string
}

// staff is what a department remembers: who leads it.
type staff struct {
	head    string
	members int
	leads   []int32 // people's numbers
}

const (
	teamPeople  = 12 // led by one team lead
	leadsOfHead = 10 // team leads who answer to the head; later ones answer to a team lead
)

// People yields everybody in the order of their numbers; a manager comes before
// whoever answers to him.
func (c *Company) People() iter.Seq[Person] {
	return func(yield func(Person) bool) {
		s := &stream{Company: c, rng: rand.New(rand.NewPCG(uint64(c.options.Seed), 1)), staff: map[string]*staff{}} // #nosec G115 G404 -- the same seed makes the same people
		for _, d := range departments {
			s.staff[d.Code] = &staff{}
		}
		for number := 1; number <= c.options.People; number++ {
			if !yield(s.next(number)) {
				return
			}
		}
	}
}

func (s *stream) next(number int) Person {
	place := (number - 1) % len(s.block)
	if place == 0 {
		s.deal()
	}
	follows := namesakeAt[place]
	if follows {
		s.trail++
	} else {
		s.trail = 0
	}
	p := Person{ID: id(number)}
	if follows {
		p.Namesake = s.last.ID
	}
	p.Dept = s.department(number, follows, place)
	p.Site = s.site(number)
	leads := s.rank(number, &p)
	s.name(&p, follows, place)
	fixed := leads || follows || namesakeFirst(place)
	s.days(&p, s.phase(s.block[place], fixed), follows)
	s.last = p
	return p
}

func id(number int) string { return fmt.Sprintf("E%05d", number) }

// deal hands the phases of the next hundred people out.
func (s *stream) deal() {
	s.block = [100]phase{}
	order := s.rng.Perm(len(s.block))
	for ph, n := range perHundred {
		for range n {
			s.block[order[0]] = phase(ph)
			order = order[1:]
		}
	}
}

// phase gives a person the phase that was dealt or, when it fell on somebody who
// has to be steady, keeps it for the next person who need not be.
func (s *stream) phase(dealt phase, fixed bool) phase {
	switch {
	case fixed:
		s.owed[dealt]++
		return steady
	case dealt == steady:
		for ph := leaver; ph < phases; ph++ {
			if s.owed[ph] > 0 {
				s.owed[ph]--
				return ph
			}
		}
	}
	return dealt
}

// department fills every department once, in the order of the list, then by weight.
func (s *stream) department(number int, follows bool, place int) string {
	drawn := s.rng.IntN(departmentWeight)
	switch {
	case follows:
		return s.last.Dept
	case number <= len(departments):
		return departments[number-1].Code
	case namesakeFirst(place):
		return frontOffice[drawn%len(frontOffice)]
	}
	for _, d := range departments {
		if drawn -= d.weight; drawn < 0 {
			return d.Code
		}
	}
	return departments[0].Code
}

func (s *stream) site(number int) string {
	drawn := s.rng.IntN(siteWeight)
	if number == 1 {
		return sites[0].Code
	}
	for _, site := range sites {
		if drawn -= site.weight; drawn < 0 {
			return site.Code
		}
	}
	return sites[0].Code
}

// rank gives title and manager and reports whether the person leads others.
func (s *stream) rank(number int, p *Person) bool {
	titles := titlesOf(p.Dept)
	p.Title = titles[s.rng.IntN(len(titles))]
	d := s.staff[p.Dept]
	member := d.members
	d.members++
	switch {
	case p.Dept == External:
		p.Manager = s.headOver(externalHost)
		return false
	case member == 0:
		p.Title, p.Manager = TitleHead, s.headOver(parentOf(p.Dept))
		if number == 1 {
			p.Title = titleChief
		}
		d.head = p.ID
		return true
	case member%teamPeople == 1:
		p.Title, p.Manager = TitleLead, d.head
		if k := len(d.leads); k >= leadsOfHead {
			p.Manager = id(int(d.leads[k/leadsOfHead-1]))
		}
		d.leads = append(d.leads, int32(number)) // #nosec G115 -- a person of a made-up company, which has less than 2^31
		return true
	}
	p.Manager = id(int(d.leads[len(d.leads)-1]))
	return false
}

// headOver returns the head of the department or of the nearest one above that has one.
func (s *stream) headOver(code string) string {
	for ; code != ""; code = parentOf(code) {
		if head := s.staff[code].head; head != "" {
			return head
		}
	}
	return ""
}

// days draws the first and the last day.
func (s *stream) days(p *Person, ph phase, follows bool) {
	years := s.rng.IntN(2_800) // of service, in days
	near := s.rng.IntN(1 << 20)
	between := func(low, high int) int { return low + near%(high-low+1) }
	after := func(days int) time.Time { return s.day.AddDate(0, 0, days) }
	p.HiredOn = after(-1_200 - years)
	switch ph {
	case leaver:
		p.LeftOn = after(-between(10, 200))
	case joiner:
		p.HiredOn = after(-between(QuietDays+2, 29))
	case ahead:
		p.HiredOn = after(between(10, 60))
	case ending:
		p.LeftOn = after(between(10, 90))
	}
	if follows { // after the namesake, and still long ago
		p.HiredOn = s.last.HiredOn.AddDate(0, 0, between(30, 200))
	}
}

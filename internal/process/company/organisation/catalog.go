package organisation

import (
	"fmt"
	"math"
	"strings"
)

// A Category is where roles are filed.
type Category struct{ ID, Name, Parent string }

// A Role is a single role: it grants one link in one system to whoever one of
// its rules lets in. The link leads to the group that bears the role's identifier.
type Role struct {
	ID, Name, Category string
	System             int // place among Systems
	Rules              []Rule
}

// A Composite is a composite role; single roles name it in their rules.
type Composite struct {
	ID, Name, Category string
	Rules              []Rule
}

// A Rule lets in whoever fulfils all that it says; a zero field says nothing.
type Rule struct {
	Department string // and below
	Site       string
	Title      string
	GradeFrom  int
	Employment string
	Composite  string
}

// catalog is the roles with the ways to find them.
type catalog struct {
	categories []Category
	roles      []Role
	composites []Composite
	byDept     [][]found // by place in the tree: what it and the departments above give
	bySite     [][]found
	bundle     [][]int // by composite role, the single roles
}

// found is a rule that gives a role, or a composite role, when the rest of it holds.
type found struct {
	rule      Rule
	role      int
	composite bool
}

// rolesOf is how many single roles so many people have: a thousand for a million,
// and fewer per person the more there are.
func rolesOf(people int) int {
	n := int(math.Round(1000 * math.Pow(float64(people)/PeopleMax, 0.4)))
	return min(max(n, 20), 1000)
}

// The places of the systems in the table.
const (
	directory = iota
	mail
	ledger
	workplace
	premises
)

// fillCatalog makes the roles: everybody's, by grade, by department, by site, by title
// and, with what is left, profiles: composite roles that bundle two single roles
// each for one title in one area.
func (g *Organisation) fillCatalog(roles int) catalog {
	c := catalog{categories: []Category{
		{ID: "everybody", Name: "Everybody"}, {ID: "grades", Name: "Grades"}, {ID: "sites", Name: "Sites"},
		{ID: "departments", Name: "Departments"}, {ID: "titles", Name: "Job titles"}, {ID: "profiles", Name: "Profiles"},
	}}
	single := func(id, name, category string, system int, rules ...Rule) {
		c.roles = append(c.roles, Role{strings.ToLower(id), name, category, system, rules})
	}
	single("staff", "Known in the directory", "everybody", directory, Rule{Department: Root})
	single("town-hall", "Town hall", "everybody", workplace, Rule{Department: Root})
	single("self-service", "Expenses and time sheets", "everybody", ledger, Rule{Department: Root, Employment: employee})
	single("externals", "News for contractors", "everybody", mail, Rule{Department: Root, Employment: contractor})
	single("card-holder", "Company card", "grades", ledger, Rule{Department: Root, GradeFrom: 4, Employment: employee})
	single("approver", "Approve expenses", "grades", ledger, Rule{Department: Root, GradeFrom: 5})
	single("leadership", "News for those who lead", "grades", mail, Rule{Department: Root, GradeFrom: 6})
	single("garage", "Reserved garage", "grades", premises, Rule{Department: Root, GradeFrom: 8})
	for _, s := range g.sites {
		single("site-"+s.Code, "Doors of "+s.City, "sites", premises, Rule{Site: s.Code})
		single("news-"+s.Code, "News from "+s.City, "sites", mail, Rule{Site: s.Code})
	}
	kinds := [levels]int{0, mail, workplace, directory}
	for _, d := range g.tree {
		if d.Level == 0 || d.Level == levels-1 {
			continue
		}
		category := "departments"
		if d.Level == 1 {
			c.categories = append(c.categories, Category{"departments-" + strings.ToLower(d.Code), d.Name, "departments"})
		}
		category += "-" + strings.ToLower(divisionTable[d.division].code)
		single("dept-"+d.Code, d.Name, category, kinds[d.Level], Rule{Department: d.Code})
	}
	for _, d := range g.tree {
		if d.Level != 1 {
			continue
		}
		for i, title := range divisionTable[d.division].titles {
			single(fmt.Sprintf("title-%s-%d", d.Code, i+1), title, "titles", []int{ledger, directory}[i%2], Rule{Department: d.Code, Title: title})
		}
	}
	g.profiles(&c, (roles-len(c.roles)+1)/2, single)
	g.index(&c)
	return c
}

// profiles adds so many composite roles, each title's turn in one area after the other.
func (g *Organisation) profiles(c *catalog, count int, single func(id, name, category string, system int, rules ...Rule)) {
	for turn := range 4 {
		for _, d := range g.tree {
			if d.Level != 2 {
				continue
			}
			if count--; count < 0 {
				return
			}
			title := divisionTable[d.division].titles[turn]
			id := strings.ToLower(fmt.Sprintf("profile-%s-%d", d.Code, turn+1))
			c.composites = append(c.composites, Composite{id, title + ", " + d.Name, "profiles", []Rule{{Department: d.Code, Title: title}}})
			single(id+"-post", title+", "+d.Name+": postings", "profiles", ledger, Rule{Composite: id})
			single(id+"-files", title+", "+d.Name+": files", "profiles", directory, Rule{Composite: id})
		}
	}
}

// index sorts the rules by what finds them quickest.
func (g *Organisation) index(c *catalog) {
	own := make([][]found, len(g.tree))
	c.bySite = make([][]found, len(g.sites))
	sites, composites := map[string]int{}, map[string]int{}
	for i, s := range g.sites {
		sites[s.Code] = i
	}
	add := func(f found) {
		if f.rule.Department != "" {
			at := g.byCode[f.rule.Department]
			own[at] = append(own[at], f)
			return
		}
		at := sites[f.rule.Site]
		c.bySite[at] = append(c.bySite[at], f)
	}
	for i, r := range c.composites {
		composites[r.ID] = i
		for _, rule := range r.Rules {
			add(found{rule, i, true})
		}
	}
	c.bundle = make([][]int, len(c.composites))
	for i, r := range c.roles {
		for _, rule := range r.Rules {
			if rule.Composite != "" {
				c.bundle[composites[rule.Composite]] = append(c.bundle[composites[rule.Composite]], i)
				continue
			}
			add(found{rule, i, false})
		}
	}
	c.byDept = make([][]found, len(g.tree))
	for i, d := range g.tree { // parents stand before children
		if d.parent >= 0 {
			c.byDept[i] = append(c.byDept[i], c.byDept[d.parent]...)
		}
		c.byDept[i] = append(c.byDept[i], own[i]...)
	}
}

// holds asks what the index has not answered.
func (r Rule) holds(g *Organisation, p *Person) bool {
	return (r.Site == "" || r.Site == g.sites[p.site].Code) && (r.Title == "" || r.Title == p.Title) &&
		p.Grade >= r.GradeFrom && (r.Employment == "" || r.Employment == p.Employment())
}

// RolesOf appends the places of a person's single roles among Roles. It does not
// ask whether the person is present.
func (g *Organisation) RolesOf(p *Person, to []int) []int {
	for _, list := range [2][]found{g.catalog.byDept[p.dept], g.catalog.bySite[p.site]} {
		for _, f := range list {
			switch {
			case !f.rule.holds(g, p):
			case f.composite:
				to = append(to, g.catalog.bundle[f.role]...)
			default:
				to = append(to, f.role)
			}
		}
	}
	return to
}

// Roles returns the single roles.
func (g *Organisation) Roles() []Role { return g.catalog.roles }

// Composites returns the composite roles.
func (g *Organisation) Composites() []Composite { return g.catalog.composites }

package organisation

import "fmt"

// A Site is a place where people work.
type Site struct {
	Code, City, Country, Language, TimeZone, Address string
}

// siteTable lists the cities in the order in which a growing organisation opens
// them: code, city, country, language, time zone, address.
var siteTable = [][6]string{
	{"LIS", "Lisboa", "PT", "pt", "Europe/Lisbon", "Rua da Conceição 21"},
	{"BER", "Berlin", "DE", "de", "Europe/Berlin", "Köpenicker Straße 9"},
	{"PAR", "Paris", "FR", "fr", "Europe/Paris", "Rue des Étangs 4"},
	{"WAW", "Warszawa", "PL", "pl", "Europe/Warsaw", "ul. Świętokrzyska 18"},
	{"LON", "London", "GB", "en", "Europe/London", "14 Canal Row"},
	{"MAD", "Madrid", "ES", "es", "Europe/Madrid", "Calle del Peñón 33"},
	{"OSL", "Oslo", "NO", "nb", "Europe/Oslo", "Bjørnsons gate 2"},
	{"ZRH", "Zürich", "CH", "de", "Europe/Zurich", "Mühlegasse 11"},
	{"NYC", "New York", "US", "en", "America/New_York", "210 Harbor Street"},
	{"GRU", "São Paulo", "BR", "pt", "America/Sao_Paulo", "Avenida Araçá 900"},
	{"PRG", "Praha", "CZ", "cs", "Europe/Prague", "Říční 7"},
	{"IST", "İzmir", "TR", "tr", "Europe/Istanbul", "Gül Sokağı 5"},
	{"CPH", "København", "DK", "da", "Europe/Copenhagen", "Sønder Boulevard 40"},
	{"STO", "Stockholm", "SE", "sv", "Europe/Stockholm", "Ångbåtsvägen 3"},
	{"AMS", "Amsterdam", "NL", "nl", "Europe/Amsterdam", "Prinseneiland 12"},
	{"ROM", "Roma", "IT", "it", "Europe/Rome", "Via dei Cedri 8"},
	{"VIE", "Wien", "AT", "de", "Europe/Vienna", "Grünangergasse 6"},
	{"DUB", "Dublin", "IE", "en", "Europe/Dublin", "2 Mill Lane"},
	{"MEX", "Ciudad de México", "MX", "es", "America/Mexico_City", "Calle Río Nilo 77"},
	{"YUL", "Montréal", "CA", "fr", "America/Toronto", "Rue de l'Érablière 15"},
	{"HEL", "Helsinki", "FI", "fi", "Europe/Helsinki", "Mäntytie 19"},
	{"BUD", "Budapest", "HU", "hu", "Europe/Budapest", "Tölgyfa utca 24"},
	{"OPO", "Porto", "PT", "pt", "Europe/Lisbon", "Rua do Almada 55"},
	{"MUC", "München", "DE", "de", "Europe/Berlin", "Floßlände 1"},
	{"LYS", "Lyon", "FR", "fr", "Europe/Paris", "Quai Saint-Étienne 30"},
	{"KRK", "Kraków", "PL", "pl", "Europe/Warsaw", "ul. Józefa 10"},
	{"MAN", "Manchester", "GB", "en", "Europe/London", "88 Weaver Street"},
	{"BCN", "Barcelona", "ES", "ca", "Europe/Madrid", "Carrer de l'Àncora 16"},
	{"BRU", "Brussel", "BE", "nl", "Europe/Brussels", "Zennestraat 27"},
	{"MIL", "Milano", "IT", "it", "Europe/Rome", "Via del Cantù 13"},
	{"ATH", "Athina", "GR", "el", "Europe/Athens", "Odos Ermou 61"},
	{"CHI", "Chicago", "US", "en", "America/Chicago", "500 Lake Drive"},
	{"SFO", "San Francisco", "US", "en", "America/Los_Angeles", "73 Pier Road"},
	{"BOG", "Bogotá", "CO", "es", "America/Bogota", "Carrera 9 número 80"},
	{"SCL", "Santiago", "CL", "es", "America/Santiago", "Avenida Ñuñoa 1200"},
	{"SIN", "Singapore", "SG", "en", "Asia/Singapore", "9 Quay Walk"},
	{"SGN", "Đà Nẵng", "VN", "vi", "Asia/Ho_Chi_Minh", "Bạch Đằng 35"},
	{"NBO", "Nairobi", "KE", "en", "Africa/Nairobi", "Acacia Road 41"},
	{"CMN", "Casablanca", "MA", "fr", "Africa/Casablanca", "Rue du Phare 3"},
	{"SYD", "Sydney", "AU", "en", "Australia/Sydney", "6 Ferry Wharf"},
}

func sitesOf(n int) []Site {
	sites := make([]Site, n)
	for i := range sites {
		s := siteTable[i]
		sites[i] = Site{Code: s[0], City: s[1], Country: s[2], Language: s[3], TimeZone: s[4], Address: s[5]}
	}
	return sites
}

// A division is the first level below the whole, with what its people do.
type division struct {
	code, name string
	titles     []string
}

var divisionTable = []division{
	{"SAL", "Sales", []string{"Account executive", "Sales representative", "Sales assistant", "Solution consultant"}},
	{"OPS", "Operations", []string{"Dispatcher", "Quality inspector", "Operations planner", "Warehouse operator"}},
	{"INF", "Information Technology", []string{"Developer", "System administrator", "Data engineer", "Support technician"}},
	{"FIN", "Finance", []string{"Accountant", "Controller", "Payments clerk", "Tax specialist"}},
	{"CUS", "Customer Service", []string{"Service agent", "Service specialist", "Trainer", "Complaints officer"}},
	{"MAN", "Manufacturing", []string{"Machinist", "Maintenance engineer", "Process engineer", "Shift planner"}},
	{"RES", "Research", []string{"Scientist", "Laboratory technician", "Product designer", "Test engineer"}},
	{"HUM", "Human Resources", []string{"Recruiter", "Payroll officer", "Personnel officer", "Learning designer"}},
	{"MKT", "Marketing", []string{"Campaign planner", "Content editor", "Designer", "Market analyst"}},
	{"PUR", "Procurement", []string{"Buyer", "Contract officer", "Supplier analyst", "Goods receiver"}},
	{"LEG", "Legal and Compliance", []string{"Legal counsel", "Compliance officer", "Paralegal", "Privacy officer"}},
	{"FAC", "Facilities", []string{"Caretaker", "Receptionist", "Space planner", "Safety officer"}},
}

// The words of the levels below: an area is a region, a department a function.
var (
	regions   = []string{"North", "South", "West", "East", "Centre", "Iberia", "Nordics", "Americas", "Asia", "Africa", "Islands", "Overseas"}
	functions = []string{"Planning", "Delivery", "Quality", "Projects", "Partners", "Analysis", "Support", "Methods", "Training", "Reserve"}
)

// What people are called who lead, by the level of what they lead.
var headTitles = [levels]string{"Chief executive", "Head of division", "Head of area", "Head of department", "Head of team"}

const titleLead = "Team lead"

// A Department is one node of the tree, parents before children.
type Department struct {
	Code, Name, Parent string
	CostCenter         string
	Level              int // 0 is the whole, 4 a team
	parent             int
	division           int // place in divisionTable; -1 for the whole
	site               int // where most of a team's people work
	weight             int // of a team: its share of the people
}

// levels of the tree: the whole, divisions, areas, departments, teams.
const levels = 5

// Root is the code of the whole.
const Root = "NORTHGATE"

// shape says how wide the tree is.
type shape struct{ divisions, areas, functions, teams int }

// shapeOf makes a tree whose upper levels have about half as many nodes as there
// are roles, so that each may have a role of its own.
func shapeOf(people, roles int) shape {
	s := shape{divisions: min(max(3+roles/80, 4), len(divisionTable)), areas: 1, functions: 1}
	fits := func(a, f int) bool {
		return s.divisions*(1+a+a*f) <= roles*52/100 && a <= len(regions) && f <= len(functions)
	}
	for {
		switch {
		case s.areas <= s.functions && fits(s.areas+1, s.functions):
			s.areas++
		case fits(s.areas, s.functions+1):
			s.functions++
		default:
			departments := s.divisions * s.areas * s.functions
			s.teams = max(2*departments, min(people/teamPeopleMean, teamsMax))
			return s
		}
	}
}

const (
	teamPeopleMean = 100   // people in a team of a large organisation
	teamsMax       = 5_000 // more would let the memory of a pass grow with the people
)

// treeOf builds the tree: its nodes level by level, parents first.
func treeOf(s shape, draw func(int) int, sites int) []Department {
	tree := []Department{{Code: Root, Name: "Northgate", CostCenter: "10000", parent: -1, division: -1}}
	add := func(parent int, code, name string, div int) {
		p := tree[parent]
		tree = append(tree, Department{
			Code: code, Name: name, Parent: p.Code, Level: p.Level + 1, parent: parent, division: div,
			CostCenter: fmt.Sprint(10_000 + len(tree)), site: draw(draw(sites) + 1),
		})
	}
	for d := range s.divisions {
		add(0, divisionTable[d].code, divisionTable[d].name, d)
	}
	areas := len(tree)
	for p := 1; p < areas; p++ {
		for a := range s.areas {
			add(p, fmt.Sprintf("%s-%02d", tree[p].Code, a+1), tree[p].Name+" "+regions[a], tree[p].division)
		}
	}
	departments := len(tree)
	for p := areas; p < departments; p++ {
		for f := range s.functions {
			add(p, fmt.Sprintf("%s-%02d", tree[p].Code, f+1), tree[p].Name+" "+functions[f], tree[p].division)
		}
	}
	first, end := departments, len(tree)
	sizes := make([]int, s.teams) // in the order of the ranks, dealt out to teams by chance
	for rank := range sizes {
		sizes[rank] = 1_000_000 / (rank + 5 + s.teams/20)
	}
	for i := range sizes {
		j := i + draw(len(sizes)-i)
		sizes[i], sizes[j] = sizes[j], sizes[i]
	}
	children := make([]int, end)
	for i := range s.teams {
		p := first + i%(end-first)
		if i >= 2*(end-first) { // every department has two teams; the others have grown unevenly
			p = first + draw(draw(end-first)+1)
		}
		children[p]++
		add(p, fmt.Sprintf("%s-%02d", tree[p].Code, children[p]), fmt.Sprintf("%s %d", tree[p].Name, children[p]), tree[p].division)
		tree[len(tree)-1].weight = sizes[i]
	}
	return tree
}

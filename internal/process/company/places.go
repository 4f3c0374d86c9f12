package company

// A Department is one row of the department file.
type Department struct {
	Code, Name, Parent string
	weight             int // of a hundred people beyond the first of each department
}

// A Site is one row of the site file.
type Site struct {
	Code, City string
	weight     int
}

// What rules and files refer to.
const (
	Root     = "ORG"
	External = "EXT" // people who work here and are employed elsewhere

	TitleHead  = "Head of department"
	TitleLead  = "Team lead"
	titleChief = "Chief executive"

	externalHost = "OPS" // whose head answers for external people
)

// departments lists parents before children: a department's first member is its
// head, and a head answers to the head above.
var departments = []Department{
	{Root, "Larkfield", "", 1},
	{"SAL", "Sales", Root, 3},
	{"MKT", "Marketing", Root, 3},
	{"CUS", "Customer Service", Root, 3},
	{"FIN", "Finance", Root, 2},
	{"OPS", "Operations", Root, 8},
	{"INF", "Information Technology", Root, 9},
	{"HUM", "Human Resources", Root, 4},
	{"SAL-EUR", "Sales Europe", "SAL", 9},
	{"SAL-AME", "Sales Americas", "SAL", 6},
	{"SAL-APA", "Sales Asia and Pacific", "SAL", 5},
	{"MKT-DIG", "Digital Marketing", "MKT", 4},
	{"MKT-EVT", "Events", "MKT", 3},
	{"CUS-SUP", "Customer Support", "CUS", 8},
	{"CUS-ONB", "Customer Onboarding", "CUS", 4},
	{"FIN-ACC", "Accounting", "FIN", 4},
	{"FIN-CTL", "Controlling", "FIN", 3},
	{"OPS-LOG", "Logistics", "OPS", 15},
	{External, "External Staff", Root, 6},
}

// frontOffice are the departments in which namesakes work: people who get
// accounts with logins built from their names.
var frontOffice = []string{"SAL-EUR", "CUS-SUP", "SAL-AME", "MKT-DIG", "CUS-ONB"}

var sites = []Site{
	{"BER", "Berlin", 40}, {"PAR", "Paris", 20}, {"WAW", "Warsaw", 15}, {"LIS", "Lisbon", 15}, {"OSL", "Oslo", 10},
}

var departmentWeight, siteWeight = weights()

func weights() (dept, site int) {
	for _, d := range departments {
		dept += d.weight
	}
	for _, s := range sites {
		site += s.weight
	}
	return dept, site
}

// titles are what people do, by the first three letters of the department.
var titles = map[string][]string{
	Root:     {"Assistant", "Legal counsel", "Communications officer"},
	"SAL":    {"Account executive", "Sales representative", "Sales assistant", "Solution consultant"},
	"MKT":    {"Campaign planner", "Content editor", "Designer", "Market analyst"},
	"CUS":    {"Service agent", "Service agent", "Service specialist", "Trainer"},
	"FIN":    {"Accountant", "Controller", "Payments clerk", "Tax specialist"},
	"OPS":    {"Warehouse operator", "Dispatcher", "Quality inspector", "Planner"},
	"INF":    {"Developer", "System administrator", "Data engineer", "Support technician"},
	"HUM":    {"Recruiter", "Payroll officer", "Personnel officer"},
	External: {"Consultant", "Contractor"},
}

func titlesOf(dept string) []string { return titles[dept[:3]] }

func parentOf(code string) string {
	for _, d := range departments {
		if d.Code == code {
			return d.Parent
		}
	}
	return ""
}

// Departments returns the department tree, parents first.
func (c *Company) Departments() []Department { return append([]Department(nil), departments...) }

// Sites returns the sites, the main one first.
func (c *Company) Sites() []Site { return append([]Site(nil), sites...) }

package demo

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"provisor.dev/provisor/internal/process/company"
)

// The rules of laid/README.md, once more and by hand. They are written against
// the prose and share nothing with the configuration or its evaluation, so that
// what they say of a system is a second opinion.

const (
	mainSite  = "BER"
	finance   = "FIN"
	poster    = "FIN-ACC"
	service   = "svc-" // how logins of service accounts begin
	rightRead = "read"
	rightPost = "post"
)

// The statuses of a badge.
const (
	BadgeActive  = "active"
	BadgeBlocked = "blocked"
)

// A team of the CRM and whom it is for.
type team struct {
	code, name string
	department string // "": not by department
	below      bool   // departments below, too
	site       string // "": not by site
	leads      bool   // heads of department and team leads only
}

var teams = []team{
	{code: "sales", name: "Sales", department: "SAL", below: true},
	{code: "marketing", name: "Marketing", department: "MKT", below: true},
	{code: "service", name: "Customer service", department: "CUS", below: true},
	{code: "sales-europe", name: "Sales Europe", department: "SAL-EUR"},
	{code: "sales-americas", name: "Sales Americas", department: "SAL-AME"},
	{code: "sales-asia", name: "Sales Asia and Pacific", department: "SAL-APA"},
	{code: "campaigns", name: "Campaigns", department: "MKT-DIG"},
	{code: "events", name: "Events", department: "MKT-EVT"},
	{code: "support", name: "Support", department: "CUS-SUP"},
	{code: "onboarding", name: "Onboarding", department: "CUS-ONB"},
	{code: "site-ber", name: "Berlin", site: "BER"},
	{code: "site-par", name: "Paris", site: "PAR"},
	{code: "site-waw", name: "Warsaw", site: "WAW"},
	{code: "site-lis", name: "Lisbon", site: "LIS"},
	{code: "site-osl", name: "Oslo", site: "OSL"},
	{code: "leads", name: "Leads", leads: true},
	{code: "reports", name: "Reports", leads: true},
}

// parents leads from a department to the one above.
type parents map[string]string

// within reports whether the department is the other or below it. It goes up no
// more often than there are departments: a ring in the file ends.
func (up parents) within(department, other string) bool {
	for range len(up) + 1 {
		if department == other {
			return true
		}
		department = up[department]
	}
	return false
}

func (up parents) hasCRM(department string) bool {
	return up.within(department, "SAL") || up.within(department, "MKT") || up.within(department, "CUS")
}

func (up parents) hasLedger(department string) bool { return up.within(department, finance) }

// teamsOf lists the teams of somebody who is present and has an account.
func (up parents) teamsOf(department, site, title string) []string {
	var codes []string
	for _, t := range teams {
		fits := t.department == "" || t.department == department || t.below && up.within(department, t.department)
		fits = fits && (t.site == "" || t.site == site)
		fits = fits && (!t.leads || title == company.TitleLead || title == company.TitleHead)
		if fits {
			codes = append(codes, t.code)
		}
	}
	slices.Sort(codes)
	return codes
}

func rightsOf(department string) []string {
	if department == poster {
		return []string{rightPost, rightRead}
	}
	return []string{rightRead}
}

// plain takes accents off and turns to lower case.
func plain(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

// login returns the first candidate that is not taken.
func login(first, last string, taken func(string) bool) string {
	first, last = plain(first), plain(last)
	short, long := first[:1]+last, first+"."+last
	switch {
	case !taken(short):
		return short
	case !taken(long):
		return long
	}
	for n := 2; ; n++ {
		if numbered := long + strconv.Itoa(n); !taken(numbered) {
			return numbered
		}
	}
}

// standing is where somebody is on the day: not here yet, here, or gone.
type standing uint8

const (
	notYet standing = iota
	present
	left
)

func standingOn(day, hired, leftOn time.Time) standing {
	switch {
	case hired.After(day):
		return notYet
	case !leftOn.IsZero() && leftOn.Before(day):
		return left
	}
	return present
}

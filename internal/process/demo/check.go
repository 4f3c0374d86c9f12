package demo

import (
	"cmp"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/internal/process/company"
)

// An Account is one account of the CRM or the ledger as it should be or as it is.
type Account struct {
	Login      string
	Email      string
	Name       string
	Department string   // of the CRM only
	Active     string   // "1" or "0", as the table has it
	Teams      []string // of the CRM; in the ledger, rights
	orphan     bool     // there are links of this login and no account
}

// CRM holds the accounts of the CRM by login.
type CRM struct{ Accounts map[string]Account }

// A Difference is one thing that a system holds otherwise than the rules say.
type Difference struct {
	Subject  string `json:"subject"` // the login or the employee
	What     string `json:"what"`    // the column, or "account", "team X", "right X", "badge"
	Expected string `json:"expected"`
	Found    string `json:"found"`
}

// String says it in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s, %s: expected %q, found %q", d.Subject, d.What, d.Expected, d.Found)
}

// A Waiver names what people decided otherwise than the rules: declined, kept or
// failed for good. What it names is not compared.
type Waiver struct {
	Employee string
	What     string // the column, as in Difference; "" for all of the person's account or badge
}

func waived(waivers []Waiver, employee, what string) bool {
	return slices.ContainsFunc(waivers, func(w Waiver) bool {
		return w.Employee == employee && (w.What == "" || w.What == what)
	})
}

// staffFile is what the personnel files say, read by this package alone.
type staffFile struct {
	day    time.Time
	up     parents
	people []employee // in the order in which logins are taken
}

type employee struct {
	id, first, last, email, department, site, title string
	hired                                           string // a day spelled so that text sorts as time
	standing                                        standing
}

func (e employee) name() string { return e.first + " " + e.last }

func (e employee) active() string {
	if e.standing == present {
		return "1"
	}
	return "0"
}

func readStaff(dir string) (*staffFile, error) {
	o, err := Settings(dir)
	if err != nil {
		return nil, err
	}
	s := &staffFile{day: o.At, up: parents{}}
	departments, err := readTable(filepath.Join(dir, SourceFolder, company.DepartmentsFile), "code", "parent_code")
	if err != nil {
		return nil, err
	}
	for _, row := range departments {
		s.up[row[0]] = row[1]
	}
	path := filepath.Join(dir, SourceFolder, company.EmployeesFile)
	rows, err := readTable(path, "employee_id", "first_name", "last_name", "email", "dept", "site", "title", "hired_on", "left_on")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		e := employee{id: r[0], first: r[1], last: r[2], email: r[3], department: r[4], site: r[5], title: r[6], hired: r[7]}
		hired, err := time.Parse(time.DateOnly, r[7])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: hired_on: %w", path, e.id, err)
		}
		var leftOn time.Time
		if r[8] != "" {
			if leftOn, err = time.Parse(time.DateOnly, r[8]); err != nil {
				return nil, fmt.Errorf("%s: %s: left_on: %w", path, e.id, err)
			}
		}
		e.standing = standingOn(s.day, hired, leftOn)
		s.people = append(s.people, e)
	}
	slices.SortFunc(s.people, func(a, b employee) int { return cmp.Or(cmp.Compare(a.hired, b.hired), cmp.Compare(a.id, b.id)) })
	return s, nil
}

// Expect works out what the CRM should hold in the end, from the personnel files,
// the date and the rules in prose.
func Expect(dir string) (CRM, error) {
	s, err := readStaff(dir)
	if err != nil {
		return CRM{}, fmt.Errorf("work out what the CRM should hold: %w", err)
	}
	return s.crm(), nil
}

func (s *staffFile) crm() CRM {
	out := CRM{Accounts: map[string]Account{}}
	for _, e := range s.people {
		if e.standing == notYet || !s.up.hasCRM(e.department) {
			continue
		}
		a := Account{Email: e.email, Name: e.name(), Department: e.department, Active: e.active()}
		a.Login = login(e.first, e.last, func(l string) bool { _, taken := out.Accounts[l]; return taken })
		if e.standing == present {
			a.Teams = s.up.teamsOf(e.department, e.site, e.title)
		}
		out.Accounts[a.Login] = a
	}
	return out
}

// ReadCRM reads what the CRM holds.
func ReadCRM(dir string) (CRM, error) {
	accounts, err := readAccounts(filepath.Join(dir, filepath.FromSlash(crmFile)),
		`SELECT login, email, display_name, department, active FROM accounts`, `SELECT login, team FROM memberships ORDER BY login, team`)
	return CRM{Accounts: accounts}, err
}

// CheckCRM compares what the CRM holds with what it should hold. Nothing in it is
// left to people, so there is nothing to waive.
func CheckCRM(dir string) ([]Difference, error) {
	want, err := Expect(dir)
	if err != nil {
		return nil, err
	}
	is, err := ReadCRM(dir)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, login := range union(want.Accounts, is.Accounts) {
		w, wanted := want.Accounts[login]
		h, there := is.Accounts[login]
		there = there && !h.orphan
		if wanted != there {
			out = append(out, Difference{login, "account", whether(wanted), whether(there)})
		}
		if wanted && there {
			out = append(out, compare(login, "email", w.Email, h.Email)...)
			out = append(out, compare(login, "display_name", w.Name, h.Name)...)
			out = append(out, compare(login, "department", w.Department, h.Department)...)
			out = append(out, compare(login, "active", w.Active, h.Active)...)
		}
		out = append(out, compareLinks(login, "team", w.Teams, h.Teams)...)
	}
	return out, nil
}

// CheckLedger compares what the ledger holds with what it should hold.
func CheckLedger(dir string, waivers ...Waiver) ([]Difference, error) {
	s, err := readStaff(dir)
	if err != nil {
		return nil, err
	}
	users, err := readAccounts(filepath.Join(dir, filepath.FromSlash(ledgerFile)),
		`SELECT login, email, full_name, '', active FROM users`, `SELECT login, right_code FROM grants ORDER BY login, right_code`)
	if err != nil {
		return nil, err
	}
	var out []Difference
	note := func(e employee, found ...Difference) {
		for _, d := range found {
			if !waived(waivers, e.id, d.What) {
				out = append(out, d)
			}
		}
	}
	for _, e := range s.people {
		if e.standing == notYet || !s.up.hasLedger(e.department) {
			continue
		}
		first := login(e.first, e.last, func(string) bool { return false })
		user, ok := users[first]
		if !ok {
			user, ok = users[oldLedgerLogin(e.id)]
		}
		delete(users, user.Login)
		if !ok || user.orphan {
			note(e, Difference{e.id, "account", whether(true), whether(false)})
			continue
		}
		note(e, compare(e.id, "email", strings.ToLower(e.email), strings.ToLower(user.Email))...)
		note(e, compare(e.id, "full_name", e.name(), user.Name)...)
		note(e, compare(e.id, "active", e.active(), user.Active)...)
		var rights []string
		if e.standing == present {
			rights = rightsOf(e.department)
		}
		note(e, compareLinks(e.id, "right", rights, user.Teams)...)
	}
	for _, login := range union(users, nil) {
		if !strings.HasPrefix(login, service) {
			out = append(out, Difference{login, "account", whether(false), whether(true)})
		}
	}
	return out, nil
}

// CheckBadges compares the badge office's register with what it should hold.
func CheckBadges(dir string, waivers ...Waiver) ([]Difference, error) {
	s, err := readStaff(dir)
	if err != nil {
		return nil, err
	}
	rows, err := readTable(filepath.Join(dir, filepath.FromSlash(badgesFile)), badgeColumns...)
	if err != nil {
		return nil, err
	}
	register := make(map[string][]string, len(rows))
	var out []Difference
	for _, row := range rows {
		if _, twice := register[row[0]]; twice {
			out = append(out, Difference{row[0], "badge", "once", "twice"})
		}
		register[row[0]] = row
	}
	for _, e := range s.people {
		row, ok := register[e.id]
		delete(register, e.id)
		entitled := e.standing != notYet && e.site == mainSite
		var found []Difference
		switch status := map[standing]string{present: BadgeActive, left: BadgeBlocked}[e.standing]; {
		case entitled != ok:
			found = append(found, Difference{e.id, "badge", whether(entitled), whether(ok)})
		case entitled:
			found = append(found, compare(e.id, "name", e.name(), row[1])...)
			found = append(found, compare(e.id, "site", e.site, row[2])...)
			found = append(found, compare(e.id, "status", status, row[3])...)
		}
		for _, d := range found {
			if !waived(waivers, e.id, d.What) {
				out = append(out, d)
			}
		}
	}
	for _, id := range union(register, nil) {
		out = append(out, Difference{id, "badge", whether(false), whether(true)})
	}
	return out, nil
}

// readAccounts reads accounts and their links. Links of nobody make an orphan, so
// that a check comes across them.
func readAccounts(path, accounts, links string) (map[string]Account, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err // the driver would make an empty database
	}
	db, err := sql.Open("sqlite", source(path)+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	out := map[string]Account{}
	read := func(query string, scan func(*sql.Rows) error) error {
		rows, err := db.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err = read(accounts, func(rows *sql.Rows) error {
		var a Account
		var email, name, department, active sql.NullString
		err := rows.Scan(&a.Login, &email, &name, &department, &active)
		a.Email, a.Name, a.Department, a.Active = email.String, name.String, department.String, active.String
		out[a.Login] = a
		return err
	})
	if err == nil {
		err = read(links, func(rows *sql.Rows) error {
			var login, link string
			err := rows.Scan(&login, &link)
			a, ok := out[login]
			a.Login, a.orphan = login, a.orphan || !ok
			a.Teams = append(a.Teams, link)
			out[login] = a
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return out, nil
}

func compare(subject, what, want, is string) []Difference {
	if want == is {
		return nil
	}
	return []Difference{{subject, what, want, is}}
}

func compareLinks(subject, kind string, want, is []string) []Difference {
	var out []Difference
	for _, code := range want {
		if !slices.Contains(is, code) {
			out = append(out, Difference{subject, kind + " " + code, whether(true), whether(false)})
		}
	}
	for _, code := range is {
		if !slices.Contains(want, code) {
			out = append(out, Difference{subject, kind + " " + code, whether(false), whether(true)})
		}
	}
	return out
}

func whether(there bool) string {
	if there {
		return "there"
	}
	return "not there"
}

// union returns the keys of both maps in order.
func union[V any](a, b map[string]V) []string {
	keys := make([]string, 0, len(a))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

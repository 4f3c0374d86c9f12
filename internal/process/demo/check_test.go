package demo

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/process/company"
)

// files writes a company of a handful of people by hand.
func files(t *testing.T, employees ...string) string {
	t.Helper()
	dir := laidDown(t, 10, 1)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, SourceFolder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(company.DepartmentsFile, "code;name;parent_code\nORG;All;\nSAL;Sales;ORG\nSAL-EUR;Europe;SAL\nSAL-EUR-X;Deep;SAL-EUR\nMKT;Marketing;ORG\nFIN;Finance;ORG\n")
	write(company.EmployeesFile, "employee_id;first_name;last_name;email;hired_on;left_on;dept;site;manager_id;title\n"+strings.Join(employees, "\n")+"\n")
	return dir
}

func TestExpectAgreesWithACompanyWorkedOutByHand(t *testing.T) {
	dir := files(t,
		"E0;José;Müller;jose3@x.example;2020-01-03;;SAL-EUR;PAR;E9;Sales assistant", // third of the name
		"E1;José;Müller;jose1@x.example;2020-01-02;;SAL-EUR;BER;E9;Team lead",       // first: day before E0, key before E2
		"E2;José;Müller;jose2@x.example;2020-01-02;;SAL;WAW;E9;Sales assistant",     // second
		"E4;Jana;Müller;jana@x.example;2020-01-04;;MKT;LIS;E9;Head of department",   // falls to the second candidate
		"E5;Olga;Şimşek;olga@x.example;2020-01-05;2026-01-31;MKT;OSL;E9;Team lead",  // left
		"E6;Paul;Zając;paul@x.example;2026-04-01;;MKT;OSL;E9;Designer",              // comes later
		"E7;Petra;Zając;petra@x.example;2019-01-01;;FIN;BER;E9;Controller",          // not entitled, takes no login
		"E8;Pedro;Zając;pedro@x.example;2019-01-02;2026-05-01;SAL-EUR-X;BER;E9;Sales assistant",
	)
	got, err := Expect(dir)
	if err != nil {
		t.Fatal(err)
	}
	account := func(login, email, name, department, active string, teams ...string) Account {
		return Account{Login: login, Email: email, Name: name, Department: department, Active: active, Teams: teams}
	}
	want := map[string]Account{}
	for _, a := range []Account{
		account("jmuller", "jose1@x.example", "José Müller", "SAL-EUR", "1", "leads", "reports", "sales", "sales-europe", "site-ber"),
		account("jose.muller", "jose2@x.example", "José Müller", "SAL", "1", "sales", "site-waw"),
		account("jose.muller2", "jose3@x.example", "José Müller", "SAL-EUR", "1", "sales", "sales-europe", "site-par"),
		account("jana.muller", "jana@x.example", "Jana Müller", "MKT", "1", "leads", "marketing", "reports", "site-lis"),
		account("osimsek", "olga@x.example", "Olga Şimşek", "MKT", "0"),
		account("pzajac", "pedro@x.example", "Pedro Zając", "SAL-EUR-X", "1", "sales", "site-ber"),
	} {
		want[a.Login] = a
	}
	if !reflect.DeepEqual(got.Accounts, want) {
		t.Errorf("expected accounts\n%v\nworked out by hand\n%v", got.Accounts, want)
	}
}

// Whoever reads the rules may give logins to everybody, or to those only who lack
// an account; in the company as it is laid that comes to the same.
func TestLoginsAreTheSameInEveryReadingOfTheRules(t *testing.T) {
	for _, people := range []int{50, 200, 3_000} {
		for seed := range int64(8) {
			dir := laidDown(t, people, seed+1)
			s, err := readStaff(dir)
			if err != nil {
				t.Fatal(err)
			}
			is, err := ReadCRM(dir)
			if err != nil {
				t.Fatal(err)
			}
			owner := map[string]string{} // of an account that is there, by address
			for _, a := range is.Accounts {
				owner[strings.ToLower(a.Email)] = a.Login
			}
			want := map[string]string{}
			for _, a := range s.crm().Accounts {
				want[a.Email] = a.Login
			}
			everyone, heldBy := map[string]bool{}, map[string]string{}
			for email, login := range owner {
				heldBy[login] = email
			}
			for _, e := range s.people {
				all := login(e.first, e.last, func(l string) bool { return everyone[l] })
				everyone[all] = true
				held := login(e.first, e.last, func(l string) bool { by, taken := heldBy[l]; return taken && by != e.email })
				if want[e.email] != "" && heldBy[held] == "" {
					heldBy[held] = e.email
				}
				if w := want[e.email]; w != "" && (all != w || held != w || owner[e.email] != "" && owner[e.email] != w) {
					t.Fatalf("%d people, seed %d, %s: %q by the rules, %q when everybody takes one, %q beside the CRM, which has %q",
						people, seed+1, e.id, w, all, held, owner[e.email])
				}
			}
		}
	}
}

func TestTheCRMStartsOutAsTheREADMESays(t *testing.T) {
	for seed := range int64(6) {
		dir := laidDown(t, 400, seed+1)
		s, err := readStaff(dir)
		if err != nil {
			t.Fatal(err)
		}
		want, is := s.crm(), CRM{}
		if is, err = ReadCRM(dir); err != nil {
			t.Fatal(err)
		}
		for name, a := range is.Accounts {
			w, ok := want.Accounts[name]
			if !ok || !strings.EqualFold(a.Email, w.Email) || a.Name != w.Name || a.Active != "1" || len(a.Teams) == 0 {
				t.Errorf("seed %d: the account %+v is nobody's, or not as before a first run (%+v)", seed+1, a, w)
			}
		}
		for name, w := range want.Accounts {
			if _, there := is.Accounts[name]; w.Active == "0" && !there {
				t.Errorf("seed %d: the leaver %s has no account to switch off", seed+1, name)
			}
		}
		if share := 100 * len(is.Accounts) / len(want.Accounts); share < 50 || share > 75 {
			t.Errorf("seed %d: %d %% of the accounts are there", seed+1, share)
		}
	}
}

func edit(t *testing.T, dir, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", source(filepath.Join(dir, file)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("BEGIN;" + strings.Join(statements, ";") + ";COMMIT"); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// fulfilled brings the CRM of a folder to where the rules want it.
func fulfilled(t *testing.T, dir string) CRM {
	t.Helper()
	want, err := Expect(dir)
	if err != nil {
		t.Fatal(err)
	}
	statements := []string{"DELETE FROM accounts", "DELETE FROM memberships"}
	for _, a := range want.Accounts {
		statements = append(statements, fmt.Sprintf("INSERT INTO accounts VALUES ('%s', '%s', '%s', '%s', %s)", a.Login, a.Email, a.Name, a.Department, a.Active))
		for _, team := range a.Teams {
			statements = append(statements, fmt.Sprintf("INSERT INTO memberships VALUES ('%s', '%s')", a.Login, team))
		}
	}
	edit(t, dir, crmFile, statements...)
	return want
}

func TestTheCheckOfTheCRMSeesEveryKindOfDifference(t *testing.T) {
	dir := laidDown(t, 100, 7)
	if found, err := CheckCRM(dir); err != nil || len(found) == 0 {
		t.Errorf("before a run: %v, %v", found, err)
	}
	want := fulfilled(t, dir)
	if found, err := CheckCRM(dir); err != nil || len(found) != 0 {
		t.Fatalf("as the rules say: %v, %v", found, err)
	}
	var someone Account
	for _, a := range want.Accounts {
		if len(a.Teams) > 0 {
			someone = a
		}
	}
	where := " WHERE login = '" + someone.Login + "'"
	for what, statement := range map[string]string{
		"email":                    "UPDATE accounts SET email = upper(email)" + where,
		"display_name":             "UPDATE accounts SET display_name = NULL" + where,
		"department":               "UPDATE accounts SET department = 'FIN'" + where,
		"active":                   "UPDATE accounts SET active = 'true'" + where,
		"account":                  "DELETE FROM accounts" + where,
		"team " + someone.Teams[0]: "DELETE FROM memberships" + where + " AND team = '" + someone.Teams[0] + "'",
		"team onboarders":          "INSERT INTO memberships VALUES ('" + someone.Login + "', 'onboarders')",
	} {
		edit(t, dir, crmFile, statement)
		found, err := CheckCRM(dir)
		if err != nil || len(found) == 0 || found[0].What != what || found[0].Subject != someone.Login {
			t.Errorf("%s: found %v, %v", statement, found, err)
		}
		fulfilled(t, dir)
	}
	edit(t, dir, crmFile, "INSERT INTO memberships VALUES ('nobody', 'sales')")
	if found, err := CheckCRM(dir); err != nil || len(found) == 0 || found[0].Subject != "nobody" {
		t.Errorf("a membership of nobody: %v, %v", found, err)
	}
}

// subjects counts the people in a list of differences.
func subjects(found []Difference) int {
	seen := map[string]bool{}
	for _, d := range found {
		seen[d.Subject] = true
	}
	return len(seen)
}

func TestTwoHundredPeopleLeaveAHandfulOfReviewsAndBadgesToDo(t *testing.T) {
	for seed := int64(1); seed <= 12; seed++ {
		dir := laidDown(t, 200, seed)
		ledger, err := CheckLedger(dir)
		if err != nil {
			t.Fatal(err)
		}
		badges, err := CheckBadges(dir)
		if err != nil {
			t.Fatal(err)
		}
		crm, err := CheckCRM(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: ledger %d, badges %d, crm %d", seed, subjects(ledger), subjects(badges), subjects(crm))
		if n := subjects(ledger); n < 4 || n > 10 {
			t.Errorf("seed %d: %d orders for the ledger: %v", seed, n, ledger)
		}
		if n := subjects(badges); n < 5 || n > 11 {
			t.Errorf("seed %d: %d orders for the badge office: %v", seed, n, badges)
		}
	}
}

func TestWhatPeopleDecidedOtherwiseIsNotCompared(t *testing.T) {
	dir := laidDown(t, 200, 7)
	all, err := CheckLedger(dir)
	if err != nil || len(all) < 2 {
		t.Fatalf("%v, %v", all, err)
	}
	rest, err := CheckLedger(dir, Waiver{Employee: all[0].Subject})
	if err != nil || len(rest) >= len(all) || subjects(rest) != subjects(all)-1 {
		t.Errorf("waiving %s leaves %v of %v", all[0].Subject, rest, all)
	}
	rest, err = CheckLedger(dir, Waiver{Employee: all[0].Subject, What: all[0].What}, Waiver{Employee: all[1].Subject, What: "something else"})
	if err != nil || len(rest) != len(all)-1 {
		t.Errorf("waiving %v leaves %v", all[0], rest)
	}
	edit(t, dir, ledgerFile, "INSERT INTO users VALUES ('ghost', NULL, 'Ghost', 1)")
	if rest, err = CheckLedger(dir); err != nil || len(rest) != len(all)+1 || rest[len(rest)-1].Subject != "ghost" {
		t.Errorf("an account of nobody: %v, %v", rest, err)
	}
}

func TestTheBadgeOfficeWorksTheRegisterToTheEnd(t *testing.T) {
	dir := laidDown(t, 200, 7)
	s, err := readStaff(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.people {
		if e.site == mainSite && e.standing != notYet {
			status := map[standing]string{present: BadgeActive, left: BadgeBlocked}[e.standing]
			if err := WriteBadge(dir, e.id, e.name(), e.site, status); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found, err := CheckBadges(dir); err != nil || len(found) != 0 {
		t.Fatalf("the finished register: %v, %v", found, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, badgesFile))
	if err != nil || !strings.HasPrefix(string(data), "employee_id;name;site;status\n") || !strings.HasSuffix(string(data), "\n") {
		t.Errorf("the register begins %.40q, %v", data, err)
	}
	if err := WriteBadge(dir, "E99999", "Ghost", "BER", BadgeActive); err != nil {
		t.Fatal(err)
	}
	if found, err := CheckBadges(dir); err != nil || len(found) != 1 || found[0].Subject != "E99999" {
		t.Errorf("a badge of nobody: %v, %v", found, err)
	}
	for range 2 { // the second time it is gone already
		if err := RemoveBadge(dir, "E99999"); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := CheckBadges(dir); err != nil || len(found) != 0 {
		t.Errorf("after striking it: %v, %v", found, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, SystemsFolder, ".new-*")); err != nil || len(left) != 0 {
		t.Errorf("drafts are left behind: %v, %v", left, err)
	}
}

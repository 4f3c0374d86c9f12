package demo

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	_ "modernc.org/sqlite" // the driver of the two applications

	"provisor.dev/provisor/internal/process/company"
)

const crmSchema = `
CREATE TABLE accounts (
  login        TEXT PRIMARY KEY,
  email        TEXT,
  display_name TEXT,
  department   TEXT,
  active       INTEGER
);
CREATE TABLE teams (
  code TEXT PRIMARY KEY,
  name TEXT
);
CREATE TABLE memberships (
  login TEXT,
  team  TEXT,
  PRIMARY KEY (login, team)
);`

const ledgerSchema = `
CREATE TABLE users (
  login     TEXT PRIMARY KEY,
  email     TEXT,
  full_name TEXT,
  active    INTEGER
);
CREATE TABLE rights (
  code TEXT PRIMARY KEY,
  name TEXT
);
CREATE TABLE grants (
  login      TEXT,
  right_code TEXT,
  PRIMARY KEY (login, right_code)
);`

// What is amiss in the systems before the first run, in a hundred accounts or as
// the place in the line. Reviewed and manual work is laid for people to do in a
// demo: some for the first two dozen, little for those who follow.
const (
	crmHasPercent    = 70 // of people with years of service: about 60 of all who are entitled
	crmMovedPercent  = 4
	crmShoutsPercent = 5  // addresses in other case
	laterGap         = 50 // ledger and badges: one of so many beyond the first
)

var (
	ledgerMissing = []int{2, 5, 9, 13}
	ledgerByName  = []int{4, 11} // no address, another login
	ledgerOldName = []int{7}
	badgeMissing  = []int{8}
	badgeOldName  = []int{16}
	badgeOldSite  = []int{32}
)

// at reports whether the place in the line is one of these or, far behind, a
// later one: every laterGap people, each kind at a place of its own.
func at(place int, first []int) bool {
	return slices.Contains(first, place) || place > laterGap && place%laterGap == first[0]
}

// layer holds the three systems while they are laid.
type layer struct {
	up        parents
	company   *company.Company
	rng       *rand.Rand
	crm       *writer
	ledger    *writer
	badges    *csv.Writer
	leaves    []string // departments with CRM accounts that have a team of their own
	group     []string // logins in the CRM of the present namesakes
	hadCRM    bool     // the person before has a CRM account
	inLedger  int
	withBadge int
}

func laySystems(dir string, c *company.Company) (err error) {
	register, err := os.Create(filepath.Join(dir, filepath.FromSlash(badgesFile))) // #nosec G304 -- a file of the demonstration
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, register.Close()) }()
	buffer := bufio.NewWriterSize(register, 1<<16)
	l := &layer{company: c, up: parents{}, badges: csv.NewWriter(buffer),
		rng: rand.New(rand.NewPCG(uint64(c.Options().Seed), 3))} // #nosec G115 G404 -- the same seed makes the same systems
	l.badges.Comma = company.Separator
	for _, d := range c.Departments() {
		l.up[d.Code] = d.Parent
	}
	for _, t := range teams {
		if t.department != "" && !t.below {
			l.leaves = append(l.leaves, t.department)
		}
	}
	if l.crm, err = newWriter(filepath.Join(dir, filepath.FromSlash(crmFile)), crmSchema,
		`INSERT INTO accounts VALUES (?, ?, ?, ?, ?)`, `INSERT INTO memberships VALUES (?, ?)`, `INSERT INTO teams VALUES (?, ?)`); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, l.crm.close(err == nil)) }()
	if l.ledger, err = newWriter(filepath.Join(dir, filepath.FromSlash(ledgerFile)), ledgerSchema,
		`INSERT INTO users VALUES (?, ?, ?, ?)`, `INSERT INTO grants VALUES (?, ?)`, `INSERT INTO rights VALUES (?, ?)`); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, l.ledger.close(err == nil)) }()
	return cmp.Or(l.fill(), buffer.Flush())
}

// The statements of a writer.
const (
	intoAccounts = iota
	intoLinks
	intoCatalog
)

func (l *layer) fill() error {
	l.crm.catalog(teams)
	l.ledger.catalog([]team{{code: rightRead, name: "Read"}, {code: rightPost, name: "Post"}})
	l.ledger.put(intoAccounts, service+"interface", nil, "Interface to the bank", 1)
	l.ledger.put(intoAccounts, service+"backup", nil, "Nightly backup", 1)
	l.ledger.put(intoLinks, service+"interface", rightPost)
	l.ledger.put(intoLinks, service+"backup", rightRead)
	if err := l.badges.Write(badgeColumns); err != nil {
		return err
	}
	day := l.company.Options().At
	for p := range l.company.People() {
		where := standingOn(day, p.HiredOn, p.LeftOn)
		isNew := p.HiredOn.AddDate(0, 2, 0).After(day)
		l.layCRM(p, where, isNew)
		l.layLedger(p, where)
		if err := l.layBadge(p, where, isNew); err != nil {
			return err
		}
		if err := cmp.Or(l.crm.err, l.ledger.err); err != nil {
			return err
		}
	}
	l.badges.Flush()
	return l.badges.Error()
}

// layCRM gives every leaver an account that was never switched off and most
// people who came long ago one that is nearly right. Of namesakes the first have
// accounts, so that logins given later fall through the candidates as they would
// have if all had been given at once.
func (l *layer) layCRM(p company.Person, where standing, isNew bool) {
	drawn, moved, shouts, from := l.rng.IntN(100), l.rng.IntN(100), l.rng.IntN(100), l.rng.IntN(len(l.leaves))
	if p.Namesake == "" {
		l.group = l.group[:0]
	}
	has := where == left || where == present && !isNew && drawn < crmHasPercent
	has = has && l.up.hasCRM(p.Dept) && (p.Namesake == "" || l.hadCRM)
	l.hadCRM = has
	if !has {
		return
	}
	name := login(p.FirstName, p.LastName, func(s string) bool { return slices.Contains(l.group, s) })
	l.group = append(l.group, name)
	department, email := p.Dept, p.Email
	if where == present && moved < crmMovedPercent {
		department = l.leaves[from]
		if department == p.Dept {
			department = l.leaves[(from+1)%len(l.leaves)]
		}
	}
	if shouts < crmShoutsPercent {
		email = strings.ToUpper(email)
	}
	l.crm.put(intoAccounts, name, email, p.Name(), department, 1)
	for _, code := range l.up.teamsOf(department, p.Site, p.Title) {
		l.crm.put(intoLinks, name, code)
	}
}

// layLedger gives leavers accounts and rights that nobody took away, and a few of
// the others something for a reviewer to look at.
func (l *layer) layLedger(p company.Person, where standing) {
	if where == notYet || !l.up.hasLedger(p.Dept) {
		return
	}
	name := login(p.FirstName, p.LastName, func(string) bool { return false })
	var email any = p.Email
	full := p.Name()
	if where == present {
		place := l.inLedger
		l.inLedger++
		switch {
		case at(place, ledgerMissing):
			return
		case at(place, ledgerByName):
			name, email = oldLedgerLogin(p.ID), nil
		case at(place, ledgerOldName):
			full = shortened(p)
		}
	}
	l.ledger.put(intoAccounts, name, email, full, 1)
	for _, code := range rightsOf(p.Dept) {
		l.ledger.put(intoLinks, name, code)
	}
}

// shortened is how somebody wrote a name who did not want to spell it.
func shortened(p company.Person) string {
	_, size := utf8.DecodeRuneInString(p.FirstName)
	return p.FirstName[:size] + ". " + p.LastName
}

// oldLedgerLogin is how the ledger named its users before.
func oldLedgerLogin(employee string) string { return "lgr" + strings.TrimPrefix(employee, "E") }

// layBadge gives most people at the main site a badge, of those who came lately
// every other one, and leavers one that was never blocked.
func (l *layer) layBadge(p company.Person, where standing, isNew bool) error {
	if where == notYet || p.Site != mainSite {
		return nil
	}
	name, site := p.Name(), p.Site
	if where == present {
		place := l.withBadge
		l.withBadge++
		switch {
		case isNew && place%2 == 0 || at(place, badgeMissing):
			return nil
		case at(place, badgeOldName):
			name = shortened(p)
		case at(place, badgeOldSite):
			site = "PAR"
		}
	}
	return l.badges.Write([]string{p.ID, name, site, BadgeActive})
}

// A writer fills a new database in one transaction and keeps its first error.
type writer struct {
	db         *sql.DB
	tx         *sql.Tx
	statements []*sql.Stmt
	err        error
}

func newWriter(path, schema string, statements ...string) (*writer, error) {
	db, err := sql.Open("sqlite", source(path)+"?_pragma=synchronous(OFF)")
	if err != nil {
		return nil, err
	}
	w := &writer{db: db}
	if w.tx, err = db.BeginTx(context.Background(), nil); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	_, w.err = w.tx.Exec(schema)
	for _, text := range statements {
		if w.err == nil {
			var s *sql.Stmt
			s, w.err = w.tx.Prepare(text)
			w.statements = append(w.statements, s)
		}
	}
	if w.err != nil {
		return nil, errors.Join(w.err, w.close(false))
	}
	return w, nil
}

// source spells a path so that no character of it is taken for something else.
func source(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

func (w *writer) put(statement int, values ...any) {
	if w.err == nil {
		if _, err := w.statements[statement].Exec(values...); err != nil {
			w.err = fmt.Errorf("insert %v: %w", values, err)
		}
	}
}

func (w *writer) catalog(entries []team) {
	for _, t := range entries {
		w.put(intoCatalog, t.code, t.name)
	}
}

func (w *writer) close(keep bool) error {
	var err error
	if keep && w.err == nil {
		err = w.tx.Commit()
	} else {
		err = w.tx.Rollback()
	}
	return errors.Join(err, w.db.Close())
}

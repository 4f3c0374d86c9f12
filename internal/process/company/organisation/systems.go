package organisation

import (
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// A System is one of the five: a database with accounts, groups and the links
// between them, and the resource type that keeps its accounts.
type System struct {
	ID, Name     string // of the connector
	Type         string // the resource type
	Account      string // its entity type
	Group        string // the entity type that links lead to
	Links        string // the property that holds them
	Display      string
	Table, Rows  string // of the accounts; of the links
	Groups       string // the table of the groups
	DependsOn    string // a resource type
	KeptDays     int    // that a leaver's account is kept, switched off
	owner        string // the property that has the owner's number
	properties   []property
	displayValue int // place of the property that is displayed
}

// A property of an account: how the configuration declares and computes it, and
// the same in Go. The first one is the key.
type property struct {
	name, column, kind, expression string
	// keep: written once, when the account is created.
	once, ignoreCase bool
	of               func(g *Organisation, p *Person) value.Value
}

func text(f func(*Organisation, *Person) string) func(*Organisation, *Person) value.Value {
	return func(g *Organisation, p *Person) value.Value { return value.OfString(f(g, p)) }
}

func number(f func(*Person) int64) func(*Organisation, *Person) value.Value {
	return func(_ *Organisation, p *Person) value.Value { return value.OfInt(f(p)) }
}

func truth(f func(*Person) bool) func(*Organisation, *Person) value.Value {
	return func(_ *Organisation, p *Person) value.Value { return value.OfBool(f(p)) }
}

func date(f func(*Person) time.Time) func(*Organisation, *Person) value.Value {
	return func(_ *Organisation, p *Person) value.Value { return value.OfDate(f(p)) }
}

// either is a condition of an expression.
func either[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}

var farAway = time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC)

// What several systems know.
func idOf(_ *Organisation, p *Person) string       { return p.ID }
func loginOf(_ *Organisation, p *Person) string    { return p.Login }
func emailOf(_ *Organisation, p *Person) string    { return p.Email }
func fullOf(_ *Organisation, p *Person) string     { return p.FirstName + " " + p.LastName }
func titleOf(_ *Organisation, p *Person) string    { return p.Title }
func unitOf(g *Organisation, p *Person) string     { return g.tree[p.dept].Name }
func cityOf(g *Organisation, p *Person) string     { return g.sites[p.site].City }
func costOf(g *Organisation, p *Person) string     { return g.tree[p.dept].CostCenter }
func siteOf(g *Organisation, p *Person) string     { return g.sites[p.site].Code }
func languageOf(g *Organisation, p *Person) string { return g.sites[p.site].Language }
func zoneOf(g *Organisation, p *Person) string     { return g.sites[p.site].TimeZone }
func isContractor(p *Person) bool                  { return p.Contractor }

const full = "source.firstName + ' ' + source.lastName"

func systemTable() []System {
	return []System{directorySystem(), mailSystem(), ledgerSystem(), workplaceSystem(), premisesSystem()}
}

func directorySystem() System {
	return System{
		ID: "directory", Name: "Corporate directory", Type: "DirectoryUser", Account: "DirectoryAccount", Group: "DirectoryGroup", Links: "groups",
		Table: "accounts", Rows: "memberships", Groups: "groups", KeptDays: 90, owner: "employeeNumber", Display: "displayName", displayValue: 3,
		properties: []property{
			{name: "login", kind: "string", expression: "source.login", once: true, of: text(loginOf)},
			{name: "employeeNumber", column: "employee_number", kind: "string", expression: "source.employeeId", of: text(idOf)},
			{name: "email", kind: "string", expression: "source.email", ignoreCase: true, of: text(emailOf)},
			{name: "displayName", column: "display_name", kind: "string", expression: full, of: text(fullOf)},
			{name: "sortName", column: "sort_name", kind: "string", expression: "upper(source.lastName) + ', ' + source.firstName",
				of: text(func(_ *Organisation, p *Person) string { return strings.ToUpper(p.LastName) + ", " + p.FirstName })},
			{name: "department", kind: "string", expression: "source.department.name", of: text(unitOf)},
			{name: "title", kind: "string", expression: "source.title", of: text(titleOf)},
			{name: "office", kind: "string", expression: "source.site.city", of: text(cityOf)},
			{name: "kind", kind: "string", expression: "source.employment == 'contractor' ? 'external' : 'internal'",
				of: text(func(_ *Organisation, p *Person) string { return either(p.Contractor, "external", "internal") })},
			{name: "enabled", kind: "bool", of: truth(func(*Person) bool { return true })},
		},
	}
}

func mailSystem() System {
	return System{
		ID: "mail", Name: "Mail", Type: "PersonalMailbox", Account: "Mailbox", Group: "MailList", Links: "lists",
		Table: "mailboxes", Rows: "subscriptions", Groups: "lists", DependsOn: "DirectoryUser", owner: "mailboxId", Display: "address", displayValue: 1,
		properties: []property{
			{name: "mailboxId", column: "mailbox_id", kind: "string", expression: "source.employeeId", once: true, of: text(idOf)},
			{name: "address", kind: "string", expression: "source.email", ignoreCase: true, of: text(emailOf)},
			{name: "alias", kind: "string", expression: "source.login + '@mail." + domain + "'",
				of: text(func(_ *Organisation, p *Person) string { return p.Login + "@mail." + domain })},
			{name: "displayName", column: "display_name", kind: "string", expression: full + " + (source.employment == 'contractor' ? ' (external)' : '')",
				of: text(func(g *Organisation, p *Person) string { return fullOf(g, p) + either(p.Contractor, " (external)", "") })},
			{name: "quota", column: "quota_gb", kind: "int", expression: "source.grade >= 6 ? 100 : (source.employment == 'contractor' ? 10 : 50)",
				of: number(func(p *Person) int64 { return either[int64](p.Grade >= 6, 100, either[int64](p.Contractor, 10, 50)) })},
			{name: "language", kind: "string", expression: "source.site.language", of: text(languageOf)},
			{name: "retention", column: "retention_days", kind: "int", expression: "source.grade >= 7 ? 3650 : 730",
				of: number(func(p *Person) int64 { return either[int64](p.Grade >= 7, 3650, 730) })},
			{name: "hidden", kind: "bool", expression: "source.employment == 'contractor'", of: truth(isContractor)},
			{name: "signature", kind: "string", expression: full + " + ', ' + source.title",
				of: text(func(g *Organisation, p *Person) string { return fullOf(g, p) + ", " + p.Title })},
			{name: "costCenter", column: "cost_center", kind: "string", expression: "source.department.costCenter", of: text(costOf)},
		},
	}
}

func ledgerSystem() System {
	return System{
		ID: "ledger", Name: "Ledger", Type: "LedgerUser", Account: "LedgerAccount", Group: "LedgerProfile", Links: "profiles",
		Table: "users", Rows: "user_profiles", Groups: "profiles", owner: "employeeNumber", Display: "fullName", displayValue: 2,
		properties: []property{
			{name: "userId", column: "user_id", kind: "string", expression: "upper(source.login)", once: true,
				of: text(func(_ *Organisation, p *Person) string { return strings.ToUpper(p.Login) })},
			{name: "employeeNumber", column: "employee_number", kind: "string", expression: "source.employeeId", of: text(idOf)},
			{name: "fullName", column: "full_name", kind: "string", expression: "source.lastName + ', ' + source.firstName",
				of: text(func(_ *Organisation, p *Person) string { return p.LastName + ", " + p.FirstName })},
			{name: "email", kind: "string", expression: "source.email", ignoreCase: true, of: text(emailOf)},
			{name: "companyCode", column: "company_code", kind: "string", expression: "source.site.country + '-' + left(source.department.code, 3)",
				of: text(func(g *Organisation, p *Person) string { return g.sites[p.site].Country + "-" + p.Dept[:3] })},
			{name: "costCenter", column: "cost_center", kind: "string", expression: "source.department.costCenter", of: text(costOf)},
			{name: "limit", column: "approval_limit", kind: "int", expression: "source.grade >= 9 ? 1000000 : (source.grade >= 7 ? 50000 : (source.grade >= 5 ? 5000 : 0))",
				of: number(func(p *Person) int64 {
					return either[int64](p.Grade >= 9, 1_000_000, either[int64](p.Grade >= 7, 50_000, either[int64](p.Grade >= 5, 5_000, 0)))
				})},
			{name: "licence", kind: "string", expression: "source.grade >= 6 ? 'professional' : (source.employment == 'contractor' ? 'limited' : 'standard')",
				of: text(func(_ *Organisation, p *Person) string {
					return either(p.Grade >= 6, "professional", either(p.Contractor, "limited", "standard"))
				})},
			{name: "validTo", column: "valid_to", kind: "date", expression: "coalesce(source.endDate, date('2099-12-31'))",
				of: date(func(p *Person) time.Time { return either(p.LeftOn.IsZero(), farAway, p.LeftOn) })},
			{name: "timeZone", column: "time_zone", kind: "string", expression: "source.site.timeZone", of: text(zoneOf)},
		},
	}
}

func workplaceSystem() System {
	return System{
		ID: "workplace", Name: "Workplace", Type: "WorkplaceUser", Account: "WorkplaceMember", Group: "Space", Links: "spaces",
		Table: "members", Rows: "space_members", Groups: "spaces", owner: "handle", Display: "displayName", displayValue: 3,
		properties: []property{
			{name: "memberId", column: "member_id", kind: "string", expression: "'wp-' + lower(source.employeeId)", once: true,
				of: text(func(_ *Organisation, p *Person) string { return "wp-" + strings.ToLower(p.ID) })},
			{name: "handle", kind: "string", expression: "source.login", of: text(loginOf)},
			{name: "email", kind: "string", expression: "source.email", ignoreCase: true, of: text(emailOf)},
			{name: "displayName", column: "display_name", kind: "string", expression: "source.firstName + ' ' + left(source.lastName, 1) + '.'",
				of: text(func(_ *Organisation, p *Person) string { return p.FirstName + " " + firstLetter(p.LastName) + "." })},
			{name: "headline", kind: "string", expression: "source.title + ' · ' + source.department.name",
				of: text(func(g *Organisation, p *Person) string { return p.Title + " · " + unitOf(g, p) })},
			{name: "city", kind: "string", expression: "source.site.city", of: text(cityOf)},
			{name: "tier", kind: "string", expression: "source.grade >= 5 ? 'business' : 'basic'",
				of: text(func(_ *Organisation, p *Person) string { return either(p.Grade >= 5, "business", "basic") })},
			{name: "guest", kind: "bool", expression: "source.employment == 'contractor'", of: truth(isContractor)},
			{name: "managerNumber", column: "manager_number", kind: "string", expression: "coalesce(source.manager.employeeId, source.employeeId)",
				of: text(func(_ *Organisation, p *Person) string { return either(p.Manager == "", p.ID, p.Manager) })},
			{name: "since", kind: "date", expression: "source.startDate", of: date(func(p *Person) time.Time { return p.HiredOn })},
		},
	}
}

func premisesSystem() System {
	return System{
		ID: "premises", Name: "Premises", Type: "BadgeHolder", Account: "Badge", Group: "Zone", Links: "zones",
		Table: "badges", Rows: "badge_zones", Groups: "zones", owner: "employeeNumber", Display: "printedName", displayValue: 2,
		properties: []property{
			{name: "badgeNumber", column: "badge_number", kind: "string", expression: "'B' + right(source.employeeId, 7)", once: true,
				of: text(func(_ *Organisation, p *Person) string { return "B" + p.ID[1:] })},
			{name: "employeeNumber", column: "employee_number", kind: "string", expression: "source.employeeId", of: text(idOf)},
			{name: "printedName", column: "printed_name", kind: "string", expression: "upper(" + full + ")",
				of: text(func(g *Organisation, p *Person) string { return strings.ToUpper(fullOf(g, p)) })},
			{name: "shortName", column: "short_name", kind: "string", expression: "left(source.firstName, 1) + '. ' + source.lastName",
				of: text(func(_ *Organisation, p *Person) string { return firstLetter(p.FirstName) + ". " + p.LastName })},
			{name: "site", kind: "string", expression: "source.site.code", of: text(siteOf)},
			{name: "colour", kind: "string", expression: "source.employment == 'contractor' ? 'orange' : (source.grade >= 7 ? 'gold' : 'blue')",
				of: text(func(_ *Organisation, p *Person) string {
					return either(p.Contractor, "orange", either(p.Grade >= 7, "gold", "blue"))
				})},
			{name: "parking", kind: "bool", expression: "source.grade >= 8", of: truth(func(p *Person) bool { return p.Grade >= 8 })},
			{name: "validFrom", column: "valid_from", kind: "date", expression: "source.startDate", of: date(func(p *Person) time.Time { return p.HiredOn })},
			{name: "address", kind: "string", expression: "source.site.address + ', ' + source.site.city",
				of: text(func(g *Organisation, p *Person) string { return g.sites[p.site].Address + ", " + cityOf(g, p) })},
			{name: "host", kind: "bool", expression: "source.grade >= 3 && source.employment == 'employee'",
				of: truth(func(p *Person) bool { return p.Grade >= 3 && !p.Contractor })},
		},
	}
}

func firstLetter(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// Systems returns the five systems.
func (g *Organisation) Systems() []System { return g.systems }

// An account is what a person has in one system.
type account struct {
	values []value.Value // in the order of the properties
	links  []string      // identifiers of groups
}

// account says what the rules give the person in the system on the day of the
// organisation; false: nothing. Lists of groups follow the roles.
func (g *Organisation) account(p *Person, system int, roles []int, a *account) bool {
	s := &g.systems[system]
	present := p.Present(g.options.At)
	kept := s.KeptDays > 0 && !p.LeftOn.IsZero() && p.LeftOn.Before(g.options.At) && !p.LeftOn.AddDate(0, 0, s.KeptDays).Before(g.options.At)
	if !present && !kept || p.number > g.options.People-g.options.Without {
		return false
	}
	a.values, a.links = a.values[:0], a.links[:0]
	for _, property := range s.properties {
		a.values = append(a.values, property.of(g, p))
	}
	if kept {
		a.values[len(a.values)-1] = value.OfBool(false)
		return true
	}
	for _, r := range roles {
		if role := &g.catalog.roles[r]; role.System == system {
			a.links = append(a.links, role.ID)
		}
	}
	return true
}

// resource is the account as a reading of the system would show it.
func (a *account) resource(s *System) resources.Resource {
	r := resources.Resource{
		Ref:     resources.Ref{Type: schema.EntityType(s.Account), Key: resources.Key(a.values[0].Text())},
		Display: a.values[s.displayValue].Text(), Values: map[schema.PropertyName]value.Value{}, Links: map[schema.PropertyName][]resources.Key{},
	}
	for i, property := range s.properties {
		r.Values[schema.PropertyName(property.name)] = a.values[i]
	}
	if len(a.links) > 0 {
		r.Links[schema.PropertyName(s.Links)] = sortedKeys(a.links)
	}
	return r
}

// numbered is how a person's number is written in a message.
func numbered(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

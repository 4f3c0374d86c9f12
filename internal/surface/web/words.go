package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

// meanings say what it is to stand in a state.
var meanings = map[orders.State]string{
	orders.None:             "Computed, not yet judged.",
	orders.Pending:          "Ready to go out; not sent yet.",
	orders.Transmitted:      "With an agent or a technician; no answer yet.",
	orders.Errored:          "The system or the technician returned an error.",
	orders.Verified:         "The value was read back from the system.",
	orders.AwaitingApproval: "Blocked until a person has decided.",
	orders.Inactive:         "Not wanted any more, or declined.",
	orders.Error:            "The role model failed while it computed this.",
	orders.Executed:         "Reported done; not yet seen by a reading.",
}

// keys are what the keyboard does, where there is a script.
var keys = [][2]string{
	{"/", "search"}, {"j", "next row"}, {"k", "row before"}, {"↓ ↑", "likewise, once in a row"}, {"x", "choose the row"},
	{"Enter", "open the row"}, {"Esc", "leave a field"}, {"?", "these keys"},
}

// sentence makes an error's message one.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:] + "."
}

// count writes "1 order" and "1,204 orders".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

// thousands sets commas.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// ago says how long something is past, as people say it.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return ""
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// moment writes an instant with its zone; "" when there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// day writes a bound of a period; an open one is a dash.
func day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateOnly)
}

// named is how somebody is called: by what is displayed, else by the key.
func named(o view.Owner) string {
	if o.Display == "" {
		return o.Key
	}
	return o.Display
}

// origin joins in a line what rules and roles give something. Rules of the
// account's own resource type are named without it.
func origin(ctx context.Context, of string, reasons []assignments.Reason) string {
	parts := make([]string, 0, len(reasons))
	for _, r := range reasons {
		rule := strings.TrimPrefix(r.Rule, "resourceTypes."+of+".")
		switch {
		case r.Role != "":
			parts = append(parts, "role "+roleCalled(ctx, string(r.Role)))
		case rule != "" && r.Note != "":
			parts = append(parts, rule+": "+r.Note)
		default:
			parts = append(parts, rule+r.Note)
		}
	}
	return strings.Join(slices.Compact(parts), ", ")
}

// The addresses of the pages.

func stateAddress(no int) templ.SafeURL { return templ.SafeURL("/states/" + strconv.Itoa(no)) }

func orderAddress(id orders.OrderID) templ.SafeURL { return templ.SafeURL("/orders/" + id.String()) }

func requestAddress(id requests.RequestID) templ.SafeURL {
	return templ.SafeURL("/requests/" + strconv.FormatInt(int64(id), 10))
}

// askAddress is where a role is asked for.
func askAddress(o view.Owner, role roles.RoleID) templ.SafeURL {
	return personAddress(o) + templ.SafeURL("/request/"+url.PathEscape(string(role)))
}

// formAddress is where a form is filled in, about somebody or to create.
func formAddress(id roles.WorkflowID, about resources.Key) templ.SafeURL {
	return with("/workflows/"+url.PathEscape(string(id)), "about", string(about))
}

func questionAddress(id orders.AssignedID) templ.SafeURL {
	return templ.SafeURL("/reconciliation/" + strconv.FormatInt(int64(id), 10))
}

func entityAddress(entity string) string { return "/directory/" + url.PathEscape(entity) }

func personAddress(o view.Owner) templ.SafeURL {
	return templ.SafeURL(entityAddress(o.Type) + "/" + url.PathEscape(o.Key))
}

// whyAddress leads to the proof of a role, or of the accounts of a resource type.
func whyAddress(o view.Owner, of, id string) templ.SafeURL {
	return with(string(personAddress(o))+"/why", of, id)
}

// accountsOpen is how many accounts are shown open: of more, those that wait for
// something are.
const accountsOpen = 4

// itemAddress opens a person at one item, with the path it took.
func itemAddress(o view.Owner, a orders.AssignedID, item int) templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("%s?item=%d.%d", personAddress(o), a, item))
}

// with returns an address with a query of names and values; empty ones are left out.
func with(path string, pairs ...string) templ.SafeURL {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return templ.SafeURL(path)
	}
	return templ.SafeURL(path + "?" + q.Encode())
}

// stateClass is the name of a state in styles and of its sign.
func stateClass(no int) string {
	if no < 0 || no >= len(signs) {
		return "s-old" // a place of an earlier release
	}
	return "s" + strconv.Itoa(no)
}

// signs are drawn on a field of 16 by 16, so that states differ without colour.
var signs = [...]string{
	orders.None:             "M8 3.5v0M12.5 8v0M8 12.5v0M3.5 8v0M11.2 4.8v0M11.2 11.2v0M4.8 11.2v0M4.8 4.8v0",
	orders.Pending:          "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3.2l2.2 1.4",
	orders.Transmitted:      "M2.5 8h10M9 4.5L12.8 8L9 11.5M2.5 5h3M2.5 11h3",
	orders.Errored:          "M8 2.2L14.2 13.2H1.8ZM8 6.4v3M8 11.3v0",
	orders.Verified:         "M8 2.2l1.7 1.2h2.1l.6 2L14 6.7l-.6 2l.2 2.1l-1.9.9l-1.2 1.8l-2.1-.4L6.3 13.5l-1.2-1.8l-1.9-.9l.2-2.1l-.6-2l1.6-1.3l.6-2h2.1ZM5.5 8.1l1.8 1.8l3.2-3.4",
	orders.AwaitingApproval: "M8 1.8L14.2 8L8 14.2L1.8 8ZM8 5v3.4M8 10.8v0",
	orders.Inactive:         "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 4.2l7.6 7.6",
	orders.Error:            "M5.4 2.2h5.2l3.2 3.2v5.2l-3.2 3.2H5.4l-3.2-3.2V5.4ZM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
	orders.Executed:         "M3 8.5l3.3 3.3L13 4.5",
}

// commands cuts advice at its backticks: every second part is a command.
func commands(text string) []string { return strings.Split(text, "`") }

// system names the connection, and who carries orders out there.
func system(o view.Order) string { return systemOf(o.Connector, o.Connection, o.Manual) }

func systemOf(connector, connection string, manual bool) string {
	if manual {
		return connector + " / " + connection + ", carried out by people"
	}
	return connector + " / " + connection
}

// foundText is what a reading found, in a sentence.
func foundText(current string) string {
	if current == "-" {
		return "nothing"
	}
	return current
}

// stepsText says how many approvals a request needs.
func stepsText(a roles.Approval) string {
	switch a {
	case roles.ApprovalOne:
		return "one step"
	case roles.ApprovalTwo:
		return "two steps"
	case roles.ApprovalThree:
		return "three steps"
	}
	return "none"
}

// seatsText names reviewers.
func seatsText(list []requests.Seat) string {
	if len(list) == 0 {
		return "nobody who is named"
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Person + " (" + s.As + ")"
	}
	return strings.Join(names, ", ")
}

// parametersAsked are the parameters of a role, those that are needed first.
func parametersAsked(role roles.Role) []roles.DimensionID {
	names := slices.Sorted(maps.Keys(role.Parameters))
	slices.SortStableFunc(names, func(a, b roles.DimensionID) int {
		return boolOf(!role.Parameters[a]) - boolOf(!role.Parameters[b])
	})
	return names
}

// missing are the parameters that a request lacks.
func missing(q requestShown) []string {
	var names []string
	for _, name := range parametersAsked(q.Model.Roles[roles.RoleID(q.Role)]) {
		if assignments.Parameters(q.Parameters).Value(name) == "" {
			names = append(names, string(name))
		}
	}
	return names
}

// roleName is what a role is called.
func roleName(m *roles.Model, id string) string { return nameOr(m.Roles[roles.RoleID(id)].Name, id) }

func sentenceCase(s string) string { return strings.TrimSuffix(sentence(s), ".") }

// itemTitle names an item of an order: the property, or the account itself.
func itemTitle(it openedItem) string {
	switch {
	case it.Property == "":
		return "account"
	case it.Link != "":
		return it.Property + " → " + cmp.Or(it.LinkName, it.Link)
	}
	return it.Property
}

// itemOf names the chosen item in a heading.
func itemOf(c *chosenItem) string {
	if c.Item.Property == "" {
		return "the account"
	}
	return c.Item.Name
}

// said is the system's word on an item, what it waits for and who decided.
func said(it openedItem) string {
	var parts []string
	if it.Message != "" {
		parts = append(parts, it.Message)
	}
	if it.Standing.Parked != "" {
		parts = append(parts, "waits for "+it.Standing.Parked)
	}
	if !it.Standing.NotBefore.IsZero() {
		parts = append(parts, "not before "+moment(it.Standing.NotBefore))
	}
	if it.Standing.Attempts > 1 {
		parts = append(parts, strconv.Itoa(it.Standing.Attempts)+" attempts")
	}
	if it.Standing.By != "" {
		parts = append(parts, "decided by "+it.Standing.By)
	}
	return strings.Join(parts, "; ")
}

// parksAddress is where parked mass changes are shown: below, while there are any.
func parksAddress(parks []view.Park) string {
	if len(parks) > 0 {
		return "#parks"
	}
	return "/connectors"
}

// query is what a list was asked for but for the cursor.
func (l orderList) query() []string {
	pairs := []string{"q", l.Text, "sort", l.Sort.value()}
	for _, h := range l.Hidden {
		pairs = append(pairs, h[0], h[1])
	}
	return pairs
}

// first is the address of the first page.
func (l orderList) first() string { return string(with(l.Address, l.query()...)) }

// parts cuts a value after the marks at which a reader would break it.
func parts(text string) []string {
	var list []string
	for {
		at := strings.IndexAny(text, "@,/.")
		if at < 0 || at == len(text)-1 {
			return append(list, text)
		}
		list, text = append(list, text[:at+1]), text[at+1:]
	}
}

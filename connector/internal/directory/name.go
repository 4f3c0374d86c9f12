package directory

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/value"
)

// DN brings a distinguished name into the one spelling that Provisor compares.
// Servers escape differently (\2C for \,), so the values are decoded and escaped
// anew before the common normaliser sees them.
func DN(raw string) (value.Value, error) {
	parsed, err := ldap.ParseDN(strings.Trim(raw, "\t\r\n")) // as a file's line brings them
	if err != nil || len(parsed.RDNs) == 0 || !typed(parsed) {
		return value.Null, fmt.Errorf("%q is not a distinguished name (such as cn=Ann,ou=people,dc=example,dc=org)", raw)
	}
	names := make([]string, len(parsed.RDNs))
	for i, rdn := range parsed.RDNs {
		names[i] = spellRDN(rdn)
	}
	return value.Normalize(value.DN, "", strings.Join(names, ","))
}

// types are names of attributes (RFC 4512, 1.4), and what servers let pass beside
// them. The library takes any text for one, also with what separates names in it.
var types = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._;-]*$`)

func typed(dn *ldap.DN) bool {
	for _, rdn := range dn.RDNs {
		for _, a := range rdn.Attributes {
			if !types.MatchString(strings.TrimSpace(a.Type)) {
				return false
			}
		}
	}
	return true
}

func spellRDN(rdn *ldap.RelativeDN) string {
	parts := make([]string, len(rdn.Attributes))
	for i, a := range rdn.Attributes {
		text := value.EscapeRDN(a.Value)
		// A space that ends a value would be lost to whoever trims the name.
		if cut, ok := strings.CutSuffix(text, `\ `); ok {
			text = cut + `\20`
		}
		parts[i] = strings.ToLower(strings.TrimSpace(a.Type)) + "=" + text
	}
	return strings.Join(parts, "+")
}

// An Assertion is one attribute and value of a relative distinguished name.
type Assertion struct{ Attribute, Value string }

// Split returns a name's first part, what that part asserts, and the parent.
// The name must be one that DN returned.
func Split(dn string) (rdn string, asserts []Assertion, parent string) {
	names := value.SplitDN(dn)
	rdn, parent = names[0], strings.Join(names[1:], ",")
	if parsed, err := ldap.ParseDN(rdn); err == nil && len(parsed.RDNs) == 1 {
		for _, a := range parsed.RDNs[0].Attributes {
			asserts = append(asserts, Assertion{a.Type, a.Value})
		}
	}
	return rdn, asserts, parent
}

// Below reports whether a name lies strictly below a base; both as DN spells them.
func Below(dn, base string) bool {
	return strings.HasSuffix(strings.ToLower(dn), ","+strings.ToLower(base))
}

// Equals returns a filter for one value, with everything in it made inert.
func Equals(attribute, text string) string {
	return "(" + attribute + "=" + ldap.EscapeFilter(text) + ")"
}

// And joins filters, of which at least one is not empty.
func And(filters ...string) string { return join("&", filters) }

// Or joins filters, of which at least one is not empty.
func Or(filters ...string) string { return join("|", filters) }

func join(op string, filters []string) string {
	kept := filters[:0:0]
	for _, f := range filters {
		if f != "" {
			kept = append(kept, f)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return "(" + op + strings.Join(kept, "") + ")"
}

// Filter checks a filter that an administrator wrote; "" stays "". The
// parentheses around it may be left out.
func Filter(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	if !strings.HasPrefix(text, "(") {
		text = "(" + text + ")"
	}
	if _, err := ldap.CompileFilter(text); err != nil {
		return "", fmt.Errorf("%q is not an LDAP filter such as (!(employeeType=test)): %w", text, err)
	}
	return text, nil
}

package ldap

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
)

const controlAssertion = "1.3.6.1.1.12" // RFC 4528: change the entry only if it passes a filter

// rootEntry is what a server says about itself (RFC 4512, 5.1).
type rootEntry struct {
	product  string
	schema   string // the entry that holds the schema
	controls []string
}

// about asks the server about itself once for the life of the system.
func (s *system) about(ctx context.Context, conn *directory.Conn) (*rootEntry, error) {
	s.mu.Lock()
	known := s.root
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	result, err := conn.Search(ctx, baseSearch("", "(objectClass=*)",
		columnClass, "vendorName", "vendorVersion", "supportedControl", "subschemaSubentry"))
	if err != nil {
		return nil, err
	}
	root := &rootEntry{product: "LDAP directory"}
	if len(result.Entries) == 1 {
		entry := result.Entries[0]
		root.controls = entry.GetEqualFoldAttributeValues("supportedControl")
		root.schema = entry.GetEqualFoldAttributeValue("subschemaSubentry")
		vendor := strings.TrimSpace(entry.GetEqualFoldAttributeValue("vendorName") + " " + entry.GetEqualFoldAttributeValue("vendorVersion"))
		switch {
		case vendor != "":
			root.product = vendor
		case slices.Contains(entry.GetEqualFoldAttributeValues(columnClass), "OpenLDAProotDSE"):
			root.product = "OpenLDAP" // which keeps its version to itself
		}
	}
	s.mu.Lock()
	s.root = root
	s.mu.Unlock()
	return root, nil
}

// Describe reports the product, and the object classes that its schema offers.
func (s *system) Describe(ctx context.Context) (connector.Description, error) {
	const op = "describe ldap"
	conn, err := s.pool.Take(ctx)
	if err != nil {
		return connector.Description{}, directory.Fault(s.config, op, err)
	}
	defer conn.Give()
	root, err := s.about(ctx, conn)
	if err != nil {
		return connector.Description{}, directory.Fault(s.config, op, err)
	}
	description := connector.Description{
		Product: root.product,
		Can:     connector.Abilities{Read: true, Lookup: true, Write: true, FreshLookup: true},
	}
	if root.schema == "" {
		return description, nil
	}
	result, err := conn.Search(ctx, baseSearch(root.schema, "(objectClass=subschema)", "objectClasses"))
	if err != nil {
		return connector.Description{}, directory.Fault(s.config, op, err)
	}
	for _, entry := range result.Entries {
		description.Objects = classes(entry.GetEqualFoldAttributeValues("objectClasses"))
	}
	return description, nil
}

// class is one object class of a schema (RFC 4512, 4.1.1).
type class struct {
	name, kind string
	above      []string
	attributes []string
}

// classes lists the object classes that an entry may be made of, with their
// inherited attributes and the two columns that every entry has.
func classes(definitions []string) []connector.DescribedObject {
	known := make(map[string]class)
	for _, definition := range definitions {
		if c := parseClass(definition); c.name != "" {
			known[strings.ToLower(c.name)] = c
		}
	}
	var objects []connector.DescribedObject
	for _, c := range known {
		if c.kind == "ABSTRACT" {
			continue
		}
		columns := []string{columnDN, columnUUID}
		seen := make(map[string]bool)
		collect(known, c.name, seen, &columns)
		slices.Sort(columns)
		objects = append(objects, connector.DescribedObject{Name: c.name, Columns: slices.Compact(columns)})
	}
	slices.SortFunc(objects, func(a, b connector.DescribedObject) int { return strings.Compare(a.Name, b.Name) })
	return objects
}

func collect(known map[string]class, name string, seen map[string]bool, columns *[]string) {
	name = strings.ToLower(name)
	c, ok := known[name]
	if !ok || seen[name] {
		return
	}
	seen[name] = true
	*columns = append(*columns, c.attributes...)
	for _, above := range c.above {
		collect(known, above, seen, columns)
	}
}

// parseClass reads ( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) ).
func parseClass(definition string) class {
	c := class{kind: "STRUCTURAL"}
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", "$", " ").Replace(definition))
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "ABSTRACT", "AUXILIARY":
			c.kind = words[i]
		case "NAME", "SUP", "MUST", "MAY":
			var list []string
			key := words[i]
			list, i = listAt(words, i+1)
			switch {
			case key == "NAME" && len(list) > 0:
				c.name = strings.Trim(list[0], "'")
			case key == "SUP":
				c.above = list
			case key != "NAME":
				c.attributes = append(c.attributes, list...)
			}
		}
	}
	return c
}

// listAt returns the word at i, or the words in the parentheses that open there,
// and the place of the last one.
func listAt(words []string, i int) ([]string, int) {
	if i >= len(words) || words[i] != "(" {
		return words[min(i, len(words)):min(i+1, len(words))], i
	}
	end := i + 1
	for end < len(words) && words[end] != ")" {
		end++
	}
	return words[i+1 : end], end
}

// baseSearch asks for one entry by its name.
func baseSearch(dn, filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

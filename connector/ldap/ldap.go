// Package ldap reads and changes the entries of an LDAP directory.
//
// An entity type is an object class below a base; a property is an attribute, or
// dn, the entry's own name. A link is a distinguished name held by an attribute,
// of the entry itself or, with an inverse property, of the entry at the far end.
//
// It promises what package connector asks for: a reading is complete only when
// the server ended it, nothing is ever sent twice, and a reply that did not come
// is reported as unknown. The directory refuses a second entry of the same name.
// Values are written one by one; members that no item names are left alone. A
// change is a few requests, of which each is atomic: a crash between them leaves
// the first ones done, which the engine finds when it reads back.
package ldap

import (
	"context"
	"sync"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
	"provisor.dev/provisor/fault"
)

// Words of the configuration.
const (
	settingPlaceholder = "emptyGroupMember"
	fromObjects        = "objects"
	fromBase           = "base"
	fromFilter         = "filter"
	fromScope          = "scope"
	columnDN           = "dn" // the entry's name, which is no attribute
	columnUUID         = "entryUUID"
	columnClass        = "objectClass"
)

// Package returns the package for the list of packages.
func Package() connector.Package {
	return connector.Package{
		Name:  "ldap",
		About: "Reads and changes entries of an LDAP directory such as OpenLDAP or 389 Directory Server.",
		Class: connector.RefusesDuplicates,
		Settings: append(directory.Settings(), connector.Setting{
			Name:  settingPlaceholder,
			About: "an entry that stands in as the member of a group that would otherwise be empty, where the schema demands a member",
		}),
		From: []connector.Setting{
			{Name: fromObjects, Required: true, About: "the object class of the entries"},
			{Name: fromBase, About: "the entry below which they are; baseDN when absent"},
			{Name: fromFilter, About: "a further LDAP filter that they pass"},
			{Name: fromScope, OneOf: []string{"sub", "one"}, Default: "sub", About: "sub: at any depth below the base; one: directly below it"},
		},
		Check: func(settings connector.Settings) []fault.Finding {
			_, findings := parse(settings)
			return findings
		},
		Open: open,
	}
}

// parse returns the system that the settings describe, not yet connected.
func parse(settings connector.Settings) (*system, fault.Findings) {
	config, findings := directory.Parse(settings)
	s := &system{config: config}
	if text := settings.Get(settingPlaceholder, ""); text != "" {
		dn, err := directory.DN(text)
		if err != nil {
			findings = append(findings, fault.Finding{Object: "settings." + settingPlaceholder, What: err.Error()})
		}
		s.placeholder = dn.Text()
	}
	return s, findings
}

func open(_ context.Context, settings connector.Settings) (connector.System, error) {
	s, findings := parse(settings)
	if err := findings.Err(); err != nil {
		return nil, err
	}
	s.pool = directory.NewPool(s.config)
	s.readings = directory.NewReadings(s.pool)
	return s, nil
}

// system is one directory. It connects when it is first used.
type system struct {
	config      directory.Config
	placeholder string // "" or the name of the entry that keeps groups from being empty
	pool        *directory.Pool
	readings    *directory.Readings

	mu   sync.Mutex
	root *rootEntry // what the server says about itself, once asked
}

// Close gives up the connections, those of readings under way too.
func (s *system) Close() error {
	s.readings.Close()
	s.pool.Close()
	return nil
}

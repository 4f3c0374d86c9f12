package main

import (
	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/ldap"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/repository"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/surface/cli"
)

// packages are the connector packages compiled in. A new one is one more line.
func packages() []connector.Package {
	return []connector.Package{
		csvfile.Package(),
		ldap.Package(),
		manual.Package(),
		repository.Package(nil), // the loop hands in its store
		sqldb.Package(),
	}
}

// listed describes the packages to the command line.
func listed(list []connector.Package) []cli.Package {
	out := make([]cli.Package, len(list))
	for i, p := range list {
		out[i] = cli.Package{Name: p.Name, About: p.About, Manual: p.Manual, Settings: settings(p.Settings), From: settings(p.From)}
	}
	return out
}

func settings(list []connector.Setting) []cli.Setting {
	out := make([]cli.Setting, len(list))
	for i, s := range list {
		out[i] = cli.Setting(s)
	}
	return out
}

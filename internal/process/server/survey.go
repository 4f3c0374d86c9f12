package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
)

const (
	// objectsKept bounds what is kept of a system's schema: a directory has some
	// hundred classes, a database that serves other programs thousands of tables.
	objectsKept = 500
	// columnsKept bounds what is kept of one table.
	columnsKept = 200
)

// saysItIs is a system in a sentence.
func saysItIs(d connector.Description) string {
	var can []string
	for _, x := range []struct {
		can  bool
		what string
	}{{d.Can.Read, "read"}, {d.Can.Lookup, "looked up"}, {d.Can.Write, "written"}} {
		if x.can {
			can = append(can, x.what)
		}
	}
	text := d.Product
	if len(can) > 0 {
		text += "; can be " + strings.Join(can, ", ")
	}
	return strings.TrimPrefix(text, "; ")
}

func objectsOf(d connector.Description) []runs.Object {
	var list []runs.Object
	for _, o := range d.Objects[:min(len(d.Objects), objectsKept)] {
		list = append(list, runs.Object{Name: o.Name, Columns: o.Columns[:min(len(o.Columns), columnsKept)]})
	}
	return list
}

// missingIn lists what is declared of a connection and not there.
func missingIn(c schema.Connector, id schema.ConnectionID, d connector.Description) (list []string) {
	if len(d.Objects) == 0 {
		return nil // it does not say
	}
	there := map[string]connector.DescribedObject{}
	for _, o := range d.Objects {
		there[strings.ToLower(o.Name)] = o
	}
	for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
		e := c.Entities[name]
		table, objects := e.From["table"], e.From["objects"]
		if e.Connection != id || table+objects == "" {
			continue
		}
		o, ok := there[strings.ToLower(table+objects)]
		if !ok {
			list = append(list, fmt.Sprintf("%s reads %s, which is not there", name, table+objects))
			continue
		}
		if table == "" || len(o.Columns) == 0 {
			continue // a class has columns of others as well
		}
		for _, property := range e.Names() {
			p := e.Properties[property]
			column := p.Column
			if column == "" {
				column = string(property)
			}
			if len(p.From) > 0 || p.Ours() || p.Allocate != nil || p.Inverse != "" {
				continue // read elsewhere, or not at all
			}
			if !slices.ContainsFunc(o.Columns, func(x string) bool { return strings.EqualFold(x, column) }) {
				list = append(list, fmt.Sprintf("%s.%s reads the column %s of %s, which is not there", name, property, column, table))
			}
		}
	}
	return list
}

// changedSince lists what is new and gone since the survey before.
func changedSince(before runs.Run, connection string, now []runs.Object) (list []string) {
	old := before.Step(connection)
	if old == nil || len(old.Objects) == 0 {
		return nil
	}
	names := func(objects []runs.Object) map[string]bool {
		set := map[string]bool{}
		for _, o := range objects {
			set[o.Name] = true
			for _, c := range o.Columns {
				set[o.Name+"."+c] = true
			}
		}
		return set
	}
	was, is := names(old.Objects), names(now)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if !was[name] {
			list = append(list, name+" is new")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if !is[name] {
			list = append(list, name+" is gone")
		}
	}
	return list
}

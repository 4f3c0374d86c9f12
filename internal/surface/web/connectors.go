package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// connectorRow is a connector in the list.
type connectorRow struct {
	schema.Connector
	Types  []string // names of its resource types
	Parked int
}

// connectors lists the managed systems that are declared.
func (s *site) connectors(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	parks, err := s.Questions.Parks(r.Context())
	if err != nil {
		return page{}, err
	}
	var list []connectorRow
	for _, id := range slices.Sorted(maps.Keys(m.Connectors)) {
		row := connectorRow{Connector: m.Connectors[id]}
		for _, t := range typesOf(m, id) {
			row.Types = append(row.Types, nameOr(t.Name, string(t.ID)))
			for _, p := range parks {
				row.Parked += boolOf(p.Type == string(t.ID))
			}
		}
		list = append(list, row)
	}
	return page{Title: "Connectors", Section: "connectors", Body: connectorsPage(list), Sheet: connectorsSheet(list)}, nil
}

// typesOf are the resource types whose accounts a connector holds.
func typesOf(m *roles.Model, id schema.ConnectorID) []roles.ResourceType {
	var list []roles.ResourceType
	for _, tid := range slices.Sorted(maps.Keys(m.ResourceTypes)) {
		t := m.ResourceTypes[tid]
		if entity, ok := m.Entity(t.Target); ok && entity.Connector == id {
			list = append(list, t)
		}
	}
	return list
}

// connectorShown is one connector with how it stands.
type connectorShown struct {
	schema.Connector
	Connections []connectionShown
	Entities    []entityShown
	Types       []typeShown
	Parks       []view.Park
	Runs        connectorRuns
	Here        string
	Kept        kept
	Now         time.Time
}

type connectionShown struct {
	schema.Connection
	Reads []string // entity types
	Does  []string // resource types
}

type entityShown struct {
	Type  string
	Count string
	Last  *view.Reading // nil: never read
}

type typeShown struct {
	roles.ResourceType
	Counts []view.TypeCount
}

// countText writes a count that may have stopped; more: there are more than were counted.
func countText(n int, more bool) string {
	switch {
	case n > view.CountMost:
		return thousands(view.CountMost) + "+"
	case more:
		return thousands(n) + "+"
	}
	return thousands(n)
}

// connector shows one connector.
func (s *site) connector(r *http.Request) (page, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	c, ok := m.Connectors[schema.ConnectorID(r.PathValue("id"))]
	if !ok {
		return page{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("there is no connector %q", r.PathValue("id")), Do: "The list of connectors shows those that are declared."}
	}
	shown := connectorShown{Connector: c, Here: r.URL.RequestURI(), Kept: keptOf(r), Now: s.Clock(), Connections: connectionsOf(m, c)}
	if shown.Entities, err = s.entitiesOf(r.Context(), c); err != nil {
		return page{}, err
	}
	if shown.Types, shown.Parks, err = s.typesShown(r.Context(), m, c.ID); err != nil {
		return page{}, err
	}
	if shown.Runs, err = s.connectorRuns(r.Context(), c.ID); err != nil {
		return page{}, err
	}
	return page{Title: nameOr(c.Name, string(c.ID)), Section: "connectors", Body: connectorPage(shown), Sheet: connectorSheet(shown)}, nil
}

func connectionsOf(m *roles.Model, c schema.Connector) []connectionShown {
	var list []connectionShown
	for _, id := range slices.Sorted(maps.Keys(c.Connections)) {
		shown := connectionShown{Connection: c.Connections[id]}
		for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
			if c.Entities[name].Connection == id {
				shown.Reads = append(shown.Reads, string(name))
			}
		}
		for _, t := range typesOf(m, c.ID) {
			if t.Provisioning.Connection == id {
				shown.Does = append(shown.Does, nameOr(t.Name, string(t.ID)))
			}
		}
		list = append(list, shown)
	}
	return list
}

func (s *site) entitiesOf(ctx context.Context, c schema.Connector) ([]entityShown, error) {
	names := slices.Sorted(maps.Keys(c.Entities))
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	counts, err := s.Questions.EntityCounts(ctx, texts)
	if err != nil {
		return nil, err
	}
	var list []entityShown
	for _, name := range texts {
		shown := entityShown{Type: name, Count: countText(counts[name], false)}
		last, err := s.Questions.Readings(ctx, view.ReadingFilter{Entity: name, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(last) > 0 {
			shown.Last = &last[0]
		}
		list = append(list, shown)
	}
	return list, nil
}

func (s *site) typesShown(ctx context.Context, m *roles.Model, id schema.ConnectorID) ([]typeShown, []view.Park, error) {
	all, err := s.Questions.Parks(ctx)
	if err != nil {
		return nil, nil, err
	}
	var list []typeShown
	var parks []view.Park
	var ids []string
	for _, t := range typesOf(m, id) {
		list = append(list, typeShown{ResourceType: t})
		ids = append(ids, string(t.ID))
		for _, p := range all {
			if p.Type == string(t.ID) {
				parks = append(parks, p)
			}
		}
	}
	counts, err := s.Questions.AccountCounts(ctx, ids)
	for i := range list {
		for _, n := range counts {
			if n.Type == string(list[i].ID) {
				list[i].Counts = append(list[i].Counts, n)
			}
		}
	}
	return list, parks, err
}

// readingSays is a reading in a sentence.
func readingSays(x *view.Reading) string {
	parts := []string{x.State}
	if !x.Complete && x.State == "committed" {
		parts = append(parts, "not complete")
	}
	for _, n := range []struct {
		count int
		what  string
	}{{x.Counts.Added, "added"}, {x.Counts.Changed, "changed"}, {x.Counts.Removed, "removed"}, {x.Counts.SetAside, "set aside"}} {
		if n.count > 0 {
			parts = append(parts, thousands(n.count)+" "+n.what)
		}
	}
	if x.Findings > 0 {
		parts = append(parts, count(x.Findings, "finding"))
	}
	if x.Why != "" {
		parts = append(parts, x.Why)
	}
	return strings.Join(parts, ", ")
}

// handles says how a resource type treats its orders.
func handles(p roles.Provisioning) string {
	var parts []string
	say := func(holds bool, text string) {
		if holds {
			parts = append(parts, text)
		}
	}
	say(!p.Enabled, "switched off: nothing is written")
	say(p.Shadow, "shadow: compared, never sent")
	say(p.Review, "every order is reviewed")
	say(!p.Add, "adds nothing by itself")
	say(!p.Remove, "removes nothing by itself")
	if len(parts) == 0 {
		return "writes by itself"
	}
	return strings.Join(parts, "; ")
}

// parkedList is the parked orders of one kind of one resource type.
type parkedList struct {
	workList
	Park      view.Park
	Connector string
	Causes    []review.Cause // the same orders by the rules that raised them
	From      bool           // they are of later orders than the first
	Further   string         // where the causes of more orders stand
}

// parkOf finds what a threshold parks, by what an address names.
func (s *site) parkOf(r *http.Request) (view.Park, error) {
	parks, err := s.Questions.Parks(r.Context())
	if err != nil {
		return view.Park{}, err
	}
	for _, p := range parks {
		if p.Type == r.PathValue("type") && p.Kind == r.PathValue("kind") {
			return p, nil
		}
	}
	return view.Park{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("no threshold parks %ss of %s", r.PathValue("kind"), r.PathValue("type")), Do: "Somebody released them, or none tripped."}
}

// parked lists what a threshold holds, to be released one by one.
func (s *site) parked(r *http.Request) (page, error) {
	p, err := s.parkOf(r)
	if err != nil {
		return page{}, err
	}
	address := parkAddress(r.PathValue("id"), p)
	f := filter{Address: address, Label: "Parked orders", Searches: "Owner", Hint: "Name, identifier or key"}
	list, err := s.work(r, f, view.OrderFilter{Types: []string{p.Type}, Kinds: []orders.Kind{orders.Kind(p.Kind)}, States: []orders.State{orders.Pending}, Gated: true})
	if err != nil {
		return page{}, err
	}
	from, err := numbered("the place in a list", r.URL.Query().Get("causes"))
	if err != nil {
		return page{}, err
	}
	shown := parkedList{workList: *list, Park: p, Connector: r.PathValue("id"), From: from > 0}
	causes, last, err := s.desk(r).Causes(r.Context(), roles.ResourceTypeID(p.Type), orders.Kind(p.Kind), orders.OrderID(from))
	if err != nil {
		return page{}, err
	}
	if shown.Causes = causes; last != 0 {
		shown.Further = list.Filter.next("causes", last.String()) + "#causes"
	}
	return page{Title: "Parked " + p.Kind + "s", Section: "connectors", Body: parkedPage(shown), Sheet: list.Sheet}, nil
}

func parkAddress(connector string, p view.Park) string {
	return "/connectors/" + url.PathEscape(connector) + "/parked/" + url.PathEscape(p.Type) + "/" + url.PathEscape(p.Kind)
}

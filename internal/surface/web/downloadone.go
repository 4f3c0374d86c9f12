package web

import (
	"context"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// What is exported of one person, and of connectors.

// permissionsSheet is the roles that somebody has, each with what it gives, and
// what no role gives.
func permissionsSheet(p personShown) *export.Sheet {
	type line struct {
		role view.Role
		gift giftShown
	}
	var lines []line
	given := map[string]bool{}
	for _, r := range p.Roles {
		lines = append(lines, line{role: r.Role})
		for _, g := range r.Items {
			given[itemName(g.Account.ID, g.ID)] = true
			lines = append(lines, line{r.Role, g})
		}
	}
	for _, a := range p.Accounts {
		for _, it := range a.Items {
			if !given[itemName(a.ID, it.ID)] {
				lines = append(lines, line{gift: giftShown{a, it}})
			}
		}
	}
	columns := []string{"Role", "Parameters", "Resource type", "Account", "Property", "Value", "Provisioning state", "Workflow state", "Start", "End", "Origin"}
	return sheets.All("permissions-"+p.Key, columns, lines, func(x line) []string {
		if x.gift.Account.ID == 0 {
			r := x.role
			return []string{r.Role, r.With, "", "", "", "", r.Shows, r.Workflow.Name, sheets.Dated(r.Start), sheets.Dated(r.End), origin(context.Background(), "", r.Reasons)}
		}
		it := x.gift.Item
		cells := append([]string{x.role.Role, x.role.With, x.gift.Account.Type, x.gift.Account.Target}, valueCells(it)...)
		return append(cells, it.State.String(), it.Workflow.Name, sheets.Dated(it.Start), sheets.Dated(it.End), origin(context.Background(), x.gift.Account.Type, it.Reasons))
	})
}

// valueCells are a property and what it should hold.
func valueCells(it view.Item) []string {
	if it.Link != "" {
		return []string{it.Property, nameOr(it.LinkName, it.Link)}
	}
	return []string{it.Property, sheets.Plain(it.Policy)}
}

// accountsSheet is somebody's accounts, a row for each value.
func accountsSheet(p view.Person) *export.Sheet {
	type line struct {
		account view.Account
		item    view.Item
	}
	var lines []line
	for _, a := range p.Accounts {
		for _, it := range a.Items {
			lines = append(lines, line{a, it})
		}
	}
	columns := []string{"Resource type", "Account", "Connector", "Connection", "Property", "Expected", "Found", "Provisioning state", "Workflow state", "Start", "End"}
	return sheets.All("accounts-"+p.Key, columns, lines, func(x line) []string {
		cells := append([]string{x.account.Type, x.account.Target, x.account.Connector, x.account.Connection}, valueCells(x.item)...)
		return append(cells, sheets.Plain(x.item.Current), x.item.State.String(), x.item.Workflow.Name, sheets.Dated(x.item.Start), sheets.Dated(x.item.End))
	})
}

// profileSheet is somebody's values.
func profileSheet(p profileShown) *export.Sheet {
	return sheets.All("profile-"+p.Key, []string{"Property", "Value", "Source gives"}, p.Values, func(x property) []string {
		return []string{x.Name, sheets.Plain(x.Value), sheets.Plain(x.Source)}
	})
}

// historySheet is all that happened to somebody's access.
func historySheet(p view.Person, events []happening) *export.Sheet {
	columns := []string{"At", "What", "Account", "Items", "From", "Event", "To", "By", "Reason"}
	return sheets.All("history-"+p.Key, columns, slices.Clone(events), func(h happening) []string {
		switch {
		case h.Move != nil:
			return []string{sheets.Stamped(h.At), "step", h.Account.Type + " " + h.Account.Target, strings.Join(h.Move.Names, ", "), h.Move.From.String(), h.Move.Event, h.Move.To.String(), h.Move.Actor, h.Move.Why}
		case h.Ruling != nil:
			return []string{sheets.Stamped(h.At), "ruling", "", h.Request.Role, "", h.Ruling.Verdict, "", h.Ruling.By, h.Ruling.Why}
		default:
			return []string{sheets.Stamped(h.At), "request", "", h.Request.Role, "", h.Request.Action, h.Request.Workflow.Name, h.Request.By, h.Request.Why}
		}
	})
}

// connectorsSheet is the connectors with their resource types.
func connectorsSheet(list []connectorRow) *export.Sheet {
	return sheets.All("connectors", []string{"Connector", "Name", "Connections", "Entity types", "Resource types", "Thresholds that hold orders"}, list, func(x connectorRow) []string {
		return []string{string(x.ID), x.Name, joinedKeys(x.Connections), joinedKeys(x.Entities), strings.Join(x.Types, ", "), sheets.Whole(int64(x.Parked))}
	})
}

// connectorSheet is the counts of one connector.
func connectorSheet(c connectorShown) *export.Sheet {
	var lines [][]string
	for _, e := range c.Entities {
		last := ""
		if e.Last != nil {
			last = sheets.Stamped(e.Last.Ended)
		}
		lines = append(lines, []string{"entity type", e.Type, "", e.Count, last})
	}
	for _, t := range c.Types {
		for _, n := range t.Counts {
			lines = append(lines, []string{"resource type", string(t.ID), n.State.String(), countText(n.Count, n.More), ""})
		}
	}
	return sheets.All("connector-"+string(c.ID), []string{"What", "Name", "State", "Count", "Last read"}, lines, func(x []string) []string { return x })
}

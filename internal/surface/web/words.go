package web

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// meanings say what it is to stand in a state.
var meanings = map[orders.State]string{
	orders.None:             "Computed and not yet judged.",
	orders.Pending:          "Ready to go out, or waiting before a gate that the order names.",
	orders.Transmitted:      "Handed to an agent or a technician; no answer yet.",
	orders.Errored:          "The agent or the technician reported an error. The application owner retries or declines.",
	orders.Verified:         "A reading of the system shows it as it should be.",
	orders.AwaitingApproval: "Nothing is written before a person decides.",
	orders.Inactive:         "Not wanted any more, its time is over, or somebody declined it.",
	orders.Error:            "A rule of the configuration failed on it. The integrator mends the rule.",
	orders.Executed:         "Done, says the agent or the technician; the next reading will show it.",
}

// emptiness says what would fill a list.
var emptiness = map[orders.State]string{
	orders.None:             "Nothing waits to be judged.",
	orders.Pending:          "Nothing waits to go out. Differences between the rules and the systems become orders in the next round.",
	orders.Transmitted:      "Nobody holds an order. Orders of manual systems stand here until a technician confirms them.",
	orders.Errored:          "No error is reported.",
	orders.Verified:         "No order has been verified yet.",
	orders.AwaitingApproval: "Nothing waits for a decision. Orders of resource types with `review: true` stop here.",
	orders.Inactive:         "Nothing was declined, and nothing has run out.",
	orders.Error:            "Every rule could be evaluated.",
	orders.Executed:         "Everything that was done has been read back.",
}

// ownerName is how a person is called, or the account where nobody owns it.
func ownerName(o view.Owner, target string) string {
	switch {
	case o.Display != "":
		return o.Display
	case o.Key != "":
		return o.Key
	case target != "":
		return target
	}
	return "nobody"
}

func personURL(o view.Owner) templ.SafeURL {
	if o.Key == "" {
		return templ.SafeURL("/directory")
	}
	return templ.SafeURL("/directory/" + url.PathEscape(o.Type) + "/" + url.PathEscape(o.Key))
}

func directoryURL(entity string) templ.SafeURL {
	return templ.SafeURL("/directory/" + url.PathEscape(entity))
}

func orderURL(id orders.OrderID) templ.SafeURL { return templ.SafeURL(fmt.Sprintf("/orders/%d", id)) }

// choose is the address of a person's page with an item's path opened.
func (d personData) choose(account orders.AssignedID, item int) templ.SafeURL {
	return personURL(d.Owner) + templ.SafeURL(fmt.Sprintf("?item=%d.%d#path", account, item))
}

func itemName(it view.OrderItem) string {
	switch {
	case it.Property == "":
		return "the account itself"
	case it.Link != "":
		return it.Property + " " + it.Link
	}
	return it.Property
}

// originsOf says where something comes from: the role, else the rule.
func originsOf(reasons []assignments.Reason) []string {
	var list []string
	for _, r := range reasons {
		text := r.Rule
		if r.Role != "" {
			text = "role " + string(r.Role)
		}
		if r.Note != "" {
			text += " (" + r.Note + ")"
		}
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// allowed lists what a person may do to any item of an account.
func allowed(a view.Account) []string {
	var list []string
	for _, it := range a.Items {
		for _, event := range it.May {
			if !slices.Contains(list, event) {
				list = append(list, event)
			}
		}
	}
	return list
}

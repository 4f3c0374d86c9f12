package view

import (
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
)

// RequestFilter chooses requests: the open ones, cut down by every field that is set.
type RequestFilter struct {
	Owner    *resources.Ref
	WaitsFor string // the key of a person who may decide now
	States   []assignments.Workflow
	Stuck    bool               // nobody may decide
	Closed   bool               // history too
	Sort     Sort               // by one of RequestColumns
	After    requests.RequestID // the cursor: the last request of the page before
	AfterBy  string             // with it: what that one is sorted by, where that is not its number
	Limit    int
}

// RequestPage is one page of requests. After, with AfterBy, is the next page's
// cursor, 0 at the end.
type RequestPage struct {
	Requests []Request          `json:"requests"`
	After    requests.RequestID `json:"after,omitempty"`
	AfterBy  string             `json:"afterBy,omitempty"`
}

// Request is what somebody asked for about a role, and how far it is.
type Request struct {
	ID         requests.RequestID `json:"id"`
	Owner      Owner              `json:"owner"`
	Role       string             `json:"role"`
	Action     string             `json:"action"`
	Parameters string             `json:"parameters,omitempty"`
	Start      time.Time          `json:"start,omitzero"`
	End        time.Time          `json:"end,omitzero"`
	Why        string             `json:"why,omitempty"`
	By         string             `json:"by"`
	At         time.Time          `json:"at"`
	Workflow   Workflow           `json:"workflow"`
	Since      time.Time          `json:"since"` // in this state
	Open       bool               `json:"open"`
	Waits      []Reviewer         `json:"waits,omitempty"` // who may decide now
	Stuck      string             `json:"stuck,omitempty"` // why nobody may
	Rulings    []Ruling           `json:"rulings,omitempty"`
	Remarks    []string           `json:"remarks,omitempty"`
	May        []string           `json:"may,omitempty"` // what may be done to it here: the buttons
	Version    int                `json:"version"`
}

// Reviewer is somebody who may decide, and as what.
type Reviewer struct {
	Person string `json:"person"`
	As     string `json:"as"`
}

// Ruling is what was said in one approval step.
type Ruling struct {
	Step    int       `json:"step"`
	Verdict string    `json:"verdict"` // approve, decline
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why,omitempty"`
	How     string    `json:"how"` // reviewer, implicit, automation
}

// RequestOf shows a request with the people that it waits for.
func RequestOf(r requests.Request, seats []requests.Seat) Request {
	shown := Request{
		ID: r.ID, Owner: Owner{Type: string(r.Owner.Type), Key: string(r.Owner.Key)}, Role: string(r.Role), Action: string(r.Action),
		Parameters: string(r.Parameters), Start: r.Period.From, End: r.Period.To, Why: r.Why, By: r.By, At: r.At,
		Workflow: WorkflowOf(r.State), Since: r.Since, Open: r.Open(), Stuck: r.Stuck, Remarks: r.Remarks, Version: r.Version,
	}
	for _, s := range seats {
		shown.Waits = append(shown.Waits, Reviewer(s))
	}
	for _, x := range r.Rulings {
		shown.Rulings = append(shown.Rulings, RulingOf(x))
	}
	for _, on := range requests.Allowed(r.State) {
		switch on {
		case requests.Approve, requests.Decline, requests.Supply, requests.Withdraw:
			shown.May = append(shown.May, string(on))
		}
	}
	return shown
}

// RulingOf shows what was said in one step.
func RulingOf(x requests.Ruling) Ruling {
	verdict := string(requests.Approve)
	if !x.Approve {
		verdict = string(requests.Decline)
	}
	return Ruling{Step: x.Step, Verdict: verdict, By: x.By, At: x.At, Why: x.Why, How: string(x.How)}
}

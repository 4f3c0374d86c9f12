package view

import (
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
)

// HolderFilter chooses those who have a role.
type HolderFilter struct {
	Role  string
	Sort  Sort // by one of HolderColumns
	After HolderCursor
	Limit int
}

// HolderCursor is a place in the order of the list; By, where it is not sorted by
// key, is what the holder there is called.
type HolderCursor struct {
	By         string `json:"by,omitempty"`
	Type       string `json:"type"`
	Key        string `json:"key"`
	Parameters string `json:"parameters,omitempty"`
}

// HolderPage is one page. After is the next page's cursor, nil at the end.
type HolderPage struct {
	Holders []Holder      `json:"holders"`
	After   *HolderCursor `json:"after,omitempty"`
}

// Holder is somebody who has a role, or is denied it.
type Holder struct {
	Owner      Owner     `json:"owner"`
	Parameters string    `json:"parameters,omitempty"`
	Workflow   Workflow  `json:"workflow"`
	Start      time.Time `json:"start,omitzero"`
	End        time.Time `json:"end,omitzero"`
}

// PeersMost is among how many peers it is counted who has a role: more would be
// slower, and say the same.
const PeersMost = 200

// PeersFilter asks what those have who stand where an owner stands.
type PeersFilter struct {
	Owner resources.Ref
	Hops  []access.Hop // the links that lead from him to where he stands
	Roles []string     // that are counted
	On    time.Time
}

// Peers is what others have who stand at the same place, of those that whoever asks
// may see.
type Peers struct {
	Count int            `json:"count"`
	More  bool           `json:"more,omitempty"` // there are more than were counted
	Roles map[string]int `json:"roles"`          // how many of them have each
}

// RuleWithin is how many accounts of a resource type, or holders of a role, are
// looked at for what their rules give: the reasons stand in documents, and each is
// read.
const RuleWithin = 1_000

// RuleFilter names whose reasons are counted: of the accounts of a resource type, or
// of those who have a role.
type RuleFilter struct {
	Type string
	Role string
}

// RuleReach is how many people rules give something.
type RuleReach struct {
	People map[string]int `json:"people"` // by rule line
	Looked int            `json:"looked"` // rows that were looked at
	More   bool           `json:"more,omitempty"`
}

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

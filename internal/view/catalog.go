package view

import "time"

// HolderFilter chooses those who have a role, by their keys.
type HolderFilter struct {
	Role  string
	After HolderCursor
	Limit int
}

// HolderCursor is a place in the order of the list.
type HolderCursor struct {
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

package act

import "context"

// A PlanDesk is where people plan what a folder holds, and apply what was planned.
type PlanDesk interface {
	// Make plans what deploying the files of the configuration would cause, keeps the
	// plan and names its file.
	Make(ctx context.Context) (file string, err error)
	// Apply does what a kept plan says, if it would still cause the same. Accounts that
	// nothing declares any more are let go of only with release.
	Apply(ctx context.Context, file string, release bool, why string) (Applied, error)
}

// Applied is what came of applying a plan.
type Applied struct {
	Name     string    `json:"name"`
	Back     bool      `json:"back,omitempty"` // it rolled orders back
	Accounts int       `json:"accounts,omitempty"`
	Refused  []Refused `json:"refused,omitempty"`
}

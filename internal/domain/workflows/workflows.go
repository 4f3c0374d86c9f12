// Package workflows holds what people started through the forms of the
// configuration, to create, change or end identity data inside Provisor, and the
// approval steps that it passes until it is applied.
//
// A started workflow is a row of its own with a workflow state of its own; the
// resource stays as it is until the last step approves. One table drives the
// function Next and the exhaustive test. All of it is functions from values to
// values; the stage that reviews stores what they return.
package workflows

import (
	"fmt"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// StartedID names a started workflow for ever.
type StartedID int64

// Started is a workflow under way or settled: what somebody proposes for one
// resource.
type Started struct {
	ID       StartedID
	Workflow roles.WorkflowID
	Action   roles.WorkflowAction
	Subject  resources.Ref // without a key while that is still to be allocated
	Changes  []Change
	Why      string
	By       string // who started it
	At       time.Time
	State    assignments.Workflow
	Since    time.Time // in this state
	Rulings  []Ruling  // of the steps passed so far
	Version  int
}

// A Change is what a started workflow does to one property.
type Change struct {
	Property schema.PropertyName `json:"property"`
	Before   resources.Given     `json:"before,omitzero"`
	After    resources.Given     `json:"after,omitzero"`
	// Restore: an edit is taken back; After is what the source gave when it was asked.
	Restore bool `json:"restore,omitempty"`
}

// A Ruling is what was said in one approval step.
type Ruling struct {
	Step    int // 1, 2, 3
	By      string
	At      time.Time
	Approve bool
	Why     string
}

// Open reports whether something is still to be decided.
func (s *Started) Open() bool { return !s.State.Final() }

// Decided reports whether a person ruled in an earlier step.
func (s *Started) Decided(person string) bool {
	for _, ruling := range s.Rulings {
		if ruling.By == person {
			return true
		}
	}
	return false
}

// String reads "workflow 7: contractor-change of Contractor:C1".
func (s *Started) String() string {
	return fmt.Sprintf("workflow %d: %s of %s", s.ID, s.Workflow, s.Subject)
}

// Proposed returns what a resource that is to be created would be.
func (s *Started) Proposed() resources.Resource {
	r := resources.Resource{Ref: s.Subject}
	for _, c := range s.Changes {
		r.Set(c.Property, c.After)
	}
	return r
}

// Write makes the changes on the resource as it is now. What moved since the
// workflow was started is a conflict: the people who approved did not see it.
// With kept the resource lives in Provisor alone; else its source keeps its word
// beside what is written.
func (s *Started) Write(r *resources.Resource, kept bool) error {
	for _, c := range s.Changes {
		now := r.Given(c.Property)
		if !now.Same(c.Before) && !now.Same(c.After) {
			return &fault.Error{
				Kind: fault.Conflict, Op: "apply",
				Msg: fmt.Sprintf("%s of %s is %q now; it was %q when this was asked for", c.Property, r.Ref, now, c.Before),
				Do:  "decline or withdraw it, and start it again from what is there",
			}
		}
		switch {
		case kept:
			r.Set(c.Property, c.After)
		case c.Restore:
			r.Restore(c.Property)
		default:
			r.Edit(c.Property, c.After)
		}
	}
	return nil
}

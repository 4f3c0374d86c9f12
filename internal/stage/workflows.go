package stage

import (
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
)

// WorkflowCounter numbers started workflows.
const WorkflowCounter = "workflow"

// WorkflowFilter chooses started workflows.
type WorkflowFilter struct {
	IDs   []workflows.StartedID
	Open  bool // something is still to be decided
	Limit int  // the newest so many; 0: all
}

// WorkflowChange is what an act does to a started workflow, and beside it.
type WorkflowChange struct {
	Started workflows.Started
	Apply   *Application // the last step approved it
	Decide  []Decision
	Due     []Due
}

// Application writes a resource of the store.
type Application struct {
	Subject            resources.Ref
	Create             bool // it must not be there; else it must
	Identify, Editable []schema.PropertyName
	// Write changes the resource as it is now. It may run twice.
	Write func(now *resources.Resource) error
}

package roles

import "provisor.dev/provisor/internal/domain/schema"

// WorkflowID names a workflow in the configuration.
type WorkflowID string

// WorkflowAction is what a workflow does to a resource.
type WorkflowAction string

// The actions of workflows.
const (
	CreateResource WorkflowAction = "create"
	ChangeResource WorkflowAction = "change"
	EndResource    WorkflowAction = "end" // sets the last day; what the resource owns goes by the rules
)

// A Workflow is a form by which people create, change or end identity data
// inside Provisor, with the approvals that it asks for.
type Workflow struct {
	ID        WorkflowID
	Name      string
	Entity    schema.EntityType
	Action    WorkflowAction
	Fields    []Field
	Approval  Approval
	Reviewers map[string][]string // step: manager, owner:CATEGORY, person:KEY
	Who       []string            // may start it: anybody, self, manager, reviewer, owner:CATEGORY, person:KEY
	// Begins and Ends are the properties that hold the first and the last day of
	// the resource, as its context reads them; "" where it does not.
	Begins, Ends schema.PropertyName
	Position     schema.Position
}

// A Field is a property that a workflow's form asks for.
type Field struct {
	Property schema.PropertyName
	Label    string
	Required bool
	Default  schema.Expression // over the resource; what holds when nothing is written
	Check    schema.Expression // over the resource as it would be
	Message  string            // what to say when the check does not hold
	Position schema.Position
}

// Field returns the field of a property; ok is false when the form has none.
func (w Workflow) Field(p schema.PropertyName) (f Field, ok bool) {
	for _, f := range w.Fields {
		if f.Property == p {
			return f, true
		}
	}
	return Field{}, false
}

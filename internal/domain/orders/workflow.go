package orders

import "provisor.dev/provisor/internal/domain/assignments"

// Workflow says where the assigned resource comes from and how far its approval
// is: it is that of the account itself.
func (a *AssignedResource) Workflow() assignments.Workflow {
	if len(a.Items) == 0 {
		return assignments.NoWorkflow
	}
	return a.Items[0].Workflow
}

// Found reports whether no rule gives the account or ever gave it, be it that a
// person kept it since.
func (a *AssignedResource) Found() bool { return len(a.Items) > 0 && a.Items[0].ungiven() }

// Unauthorized reports whether the account stands in the system, no rule gives
// it, and nobody has said yet that it may stay or has to go.
func (a *AssignedResource) Unauthorized() bool {
	if len(a.Items) == 0 || !a.Items[0].Workflow.Found() {
		return false
	}
	self := &a.Items[0]
	return self.Place == atVerified || self.Place == atNone && self.Is.There // not judged yet
}

// question sets the workflow state of an item that became a question: approved
// and questioned where the rules want another value than the one that a person
// kept, otherwise as found by synchronization.
func (i *Item) question(protected bool) {
	switch {
	case protected && i.Decision.Exception != nil && !i.excepted():
		i.Workflow = assignments.Questioned
	case i.ungiven():
		i.Workflow = i.Policy.Workflow
	default:
		i.Workflow = assignments.NonConforming
	}
}

// answer sets the workflow state of an item that is no question any more: it
// stands on a person's word, or is again what the rules give.
func (i *Item) answer() {
	switch {
	case i.excepted():
		i.Workflow = assignments.Approved
	case i.Decision.Refused:
		i.Workflow = assignments.Cancellation
	default:
		i.Workflow = i.Policy.Workflow
	}
}

// asks reports whether the item is a question, or was one before its rule failed.
func (i *Item) asks() bool {
	return i.Place == atFound || i.Place == atError && i.Former != nil && *i.Former == atFound
}

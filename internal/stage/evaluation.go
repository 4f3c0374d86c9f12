package stage

import (
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
)

// A MarkKind says what of a mark is to be looked at anew by the next evaluation.
type MarkKind string

// The kinds of mark.
const (
	MarkEverything MarkKind = "everything"
	MarkResource   MarkKind = "resource" // it changed, appeared or went
	MarkOwner      MarkKind = "owner"    // what people decided about the owner changed
	MarkTarget     MarkKind = "target"   // of a resource type: what people said of whose it is changed
)

// A Mark is one thing that the next evaluation has to look at anew.
type Mark struct {
	Kind  MarkKind
	Ref   resources.Ref // of a target, the type is the resource type
	Count int64         // how often it was marked: a mark made meanwhile stays
}

// ToEvaluate is what changed since the last evaluation.
type ToEvaluate struct {
	Basis string // on what the last evaluation of everybody was based
	Run   string // the last evaluation
	Marks []Mark
	Stale []Stale
	// For the next evaluation: owners, resources that hold another value now, and
	// targets, whose type is the resource type.
	Again, Changed, Targets []resources.Ref
}

// Stale is an assigned resource that stands otherwise than evaluation left it.
type Stale struct {
	ID       orders.AssignedID
	Type     roles.ResourceTypeID
	Owner    resources.Ref
	Target   resources.Key
	Standing int64
}

// An Ownership is who owns which target, as far as it is settled.
type Ownership struct {
	Type    roles.ResourceTypeID
	Owner   resources.Ref
	Target  resources.Key
	Settled bool // nobody doubts it; until then it is matched anew each time
}

// A Former is an earlier version of a resource.
type Former struct {
	resources.Resource
	Last bool // it was not there for a while when this version had ended
}

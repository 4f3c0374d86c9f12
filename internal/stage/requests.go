package stage

import (
	"fmt"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
)

// RoundJob is what makes a round of a server due at once.
const RoundJob = "round"

// RequestFilter chooses requests: all of them, cut down by every field that is set.
type RequestFilter struct {
	IDs    []requests.RequestID
	Owner  *resources.Ref
	Open   bool                   // something is still to be decided
	States []assignments.Workflow // only these
	Waits  string                 // for this person
	Stuck  bool                   // nobody can decide
	Newest bool
	After  requests.RequestID // the cursor: the last of the page before
	Limit  int                // 0: all
	Within *access.Filter     // what whoever asks may see; nil: all
}

// AlreadyAsked refuses a second open request about the same.
func AlreadyAsked(op string, other requests.RequestID, r *requests.Request) error {
	return &fault.Error{
		Kind: fault.Conflict, Op: op, Msg: fmt.Sprintf("request %d already asks about %s for %s", other, requests.With(r.Role, r.Parameters), r.Owner),
		Do: fmt.Sprintf("look at it with `provisor request show %d`; withdraw it to ask anew", other),
	}
}

// RequestChange is a request as it is to be stored, with everything that the act
// changes beside it, in one transaction. Version 0 is a new request; any other is
// the version that was looked at.
type RequestChange struct {
	Request   requests.Request
	Reviewers []requests.Seat // for whom it waits now
	Decide    []assignments.RoleDecision
	Revoke    []AssignedRoleKey
	Due       []Due
}

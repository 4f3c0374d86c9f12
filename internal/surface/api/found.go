package api

import (
	"context"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

func (s *service) found() {
	shows(s, operation{access.FoundView, "/reconciliation", "listQuestions", "What was found in the systems and no rule explains"}, s.listQuestions)
	acts(s, operation{access.FoundDecide, "/reconciliation/{id}/decisions", "decideQuestion", "Correct, keep or decline what was found in one account"}, s.decideQuestion)
	acts(s, operation{access.FoundDecide, "/reconciliation/{id}/revocation", "revokeQuestion", "Take back that what was found was kept"}, s.revokeQuestion)
	acts(s, operation{access.FoundDecide, "/reconciliation/{id}/owner", "assignOwner", "Say whose account it is that was found"}, s.assignOwner)
	shows(s, operation{access.RolesReconcile, "/found-roles", "listFoundRoles", "Roles that were found and nobody decided on"}, s.listFoundRoles)
	acts(s, operation{access.RolesReconcile, "/found-roles/revocations", "revokeFoundRoles", "Take back that roles which were found were kept or declined"}, s.revokeFoundRoles)
	acts(s, operation{access.RolesReconcile, "/found-roles/decisions", "decideFoundRoles", "Keep or decline roles that were found"}, s.decideFoundRoles)
}

func (s *service) listQuestions(ctx context.Context, q *struct {
	Window
	Type  []string `query:"type,explode" maxItems:"200" doc:"A resource type; again for another."`
	About []string `query:"about,explode" maxItems:"2" enum:"unauthorized,drifted" doc:"Accounts that no rule gives, or values that differ."`

	Sort sorted[questionColumns] `query:"sort"`
},
) (Page[view.Question], error) {
	f := view.ReconciliationFilter{Types: q.Type, Unauthorized: slices.Contains(q.About, "unauthorized"), Drifted: slices.Contains(q.About, "drifted"), Sort: q.Sort.sort(), Limit: view.Rows(q.Limit)}
	var err error
	if f.After, f.AfterBy, err = rowIn[orders.AssignedID](q.After, q.Sort.text()); err != nil {
		return Page[view.Question]{}, err
	}
	page, err := s.ask.Reconciliation(ctx, f)
	return pageOf(page.Questions, rowOf(page.After, page.AfterBy, q.Sort.text())), err
}

// question is what is asked about one account.
func (s *service) question(ctx context.Context, id int64) (view.Question, error) {
	page, err := s.ask.Reconciliation(ctx, view.ReconciliationFilter{After: orders.AssignedID(id - 1), Limit: 1})
	if err == nil && (len(page.Questions) == 0 || int64(page.Questions[0].Account.ID) != id) {
		err = &fault.Error{Kind: fault.NotFound, Msg: "nothing of this account is in question", Do: "somebody decided, or it was never asked; the list shows what is left"}
	}
	if err != nil {
		return view.Question{}, err
	}
	return page.Questions[0], nil
}

// Settlement is what somebody says about what was found.
type Settlement struct {
	Do     string           `json:"do,omitempty" enum:"correct,keep,decline" doc:"About everything that is in question. Without it, say it for each item."`
	Items  []ItemSettlement `json:"items,omitempty" doc:"About some values, made together or not at all."`
	Until  string           `json:"until,omitempty" format:"date" doc:"To which day items are postponed."`
	Why    string           `json:"why,omitempty" maxLength:"4000"`
	Review bool             `json:"review,omitempty" doc:"Somebody else reviews what comes of it."`
}

// ItemSettlement is what somebody says about one value that was found.
type ItemSettlement struct {
	Item int    `json:"item"`
	Do   string `json:"do" enum:"correct,keep,decline,postpone"`
}

func (s *service) decideQuestion(ctx context.Context, in *struct {
	Numbered
	Body Settlement
},
) (act.Questions, error) {
	until, err := dayIn(in.Body.Until)
	if err != nil {
		return act.Questions{}, err
	}
	q, err := s.question(ctx, in.ID)
	if err != nil {
		return act.Questions{}, err
	}
	if (in.Body.Do == "") == (len(in.Body.Items) == 0) {
		return act.Questions{}, &fault.Error{Kind: fault.Invalid, Msg: "a decision is about everything in question or about items", Do: "give do, or items, and not both"}
	}
	if in.Body.Do != "" {
		answer, err := act.OnQuestions{On: orders.Event(in.Body.Do), Questions: []view.Question{q}, Why: in.Body.Why, ForReview: in.Body.Review}.Do(ctx, s.desk(ctx))
		return questions(answer, err)
	}
	x := act.OnQuestion{Account: q.Account.ID, Say: map[int]orders.Event{}, Until: until, Why: in.Body.Why, ForReview: in.Body.Review}
	for _, it := range in.Body.Items {
		if !slices.ContainsFunc(q.Account.Items, func(x view.Item) bool { return x.ID == it.Item && slices.Contains(x.May, it.Do) }) {
			return act.Questions{}, &fault.Error{Kind: fault.Conflict, Msg: "one of the items cannot be decided so", Do: "the list says of each item what may be done"}
		}
		x.Say[it.Item] = orders.Event(it.Do)
	}
	return questions(x.Do(ctx, s.desk(ctx)))
}

// questions is the answer to decisions on what was found; none made is a problem.
func questions(answer act.Questions, err error) (act.Questions, error) {
	if err == nil {
		err = refused(len(answer.Decided), answer.Refused)
	}
	return answer, err
}

func (s *service) revokeQuestion(ctx context.Context, in *struct {
	Numbered
	Body Revocation
},
) (act.Questions, error) {
	q := view.Question{Account: view.Account{ID: orders.AssignedID(in.ID)}}
	answer, err := act.OnQuestions{On: orders.Revoke, Questions: []view.Question{q}, Items: in.Body.Items, Why: in.Body.Why}.Do(ctx, s.desk(ctx))
	return questions(answer, err)
}

// Owned says whose an account is.
type Owned struct {
	Entity string `json:"entity" minLength:"1"`
	Person string `json:"person" minLength:"1"`
	Why    string `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) assignOwner(ctx context.Context, in *struct {
	Numbered
	Body Owned
},
) (act.Questions, error) {
	q, err := s.question(ctx, in.ID)
	if err != nil {
		return act.Questions{}, err
	}
	p, err := s.ask.Person(ctx, Named{in.Body.Entity, in.Body.Person}.ref())
	if err != nil {
		return act.Questions{}, err
	}
	return questions(act.ToOwner{Account: q.Account.ID, Owner: p.Owner, Why: in.Body.Why}.Do(ctx, s.desk(ctx)))
}

func (s *service) listFoundRoles(ctx context.Context, q *struct {
	Window
	Role   []string `query:"role,explode" maxItems:"1000" doc:"Again for another."`
	Entity string   `query:"entity" doc:"With person: the entity type of whoever has it."`
	Person string   `query:"person" doc:"The key of whoever has it."`
	As     string   `query:"as" enum:"pre-existing,non-conforming" doc:"Found before go-live, or since."`
	Parts  bool     `query:"parts" doc:"Those too that came with a composite role, itself found."`

	Sort sorted[foundRoleColumns] `query:"sort"`
},
) (Page[view.FoundRole], error) {
	f := view.FoundRoleFilter{PreExisting: q.As == "pre-existing", NonConforming: q.As == "non-conforming", Parts: q.Parts, Sort: q.Sort.sort(), Limit: view.Rows(q.Limit)}
	var err error
	if f.After, err = spotIn[view.FoundRoleCursor](q.After, q.Sort.text()); err != nil {
		return Page[view.FoundRole]{}, err
	}
	f.Roles = q.Role
	if q.Person != "" {
		f.Owner = &resources.Ref{Type: schema.EntityType(q.Entity), Key: resources.Key(q.Person)}
	}
	page, err := s.ask.FoundRoles(ctx, f)
	return pageOf(page.Roles, spotOf(page.After, q.Sort.text())), err
}

// FoundDecision keeps or declines roles that were found.
type FoundDecision struct {
	Do     string      `json:"do" enum:"keep,decline"`
	Roles  []SeenFound `json:"roles" minItems:"1" maxItems:"1000" nullable:"false"`
	Why    string      `json:"why,omitempty" maxLength:"4000"`
	Review bool        `json:"review,omitempty" doc:"Somebody else reviews what comes of it."`
}

// SeenFound is a role that was found, as somebody saw it.
type SeenFound struct {
	Entity     string `json:"entity" minLength:"1"`
	Person     string `json:"person" minLength:"1"`
	Role       string `json:"role" minLength:"1"`
	Parameters string `json:"parameters,omitempty"`
}

func (s *service) decideFoundRoles(ctx context.Context, in *struct{ Body FoundDecision }) (act.Roles, error) {
	x := act.OnRoles{On: orders.Event(in.Body.Do), Roles: seenRoles(in.Body.Roles), Why: in.Body.Why, ForReview: in.Body.Review}
	return foundRoles(x.Do(ctx, s.desk(ctx)))
}

// FoundRevocation takes decisions on roles back.
type FoundRevocation struct {
	Roles []SeenFound `json:"roles" minItems:"1" maxItems:"1000" nullable:"false"`
	Why   string      `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) revokeFoundRoles(ctx context.Context, in *struct{ Body FoundRevocation }) (act.Roles, error) {
	return foundRoles(act.OnRoles{On: orders.Revoke, Roles: seenRoles(in.Body.Roles), Why: in.Body.Why}.Do(ctx, s.desk(ctx)))
}

func seenRoles(seen []SeenFound) (list []view.FoundRole) {
	for _, r := range seen {
		list = append(list, view.FoundRole{Owner: view.Owner{Type: r.Entity, Key: r.Person}, Role: r.Role, Parameters: r.Parameters})
	}
	return list
}

// foundRoles is the answer to decisions on roles; none made is a problem.
func foundRoles(answer act.Roles, err error) (act.Roles, error) {
	if err != nil || len(answer.Decided) > 0 || len(answer.Refused) == 0 {
		return answer, err
	}
	list := make([]act.Refused, len(answer.Refused))
	for i, r := range answer.Refused {
		list[i].Why = r.Role + " of " + r.Owner + ": " + r.Why
	}
	return answer, refused(0, list)
}

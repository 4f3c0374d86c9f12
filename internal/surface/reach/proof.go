package reach

import (
	"context"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

// Explain proves what somebody has and has not, as far as ask shows it. A proof is
// made of all that he has, or it would tell of what its reader does not see that it
// is not there; then it is cut down. What is not seen is asked about like what is
// not declared.
func Explain(ctx context.Context, ask Questions, m *roles.Model, prove func(context.Context, view.Person, explain.Query) (explain.Proof, error), p view.Person, q explain.Query) (explain.Proof, error) {
	seen, err := SightOf(ctx, ask, m, p)
	if err != nil {
		return explain.Proof{}, err
	}
	for _, asked := range []struct {
		what, id string
		in       []string
	}{{"resource type", q.Account, seen.Types}, {"role", q.Role, seen.Roles}} {
		if asked.id != "" && !slices.Contains(asked.in, asked.id) {
			return explain.Proof{}, &fault.Error{Kind: fault.NotFound, Op: "explain", Msg: "there is no " + asked.what + " " + asked.id, Do: "ask about one that is declared, and that your profiles reach"}
		}
	}
	proof, err := prove(ctx, p, q)
	return proof.Within(seen), err
}

// Timeline says what changes for somebody up to a day, as far as ask shows what he has.
func Timeline(ctx context.Context, ask Questions, m *roles.Model, ahead func(context.Context, view.Owner, time.Time) (explain.Timeline, error), p view.Person, until time.Time) (explain.Timeline, error) {
	seen, err := SightOf(ctx, ask, m, p)
	if err != nil {
		return explain.Timeline{}, err
	}
	line, err := ahead(ctx, p.Owner, until)
	return line.Within(seen), err
}

// SightOf is of which resource types and roles whoever asks sees what somebody has.
func SightOf(ctx context.Context, ask Questions, m *roles.Model, p view.Person) (view.Sight, error) {
	var all view.Sight
	for id := range m.ResourceTypes {
		all.Types = append(all.Types, string(id))
	}
	for id := range m.Roles {
		all.Roles = append(all.Roles, string(id))
	}
	return ask.Sight(ctx, resources.Ref{Type: schema.EntityType(p.Type), Key: resources.Key(p.Key)}, all)
}

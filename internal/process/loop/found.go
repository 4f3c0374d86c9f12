package loop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// GoLive marks what is found now in some connectors, or in all, as pre-existing.
func (e *Engine) GoLive(ctx context.Context, connectors []schema.ConnectorID, why string) (review.Live, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (review.Live, error) {
		var types []roles.ResourceTypeID
		for _, id := range slices.Sorted(maps.Keys(d.Model.ResourceTypes)) {
			entity, _ := d.Model.Entity(d.Model.ResourceTypes[id].Target)
			if len(connectors) == 0 || slices.Contains(connectors, entity.Connector) {
				types = append(types, id)
			}
		}
		for _, id := range connectors {
			if _, ok := d.Model.Connectors[id]; !ok {
				return review.Live{}, &fault.Error{
					Kind: fault.NotFound, Op: "go live", Msg: fmt.Sprintf("there is no connector %q", id), Do: "the configuration names them",
				}
			}
		}
		return e.Desk().GoLive(ctx, types, why)
	})
}

// Redundant lists the approved roles that rules give as well. The list gets a
// name, which says what stands in it: ApplyRedundant applies the last one listed.
func (e *Engine) Redundant(ctx context.Context) (view.Redundancies, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (view.Redundancies, error) {
		_, shown, err := e.redundant(ctx, d)
		if err != nil {
			return shown, err
		}
		act := journal.Act{Actor: e.Actor, Name: "list redundant", Subject: shown.Name, At: e.Clock()}
		tag := stage.Decision{Kind: stage.RedundantListed, Value: value.OfString(shown.Name)}
		return shown, e.Decide(ctx, act, []stage.Decision{tag})
	})
}

// ApplyRedundant lets the rules' word stand where they give what was approved as
// well: for all of the last list, or for one role of one person. It refuses when
// the list would be another one by now.
func (e *Engine) ApplyRedundant(ctx context.Context, owner resources.Ref, role roles.RoleID, why string) (view.Redundancies, error) {
	return alone(ctx, e, func(ctx context.Context, d *deployment) (view.Redundancies, error) {
		list, shown, err := e.redundant(ctx, d)
		if err != nil {
			return shown, err
		}
		tags, err := e.Decisions(ctx, stage.RedundantListed)
		if err != nil {
			return shown, err
		}
		if len(tags) == 0 || tags[0].Value.Text() != shown.Name {
			return shown, &fault.Error{
				Kind: fault.Conflict, Op: "apply redundant", Msg: "what is redundant is not what was listed last, or nothing was listed",
				Do: "look at `provisor redundant list` again",
			}
		}
		applied := view.Redundancies{Name: shown.Name, Roles: []view.Redundancy{}}
		var put []assignments.RoleDecision
		var gone []stage.AssignedRoleKey
		for i, r := range list {
			if role != "" && (r.Decision.Role != role || r.Decision.Owner != owner) {
				continue
			}
			applied.Roles = append(applied.Roles, shown.Roles[i])
			if rest, left := r.Applied(); left {
				put = append(put, rest)
				continue
			}
			gone = append(gone, stage.AssignedRoleKey{Owner: r.Decision.Owner, Role: r.Decision.Role, Parameters: r.Decision.Parameters})
		}
		if len(applied.Roles) == 0 {
			return applied, fault.New(fault.NotFound, "apply redundant", "nothing of the kind stands in the list %s", shown.Name)
		}
		act := journal.Act{Actor: e.Actor, Name: "apply redundant", Subject: shown.Name, Why: why, At: e.Clock(), Detail: len(applied.Roles)}
		if role != "" {
			act.Subject = fmt.Sprintf("%s of %s, list %s", role, owner, shown.Name)
		}
		if err := e.DecideRoles(ctx, act, put, gone); err != nil || role == "" {
			return applied, err
		}
		// The rest of the list stays applicable: it was listed, and is what it was.
		_, rest, err := e.redundant(ctx, d)
		if err != nil {
			return applied, err
		}
		act.Name, act.Subject, act.Detail = "list redundant", rest.Name, nil
		return applied, e.Decide(ctx, act, []stage.Decision{{Kind: stage.RedundantListed, Value: value.OfString(rest.Name)}})
	})
}

func (e *Engine) redundant(ctx context.Context, d *deployment) ([]evaluate.Redundancy, view.Redundancies, error) {
	shown := view.Redundancies{Roles: []view.Redundancy{}}
	k, err := evaluate.Load(ctx, e.DB, d.Model)
	if err != nil {
		return nil, shown, err
	}
	list := evaluate.Redundant(d.Model, d.Programs, k, e.Day())
	for _, r := range list {
		shown.Roles = append(shown.Roles, view.Redundancy{
			Owner: view.Owner{Type: string(r.Decision.Owner.Type), Key: string(r.Decision.Owner.Key)}, Role: string(r.Decision.Role),
			Parameters: string(r.Decision.Parameters), Approved: r.Decision.Period, Overlap: r.Overlap, Left: r.Left, Reasons: r.Reasons,
		})
	}
	content, err := json.Marshal(shown.Roles)
	sum := sha256.Sum256(content)
	shown.Name = hex.EncodeToString(sum[:6])
	names := map[resources.Ref]string{}
	for _, t := range d.Model.Owners() {
		for _, r := range k.Resources[t] {
			names[r.Ref] = r.Display
		}
	}
	for i, r := range list { // the name of the list does not depend on what people are called
		shown.Roles[i].Owner.Display = names[r.Decision.Owner]
	}
	return list, shown, err
}

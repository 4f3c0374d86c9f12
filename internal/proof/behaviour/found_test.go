package behaviour

import (
	"context"
	"fmt"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// decideRole is a person who keeps, declines or revokes a role that was found:
// keep role E1 seller with department=SAL as Eve because "she sells".
func (w *world) decideRole(on orders.Event, p *phrase) error {
	person, err := p.text("a person")
	if err != nil {
		return err
	}
	id, err := p.text("a role")
	if err != nil {
		return err
	}
	if _, err := choose("role", id, w.roles); err != nil {
		return &misused{err}
	}
	c := review.RoleChoice{On: on, Role: roles.RoleID(id)}
	if c.Owner, err = w.ownerCalled(person); err != nil {
		return &misused{err}
	}
	if p.take("with") {
		with, err := p.text("parameters")
		if err != nil {
			return err
		}
		c.With = assignments.Parameters(with)
	}
	x := &choice{}
	for !p.done() {
		next, _ := p.next("")
		q, err := choose("word after a role", next.text, qualifiers)
		if err != nil {
			return &misused{err}
		}
		if err := q(x, p); err != nil {
			return &misused{err}
		}
	}
	c.Why, c.MayReview = x.why, !x.forReview
	_, err = w.desk(x.as).DecideRole(context.Background(), c)
	return err
}

// ownerCalled finds whoever has a key.
func (w *world) ownerCalled(person string) (resources.Ref, error) {
	for _, t := range w.model.Owners() {
		ref := resources.Ref{Type: t, Key: resources.Key(person)}
		if _, err := w.engine.Views().Person(context.Background(), ref); err == nil {
			return ref, nil
		}
	}
	return resources.Ref{}, fmt.Errorf("%s: %w", person, errNobody)
}

// golive marks what is found as there before: golive [CONNECTOR...].
func (w *world) golive(p *phrase) error {
	var only []schema.ConnectorID
	for !p.done() {
		name, _ := p.text("")
		if _, err := choose("connector", name, byText(w.model.Connectors)); err != nil {
			return &misused{err}
		}
		only = append(only, schema.ConnectorID(name))
	}
	l, err := w.engine.GoLive(context.Background(), only, "the script says so")
	w.heard(l, nil)
	return err
}

// foundRoles lists the roles that wait for a decision: "E1 seller: deduced from ...".
func (w *world) foundRoles() ([]string, error) {
	page, err := w.engine.Views().FoundRoles(context.Background(), view.FoundRoleFilter{})
	var lines []string
	for _, x := range page.Roles {
		lines = append(lines, fmt.Sprintf("%s %s workflow %d: %s", x.Owner.Key, x.Role, x.Workflow.Number, x.Because))
	}
	return lines, err
}

// redundant lists the approved roles that rules give as well or, "redundant apply
// [PERSON ROLE]", lets the rules' word stand for what was listed last.
func (w *world) redundant(p *phrase) error {
	ctx := context.Background()
	if !p.take("apply") {
		if err := p.end(); err != nil {
			return err
		}
		list, err := w.engine.Redundant(ctx)
		w.heard(list.Roles, nil)
		return err
	}
	var owner resources.Ref
	var role string
	if !p.done() {
		person, _ := p.text("")
		var err error
		if owner, err = w.ownerCalled(person); err != nil {
			return &misused{err}
		}
		if role, err = p.text("a role"); err != nil {
			return &misused{err}
		}
	}
	list, err := w.engine.ApplyRedundant(ctx, owner, roles.RoleID(role), "the script says so")
	w.heard(list.Roles, nil)
	return err
}

package demo

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the ledger, edited behind Provisor's back

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// people plays everybody who has a say: the reviewer of the ledger, whoever
// settles what was found, the badge office, and somebody who edits the ledger
// behind Provisor's back. What they decide against the rules is outside the CRM.
func (p *play) people(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		p.reviewLedger, p.reconcileFound, p.badgeOffice, p.drift,
	} {
		if err := act(ctx); err != nil {
			return err
		}
		if err := p.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

const (
	reviewer   = "head of Finance"
	technician = "badge office"
	everything = 100_000 // more than any demonstration has
)

// reviewLedger declines one addition to the ledger and approves the rest.
func (p *play) reviewLedger(ctx context.Context) error {
	page, err := p.Views().Orders(ctx, view.OrderFilter{States: []orders.State{orders.AwaitingApproval}, Limit: everything})
	if err != nil || len(page.Orders) == 0 {
		return err
	}
	var approve, decline []view.Order
	for _, o := range page.Orders {
		if len(decline) == 0 && o.Kind == string(orders.Addition) {
			decline = append(decline, o)
			continue
		}
		approve = append(approve, o)
	}
	desk := p.As(reviewer).Desk()
	if err := made(desk.Decide(ctx, review.Decision{On: orders.Approve, Assigned: assigned(approve), Why: "belongs to Finance"})); err != nil {
		return err
	}
	if err := made(desk.Decide(ctx, review.Decision{On: orders.Decline, Assigned: assigned(decline), Why: "has not signed the ledger's terms"})); err != nil {
		return err
	}
	for _, o := range decline {
		p.waivers = append(p.waivers, Waiver{Employee: o.Owner.Key})
		p.say("The %s declines order %d: no ledger account for %s.", reviewer, o.ID, o.Owner.Display)
	}
	p.say("The %s approves %d orders.", reviewer, len(approve))
	return nil
}

// made turns refusals of a played decision into an error: the play decides only
// what can be decided.
func made(out review.Outcome, err error) error {
	if err == nil && len(out.Refused) > 0 {
		return fmt.Errorf("demo: %d decisions were refused, the first: %s", len(out.Refused), out.Refused[0].Why)
	}
	return err
}

// reconcileFound removes what was found in the systems and no rule gives, and
// the roles that were found in it.
func (p *play) reconcileFound(ctx context.Context) error {
	desk := p.As(reviewer).Desk()
	found, err := p.Views().FoundRoles(ctx, view.FoundRoleFilter{Limit: everything})
	if err != nil {
		return err
	}
	for _, x := range found.Roles {
		_, err := desk.DecideRole(ctx, review.RoleChoice{
			On: orders.Decline, Owner: resources.Ref{Type: schema.EntityType(x.Owner.Type), Key: resources.Key(x.Owner.Key)},
			Role: roles.RoleID(x.Role), With: assignments.Parameters(x.Parameters), Why: "left over from a former department", MayReview: true,
		})
		if err != nil {
			return err
		}
	}
	if n := len(found.Roles); n > 0 {
		p.say("%d roles were found that no rule gives: they go, with what only they explain.", n)
	}
	page, err := p.Views().Reconciliation(ctx, view.ReconciliationFilter{Limit: everything})
	if err != nil || len(page.Questions) == 0 {
		return err
	}
	ids := make([]orders.AssignedID, len(page.Questions))
	values := 0
	for i, q := range page.Questions {
		ids[i] = q.Account.ID
		values += len(q.Account.Items)
	}
	p.say("%d accounts held %d memberships that no rule gives: they are to be removed.", len(ids), values)
	return made(desk.Decide(ctx, review.Decision{On: orders.Decline, Assigned: ids, Why: "left over from a former department", MayReview: true}))
}

// badgeOffice takes its orders, reports one error, carries the others out in its
// register, and confirms them; the one that failed is tried again.
func (p *play) badgeOffice(ctx context.Context) error {
	queue, err := p.Views().Orders(ctx, view.OrderFilter{Handed: true, Limit: everything})
	if err != nil || len(queue.Orders) == 0 {
		return err
	}
	office := p.As(technician).Desk()
	all := assigned(queue.Orders)
	if err := made(office.Take(ctx, all)); err != nil {
		return err
	}
	if err := made(office.Fail(ctx, all[:1], nil, "the card printer was out of cards")); err != nil {
		return err
	}
	if err := p.carryOut(ctx, queue.Orders[1:]); err != nil {
		return err
	}
	if err := made(office.Confirm(ctx, all[1:], nil, "")); err != nil {
		return err
	}
	p.say("The %s confirms %d orders and reports an error on order %d.", technician, len(all)-1, queue.Orders[0].ID)
	retried := review.Decision{On: orders.Retry, Assigned: all[:1], Why: "cards have arrived"}
	if err := made(p.As(reviewer).Desk().Decide(ctx, retried)); err != nil {
		return err
	}
	if err := p.round(ctx); err != nil {
		return err
	}
	again, err := p.Views().Orders(ctx, view.OrderFilter{Handed: true, Limit: everything})
	if err != nil || len(again.Orders) == 0 {
		return err
	}
	if err := p.carryOut(ctx, again.Orders); err != nil {
		return err
	}
	p.say("The order that failed was tried again and is done.")
	return made(office.Confirm(ctx, assigned(again.Orders), nil, ""))
}

// carryOut writes into the register what the orders ask for, as the office would.
func (p *play) carryOut(ctx context.Context, list []view.Order) error {
	for _, o := range list {
		values := map[string]string{}
		person, err := p.Views().Person(ctx, resources.Ref{Type: schema.EntityType(o.Owner.Type), Key: resources.Key(o.Owner.Key)})
		if err != nil {
			return err
		}
		for _, a := range person.Accounts {
			if a.ID != o.Assigned {
				continue
			}
			for _, it := range a.Items {
				values[it.Property] = it.Proposed
			}
		}
		if o.Kind == string(orders.Deletion) {
			err = RemoveBadge(p.laid.Dir, o.Owner.Key)
		} else {
			err = WriteBadge(p.laid.Dir, o.Owner.Key, values["name"], values["site"], values["status"])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drift edits the ledger behind Provisor's back, lets it be found, and has the
// computed value written again.
func (p *play) drift(ctx context.Context) error {
	login, err := p.editLedger(ctx)
	if err != nil || login == "" {
		return err
	}
	p.say("Somebody renames %s in the ledger by hand.", login)
	if err := p.round(ctx); err != nil {
		return err
	}
	page, err := p.Views().Reconciliation(ctx, view.ReconciliationFilter{Drifted: true, Limit: everything})
	if err != nil {
		return err
	}
	ids := make([]orders.AssignedID, len(page.Questions))
	for i, q := range page.Questions {
		ids[i] = q.Account.ID
	}
	if len(ids) == 0 {
		return fmt.Errorf("demo: the edit of %s in the ledger was not found", login)
	}
	p.say("The next reading finds it; the %s has the computed name written again.", reviewer)
	return made(p.As(reviewer).Desk().Decide(ctx, review.Decision{On: orders.Correct, Assigned: ids, Why: "a typing error", MayReview: true}))
}

// editLedger changes one full name in the ledger and returns whose.
func (p *play) editLedger(ctx context.Context) (login string, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.laid.Dir, SystemsFolder, "ledger.sqlite")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // what matters was committed
	row := db.QueryRowContext(ctx, "SELECT login FROM users WHERE active = 1 AND login NOT LIKE 'svc-%' ORDER BY login LIMIT 1")
	if err := row.Scan(&login); err != nil {
		return "", fmt.Errorf("demo: the ledger: %w", err)
	}
	_, err = db.ExecContext(ctx, "UPDATE users SET full_name = full_name || ' (moved)' WHERE login = ?", login)
	return login, err
}

// someone chooses a person whose access tells the story: with the most accounts
// among those whose orders were carried out.
func (p *play) someone(ctx context.Context, closed []view.Order) (*view.Person, error) {
	var best *view.Person
	seen := map[string]bool{}
	const looked = 40 // enough to find a good one
	for _, o := range closed {
		if seen[o.Owner.Key] || len(seen) == looked {
			continue
		}
		seen[o.Owner.Key] = true
		person, err := p.Views().Person(ctx, resources.Ref{Type: schema.EntityType(o.Owner.Type), Key: resources.Key(o.Owner.Key)})
		if err != nil {
			return nil, err
		}
		if best == nil || len(person.Accounts) > len(best.Accounts) {
			best = &person
		}
	}
	return best, nil
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// A Service is what people ask and where they act: an open folder, or a server.
type Service interface {
	Close() error
	// Owners lists the entity types that own accounts or roles.
	Owners(context.Context) ([]schema.EntityType, error)
	HasRole(context.Context, roles.RoleID) (bool, error)
	// RolesBelow lists the roles of a category, and of those below it.
	RolesBelow(context.Context, roles.CategoryID) ([]string, error)
	Prove(context.Context, view.Person, explain.Query) (explain.Proof, error)
	Timeline(ctx context.Context, owner view.Owner, until time.Time) (explain.Timeline, error)
	Ask() view.Asked
	VerifyJournal(context.Context) (int64, error)

	// Configuration is what is deployed, by file and as one document.
	Configuration(context.Context) (act.Configuration, error)
	Propose(context.Context, act.ToPlan) (act.Proposal, error)
	// Deploy and RollBack make a proposal so that was checked.
	Deploy(context.Context, act.Proposal, act.ToApply) error
	RollBack(context.Context, act.Proposal, act.ToApply) (act.RolledBack, error)
	AccessDesk() AccessDesk
	JobDesk() act.JobDesk
	// Scheduled lists when servers begin which jobs.
	Scheduled(context.Context) ([]view.Scheduled, error)
	RetryMessages(ctx context.Context, why string) (messages int64, err error)
	// ChooseDelivery says how somebody is told: who, or whoever acts for "".
	ChooseDelivery(ctx context.Context, who string, d messages.Delivery) (recipient string, now messages.Delivery, err error)
	RequestDesk(context.Context) (RequestDesk, error)
	Changes(context.Context) (act.Changes, error)
	OnOrders(context.Context, act.OnOrders) (act.Orders, error)
	OfKind(context.Context, act.OfKind) (act.Orders, error)
	OnQuestions(context.Context, act.OnQuestions) (act.Questions, error)
	ToOwner(context.Context, act.ToOwner) (act.Questions, error)
	OnRoles(context.Context, act.OnRoles) (act.Roles, error)
}

// serviceWork is what a command does with a service.
type serviceWork func(ctx context.Context, s Service, args []string) error

// asked runs a command on the folder or, with --server, on a server.
func (v *invocation) asked(work serviceWork) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		if v.server == "" {
			return v.open(c.Context(), false, func(ctx context.Context, e Engine) error { return work(ctx, v.folder(e), args) })
		}
		s, err := v.remote()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return work(c.Context(), s, args)
	}
}

func (v *invocation) folder(e Engine) folder { return folder{e, v.as} }

// folder is an open folder as a service.
type folder struct {
	Engine
	as string // the person who acts
}

func (f folder) Owners(ctx context.Context) ([]schema.EntityType, error) {
	c, err := f.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return c.Model.Owners(), nil
}

func (f folder) HasRole(ctx context.Context, id roles.RoleID) (bool, error) {
	c, err := f.Deployed(ctx)
	if err != nil {
		return false, err
	}
	_, has := c.Model.Roles[id]
	return has, nil
}

func (f folder) RolesBelow(ctx context.Context, category roles.CategoryID) ([]string, error) {
	c, err := f.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	if _, ok := c.Model.Categories[category]; !ok {
		return nil, notDeclared("category", string(category))
	}
	under := []string{}
	for id, r := range c.Model.Roles {
		if within(c.Model, r.Category, category) {
			under = append(under, string(id))
		}
	}
	slices.Sort(under)
	return under, nil
}

func (f folder) Prove(ctx context.Context, p view.Person, ask explain.Query) (explain.Proof, error) {
	c, err := f.Deployed(ctx)
	if err != nil {
		return explain.Proof{}, err
	}
	if _, ok := c.Model.ResourceTypes[roles.ResourceTypeID(ask.Account)]; !ok && ask.Account != "" {
		return explain.Proof{}, notDeclared("resource type", ask.Account)
	}
	if _, ok := c.Model.Roles[roles.RoleID(ask.Role)]; !ok && ask.Role != "" {
		return explain.Proof{}, notDeclared("role", ask.Role)
	}
	return explain.Explain(ctx, f, f.Questions(), c, p, f.Day(), ask)
}

func (f folder) Timeline(ctx context.Context, owner view.Owner, until time.Time) (explain.Timeline, error) {
	c, err := f.Deployed(ctx)
	if err != nil {
		return explain.Timeline{}, err
	}
	return explain.Until(ctx, f, c, owner, f.Day(), until)
}

func (f folder) Configuration(ctx context.Context) (act.Configuration, error) {
	return act.Exported(ctx, f.Engine)
}

func (f folder) Propose(ctx context.Context, x act.ToPlan) (act.Proposal, error) {
	return x.Do(ctx, f.Engine)
}

func (f folder) Deploy(ctx context.Context, p act.Proposal, x act.ToApply) error {
	return f.Engine.Deploy(ctx, p.Checked, x.Why)
}

func (f folder) RollBack(ctx context.Context, p act.Proposal, x act.ToApply) (act.RolledBack, error) {
	return x.Back(ctx, f.Engine, p)
}

func (f folder) Scheduled(ctx context.Context) ([]view.Scheduled, error) {
	declared, err := f.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	next, err := f.Questions().Scheduled(ctx)
	return view.SchedulesOf(declared, next), err
}

func (f folder) ChooseDelivery(ctx context.Context, who string, d messages.Delivery) (recipient string, now messages.Delivery, err error) {
	if who = cmp.Or(who, f.as); who == "" {
		return "", now, wrongUsage("say who with --as, or for whom with --for", "nobody is named who would be told")
	}
	if recipient, err = f.RecipientNamed(ctx, who); err != nil {
		return "", now, err
	}
	if err := f.Engine.ChooseDelivery(ctx, recipient, d, ""); err != nil {
		return "", now, err
	}
	chosen, usual, err := f.Delivery(ctx, recipient)
	return recipient, chosen.Or(usual), err
}

func (f folder) Ask() view.Asked { return f.Questions() }

func (f folder) Changes(ctx context.Context) (act.Changes, error) {
	desk, err := f.WorkflowDesk(ctx)
	if err != nil {
		return nil, err
	}
	c, err := f.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	return act.ChangesAt(desk, c.Model), nil
}

func (f folder) OnOrders(ctx context.Context, x act.OnOrders) (act.Orders, error) {
	return x.Do(ctx, f.Desk())
}

func (f folder) OfKind(ctx context.Context, x act.OfKind) (act.Orders, error) {
	return x.Do(ctx, f.Desk(), func(ctx context.Context) (map[orders.AssignedID]orders.OrderID, error) {
		return openOrders(ctx, f, view.OrderFilter{Types: []string{string(x.Type)}, Kinds: []orders.Kind{x.Kind}})
	})
}

func (f folder) OnQuestions(ctx context.Context, x act.OnQuestions) (act.Questions, error) {
	return x.Do(ctx, f.Desk())
}

func (f folder) ToOwner(ctx context.Context, x act.ToOwner) (act.Questions, error) {
	return x.Do(ctx, f.Desk())
}

func (f folder) OnRoles(ctx context.Context, x act.OnRoles) (act.Roles, error) {
	return x.Do(ctx, f.Desk())
}

// here says that a command works on a folder alone.
func (v *invocation) here(what string) error {
	return usage(&fault.Error{
		Kind: fault.Invalid, Msg: what + " works on a folder, not on the server " + v.server, Do: "run it on the server's machine, in its folder, without --server",
	})
}

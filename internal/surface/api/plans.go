package api

import (
	"context"
	"net/http"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// filesBytesMax is more than the files of a configuration may hold, as JSON.
const filesBytesMax = 20 << 20

func (s *service) planning() {
	shows(s, operation{access.PlanView, "/plans", "listPlans", "The plans that were kept"}, s.plans)
	shows(s, operation{access.PlanView, "/plans/{file}", "showPlan", "A plan that was kept, whole"}, s.planKept)
	shows(s, operation{access.PlanView, "/plans/{file}/orders", "listPlannedOrders", "The orders that a plan would cause"}, s.planned)
	large(s, operation{access.PlanView, "/plans", "makePlan", "What a configuration, decisions or a roll-back would cause; nothing is stored"}, s.makePlan)
	shows(s, operation{access.ConfigurationApply, "/configuration", "showConfiguration", "The deployed configuration: its files, and all of it in canonical form"}, s.configuration)
	large(s, operation{access.ConfigurationApply, "/configuration", "deployConfiguration", "Deploy a configuration, if it would still cause what was planned"}, s.deploy)
	acts(s, operation{access.OrdersReview, "/roll-backs", "rollBack", "Bring back what orders changed, if that would still cause what was planned"}, s.rollBack)
}

// large registers an act that is told the files of a configuration. It is not kept
// under a key: a plan changes nothing, and deploying the same again does nothing.
func large[I, O any](s *service, o operation, answer func(context.Context, *I) (O, error)) {
	op := o.described(http.MethodPost, http.StatusBadRequest, http.StatusConflict)
	op.Description += " Asked again it changes nothing more, so that no `" + keyHeader + "` is needed."
	op.MaxBodyBytes = filesBytesMax
	op.Metadata[reveals] = true
	register(s, op, answer)
}

// Plan is a plan that was kept.
type Plan struct {
	File       string              `json:"file"`
	At         time.Time           `json:"at"`
	Name       string              `json:"name"`
	Day        string              `json:"day"`
	Orders     int                 `json:"orders"`
	Kinds      map[orders.Kind]int `json:"kinds,omitempty"`
	Unreadable string              `json:"unreadable,omitempty" doc:"Why the file is no plan."`
}

func planOf(f plan.Filed) Plan {
	return Plan{File: f.File, At: f.At, Name: f.Plan.Name, Day: f.Plan.Day, Orders: len(f.Plan.Orders), Kinds: f.Plan.Kinds, Unreadable: f.Unreadable}
}

func (s *service) plans(_ context.Context, q *struct{ Window }) (Page[Plan], error) {
	list, err := plan.InFolder(s.Folder)
	if err != nil {
		return Page[Plan]{}, err
	}
	var all []Plan
	for _, f := range list {
		all = append(all, planOf(f))
	}
	return part(all, q.Window)
}

// WholePlan is a plan with everything that it says.
type WholePlan struct {
	Plan     act.Planned `json:"plan"`
	Deployed bool        `json:"deployed,omitempty" doc:"The configuration is deployed already."`
}

// Filed is the address of a plan that was kept.
type Filed struct {
	File string `path:"file"`
}

func (s *service) planKept(_ context.Context, q *Filed) (WholePlan, error) {
	filed, err := plan.FromFolder(s.Folder, q.File)
	if err == nil && filed.Unreadable != "" {
		err = &fault.Error{Kind: fault.Refused, Msg: "no plan can be shown: " + filed.Unreadable, Do: "make it anew"}
	}
	if err != nil {
		return WholePlan{}, err
	}
	p := act.Planned{Plan: &filed.Plan}
	for _, d := range filed.Differences {
		p.Configuration = append(p.Configuration, act.PlannedDifference(d))
	}
	return WholePlan{Plan: p}, nil
}

// PlannedOrder is an order that a plan would cause.
type PlannedOrder struct {
	Kind  string      `json:"kind"`
	Type  string      `json:"type"`
	Owner view.Owner  `json:"owner"`
	State string      `json:"state" doc:"In which it would stand."`
	Items []plan.Item `json:"items"`
}

func (s *service) planned(_ context.Context, q *struct {
	Window
	Filed
	Kind string `query:"kind" enum:"addition,association,update,deletion"`
	Type string `query:"type" doc:"A resource type."`
},
) (Page[PlannedOrder], error) {
	filed, err := plan.FromFolder(s.Folder, q.File)
	if err != nil {
		return Page[PlannedOrder]{}, err
	}
	var all []PlannedOrder
	for _, o := range filed.Plan.Orders {
		if (q.Kind == "" || q.Kind == string(o.Kind)) && (q.Type == "" || q.Type == string(o.Type)) {
			owner := view.Owner{Type: string(o.Owner.Type), Key: string(o.Owner.Key), Display: o.Name}
			all = append(all, PlannedOrder{string(o.Kind), string(o.Type), owner, o.State, o.Items})
		}
	}
	return part(all, q.Window)
}

// ToPlan is what somebody wants to see planned.
type ToPlan struct {
	Files     map[string]string `json:"files,omitempty" doc:"The configuration, by the names of its files; none: that of the server's folder."`
	Sources   []string          `json:"sources,omitempty" doc:"Connectors that are read as they are now, through the settings of these files: for those who may deploy them."`
	Give      []string          `json:"give,omitempty" doc:"Decisions to suppose: PERSON=ROLE, or PERSON=ROLE:dimension=value,..."`
	Deny      []string          `json:"deny,omitempty"`
	Take      []string          `json:"take,omitempty"`
	RollBack  []orders.OrderID  `json:"rollBack,omitempty" doc:"A roll-back of these orders instead."`
	Since     time.Time         `json:"since,omitzero" doc:"A roll-back of what was carried out since then."`
	Connector string            `json:"connector,omitempty" doc:"With since: of this connector alone."`
}

func (x ToPlan) wanted(ctx context.Context) (act.ToPlan, error) {
	w := act.ToPlan{Sources: x.Sources, Give: x.Give, Deny: x.Deny, Take: x.Take, Back: x.RollBack, Since: x.Since, Connector: x.Connector}
	if x.Files != nil {
		w.Files = declare.Files{}
		for name, content := range x.Files {
			w.Files[name] = []byte(content)
		}
	}
	if len(w.Sources) > 0 && !routes.Who(ctx).Has(access.ConfigurationApply) {
		return w, &fault.Error{
			Kind: fault.Denied, Msg: "sources are read through the settings of the configuration, by those who may deploy it",
			Do: "plan without sources, or ask an administrator for a profile with " + string(access.ConfigurationApply),
		}
	}
	return w, nil
}

// proposal plans, one after the other: a plan looks at everybody.
func (s *service) proposal(ctx context.Context, w act.ToPlan) (act.PlanDesk, act.Proposal, error) {
	done, err := s.alone(ctx)
	if err != nil {
		return nil, act.Proposal{}, err
	}
	defer done()
	desk := s.Desks.PlanDesk(reach.Actor(ctx, s.Local))
	p, err := w.Do(ctx, desk)
	return desk, p, err
}

func (s *service) makePlan(ctx context.Context, q *struct{ Body ToPlan }) (WholePlan, error) {
	w, err := q.Body.wanted(ctx)
	if err != nil {
		return WholePlan{}, err
	}
	_, p, err := s.proposal(ctx, w)
	return WholePlan{p.Planned, p.Already}, err
}

// Configuration is the deployed one.
type Configuration struct {
	act.Configuration
	Text string `json:"text" doc:"All of it as one document, keys sorted, defaults left out."`
}

func (s *service) configuration(ctx context.Context, _ *struct{}) (Configuration, error) {
	x, err := act.Exported(ctx, s.Desks.PlanDesk(reach.Actor(ctx, s.Local)))
	return Configuration{x, x.Text}, err
}

// ToDeploy is a plan that somebody saw and wants.
type ToDeploy struct {
	Files   map[string]string `json:"files,omitempty" doc:"The configuration, by the names of its files; none: that of the server's folder."`
	Sources []string          `json:"sources,omitempty" doc:"As the plan had them."`
	Plan    string            `json:"plan" minLength:"1" doc:"The name of the plan: what would cause anything else by now is refused."`
	Release bool              `json:"release,omitempty" doc:"Let go of the accounts that are no longer declared; nothing is removed from the systems."`
	Why     string            `json:"why,omitempty" maxLength:"4000"`
}

// DeployedPlan is what was deployed.
type DeployedPlan struct {
	Plan    string `json:"plan"`
	Already bool   `json:"already,omitempty" doc:"It was deployed before; nothing changed."`
}

func (s *service) deploy(ctx context.Context, q *struct{ Body ToDeploy }) (DeployedPlan, error) {
	b := q.Body
	w, err := ToPlan{Files: b.Files, Sources: b.Sources}.wanted(ctx)
	if err != nil {
		return DeployedPlan{}, err
	}
	desk, p, err := s.proposal(ctx, w)
	if err != nil {
		return DeployedPlan{}, err
	}
	if p.Already {
		return DeployedPlan{p.Name, true}, nil
	}
	if err := (act.ToApply{ToPlan: w, Name: b.Plan, Release: b.Release}).Check(p); err != nil {
		return DeployedPlan{}, err
	}
	return DeployedPlan{Plan: p.Name}, desk.Deploy(ctx, p.Checked, b.Why)
}

// ToRollBack is a roll-back that somebody saw planned and wants.
type ToRollBack struct {
	Orders []orders.OrderID `json:"orders" minItems:"1" maxItems:"10000"`
	Plan   string           `json:"plan" minLength:"1" doc:"The name of the plan: what would cause anything else by now is refused."`
	Why    string           `json:"why,omitempty" maxLength:"4000"`
}

func (s *service) rollBack(ctx context.Context, q *struct{ Body ToRollBack }) (act.RolledBack, error) {
	w := act.ToPlan{Back: q.Body.Orders}
	desk, p, err := s.proposal(ctx, w)
	if err != nil {
		return act.RolledBack{}, err
	}
	x := act.ToApply{ToPlan: w, Name: q.Body.Plan, Why: q.Body.Why}
	if err := x.Check(p); err != nil {
		return act.RolledBack{}, err
	}
	var ids []orders.AssignedID
	for _, r := range p.RollBack.Restore {
		ids = append(ids, r.Assigned)
	}
	if err := reach.All(ctx, s.ask, ids); err != nil {
		return act.RolledBack{}, err
	}
	return x.Back(ctx, desk, p)
}

package loop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/act"
)

// PlanDesk is where people make plans of what the folder holds, and apply those
// that were kept in it.
func (e *Engine) PlanDesk(who journal.Actor) act.PlanDesk { return planDesk{desks{e}.as(who)} }

type planDesk struct{ *Engine }

// Make plans what deploying the files in the folder would cause, and keeps it there.
func (d planDesk) Make(ctx context.Context) (file string, err error) {
	c, err := d.Files()
	if err != nil {
		return "", err
	}
	deployed, err := d.Deployed(ctx)
	if err == nil && deployed.Hash == c.Hash {
		return "", &fault.Error{Kind: fault.Refused, Op: "plan", Msg: "the files in config/ are what is deployed", Do: "Change them first: a plan shows what the change would cause."}
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return "", err
	}
	p, _, err := d.Plan(ctx, c, plan.Options{})
	if err != nil {
		return "", err
	}
	text, err := p.Text()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(d.Dir, p.FileName()), text, 0o644); err != nil {
		return "", fmt.Errorf("keep the plan: %w", err)
	}
	return p.FileName(), nil
}

// Apply does what a kept plan says, if it would still cause the same.
func (d planDesk) Apply(ctx context.Context, file string, release bool, why string) (act.Applied, error) {
	kept, err := plan.FromFolder(os.DirFS(d.Dir), file)
	switch {
	case err != nil:
		return act.Applied{}, err
	case kept.Unreadable != "":
		return act.Applied{}, refusedPlan(kept.File+" cannot be applied: "+kept.Unreadable, "Plan it anew.")
	case plan.IsSupposition(kept.Plan.Name):
		return act.Applied{}, refusedPlan(kept.Plan.Name+" cannot be applied: it supposes decisions that nobody made, or a day that has not come", "Decide, or wait for the day.")
	case kept.Plan.RollBack != nil:
		return d.applyBack(ctx, kept, why)
	}
	c, err := d.Files()
	if err != nil {
		return act.Applied{}, err
	}
	deployed, err := d.Deployed(ctx)
	if err == nil && deployed.Hash == c.Hash {
		return act.Applied{}, refusedPlan("the configuration is deployed already", "There is nothing left to apply.")
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return act.Applied{}, err
	}
	now, _, err := d.Plan(ctx, c, plan.Options{Sources: kept.Sources})
	if err != nil {
		return act.Applied{}, err
	}
	if err := sameName(now, kept); err != nil {
		return act.Applied{}, err
	}
	if len(now.Released) > 0 && !release {
		return act.Applied{}, refusedPlan(fmt.Sprintf("accounts would be let go of (%d): nothing declares them any more", len(now.Released)), "Say that they are to be let go of; nothing is removed from the systems.")
	}
	return act.Applied{Name: now.Name}, d.Deploy(ctx, c, why)
}

// applyBack rolls back the orders that a kept plan names.
func (d planDesk) applyBack(ctx context.Context, kept plan.Filed, why string) (act.Applied, error) {
	now, err := d.PlanBack(ctx, kept.Plan.RollBack.Orders)
	if err != nil {
		return act.Applied{}, err
	}
	if err := sameName(now, kept); err != nil {
		return act.Applied{}, err
	}
	if len(now.RollBack.Restore) == 0 {
		return act.Applied{}, refusedPlan("nothing of it can be rolled back", "The plan says of each value why.")
	}
	out, err := d.RollBack(ctx, now, why)
	x := act.Applied{Name: now.Name, Back: true, Accounts: len(out.Decided)}
	for _, r := range out.Refused {
		x.Refused = append(x.Refused, act.Refused{Assigned: r.Assigned, Why: r.Why})
	}
	return x, err
}

// sameName refuses a plan that would cause something else by now.
func sameName(now *plan.Plan, kept plan.Filed) error {
	if now.Name == kept.Plan.Name {
		return nil
	}
	return &fault.Error{
		Kind: fault.Conflict, Op: "apply", Msg: fmt.Sprintf("the plan is %s now, not %s: something changed since it was made", now.Name, kept.Plan.Name),
		Do: "Plan it anew, look at it, and apply that.",
	}
}

func refusedPlan(what, do string) error {
	return &fault.Error{Kind: fault.Refused, Op: "apply", Msg: what, Do: do}
}

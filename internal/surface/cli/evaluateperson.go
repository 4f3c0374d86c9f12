package cli

import (
	"cmp"
	"context"

	"provisor.dev/provisor/internal/plan"
)

// evaluatePerson shows what evaluating one person would change.
func (v *invocation) evaluatePerson(ctx context.Context, e Engine, text string, save bool) error {
	owner, err := onePerson(ctx, v.folder(e), text)
	if err != nil {
		return err
	}
	p, err := e.EvaluatePerson(ctx, owner, save)
	if err != nil {
		return err
	}
	err = v.show(p, func() { v.recomputedText(p) })
	return endedIf(err, len(p.Findings) > 0)
}

func (v *invocation) recomputedText(p *plan.Person) {
	v.say("%s %s on %s", v.strong(p.Owner.String()), p.Name, p.Day)
	if len(p.Roles) == 0 {
		v.say("  no role would change")
	}
	for _, r := range p.Roles {
		v.say("  role %-20s %s → %s  %s", roleWith(r.Role, r.Parameters), r.Before, r.After, r.Why)
	}
	if len(p.Orders) == 0 {
		v.say("  no order would be opened or changed")
	}
	for _, o := range p.Orders {
		v.say("  %s of %s  %s", o.Kind, v.strong(string(o.Type)), o.State)
		for _, it := range o.Items {
			v.say("      %-24s %s → %s  %s", itemName(it.Property, cmp.Or(it.LinkName, it.Link)), brief(it.Before), brief(it.After), it.Why)
		}
	}
	for _, f := range p.Findings {
		v.say("  RULE    %s", f)
	}
	if p.Saved {
		v.say("Stored. Next: `provisor generate` makes the orders, or the next round does.")
		return
	}
	v.say("Nothing is stored: --save does.")
}

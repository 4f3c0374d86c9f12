package cli

import (
	"context"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage/declare"
)

// namedRoles is what naming rules made, as it is shown.
type namedRoles struct {
	File       string          `json:"file"`
	Written    bool            `json:"written"`
	Categories []namedCategory `json:"categories"`
	Roles      []namedRole     `json:"roles"`
	Given      int             `json:"given"`
	Findings   []fault.Finding `json:"findings,omitempty"`
}

type namedCategory struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Parent string `json:"parent,omitempty"`
}

type namedRole struct {
	ID           string `json:"id"`
	Name         string `json:"name,omitempty"`
	Category     string `json:"category,omitempty"`
	ResourceType string `json:"resourceType"`
	Property     string `json:"property"`
	To           string `json:"to"`
	Known        bool   `json:"known,omitempty"`
}

func (v *invocation) nameRoles() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "name-roles", Short: "Make roles of the entitlements found, by the naming rules", Args: cobra.NoArgs,
		Long: `Reads what was synchronized and, for each entitlement that a rule of namingRules is
about and that no rule gives yet, adds a single role with its grant to
config/named-roles.yaml, and its category where it is not declared. What stands there
or in another file is never overwritten; called again it adds nothing twice. Roles that
cannot be made are listed with what to do. Nothing is deployed: "plan" and "apply" do
that, as ever.

It ends with 6 when some roles could not be made.`,
		Example: "  provisor name-roles --dry-run\n  provisor name-roles && provisor plan",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be written, and write nothing")
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		named, err := e.NameRoles(ctx, dry)
		if err != nil {
			return err
		}
		out := namedRoles{
			File: declare.NamedRolesFile, Written: !dry && len(named.Roles) > 0, Given: named.Given, Findings: named.Findings,
			Categories: []namedCategory{}, Roles: []namedRole{},
		}
		for _, c := range named.Categories {
			out.Categories = append(out.Categories, namedCategory{string(c.ID), c.Name, string(c.Parent)})
		}
		for _, r := range named.Roles {
			out.Roles = append(out.Roles, namedRole{string(r.ID), r.Name, string(r.Category), string(r.ResourceType), string(r.Property), string(r.By) + ": " + r.Value.Text(), r.Known})
		}
		err = v.show(out, func() { v.namedText(out) })
		return endedIf(err, len(out.Findings) > 0)
	})
	return c
}

func (v *invocation) namedText(out namedRoles) {
	for _, c := range out.Categories {
		v.say("  + category %s  %s%s", c.ID, c.Name, prefixed(" below ", c.Parent))
	}
	for _, r := range out.Roles {
		mark := "+"
		if r.Known {
			mark = "~" // it is there, and gets its grant
		}
		v.say("  %s role %s  %s%s: %s %s → %s", mark, v.strong(r.ID), r.Name, prefixed(" in ", r.Category), r.ResourceType, r.Property, r.To)
	}
	for _, f := range out.Findings {
		v.say("  NAMED NOT  %s", f)
	}
	switch {
	case len(out.Roles) == 0:
		v.say("Nothing to name: %s given by a rule already.", count(out.Given, "entitlement"))
	case out.Written:
		v.say("%s written to config/%s. Next: `provisor plan`, then `provisor apply`.", count(len(out.Roles), "role"), out.File)
	default:
		v.say("%s would be written to config/%s. Nothing is written.", count(len(out.Roles), "role"), out.File)
	}
}

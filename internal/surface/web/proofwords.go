package web

import (
	"context"
	"fmt"
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/view"
)

func refOf(o view.Owner) resources.Ref {
	return resources.Ref{Type: schema.EntityType(o.Type), Key: resources.Key(o.Key)}
}

// placeText is where a rule stands in the configuration.
func placeText(at *schema.Position) string {
	if at == nil || at.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

// readText is what a rule read.
func readText(list []assignments.Input) string {
	parts := make([]string, len(list))
	for i, in := range list {
		parts[i] = in.Path + " = " + in.Value.String()
	}
	return strings.Join(parts, ", ")
}

// absenceText names what somebody does not have.
func absenceText(ctx context.Context, a explain.Absence) string {
	switch {
	case a.Property != "":
		return "Does not have " + a.Property + " " + a.Value + " of " + typeCalled(ctx, a.Account)
	case a.Account != "":
		return "Does not have " + typeCalled(ctx, a.Account)
	}
	return "Does not have the role " + roleCalled(ctx, a.Role)
}

// verdict says whether a rule line holds.
func verdict(l explain.Line) string {
	switch {
	case l.Holds && l.Denies:
		return "denies it"
	case l.Holds:
		return "holds"
	}
	return "does not hold"
}

// namesText joins the names of items; many are cut.
func namesText(names []string) string {
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + fmt.Sprintf(" and %d more", len(names)-4)
	}
	return strings.Join(names, ", ")
}

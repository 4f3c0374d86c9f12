package web

import (
	"context"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

// reachOf says where it stands whom each rule line touches: on accounts of a
// resource type, or on those who have a role.
func reachOf(m *roles.Model) map[string]view.RuleFilter {
	of := map[string]view.RuleFilter{}
	for id, t := range m.ResourceTypes {
		at := view.RuleFilter{Type: string(id)}
		for _, x := range t.Who {
			of[x.Object] = at
		}
		for _, x := range t.Values {
			of[x.Object] = at
		}
		for _, x := range t.Links {
			of[x.Object] = at
		}
		for _, x := range t.Find {
			of[x.Object] = at
		}
	}
	for id, role := range m.Roles {
		for _, x := range role.Assign {
			of[x.Object] = view.RuleFilter{Role: string(id)}
		}
	}
	return of
}

// touched says of rule lines how many people each touches, to who may read rules.
func (s *site) touched(ctx context.Context, m *roles.Model, lists ...[]ruleShown) error {
	if !may(ctx, access.RulesView) {
		return nil
	}
	at, known := reachOf(m), map[view.RuleFilter]view.RuleReach{}
	for _, list := range lists {
		for i := range list {
			f, counted := at[list[i].Object]
			if !counted {
				continue
			}
			reach, asked := known[f]
			if !asked {
				var err error
				if reach, err = s.Questions.RuleReach(ctx, f); err != nil {
					return err
				}
				known[f] = reach
			}
			list[i].Touches = touchesText(reach, list[i].Object)
		}
	}
	return nil
}

// counted tells whether it is known of any line how many people it touches.
func counted(list []ruleShown) bool {
	return slices.ContainsFunc(list, func(x ruleShown) bool { return x.Touches != "" })
}

// touchesText is a count, or what part of those looked at it is.
func touchesText(x view.RuleReach, rule string) string {
	text := thousands(x.People[rule])
	if x.More {
		text += " of the first " + thousands(x.Looked)
	}
	return text
}

package requests

import (
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
)

// Waiting is something that stands in a workflow state and that an automation
// rule may decide: a request, or a role that somebody is offered or keeps.
type Waiting struct {
	Role       roles.Role
	Parameters assignments.Parameters
	State      assignments.Workflow
	Since      time.Time // in this state
}

// Automated picks the rule that decides, nil when none does yet: of the rules
// that are about it the most specific ones, of those the ones whose time is over,
// and among these one that declines. known says since when each rule, by its
// mark, has been deployed: before that no time counts.
func Automated(m *roles.Model, w Waiting, known map[string]time.Time, now time.Time) *roles.AutomationRule {
	best, rank := []*roles.AutomationRule(nil), 0
	for i := range m.Automation {
		rule := &m.Automation[i]
		n := rule.Rank(m, w.Role)
		switch {
		case n == 0 || n < rank || !slices.Contains(rule.States, int(w.State)) || !matches(rule, w.Parameters):
			continue
		case n > rank:
			best, rank = nil, n
		}
		best = append(best, rule)
	}
	var chosen *roles.AutomationRule
	for _, rule := range best {
		since, deployed := known[rule.Mark]
		if since.Before(w.Since) {
			since = w.Since
		}
		if !deployed || now.Before(since.Add(rule.After)) {
			continue
		}
		if chosen == nil || chosen.Approve && !rule.Approve {
			chosen = rule
		}
	}
	return chosen
}

func matches(rule *roles.AutomationRule, with assignments.Parameters) bool {
	for id, v := range rule.Match {
		if with.Value(id) != v {
			return false
		}
	}
	return true
}

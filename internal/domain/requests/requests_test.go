package requests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

var today = time.Date(2030, 5, 10, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return today.AddDate(0, 0, n) }

func between(from, to int) assignments.Period {
	return assignments.Period{From: day(from), To: day(to)}
}

func TestWhatIsAskedForIsCutToWhatCanBeHad(t *testing.T) {
	open := assignments.Period{}
	for name, c := range map[string]struct {
		asked, owner assignments.Period
		most         time.Duration
		want         assignments.Period
		says         string
		left         bool
	}{
		"nothing said":                      {open, open, 0, assignments.Period{From: today}, "", true},
		"what lies in the past begins now":  {between(-5, 5), open, 0, between(0, 5), "it begins today", true},
		"the owner's end":                   {between(0, 50), between(-9, 20), 0, between(0, 20), "the owner's own time", true},
		"without an end it is the owner's":  {assignments.Period{From: day(1)}, between(-9, 20), 0, assignments.Period{From: day(1)}, "", true},
		"the longest time":                  {open, open, 30 * schema.Day, between(0, 29), "for 30 days at most", true},
		"counted from the later beginning":  {open, between(10, 90), 30 * schema.Day, between(0, 39), "for 30 days at most", true},
		"eight hours are today":             {open, open, 8 * time.Hour, between(0, 0), "for 8h0m0s at most", true},
		"shorter than the longest":          {between(0, 3), open, 30 * schema.Day, between(0, 3), "", true},
		"both":                              {open, between(-9, 20), 30 * schema.Day, between(0, 20), "the owner's own time", true},
		"after the owner's end":             {assignments.Period{From: day(30)}, between(-9, 20), 0, assignments.Period{From: day(30)}, "", false},
		"before the owner begins":           {between(0, 3), between(5, 20), 0, between(0, 3), "", false},
		"wholly in the past":                {between(-9, -5), open, 0, between(0, -5), "", false},
		"one day":                           {between(0, 0), between(0, 0), schema.Day, between(0, 0), "", true},
		"the end as the day before the end": {between(0, 1), open, schema.Day, between(0, 0), "for 1 day at most", true},
	} {
		p, remarks, left := Fit(c.asked, today, c.most, c.owner)
		if p != c.want || left != c.left || !strings.Contains(strings.Join(remarks, "; "), c.says) || c.says == "" && c.left && len(remarks) > 0 {
			t.Errorf("%s: got %v %q %v", name, p, remarks, left)
		}
	}
}

func TestAnApprovedRequestChangesExactlyTheDecision(t *testing.T) {
	had := func(w assignments.Workflow, rule string) *assignments.AssignedRole {
		return &assignments.AssignedRole{Workflow: w, Reasons: []assignments.Reason{{Rule: rule}}}
	}
	decided := func(w assignments.Workflow) *assignments.RoleDecision {
		return &assignments.RoleDecision{Workflow: w, Period: between(-9, 9)}
	}
	for name, c := range map[string]struct {
		action Action
		period assignments.Period
		had    *assignments.AssignedRole
		before *assignments.RoleDecision
		want   string
	}{
		"add":                          {Add, between(0, 5), nil, nil, "16 10-15"},
		"add what is denied":           {Add, between(0, 5), nil, decided(17), "16 10-15"},
		"deny":                         {Deny, between(0, 5), had(18, "r"), nil, "17 10-15"},
		"extend":                       {Extend, between(0, 15), had(16, ""), decided(16), "16 01-25"},
		"extend what went":             {Extend, between(0, 15), nil, nil, "nothing"},
		"extend what was denied":       {Extend, between(0, 15), nil, decided(17), "nothing"},
		"remove what was approved":     {Remove, between(0, 0), had(16, ""), decided(16), "revoke"},
		"remove it later":              {Remove, between(3, 3), had(16, ""), decided(16), "16 01-12"},
		"remove what a rule gives":     {Remove, between(0, 5), had(18, "r"), nil, "17 10-15"},
		"remove what both give":        {Remove, between(0, 5), had(16, "r"), decided(16), "17 10-15"},
		"remove what is denied":        {Remove, between(0, 0), had(17, ""), decided(17), "revoke"},
		"remove what stays for grace":  {Remove, between(0, 0), had(27, "r"), nil, "20"},
		"remove what was found":        {Remove, between(0, 0), had(1, ""), nil, "20"},
		"remove what went":             {Remove, between(0, 0), nil, nil, "nothing"},
		"remove what was refused once": {Remove, between(0, 0), nil, decided(20), "nothing"},
	} {
		r := Request{ID: 7, Action: c.action, Period: c.period, By: "ann", Rulings: []Ruling{{By: "ben"}}}
		e := Settle(&r, c.had, c.before, today)
		got := "nothing"
		switch {
		case e.Revoke:
			got = "revoke"
		case e.Put != nil:
			got = fmt.Sprint(int(e.Put.Workflow))
			if e.Put.Period != (assignments.Period{}) {
				got += e.Put.Period.From.Format(" 02") + e.Put.Period.To.Format("-02")
			}
			if e.Put.By != "ben" || e.Put.Request != 7 {
				t.Errorf("%s: by %s, request %d", name, e.Put.By, e.Put.Request)
			}
		}
		if got != c.want || e.Remark == "" {
			t.Errorf("%s: got %q (%s), want %q", name, got, e.Remark, c.want)
		}
	}
}

func TestReviewersAreThoseWhomTheStepNamesElseTheCategorysOwnersElseTheManager(t *testing.T) {
	m := &roles.Model{Categories: map[roles.CategoryID]roles.Category{
		"top": {ID: "top", Owners: []string{"tom"}}, "low": {ID: "low", Parent: "top"}, "own": {ID: "own", Parent: "top", Owners: []string{"olga"}},
		"none": {ID: "none"}, "round": {ID: "round", Parent: "round"},
	}}
	owner := &resources.Resource{Ref: resources.Ref{Type: "Person", Key: "ann"}, Links: map[schema.PropertyName][]resources.Key{"manager": {"max"}}}
	for want, c := range map[string]struct {
		category roles.CategoryID
		step     string
	}{
		"max":        {"none", "manager"},
		"olga":       {"own", ""},
		"tom":        {"low", ""},
		"max ":       {"none", ""},
		"max  ":      {"round", ""},
		"off":        {"own", "officer"},
		"per":        {"own", "person:per"},
		"tom ":       {"own", "owner:top"},
		"tom  ":      {"own", "owner:low"},
		"":           {"own", "owner:none"},
		"max olga":   {"own", "manager owner:own"},
		"olga per":   {"own", "owner:own person:per person:olga"},
		"off per   ": {"own", "officer person:per person:off"},
	} {
		role := roles.Role{ID: "r", Category: c.category, Officers: []string{"off"}, Reviewers: map[string][]string{"one": strings.Fields(c.step)}}
		var got []string
		for _, s := range Seats(m, role, 1, owner) {
			got = append(got, s.Person)
			if s.As == "" {
				t.Errorf("%v: %s as nothing", c, s.Person)
			}
		}
		if strings.Join(got, " ") != strings.TrimSpace(want) {
			t.Errorf("%v: got %v, want %s", c, got, want)
		}
	}
}

func TestFourEyesLeaveOutWhoAskedWhomItIsForAndWhoDecidedBefore(t *testing.T) {
	r := &Request{Owner: resources.Ref{Type: "Person", Key: "ann"}, By: "bob", Rulings: []Ruling{{By: "cyd"}}}
	seats := []Seat{{"ann", "x"}, {"bob", "x"}, {"cyd", "x"}, {"dan", "x"}}
	if got := Names(Eligible(r, roles.Role{}, seats)); got != "dan (x)" {
		t.Errorf("with four eyes: %s", got)
	}
	if got := Names(Eligible(r, roles.Role{OwnApproval: true}, seats)); got != "ann (x), bob (x), dan (x)" {
		t.Errorf("without: %s", got)
	}
}

func TestStepsFollowTheApprovalAndAnExtensionMayNeedNone(t *testing.T) {
	for approval, want := range map[roles.Approval]int{
		roles.ApprovalNone: 0, roles.ApprovalOne: 1, roles.ApprovalTwo: 2, roles.ApprovalThree: 3, roles.NotRequestable: 1, "": 1,
	} {
		if got := (&Request{Action: Remove}).Steps(roles.Role{Approval: approval, Prolongation: true}); got != want {
			t.Errorf("%s: %d steps, want %d", approval, got, want)
		}
		if got := (&Request{Action: Extend}).Steps(roles.Role{Approval: approval, Prolongation: true}); got != 0 {
			t.Errorf("%s: an extension has %d steps", approval, got)
		}
	}
}

func TestTheMostSpecificRuleDecidesAndOfEqualOnesTheOneThatDeclines(t *testing.T) {
	m := &roles.Model{Categories: map[roles.CategoryID]roles.Category{"top": {ID: "top"}, "low": {ID: "low", Parent: "top"}}}
	role := roles.Role{ID: "r", Entity: "Person", Category: "low", Account: "T"}
	rule := func(mark string, after int, approve bool) roles.AutomationRule {
		return roles.AutomationRule{Mark: mark, States: []int{8}, After: time.Duration(after) * time.Hour, Approve: approve}
	}
	about := func(r roles.AutomationRule, do func(*roles.AutomationRule)) roles.AutomationRule { do(&r); return r }
	ofRole := func(r *roles.AutomationRule) { r.Role = "r" }
	ofType := func(r *roles.AutomationRule) { r.ResourceType = "T" }
	above := func(r *roles.AutomationRule) { r.Category = "top" }
	atSite := func(r *roles.AutomationRule) { r.Match = map[roles.DimensionID]string{"site": "BRU"} }
	known := map[string]time.Time{"a": day(-9), "b": day(-9), "late": day(0).Add(-time.Hour)}
	for name, c := range map[string]struct {
		rules []roles.AutomationRule
		with  assignments.Parameters
		want  string
	}{
		"its time is over":              {[]roles.AutomationRule{rule("a", 2, true)}, "", "a"},
		"its time is not over":          {[]roles.AutomationRule{rule("a", 49, true)}, "", ""},
		"another state":                 {[]roles.AutomationRule{about(rule("a", 0, true), func(r *roles.AutomationRule) { r.States = []int{9} })}, "", ""},
		"another role":                  {[]roles.AutomationRule{about(rule("a", 0, true), func(r *roles.AutomationRule) { r.Role = "q" })}, "", ""},
		"another entity type":           {[]roles.AutomationRule{about(rule("a", 0, true), func(r *roles.AutomationRule) { r.Entity = "Site" })}, "", ""},
		"role before category":          {[]roles.AutomationRule{about(rule("a", 0, true), ofRole), about(rule("b", 0, false), above)}, "", "a"},
		"resource type before category": {[]roles.AutomationRule{about(rule("b", 0, false), above), about(rule("a", 0, true), ofType)}, "", "a"},
		"category before all":           {[]roles.AutomationRule{rule("b", 0, false), about(rule("a", 0, true), above)}, "", "a"},
		"the specific one is not due":   {[]roles.AutomationRule{rule("b", 0, false), about(rule("a", 49, true), ofRole)}, "", ""},
		"of equal ones declining wins":  {[]roles.AutomationRule{rule("a", 0, true), rule("b", 0, false)}, "", "b"},
		"in any order":                  {[]roles.AutomationRule{rule("b", 0, false), rule("a", 0, true)}, "", "b"},
		"of equal ones the due one":     {[]roles.AutomationRule{rule("a", 0, true), rule("b", 49, false)}, "", "a"},
		"before it was deployed":        {[]roles.AutomationRule{rule("late", 2, true)}, "", ""},
		"since it was deployed":         {[]roles.AutomationRule{rule("late", 1, true)}, "", "late"},
		"never deployed":                {[]roles.AutomationRule{rule("unknown", 0, true)}, "", ""},
		"its parameter":                 {[]roles.AutomationRule{about(rule("a", 0, true), atSite)}, "site=BRU", "a"},
		"another parameter":             {[]roles.AutomationRule{about(rule("a", 0, true), atSite)}, "site=BER", ""},
		"without parameters":            {[]roles.AutomationRule{about(rule("a", 0, true), atSite)}, "", ""},
	} {
		m.Automation = c.rules
		got := ""
		if rule := Automated(m, Waiting{Role: role, Parameters: c.with, State: 8, Since: day(-2)}, known, today); rule != nil {
			got = rule.Mark
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

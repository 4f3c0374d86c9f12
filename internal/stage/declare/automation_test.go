package declare

import (
	"slices"
	"testing"

	"provisor.dev/provisor/internal/domain/roles"
)

func TestAutomationRulesAndFourEyesAreReadAndWrittenBack(t *testing.T) {
	const text = `
categories: {d: {parent: e}, e: {fourEyes: off}}
roles:
  a: {category: d}
  b: {category: d, fourEyes: on, officers: [E1, E2], approval: one, reviewers: {one: officer}}
resourceTypes:
  X: {source: Person, target: Person, provisioning: {connection: desk, approval: two}}
automation:
  - {category: d, workflow: [pending-approval, suggested, 27], after: 8h, decide: approve}
  - {resourceType: X, workflow: automatic-with-validation, after: 0s, decide: decline, match: {unit: U}}
`
	first := load(t, Files{"base.yaml": []byte(base), "more.yaml": []byte(text), "other.yaml": []byte("automation: {workflow: 8, after: 1d, decide: decline}\n")})
	m := first.Model
	if !m.Roles["a"].OwnApproval || m.Roles["b"].OwnApproval || !slices.Equal(m.Roles["b"].Officers, []string{"E1", "E2"}) {
		t.Errorf("four eyes and officers: %+v, %+v", m.Roles["a"], m.Roles["b"])
	}
	account := m.Roles[roles.AccountRole("X")]
	if account.Account != "X" || account.Approval != roles.ApprovalTwo || m.ResourceTypes["X"].Who[0].Role != account.ID {
		t.Errorf("the role of a resource type that can be requested: %+v", account)
	}
	if _, ok := m.Roles[roles.AccountRole("T")]; ok {
		t.Error("a resource type that cannot be requested has a role")
	}
	if len(m.Automation) != 3 || !slices.Equal(m.Automation[0].States, []int{8, 9, 10, 11, 12, 13, 22, 27}) || !m.Automation[0].Approve || m.Automation[1].Approve {
		t.Fatalf("automation: %+v", m.Automation)
	}
	if !slices.Equal(m.Automation[1].States, []int{23}) || m.Automation[1].Match["unit"] != "U" || m.Automation[0].Mark == m.Automation[1].Mark {
		t.Errorf("automation: %+v", m.Automation[1])
	}
	exported, err := Export(first)
	if err != nil {
		t.Fatal(err)
	}
	second := load(t, Files{"all.yaml": exported})
	for i, r := range second.Model.Automation {
		if r.Mark != m.Automation[i].Mark {
			t.Errorf("rule %d is another one after an export:\n%s", i, exported)
		}
	}
	if differences := Compare(first, second); len(differences) > 0 {
		t.Errorf("differences: %v", differences)
	}
}

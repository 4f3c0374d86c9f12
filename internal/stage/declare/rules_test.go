package declare

import (
	"testing"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

const small = `
resourceTypes:
  A:
    source: Person
    target: Person
    provisioning: {connection: desk}
    correlate:
      - {source: "source.mail", target: "target.mail", confidence: 80}
      - {source: "source.id", target: "target.id"}
    find:
      - {property: unit, source: "source.mail", target: "target.code", confidence: 60}
      - {property: unit, source: "source.id", target: "target.code", confidence: 90}
    values:
      grade: [{value: "7"}, {value: null, composite: k, kind: suggested, priority: -2, deny: true}]
  B:
    source: Person
    target: Person
    provisioning: {connection: desk, transmittedValidity: "off", dependsOn: A, enabled: true, settle: 1h30m}
roles:
  both: {grants: [{resourceType: A}, {resourceType: A, property: mail, expression: "source.id", once: true}, {resourceType: B, property: friends, to: {mail: x}}]}
connectors:
  told: {connections: {c: {package: manual, unsynchronized: true, limits: {perSecond: 3}}}}
`

func loadSmall(t *testing.T) *roles.Model {
	t.Helper()
	return load(t, Files{"base.yaml": []byte(base), "small.yaml": []byte(small)}).Model
}

func TestTheHighestConfidenceIsTriedFirst(t *testing.T) {
	a := loadSmall(t).ResourceTypes["A"]
	if a.Correlate[0].Confidence != 100 || a.Correlate[1].Confidence != 80 {
		t.Errorf("correlate = %+v", a.Correlate)
	}
	if a.Find[0].Confidence != 90 || a.Find[1].Confidence != 60 || a.Find[0].Source.Text != "source.id" {
		t.Errorf("find = %+v", a.Find)
	}
}

func TestAManualConnectionIsVerifiedByReadingsAndHasLongerToWait(t *testing.T) {
	m := loadSmall(t)
	a, b := m.ResourceTypes["A"].Provisioning, m.ResourceTypes["B"].Provisioning
	if a.VerifyImmediately || a.TransmittedValidity != 15*schema.Day || a.Enabled || !a.Review || !a.Add || !a.Remove {
		t.Errorf("A = %+v", a)
	}
	if b.TransmittedValidity != 0 || !b.Enabled || b.DependsOn[0] != "A" || b.Settle.Minutes() != 90 {
		t.Errorf("B = %+v", b)
	}
	if c := m.Connectors["told"].Connections["c"]; !c.Unsynchronized || !c.Manual || c.Limits.PerSecond != 3 {
		t.Errorf("connection = %+v", c)
	}
}

func TestAGrantIsARuleThatNamesItsRole(t *testing.T) {
	m := loadSmall(t)
	a, b := m.ResourceTypes["A"], m.ResourceTypes["B"]
	if len(a.Who) != 1 || a.Who[0].Role != "both" || a.Who[0].Object != "roles.both.grants[0]" {
		t.Errorf("who = %+v", a.Who)
	}
	last := a.Values[len(a.Values)-1]
	if last.Role != "both" || last.Property != "mail" || last.Expression.Text != "source.id" || !last.Once {
		t.Errorf("values = %+v", last)
	}
	if len(b.Links) != 1 || b.Links[0].Role != "both" || b.Links[0].To["mail"] != value.OfString("x") {
		t.Errorf("links = %+v", b.Links)
	}
}

func TestALineKeepsItsCriteria(t *testing.T) {
	values := loadSmall(t).ResourceTypes["A"].Values
	if values[0].Value != value.OfInt(7) || !values[0].Constant || values[0].Kind != roles.Required || !values[0].IsOpen() {
		t.Errorf("first = %+v", values[0])
	}
	second := values[1]
	if !second.Value.IsNull() || !second.Constant || second.Role != "k" || second.Kind != roles.Suggested ||
		second.Priority != -2 || !second.Deny || second.Compare != value.Exact || second.Period.Mode != roles.Default {
		t.Errorf("second = %+v", second)
	}
	if second.Object != "resourceTypes.A.values.grade[1]" || second.Position.Line != 14 || second.Position.File != "small.yaml" {
		t.Errorf("second stands at %s %+v", second.Object, second.Position)
	}
}

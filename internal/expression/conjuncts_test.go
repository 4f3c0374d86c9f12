package expression

import (
	"slices"
	"testing"

	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

func TestAConditionIsCutAtItsOutermostAndInTheAuthorsWords(t *testing.T) {
	e, err := New([]schema.Entity{{Type: "Person", Key: "id", Properties: map[schema.PropertyName]schema.Property{
		"id": {Name: "id", Type: value.String}, "grade": {Name: "grade", Type: value.Int}, "city": {Name: "city", Type: value.String},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ada := &resources.Resource{Ref: resources.Ref{Type: "Person", Key: "1"}, Values: map[schema.PropertyName]value.Value{
		"id": value.OfString("1"), "grade": value.OfInt(3),
	}}
	for text, want := range map[string][]string{
		"source.grade > 2":                                           {"source.grade > 2 true"},
		"source.grade > 2 && source.city != ''":                      {"source.grade > 2 true", "source.city != '' false"},
		"(source.grade > 4 && source.city == '') && true":            {"source.grade > 4 false", "source.city == '' true", "true true"},
		"source.city == 'a && b' || source.grade == 3 && true":       {"source.city == 'a && b' || source.grade == 3 && true true"},
		"(source.grade > 2 || true) && source.id in ['1', 'é&&']":    {"(source.grade > 2 || true) true", "source.id in ['1', 'é&&'] true"},
		"source.city != 'é' && source.grade == 3 && source.id == ''": {"source.city != 'é' true", "source.grade == 3 true", "source.id == '' false"},
	} {
		p, findings := e.Compile(Source("Person"), Truth, schema.Expression{Text: text})
		if len(findings) > 0 {
			t.Fatalf("%s: %v", text, findings)
		}
		var got []string
		for _, part := range p.Conjuncts() {
			holds, err := part.EvalTruth(Bindings{Source: ada})
			if err != nil {
				t.Errorf("%s: %v", part.Expression().Text, err)
			}
			got = append(got, part.Expression().Text+map[bool]string{true: " true", false: " false"}[holds])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", text, got, want)
		}
	}
}

package declare

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/value"
)

func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema(packages())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("configuration.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("configuration.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func judge(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Load(text, &doc); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestTheSchemaForEditorsAcceptsWhatLoads(t *testing.T) {
	schema := editorSchema(t)
	files := example(t)
	maps.Copy(files, Files{"odd.yaml": []byte(odd), "base.yaml": []byte(base)})
	exported, err := Export(load(t, example(t)))
	if err != nil {
		t.Fatal(err)
	}
	files["exported.yaml"] = exported
	for name, text := range files {
		if err := judge(t, schema, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheSchemaForEditorsRefusesWhatIsMisspelt(t *testing.T) {
	schema := editorSchema(t)
	files := example(t)
	for _, edit := range []struct{ file, from, to string }{
		{"people.yaml", "thresholds:", "treshholds:"},
		{"people.yaml", "separator:", "seperator:"},
		{"people.yaml", "table: sites.csv", "tabel: sites.csv"},
		{"people.yaml", "type: date", "type: day"},
		{"people.yaml", "deletePercent: 5", "deletePercent: 500"},
		{"directory.yaml", "secret:env/LDAP_PASSWORD", "hunter2"},
		{"directory.yaml", "leadTime: 24h", "leadTime: tomorrow"},
		{"directory.yaml", "enabled: true", "enabled: perhaps"},
		{"directory.yaml", "once: true", "ones: true"},
		{"roles.yaml", "approval: two", "approval: four"},
		{"roles.yaml", "inherit:", "inherits:"},
	} {
		text := string(files[edit.file])
		if !strings.Contains(text, edit.from) {
			t.Fatalf("%s does not say %s", edit.file, edit.from)
		}
		if err := judge(t, schema, []byte(strings.Replace(text, edit.from, edit.to, 1))); err == nil {
			t.Errorf("%s is accepted", edit.to)
		}
	}
}

func TestEveryComparisonIsAWordOfTheConfiguration(t *testing.T) {
	f, _ := reflect.TypeFor[scalarKeys]().FieldByName("Compare")
	var words []value.Comparison
	for word := range strings.SplitSeq(f.Tag.Get("words"), "|") {
		words = append(words, value.Comparison(word))
	}
	if !slices.Equal(words, value.Comparisons()) {
		t.Errorf("the words are %v, the comparisons %v", words, value.Comparisons())
	}
}

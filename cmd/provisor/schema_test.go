package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/internal/stage/declare"
)

func TestTheSchemaOfThisProgramAcceptsWhatItLaysDown(t *testing.T) {
	text, err := declare.JSONSchema(packages())
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
	files, err := filepath.Glob("../../internal/process/demo/laid/config/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, "../../internal/surface/cli/starter.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := yaml.Load(text, &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

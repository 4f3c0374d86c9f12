package declare

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/connector"
)

// JSONSchema describes the files to editors, from the structs and tags that
// read them and from what the packages say of their settings. It knows what
// holds for each key by itself; Load knows what holds between keys. A file
// holds a part of the configuration, so no section is required.
func JSONSchema(packages []connector.Package) ([]byte, error) {
	s := schemaWriter{packages: packages, definitions: map[string]any{}}
	root := s.structure(reflect.TypeFor[document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Provisor configuration"
	root["$defs"] = s.definitions
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON schema: %w", err)
	}
	return append(out, '\n'), nil
}

type schemaWriter struct {
	packages    []connector.Package
	definitions map[string]any
}

func (s schemaWriter) part(t reflect.Type, f field) map[string]any {
	if l, ok := reflect.New(t).Interface().(leaf); ok {
		return l.describe(f)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.part(t.Elem(), f)
	case reflect.Slice:
		item := s.part(t.Elem(), field{words: f.words})
		return map[string]any{"anyOf": []any{item, map[string]any{"type": "array", "items": item}}}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": s.part(t.Elem(), field{})}
	}
	name := strings.TrimSuffix(t.Name(), "Doc")
	if _, known := s.definitions[name]; !known {
		s.definitions[name] = nil // it is being written
		s.definitions[name] = s.structure(t)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

func (s schemaWriter) structure(t reflect.Type) map[string]any {
	shape := formOf(t)
	properties := map[string]any{}
	var required []string
	for _, f := range shape.fields {
		p := s.part(t.FieldByIndex(f.index).Type, f)
		p["description"] = f.about
		if f.otherwise != "" {
			p["default"] = defaultOf(f.otherwise, p["type"])
		}
		properties[f.name] = p
		if f.must {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
		out["type"] = "object"
	}
	switch t {
	case reflect.TypeFor[fromDoc](), reflect.TypeFor[propertyDoc]():
		for _, p := range s.packages {
			s.settings(properties, p.From, p.Name)
		}
	case reflect.TypeFor[connectionDoc]():
		s.packageSettings(out)
	default:
		if shape.rest != nil {
			out["additionalProperties"] = s.part(t.FieldByIndex(shape.rest.index).Type.Elem(), field{})
		}
	}
	return out
}

// defaultOf writes a default in the type of its key.
func defaultOf(otherwise string, kind any) any {
	if kind == "string" {
		return otherwise
	}
	var typed any
	if json.Unmarshal([]byte(otherwise), &typed) == nil {
		return typed
	}
	return otherwise
}

// settings adds what packages know to the properties of an object. A key that
// several packages know is described by each.
func (s schemaWriter) settings(properties map[string]any, settings []connector.Setting, of string) {
	for _, setting := range settings {
		about := of + ": " + setting.About
		if known, ok := properties[setting.Name].(map[string]any); ok {
			known["description"] = fmt.Sprintf("%v\n%s", known["description"], about)
			delete(known, "enum") // what one package allows another may not
			continue
		}
		properties[setting.Name] = settingSchema(setting, about)
	}
}

func settingSchema(setting connector.Setting, about string) map[string]any {
	p := map[string]any{"type": []string{"string", "number", "boolean"}, "description": about}
	if setting.Default != "" {
		p["default"] = setting.Default
	}
	switch {
	case setting.Secret:
		p["type"], p["pattern"] = "string", "^secret:(env|file|store)/.+"
	case setting.OneOf != nil:
		delete(p, "type")
		p["anyOf"] = []any{map[string]any{"enum": written(setting.OneOf)}, map[string]any{"type": "string", "pattern": `\$\{`}}
	}
	return p
}

// written are the words of a setting as YAML reads them: true without quotes is
// no text there.
func written(words []string) []any {
	var list []any
	for _, word := range words {
		list = append(list, word)
		if word == "true" || word == "false" {
			list = append(list, word == "true")
		}
		if n, err := strconv.Atoi(word); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// packageSettings makes the settings depend on the package.
func (s schemaWriter) packageSettings(connection map[string]any) {
	var names []string
	var cases []any
	for _, p := range s.packages {
		names = append(names, p.Name)
		properties := map[string]any{}
		var required []string
		for _, setting := range p.Settings {
			properties[setting.Name] = settingSchema(setting, setting.About)
			if setting.Required {
				required = append(required, setting.Name)
			}
		}
		settings := map[string]any{"properties": properties, "additionalProperties": false}
		then := map[string]any{"properties": map[string]any{"settings": settings}}
		if len(required) > 0 {
			settings["required"] = required
			then["required"] = []string{"settings"}
		}
		cases = append(cases, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"package": map[string]any{"const": p.Name}}},
			"then": then,
		})
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	connection["properties"].(map[string]any)["package"].(map[string]any)["enum"] = names
	connection["allOf"] = cases
}

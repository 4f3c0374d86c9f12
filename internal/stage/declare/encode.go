package declare

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Export writes a configuration in its canonical form: one file, keys sorted,
// defaults left out. It loads to an equal model.
func Export(c *Configuration) ([]byte, error) {
	root := c.tree()
	if len(root.Content) == 0 {
		return []byte("{}\n"), nil
	}
	var out bytes.Buffer
	w, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := w.Dump(root); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return out.Bytes(), nil
}

// tree returns the canonical form as a tree; Compare works on it too.
func (c *Configuration) tree() *yaml.Node {
	if n := encode(reflect.ValueOf(c.document).Elem(), field{}); n != nil {
		return n
	}
	return &yaml.Node{Kind: yaml.MappingNode}
}

// encode returns nil for what says nothing.
func encode(v reflect.Value, f field) *yaml.Node {
	if l, ok := v.Addr().Interface().(leaf); ok {
		return l.write(f)
	}
	switch v.Kind() {
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Map:
		return encodeMap(v, f)
	case reflect.Slice:
		return encodeList(v, f)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem(), f)
	}
	return nil
}

func encodeStruct(v reflect.Value) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	shape := formOf(v.Type())
	for _, f := range shape.fields {
		if n := encode(v.FieldByIndex(f.index), f); n != nil {
			out.Content = append(out.Content, stringNode(f.name), n)
		}
	}
	if shape.rest != nil {
		if n := encodeMap(v.FieldByIndex(shape.rest.index), field{}); n != nil {
			out.Content = append(out.Content, n.Content...)
		}
	}
	if len(out.Content) == 0 {
		return nil
	}
	return out
}

func encodeMap(v reflect.Value, f field) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	names := make([]string, 0, v.Len())
	for _, key := range v.MapKeys() {
		names = append(names, key.String())
	}
	slices.Sort(names)
	for _, name := range names {
		e := reflect.New(v.Type().Elem()).Elem()
		e.Set(v.MapIndex(reflect.ValueOf(name)))
		n := encode(e, field{name: f.name})
		if n == nil {
			n = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle} // an entry counts even when it is empty
			if e.Kind() == reflect.Slice {
				n.Kind = yaml.SequenceNode
			}
		}
		if e.Kind() == reflect.Slice && len(n.Content) == 1 {
			n = n.Content[0]
		}
		out.Content = append(out.Content, stringNode(name), n)
	}
	if len(out.Content) == 0 {
		return nil
	}
	return out
}

func encodeList(v reflect.Value, f field) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		n := encode(v.Index(i), field{name: f.name})
		if n == nil {
			n = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle} // {} is the rule that lets everybody in
		}
		out.Content = append(out.Content, n)
	}
	if len(out.Content) == 0 {
		return nil
	}
	return out
}

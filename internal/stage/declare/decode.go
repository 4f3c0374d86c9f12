package declare

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression/spelling"
)

// nestingLevels is deeper than the language and what is reserved ever need.
const nestingLevels = 40

// A field is one key of a struct of the document, from its tags.
type field struct {
	name      string
	index     []int
	otherwise string
	words     []string
	must      bool
	low, high string
	about     string
}

func (f field) bounds() (low, high int) {
	low, high = math.MinInt32, math.MaxInt32
	if n, err := strconv.Atoi(f.low); err == nil {
		low = n
	}
	if n, err := strconv.Atoi(f.high); err == nil {
		high = n
	}
	return low, high
}

// A form is what a struct of the document may hold.
type form struct {
	fields []field
	rest   *field // collects further keys
}

func (f form) names() []string {
	names := make([]string, len(f.fields))
	for i := range f.fields {
		names[i] = f.fields[i].name
	}
	return names
}

var forms sync.Map // reflect.Type -> form; a struct's form never changes

func formOf(t reflect.Type) form {
	if known, ok := forms.Load(t); ok {
		return known.(form)
	}
	var out form
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		if !tagged {
			if f.Anonymous && f.Type != reflect.TypeFor[place]() {
				for _, inner := range formOf(f.Type).fields {
					inner.index = append([]int{i}, inner.index...)
					out.fields = append(out.fields, inner)
				}
			}
			continue
		}
		one := field{
			name: tag, index: []int{i}, otherwise: f.Tag.Get("default"), must: f.Tag.Get("must") == "yes",
			low: f.Tag.Get("min"), high: f.Tag.Get("max"), about: f.Tag.Get("about"),
		}
		if words := f.Tag.Get("words"); words != "" {
			one.words = strings.Split(words, "|")
		}
		if tag == ",rest" {
			out.rest = &one
			continue
		}
		out.fields = append(out.fields, one)
	}
	forms.Store(t, out)
	return out
}

// A decoder turns one file into a document and finds everything that is wrong.
type decoder struct {
	file     string
	lines    []string
	findings fault.Findings
	keys     map[string]schema.Position // where each key of a map stands, by object
}

// decode reads one file into a document, such as one of the configuration. The
// second result is false when it is not YAML.
func decode[T any](file string, content []byte) (*T, *decoder, bool) {
	d := &decoder{file: file, lines: strings.Split(string(content), "\n"), keys: map[string]schema.Position{}}
	doc := new(T)
	if !utf8.Valid(content) {
		d.findings = append(d.findings, fault.Finding{File: file, What: "the file is not UTF-8", Do: "save it as UTF-8"})
		return doc, d, false
	}
	var root yaml.Node
	if err := yaml.Load(content, &root); err != nil {
		if strings.Contains(err.Error(), "no documents in stream") {
			return doc, d, true
		}
		d.syntax(err)
		return doc, d, false
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return doc, d, true
	}
	if !d.sound(root.Content[0], 0) {
		return doc, d, false
	}
	applyDefaults(reflect.ValueOf(doc).Elem())
	d.value(root.Content[0], reflect.ValueOf(doc).Elem(), field{}, "")
	return doc, d, true
}

// sound refuses what the language has no use for: aliases, which can blow a
// small file up and hide where a value comes from, and bottomless nesting.
func (d *decoder) sound(n *yaml.Node, depth int) bool {
	switch {
	case depth > nestingLevels:
		d.find(n, "", fmt.Sprintf("the file is nested more than %d levels deep", nestingLevels), "")
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.find(n, "", "anchors and aliases are not read", "write the value out; if it was meant as text, quote it")
		return false
	}
	ok := true
	for _, child := range n.Content {
		ok = d.sound(child, depth+1) && ok
	}
	return ok
}

// syntax reports what the YAML reader says, with what to do about the usual cause.
func (d *decoder) syntax(err error) {
	f := fault.Finding{File: d.file, What: "this is not YAML: " + err.Error()}
	var problem *yaml.LoadError
	if errors.As(err, &problem) {
		f.Line, f.Column, f.What = problem.Mark.Line, problem.Mark.Column, "this is not YAML: "+problem.Message
		if strings.Contains(problem.Message, "multiple") {
			f.What, f.Do = "the file holds several documents", "write one document in a file, without ---"
			for i, line := range d.lines {
				if i > 0 && strings.HasPrefix(line, "---") && f.Line == 0 {
					f.Line, f.Column = i+1, 1
				}
			}
		}
	}
	if f.Do == "" && f.Line > 0 && f.Line <= len(d.lines) {
		line := d.lines[f.Line-1]
		switch {
		case strings.Contains(line, "\t"):
			f.Do = "indent with spaces, not with tabs"
		case strings.ContainsAny(line, `'"`) || strings.Count(line, ": ") > 1 || strings.ContainsAny(line, "@`"):
			f.Do = quoteIt
		}
	}
	d.findings = append(d.findings, f)
}

func (d *decoder) position(n *yaml.Node) schema.Position {
	return schema.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// contentPosition is where the text of a scalar begins, so that a place inside
// the text is a place in the file.
func (d *decoder) contentPosition(n *yaml.Node) schema.Position {
	p := d.position(n)
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		p.Column++
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		p.Line++
		p.Column = 1
		for line := p.Line; line <= len(d.lines); line++ {
			if trimmed := strings.TrimLeft(d.lines[line-1], " "); strings.TrimSpace(trimmed) != "" {
				p.Column = len(d.lines[line-1]) - len(trimmed) + 1
				break
			}
		}
	}
	return p
}

// commentFollows reports whether the line of a plain scalar ends in a comment.
func (d *decoder) commentFollows(n *yaml.Node) bool {
	if n.Line < 1 || n.Line > len(d.lines) {
		return false
	}
	line := d.lines[n.Line-1]
	return strings.Contains(line[min(len(line), max(0, n.Column-1)):], " #")
}

func (d *decoder) find(n *yaml.Node, object, what, do string) {
	d.findings = append(d.findings, fault.Finding{
		File: d.file, Line: n.Line, Column: n.Column, Object: object, What: what, Do: do,
	})
}

// scalar reports whether a node is a scalar that holds something.
func (d *decoder) scalar(n *yaml.Node, object, expected string) bool {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" && n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	d.find(n, object, fmt.Sprintf("%s is expected, this is a %s", expected, kindWord(n)), "")
	return false
}

// value reads a node into a part of the document.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field, object string) {
	if l, ok := v.Addr().Interface().(leaf); ok {
		l.read(d, n, f, object)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, object)
	case reflect.Map:
		d.entries(n, v, f, object)
	case reflect.Slice:
		d.list(n, v, f, object)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		applyDefaults(v.Elem())
		d.value(n, v.Elem(), f, object)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, object string) {
	if p, ok := v.Addr().Interface().(interface{ put(schema.Position) }); ok {
		p.put(d.position(n))
	}
	shape := formOf(v.Type())
	if n.Kind != yaml.MappingNode && n.Tag != "!!null" {
		do := "write keys and values"
		if len(shape.fields) > 0 { // some take any keys
			do += ", such as " + shape.fields[0].name + ": ..."
		}
		d.find(n, object, fmt.Sprintf("a map is expected, this is a %s", kindWord(n)), do)
		return
	}
	given := map[string]bool{}
	for key, value := range d.pairs(n, object) {
		known := false
		for _, f := range shape.fields {
			if f.name == key.Value {
				d.value(value, v.FieldByIndex(f.index), f, join(object, f.name))
				known, given[f.name] = true, true
			}
		}
		switch {
		case known:
		case shape.rest != nil:
			d.entry(key, value, v.FieldByIndex(shape.rest.index), *shape.rest, object)
		default:
			do := spelling.Suggest(key.Value, shape.names())
			if do == "" {
				do = "the keys here are " + strings.Join(shape.names(), ", ")
			}
			d.find(key, object, fmt.Sprintf("there is no key %s here", key.Value), do)
		}
	}
	for _, f := range shape.fields {
		if f.must && !given[f.name] {
			d.find(n, object, f.name+" is missing", f.about)
		}
	}
}

// pairs yields the keys and values of a map, once each.
func (d *decoder) pairs(n *yaml.Node, object string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0 {
				d.find(key, object, "a key must be a word", "")
				continue
			}
			if line, twice := first[key.Value]; twice {
				d.find(key, join(object, key.Value), fmt.Sprintf("the key stands here a second time; first in line %d", line), "merge the two")
				continue
			}
			first[key.Value] = key.Line
			if !yield(key, value) {
				return
			}
		}
	}
}

func (d *decoder) entries(n *yaml.Node, v reflect.Value, f field, object string) {
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			d.find(n, object, fmt.Sprintf("a map is expected, this is a %s", kindWord(n)), "")
		}
		return
	}
	for key, value := range d.pairs(n, object) {
		d.entry(key, value, v, f, object)
	}
}

// entry reads one entry of a map of the document.
func (d *decoder) entry(key, value *yaml.Node, m reflect.Value, f field, object string) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	inside := join(object, key.Value)
	d.keys[inside] = d.position(key)
	e := reflect.New(m.Type().Elem()).Elem()
	d.value(value, e, field{name: f.name}, inside)
	if e.Kind() == reflect.Pointer {
		e.Interface().(interface{ put(schema.Position) }).put(d.position(key))
	}
	m.SetMapIndex(reflect.ValueOf(key.Value), e)
}

// noteKeys remembers where the keys of a reserved map stand.
func (d *decoder) noteKeys(n *yaml.Node, object string) {
	for key := range d.pairs(n, object) {
		d.keys[join(object, key.Value)] = d.position(key)
	}
}

// list reads a list; a single entry may stand alone.
func (d *decoder) list(n *yaml.Node, v reflect.Value, f field, object string) {
	items := n.Content
	switch {
	case n.Tag == "!!null":
		return
	case n.Kind != yaml.SequenceNode:
		items = []*yaml.Node{n}
	}
	for i, item := range items {
		e := reflect.New(v.Type().Elem()).Elem()
		applyDefaults(e)
		d.value(item, e, f, fmt.Sprintf("%s[%d]", object, i))
		v.Set(reflect.Append(v, e))
	}
}

// applyDefaults gives every leaf of a struct that has a default its value,
// without marking it as given.
func applyDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	if _, ok := v.Addr().Interface().(leaf); ok {
		return
	}
	for _, f := range formOf(v.Type()).fields {
		part := v.FieldByIndex(f.index)
		switch l := part.Addr().Interface().(type) {
		case *text:
			l.Value = f.otherwise
		case *number:
			l.Value, _ = strconv.Atoi(f.otherwise)
		case *flag:
			l.Value = f.otherwise == "true"
		case *span:
			l.Value, _ = parseSpan(f.otherwise, true)
		default:
			applyDefaults(part)
		}
	}
}

func join(object, key string) string {
	if object == "" {
		return key
	}
	return object + "." + key
}

package declare

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression/spelling"
)

// longestSpanDays bounds durations: a century, far from overflow.
const longestSpanDays = 36_500

// place is where a part of the document stands; every part embeds it.
type place struct {
	Position schema.Position
	given    bool
}

func (p *place) put(at schema.Position) { p.Position, p.given = at, true }

// isGiven reports whether the configuration holds the part.
func (p place) isGiven() bool { return p.given }

// A leaf reads and writes itself. The parts of a document are leaves, structs,
// maps and lists.
type leaf interface {
	read(d *decoder, n *yaml.Node, f field, object string)
	write(f field) *yaml.Node // nil: as if absent
	describe(f field) map[string]any
}

// text is any scalar, as it is spelt.
type text struct {
	place
	Value string
}

func (t *text) read(d *decoder, n *yaml.Node, f field, object string) {
	if !d.scalar(n, object, "a text") {
		return
	}
	t.Value = n.Value
	if len(f.words) > 0 && !slices.Contains(f.words, t.Value) {
		do := spelling.Suggest(t.Value, f.words)
		if do == "" {
			do = "write one of " + strings.Join(f.words, ", ")
		}
		d.find(n, object, fmt.Sprintf("%q is not a word for %s", t.Value, f.name), do)
		t.Value = f.otherwise
		return
	}
	t.put(d.position(n))
}

func (t *text) write(f field) *yaml.Node {
	if !t.given || t.Value == f.otherwise && f.otherwise != "" {
		return nil
	}
	return stringNode(t.Value)
}

func (t *text) describe(f field) map[string]any {
	if len(f.words) > 0 {
		return map[string]any{"type": "string", "enum": f.words}
	}
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

// number is a whole number.
type number struct {
	place
	Value int
}

func (v *number) read(d *decoder, n *yaml.Node, f field, object string) {
	if !d.scalar(n, object, "a whole number") {
		return
	}
	whole, err := strconv.Atoi(n.Value)
	if err != nil {
		d.find(n, object, fmt.Sprintf("%q is not a whole number", n.Value), "")
		return
	}
	low, high := f.bounds()
	if whole < low || whole > high {
		do := fmt.Sprintf("write %d or more", low)
		if high != math.MaxInt32 {
			do = fmt.Sprintf("write a number from %d to %d", low, high)
		}
		d.find(n, object, fmt.Sprintf("%d is out of bounds", whole), do)
		return
	}
	v.Value = whole
	v.put(d.position(n))
}

func (v *number) write(f field) *yaml.Node {
	if !v.given || strconv.Itoa(v.Value) == f.otherwise {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v.Value)}
}

func (v *number) describe(f field) map[string]any {
	low, high := f.bounds()
	out := map[string]any{"type": "integer", "minimum": low}
	if high != math.MaxInt32 {
		out["maximum"] = high
	}
	return out
}

// flag is true or false.
type flag struct {
	place
	Value bool
}

func (v *flag) read(d *decoder, n *yaml.Node, _ field, object string) {
	if !d.scalar(n, object, "true or false") {
		return
	}
	if n.Value != "true" && n.Value != "false" {
		d.find(n, object, fmt.Sprintf("%q is neither true nor false", n.Value), "")
		return
	}
	v.Value = n.Value == "true"
	v.put(d.position(n))
}

func (v *flag) write(f field) *yaml.Node {
	if !v.given || strconv.FormatBool(v.Value) == f.otherwise {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Value)}
}

func (v *flag) describe(field) map[string]any { return map[string]any{"type": "boolean"} }

// span is a duration: 30m, 8h, 30d, 1d12h.
type span struct {
	place
	Value time.Duration
}

var spanPattern = regexp.MustCompile(`^([+-]?)((?:\d{1,9}[dhms])+)$`)
var spanPart = regexp.MustCompile(`(\d+)([dhms])`)

func parseSpan(s string, signed bool) (time.Duration, error) {
	m := spanPattern.FindStringSubmatch(s)
	if m == nil || m[1] != "" && !signed {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	units := map[string]time.Duration{"d": schema.Day, "h": time.Hour, "m": time.Minute, "s": time.Second}
	const most = longestSpanDays * schema.Day
	var total time.Duration
	for _, part := range spanPart.FindAllStringSubmatch(m[2], -1) {
		n, _ := strconv.Atoi(part[1]) // nine digits at most
		unit := units[part[2]]
		if time.Duration(n) > (most-total)/unit {
			return 0, fmt.Errorf("%q is longer than %d days", s, longestSpanDays)
		}
		total += time.Duration(n) * unit
	}
	if m[1] == "-" {
		total = -total
	}
	return total, nil
}

func (v *span) read(d *decoder, n *yaml.Node, f field, object string) {
	if !d.scalar(n, object, "a duration") {
		return
	}
	signed, off := slices.Contains(f.words, "signed"), slices.Contains(f.words, "off")
	if off && n.Value == "off" {
		v.put(d.position(n))
		return
	}
	parsed, err := parseSpan(n.Value, signed)
	if err == nil && off && parsed == 0 {
		err = fmt.Errorf("%s is no time at all", n.Value)
	}
	if err != nil {
		do := "write it as 30m, 8h or 30d"
		if signed {
			do += ", with a minus for earlier"
		}
		if off {
			do += ", or off"
		}
		d.find(n, object, err.Error(), do)
		return
	}
	v.Value = parsed
	v.put(d.position(n))
}

func (v *span) write(f field) *yaml.Node {
	if !v.given {
		return nil
	}
	if usual, err := parseSpan(f.otherwise, true); err == nil && usual == v.Value {
		return nil
	}
	if v.Value == 0 && slices.Contains(f.words, "off") {
		return stringNode("off")
	}
	return stringNode(spellSpan(v.Value))
}

// spellSpan uses the largest units: 36h is 1d12h.
func spellSpan(v time.Duration) string {
	if v == 0 {
		return "0s"
	}
	var b strings.Builder
	if v < 0 {
		b.WriteByte('-')
		v = -v
	}
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{schema.Day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := v / unit.of; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			v -= n * unit.of
		}
	}
	return b.String()
}

func (v *span) describe(f field) map[string]any {
	pattern := `^(\d+[dhms])+$`
	switch {
	case slices.Contains(f.words, "signed"):
		pattern = `^[+-]?(\d+[dhms])+$`
	case slices.Contains(f.words, "off"):
		pattern = `^(off|(\d+[dhms])+)$`
	}
	return map[string]any{"type": "string", "pattern": pattern}
}

// formula is an expression.
type formula struct {
	place
	Value string
	// cut: the text is not quoted and a comment follows, which may have been meant as text.
	cut bool
}

func (x formula) expression() schema.Expression {
	if !x.given {
		return schema.Expression{}
	}
	return schema.Expression{Text: x.Value, Position: x.Position}
}

const quoteIt = "quote the whole expression, such as \"firstName + ' ' + lastName\""

func (x *formula) read(d *decoder, n *yaml.Node, _ field, object string) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0:
		d.find(n, object, "YAML takes the word after ! for a tag", quoteIt)
		return
	case n.Kind != yaml.ScalarNode:
		d.find(n, object, "an expression is expected, this is a "+kindWord(n), quoteIt)
		return
	case strings.TrimSpace(n.Value) == "":
		d.find(n, object, "the expression is empty", "write it, or leave the key out")
		return
	}
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	x.cut = plain && d.commentFollows(n)
	if plain && oddQuotes(n.Value) {
		d.find(n, object, "the expression is not quoted, and YAML cuts it off: a quote is never closed", quoteIt)
		return
	}
	x.Value = strings.TrimRight(n.Value, "\n")
	x.put(d.contentPosition(n))
}

func oddQuotes(s string) bool {
	return strings.Count(s, "'")%2 == 1 && !strings.Contains(s, `"`) || strings.Count(s, `"`)%2 == 1 && !strings.Contains(s, "'")
}

func (x *formula) write(field) *yaml.Node {
	if !x.given {
		return nil
	}
	n := stringNode(x.Value)
	if !strings.Contains(x.Value, "\n") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func (x *formula) describe(field) map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

// constant is any scalar, null included.
type constant struct {
	place
	Value string
}

func (c *constant) read(d *decoder, n *yaml.Node, _ field, object string) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0 {
		d.find(n, object, "a value is expected, this is a "+kindWord(n), "write a text, a number, true, false or null")
		return
	}
	if n.Tag != "!!null" {
		c.Value = n.Value
	}
	c.put(d.position(n))
}

func (c *constant) write(field) *yaml.Node {
	switch {
	case !c.given:
		return nil
	case c.Value == "":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	return stringNode(c.Value)
}

func (c *constant) describe(field) map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean", "null"}}
}

// reserved is a section that is read and kept for later.
type reserved struct {
	place
	node *yaml.Node
}

func (r *reserved) read(d *decoder, n *yaml.Node, _ field, object string) {
	if n.Kind != yaml.MappingNode {
		d.find(n, object, "a map is expected, this is a "+kindWord(n), "")
		return
	}
	d.noteKeys(n, object)
	r.node = n
	r.put(d.position(n))
}

func (r *reserved) write(field) *yaml.Node {
	if r.node == nil || len(r.node.Content) == 0 {
		return nil
	}
	return plainCopy(r.node)
}

func (r *reserved) describe(field) map[string]any {
	return map[string]any{"type": "object"}
}

// plainCopy leaves out comments and places, and sorts maps by key.
func plainCopy(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	content := slices.Clone(n.Content)
	if n.Kind == yaml.MappingNode {
		pairs := slices.Collect(slices.Chunk(content, 2))
		slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return strings.Compare(a[0].Value, b[0].Value) })
		content = slices.Concat(pairs...)
	}
	for _, c := range content {
		out.Content = append(out.Content, plainCopy(c))
	}
	return out
}

// stringNode lets the YAML writer quote what would read as another type.
func stringNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

func kindWord(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "map"
	case n.Kind == yaml.SequenceNode:
		return "list"
	case n.Tag == "!!null":
		return "null"
	case n.Style&yaml.TaggedStyle != 0:
		return "tag"
	}
	return "scalar"
}

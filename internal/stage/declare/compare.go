package declare

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Change says what happened to a part of the configuration.
type Change string

// The three changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// A Difference is one part of the configuration that is not as it was. Parts
// that say the same in other words (a default written out) do not differ.
type Difference struct {
	Object string // roles.ledger-reader.approval
	Change Change
	Before string // as it is written; "" when added
	After  string // "" when removed
}

// Compare lists what differs between two configurations, by object. Either may
// be nil: nothing is declared then.
func Compare(before, after *Configuration) []Difference {
	var out []Difference
	compare(&out, "", treeOf(before), treeOf(after))
	return out
}

func treeOf(c *Configuration) *yaml.Node {
	if c == nil {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return c.tree()
}

func compare(out *[]Difference, object string, a, b *yaml.Node) {
	switch {
	case a.Kind == yaml.MappingNode && b.Kind == yaml.MappingNode:
		compareMaps(out, object, a, b)
	case a.Kind == yaml.SequenceNode && b.Kind == yaml.SequenceNode:
		for i := range max(len(a.Content), len(b.Content)) {
			compareParts(out, fmt.Sprintf("%s[%d]", object, i), at(a, i), at(b, i))
		}
	case a.Kind != b.Kind || a.Value != b.Value || a.Tag != b.Tag:
		*out = append(*out, Difference{object, Changed, inWords(a), inWords(b)})
	}
}

func at(n *yaml.Node, i int) *yaml.Node {
	if i < len(n.Content) {
		return n.Content[i]
	}
	return nil
}

func compareMaps(out *[]Difference, object string, a, b *yaml.Node) {
	var names []string
	sides := [2]map[string]*yaml.Node{{}, {}}
	for side, n := range []*yaml.Node{a, b} {
		for pair := range slices.Chunk(n.Content, 2) {
			sides[side][pair[0].Value] = pair[1]
			if !slices.Contains(names, pair[0].Value) {
				names = append(names, pair[0].Value)
			}
		}
	}
	if object != "" {
		slices.Sort(names) // sections keep the order of the document
	}
	for _, name := range names {
		compareParts(out, join(object, name), sides[0][name], sides[1][name])
	}
}

// sections are maps of which each entry counts by itself, however many are new.
func isSection(object string) bool { return !strings.Contains(object, ".") }

func compareParts(out *[]Difference, object string, a, b *yaml.Node) {
	empty := &yaml.Node{Kind: yaml.MappingNode}
	switch {
	case a != nil && b != nil:
		compare(out, object, a, b)
	case isSection(object) && a == nil && b.Kind == yaml.MappingNode:
		compare(out, object, empty, b)
	case isSection(object) && b == nil && a.Kind == yaml.MappingNode:
		compare(out, object, a, empty)
	case a == nil:
		*out = append(*out, Difference{Object: object, Change: Added, After: inWords(b)})
	default:
		*out = append(*out, Difference{Object: object, Change: Removed, Before: inWords(a)})
	}
}

// inWords writes a part on one line.
func inWords(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		var parts []string
		for pair := range slices.Chunk(n.Content, 2) {
			parts = append(parts, pair[0].Value+": "+inWords(pair[1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			parts[i] = inWords(c)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return n.Value
}

// ChangedFiles names those that are new, gone or different, line ends apart.
func ChangedFiles(deployed, present Files) []string {
	var names []string
	for name := range present {
		if _, ok := deployed[name]; !ok || hash(Files{name: present[name]}) != hash(Files{name: deployed[name]}) {
			names = append(names, name)
		}
	}
	for name := range deployed {
		if _, ok := present[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

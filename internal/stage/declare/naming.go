package declare

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// NamedRolesFile is where the roles are written that naming rules make.
const NamedRolesFile = "named-roles.yaml"

// naming builds the rules that make roles of entitlements.
func (b *builder) naming() {
	for i, doc := range b.doc.NamingRules {
		object := fmt.Sprintf("namingRules[%d]", i)
		t, ok := b.model.ResourceTypes[roles.ResourceTypeID(doc.ResourceType.Value)]
		if !ok {
			if doc.ResourceType.given {
				b.unknown(doc.ResourceType, join(object, "resourceType"), "resource type", namesOf(b.model.ResourceTypes))
			}
			continue
		}
		target := b.entities[t.Target]
		p, ok := b.property(doc.Property, join(object, "property"), target)
		if !ok {
			continue
		}
		linked, ok := b.entities[p.Link]
		if !ok {
			b.find(doc.Property.Position, join(object, "property"), fmt.Sprintf("%s of %s is not a link", p.Name, target.Type),
				"name the link that leads to the entitlements, such as groups")
			continue
		}
		r := roles.NamingRule{
			ResourceType: t.ID, Property: p.Name, Parent: b.category(doc.Parent, join(object, "parent")),
			Approval: roles.Approval(doc.Approval.Value), By: linked.Key, Object: object, Position: doc.Position,
		}
		own := expression.Own(linked.Type)
		r.Where, _ = b.compile(doc.Where, join(object, "where"), own, expression.Truth)
		r.Role, _ = b.compile(doc.Role, join(object, "role"), own, expression.Text)
		r.Name, _ = b.compile(doc.Name, join(object, "name"), own, expression.Text)
		r.CategoryName, _ = b.compile(doc.CategoryName, join(object, "categoryName"), own, expression.Text)
		if _, declared := b.model.Categories[roles.CategoryID(doc.Category.Value)]; declared {
			r.Category = roles.CategoryID(doc.Category.Value)
		} else {
			r.CategoryFrom, _ = b.compile(doc.Category, join(object, "category"), own, expression.Text)
		}
		r.By = b.namedBy(doc.By, linked, join(object, "by"))
		b.model.Naming = append(b.model.Naming, r)
	}
}

// namedBy is the identifier by which a grant names the linked resource.
func (b *builder) namedBy(by text, linked schema.Entity, object string) schema.PropertyName {
	names := append(slices.Clone(linked.Identify), linked.Key)
	if by.given && !slices.Contains(names, schema.PropertyName(by.Value)) {
		known := make([]string, len(names))
		for i, n := range names {
			known[i] = string(n)
		}
		b.unknown(by, object, "key or identifier of "+string(linked.Type)+" called", known)
	}
	if by.given {
		return schema.PropertyName(by.Value)
	}
	return names[0]
}

// namedHeader begins the file that AppendNamed writes.
const namedHeader = "# Roles that `provisor name-roles` made of the entitlements it found. Change them as\n" +
	"# you like: what stands here is never overwritten.\n"

// AppendNamed adds categories and roles to the text of the file that holds named
// roles. What stands there stays; what is new stands before the first key that
// sorts after it.
func AppendNamed(content []byte, categories []roles.NamedCategory, list []roles.NamedRole) ([]byte, error) {
	if len(categories)+len(list) == 0 {
		return content, nil
	}
	var file yaml.Node
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fault.Wrap(fault.Invalid, "read "+NamedRolesFile, err)
	}
	if len(file.Content) != 1 || file.Content[0].Kind != yaml.MappingNode { // nothing stands there but perhaps comments
		file = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	root := file.Content[0]
	for _, c := range categories {
		put(section(root, "categories"), string(c.ID), pairs("name", c.Name, "parent", string(c.Parent)))
	}
	for _, r := range list {
		addRole(section(root, "roles"), r)
	}
	var out bytes.Buffer
	if len(bytes.TrimSpace(content)) == 0 {
		out.WriteString(namedHeader)
	}
	w, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err == nil {
		err = w.Dump(&file)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), fault.Wrap(fault.Internal, "write "+NamedRolesFile, err)
}

// addRole writes a role, or adds what it gives to one that stands there.
func addRole(into *yaml.Node, r roles.NamedRole) {
	grant := pairs("resourceType", string(r.ResourceType), "property", string(r.Property))
	to := pairs(string(r.By), r.Value.Text())
	to.Style, grant.Style = yaml.FlowStyle, yaml.FlowStyle
	grant.Content = append(grant.Content, stringNode("to"), to)
	approval := string(r.Approval)
	if r.Approval == roles.NotRequestable {
		approval = ""
	}
	fresh := pairs("name", r.Name, "category", string(r.Category), "entity", string(r.Entity), "approval", approval)
	role := child(into, string(r.ID))
	switch {
	case role == nil:
		role = fresh
		put(into, string(r.ID), role)
	case role.Kind != yaml.MappingNode: // a name with nothing in it
		*role = *fresh
	}
	grants := child(role, "grants")
	if grants == nil {
		grants = &yaml.Node{Kind: yaml.SequenceNode}
		role.Content = append(role.Content, stringNode("grants"), grants)
		role.Style = 0
	}
	switch grants.Kind {
	case yaml.SequenceNode:
	case yaml.MappingNode: // a single entry may stand alone
		alone := *grants
		*grants = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{&alone}}
	default: // "grants:" with nothing in it
		*grants = yaml.Node{Kind: yaml.SequenceNode}
	}
	grants.Content = append(grants.Content, grant)
}

// section is a top-level map, made where it is missing.
func section(root *yaml.Node, name string) *yaml.Node {
	n := child(root, name)
	if n == nil {
		n = &yaml.Node{Kind: yaml.MappingNode}
		root.Content = append(root.Content, stringNode(name), n)
	}
	if n.Kind != yaml.MappingNode { // "roles:" with nothing in it
		*n = yaml.Node{Kind: yaml.MappingNode}
	}
	if len(n.Content) == 0 {
		n.Style = 0 // {} is a map in braces
	}
	return n
}

func child(n *yaml.Node, name string) *yaml.Node {
	for pair := range slices.Chunk(n.Content, 2) {
		if len(pair) == 2 && pair[0].Value == name {
			return pair[1]
		}
	}
	return nil
}

// put adds a key before the first one that sorts after it.
func put(into *yaml.Node, name string, entry *yaml.Node) {
	at := len(into.Content)
	for i := 0; i+1 < len(into.Content); i += 2 {
		if into.Content[i].Value > name {
			at = i
			break
		}
	}
	into.Content = slices.Insert(into.Content, at, stringNode(name), entry)
}

// pairs is a map of texts; what is empty is left out.
func pairs(list ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for pair := range slices.Chunk(list, 2) {
		if pair[1] != "" {
			n.Content = append(n.Content, stringNode(pair[0]), stringNode(pair[1]))
		}
	}
	return n
}

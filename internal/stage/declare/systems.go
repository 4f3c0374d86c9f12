package declare

import (
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/expression/spelling"
	"provisor.dev/provisor/secret"
	"provisor.dev/provisor/value"
)

// connectors builds connectors, connections and entity types.
func (b *builder) connectors() {
	for id, doc := range sorted(b.doc.Connectors) {
		object := join("connectors", id)
		b.named(identifier, id, doc.Position, object)
		c := schema.Connector{
			ID: schema.ConnectorID(id), Name: orElse(doc.Name.Value, id), Position: doc.Position,
			Connections: map[schema.ConnectionID]schema.Connection{}, Entities: map[schema.EntityType]schema.Entity{},
			Thresholds: doc.Thresholds.limits(),
		}
		for name, connection := range sorted(doc.Connections) {
			b.named(identifier, name, connection.Position, join(object, "connections."+name))
			c.Connections[schema.ConnectionID(name)] = b.connection(name, connection, join(object, "connections."+name))
		}
		for name, entity := range sorted(doc.Entities) {
			inside := join(object, "entities."+name)
			b.named(typeName, name, entity.Position, inside)
			e := b.entityType(name, entity, c, inside)
			if first, twice := b.entities[e.Type]; twice {
				b.find(entity.Position, inside, fmt.Sprintf("the connector %s declares an entity type %s too (%s:%d)",
					first.Connector, name, first.Position.File, first.Position.Line), "rename one of the two")
				continue
			}
			c.Entities[e.Type], b.entities[e.Type] = e, e
		}
		b.model.Connectors[c.ID] = c
	}
}

func (t readingThresholds) limits() schema.ReadingThresholds {
	return schema.ReadingThresholds{
		Add: t.Add.Value, AddPercent: t.AddPercent.Value, Update: t.Update.Value, UpdatePercent: t.UpdatePercent.Value,
		Delete: t.Delete.Value, DeletePercent: t.DeletePercent.Value, Link: t.Link.Value, LinkPercent: t.LinkPercent.Value,
	}
}

func (b *builder) connection(id string, doc *connectionDoc, object string) schema.Connection {
	c := schema.Connection{
		ID: schema.ConnectionID(id), Package: doc.Package.Value, Settings: texts(doc.Settings), Position: doc.Position,
		Limits:         schema.Limits{Concurrency: doc.Limits.Concurrency.Value, PerSecond: doc.Limits.PerSecond.Value},
		Unsynchronized: doc.Unsynchronized.Value,
	}
	p, ok := b.packages[c.Package]
	if !ok {
		if doc.Package.given {
			b.unknown(doc.Package, join(object, "package"), "package", namesOf(b.packages))
		}
		return c
	}
	c.Manual, c.Repository = p.Manual, p.Repository
	if t, ok := doc.Settings["unsynchronized"]; ok && t.Value == "true" {
		c.Unsynchronized = true // some packages have it among their settings; it means the same
	}
	b.settings(doc, p, join(object, "settings"))
	return c
}

// settings checks a connection's settings against its package.
func (b *builder) settings(doc *connectionDoc, p connector.Package, object string) {
	before := len(b.findings)
	given := connector.Settings{Values: map[string]string{}, Secrets: map[string]secret.Text{}}
	late := false // a value comes from the environment and is checked when the connection opens
	for name, t := range sorted(doc.Settings) {
		inside := join(object, name)
		setting, ok := settingOf(p.Settings, name)
		if !ok {
			b.unknownSetting(name, inside, "setting of package "+p.Name+" called", p.Settings)
			continue
		}
		late = late || strings.Contains(t.Value, "${")
		switch {
		case setting.Secret && !secret.IsReference(t.Value):
			b.find(t.Position, inside, "a secret may not stand in the configuration",
				"write a reference: secret:env/NAME, secret:file/PATH or secret:store/NAME; and change the secret, since it stood in a file")
		case setting.Secret:
			if err := secret.Reference(t.Value).Check(); err != nil {
				b.find(t.Position, inside, err.Error(), "")
			}
			given.Secrets[name] = secret.New(t.Value)
		case secret.IsReference(t.Value):
			b.find(t.Position, inside, "this setting is not a secret and is not resolved", "write the value itself, or ${NAME} for the environment")
		default:
			b.oneOf(setting, t, inside)
			given.Values[name] = t.Value
		}
	}
	for _, setting := range p.Settings {
		if _, ok := doc.Settings[setting.Name]; setting.Required && !ok {
			b.find(doc.Position, object, setting.Name+" is missing", setting.About)
		}
	}
	if p.Check == nil || late || len(b.findings) > before {
		return
	}
	for _, f := range p.Check(given) {
		name := strings.TrimPrefix(f.Object, "settings.")
		at := doc.Position
		if t, ok := doc.Settings[name]; ok {
			at = t.Position
		}
		b.find(at, strings.TrimSuffix(join(object, name), "."), f.What, f.Do)
	}
}

func settingOf(settings []connector.Setting, name string) (connector.Setting, bool) {
	i := slices.IndexFunc(settings, func(s connector.Setting) bool { return s.Name == name })
	if i < 0 {
		return connector.Setting{}, false
	}
	return settings[i], true
}

func (b *builder) unknownSetting(name, object, kind string, settings []connector.Setting) {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.Name
	}
	b.unknown(text{place: place{Position: b.keys[object]}, Value: name}, object, kind, names)
}

func (b *builder) oneOf(setting connector.Setting, t text, object string) {
	if setting.OneOf == nil || slices.Contains(setting.OneOf, t.Value) || strings.Contains(t.Value, "${") {
		return
	}
	do := spelling.Suggest(t.Value, setting.OneOf)
	if do == "" {
		do = "write one of " + strings.Join(setting.OneOf, ", ")
	}
	b.find(t.Position, object, fmt.Sprintf("%q is not a value of %s", t.Value, setting.Name), do)
}

// packageKeys checks the keys of an entity type or a property that belong to
// the package.
func (b *builder) packageKeys(rest map[string]text, p connector.Package, object string, own []string) {
	for name, t := range sorted(rest) {
		inside := join(object, name)
		setting, ok := settingOf(p.From, name)
		if !ok {
			do := spelling.Suggest(name, append(slices.Clone(own), settingNames(p.From)...))
			if do == "" {
				do = "package " + p.Name + " knows " + orElse(strings.Join(settingNames(p.From), ", "), "no further keys")
			}
			b.find(b.keys[inside], inside, fmt.Sprintf("there is no key %s here", name), do)
			continue
		}
		b.oneOf(setting, t, inside)
	}
}

func settingNames(settings []connector.Setting) []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.Name
	}
	return names
}

func (b *builder) entityType(name string, doc *entityDoc, c schema.Connector, object string) schema.Entity {
	e := schema.Entity{
		Type: schema.EntityType(name), Connector: c.ID, Connection: schema.ConnectionID(doc.From.Connection.Value),
		From: texts(doc.From.Rest), Key: schema.PropertyName(doc.Key.Value), Position: doc.Position,
		Display: doc.Display.expression(), Properties: map[schema.PropertyName]schema.Property{},
	}
	for attribute, values := range doc.Create {
		if e.Create == nil {
			e.Create = map[string][]string{}
		}
		e.Create[attribute] = stringsOf(values)
	}
	for _, t := range doc.Identifiers {
		e.Identify = append(e.Identify, schema.PropertyName(t.Value))
	}
	connection, known := c.Connections[e.Connection]
	if !known && doc.From.Connection.given {
		b.unknown(doc.From.Connection, join(object, "from.connection"), "connection of this connector called", namesOf(c.Connections))
	}
	p, checkable := b.packages[connection.Package]
	if checkable {
		b.packageKeys(doc.From.Rest, p, join(object, "from"), []string{"connection"})
		for _, setting := range p.From {
			if _, ok := doc.From.Rest[setting.Name]; setting.Required && !ok {
				b.find(doc.From.Position, join(object, "from"), setting.Name+" is missing", setting.About)
			}
		}
	}
	for property, d := range sorted(doc.Properties) {
		inside := join(object, "properties."+property)
		b.named(nameOf, property, d.Position, inside)
		if checkable {
			b.packageKeys(d.Rest, p, inside, []string{"type", "link", "links", "inverse", "column", "format", "assignedBy", "allocate", "editable"})
		}
		e.Properties[schema.PropertyName(property)] = b.propertyOf(property, d, inside)
	}
	return e
}

func stringsOf(list []text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}

func (b *builder) propertyOf(name string, doc *propertyDoc, object string) schema.Property {
	p := schema.Property{
		Name: schema.PropertyName(name), Type: value.Type(doc.Type.Value), Format: value.Format(doc.Format.Value),
		Column: doc.Column.Value, From: texts(doc.Rest), Inverse: schema.PropertyName(doc.Inverse.Value),
		System: doc.AssignedBy.Value == "system", Editable: doc.Editable.Value, Position: doc.Position,
	}
	switch {
	case doc.Link.given && doc.Links.given:
		b.find(doc.Position, object, "the property leads to one resource (link) and to many (links)", "keep one of the two")
		p.Link, p.Type = schema.EntityType(doc.Link.Value), ""
	case doc.Link.given:
		p.Link = schema.EntityType(doc.Link.Value)
	case doc.Links.given:
		p.Link, p.Many = schema.EntityType(doc.Links.Value), true
	case p.Type == "":
		p.Type = value.String
	}
	if p.IsLink() {
		for _, t := range []text{doc.Type, doc.Format} {
			if t.given {
				b.find(t.Position, object, "a link has neither type nor format", "leave them out")
			}
		}
		p.Type, p.Format = "", ""
		if doc.Allocate.given {
			b.find(doc.Allocate.Position, join(object, "allocate"), "a link cannot be allocated", "")
		}
		return p
	}
	if doc.Inverse.given {
		b.find(doc.Inverse.Position, join(object, "inverse"), "only a link has an inverse", "write link or links instead of type")
	}
	if err := p.Format.Check(p.Type); err != nil {
		b.find(doc.Format.Position, join(object, "format"), err.Error(), "")
	}
	return p
}

// properties checks what entity types say about each other, and their expressions.
func (b *builder) properties() {
	for connectorID, connectorDoc := range sorted(b.doc.Connectors) {
		for name, doc := range sorted(connectorDoc.Entities) {
			object := join("connectors", connectorID+".entities."+name)
			e := b.entities[schema.EntityType(name)]
			if string(e.Connector) != connectorID {
				continue // declared twice, reported
			}
			b.keyProperties(doc, e, object)
			b.compile(doc.Display, join(object, "display"), expression.Own(e.Type), expression.Text)
			for property, d := range sorted(doc.Properties) {
				inside := join(object, "properties."+property)
				p := e.Properties[schema.PropertyName(property)]
				b.linkOf(d, e, p, inside)
				p.Allocate = b.allocation(d.Allocate, p, expression.Own(e.Type), join(inside, "allocate"))
				b.editable(d, e, p, inside)
				e.Properties[p.Name] = p
			}
		}
	}
}

func (b *builder) keyProperties(doc *entityDoc, e schema.Entity, object string) {
	for i, t := range append([]text{doc.Key}, doc.Identifiers...) {
		inside := join(object, "key")
		if i > 0 {
			inside = fmt.Sprintf("%s.identifiers[%d]", object, i-1)
		}
		p, ok := b.property(t, inside, e)
		if ok && p.IsLink() {
			b.find(t.Position, inside, "a link cannot name a resource", "name a scalar property")
		}
		if i > 0 && t.given && t.Value == doc.Key.Value {
			b.find(t.Position, inside, "the key is an identifier already", "leave it out here")
		}
	}
}

func (b *builder) linkOf(doc *propertyDoc, e schema.Entity, p schema.Property, object string) {
	if !p.IsLink() {
		return
	}
	to := doc.Link
	if p.Many {
		to = doc.Links
	}
	far, ok := b.entity(to, object)
	if !ok || !doc.Inverse.given {
		return
	}
	inside := join(object, "inverse")
	back, ok := b.property(doc.Inverse, inside, far)
	switch {
	case !ok:
	case back.Link != e.Type:
		b.find(doc.Inverse.Position, inside, fmt.Sprintf("%s.%s does not lead to %s", far.Type, back.Name, e.Type), "name the link that leads back")
	case back.Inverse != "":
		b.find(doc.Inverse.Position, inside, fmt.Sprintf("%s.%s has an inverse too, so neither side stores the link", far.Type, back.Name),
			"leave inverse out on the side that the system stores")
	case doc.Column.given:
		b.find(doc.Column.Position, join(object, "column"), "the other side stores the link, so there is no column here", "leave column out")
	}
}

// allocation builds how a value is found once.
func (b *builder) allocation(doc allocateDoc, p schema.Property, scope expression.Scope, object string) *schema.Allocation {
	if !doc.given || p.IsLink() {
		return nil
	}
	a := &schema.Allocation{Sequence: doc.Sequence.Value, Affixes: stringsOf(doc.Affixes), Position: doc.Position}
	switch {
	case (len(doc.Unique) > 0) == doc.Sequence.given:
		b.find(doc.Position, object, "an allocation is either unique or a sequence", "write unique: [candidates] or sequence: name")
		return a
	case doc.Sequence.given:
		a.Start = int64(doc.Start.Value)
		if len(doc.Affixes) > 0 {
			b.find(doc.Position, object, "a sequence has no affixes", "leave them out")
		}
		if p.Type != value.Int && p.Type != value.String {
			b.find(doc.Position, object, fmt.Sprintf("a sequence gives numbers, %s is a %s", p.Name, p.Type), "make the property int or string")
		}
	case p.Type != value.String:
		b.find(doc.Position, object, fmt.Sprintf("names can be made unique, %s is a %s", p.Name, p.Type), "make the property a string")
	}
	if doc.Start.given && !doc.Sequence.given {
		b.find(doc.Start.Position, join(object, "start"), "only a sequence has a start", "leave it out")
	}
	for i, x := range doc.Unique {
		inside := fmt.Sprintf("%s.unique[%d]", object, i)
		candidate, program := b.compile(x, inside, scope, expression.Text)
		a.Unique = append(a.Unique, candidate)
		if program == nil {
			continue
		}
		for _, path := range program.Reads() {
			if path.Root == expression.RootOwn && path.Steps[0].Property == p.Name {
				b.find(x.Position, inside, "the candidate reads the property that it is for", "compute it from other properties")
			}
		}
	}
	return a
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

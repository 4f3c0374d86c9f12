package declare

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// How long an order may stay unverified when the configuration does not say:
// a directory shows a change within minutes, so three days bridge a weekend; a
// person may be on leave for two weeks.
const (
	automaticValidity = 72 * time.Hour
	manualValidity    = 15 * schema.Day
)

func (b *builder) resourceTypes() {
	waits := map[string][]string{}
	for id, doc := range sorted(b.doc.ResourceTypes) {
		object := join("resourceTypes", id)
		b.named(identifier, id, doc.Position, object)
		source, sourceKnown := b.entity(doc.Source, join(object, "source"))
		target, targetKnown := b.entity(doc.Target, join(object, "target"))
		t := roles.ResourceType{
			ID: roles.ResourceTypeID(id), Name: orElse(doc.Name.Value, id), Source: source.Type, Target: target.Type,
			Category: b.category(doc.Category, object), Comments: b.comments(doc.Comments, doc.Category), Position: doc.Position,
			Multiple: doc.Multiple.Value, SuggestAll: doc.SuggestAll.Value,
		}
		if targetKnown && b.kept(target) {
			b.find(doc.Target.Position, join(object, "target"), fmt.Sprintf("the resources of %s live in Provisor alone", target.Type),
				"people create and change them through workflows: name an entity type of a managed system")
		}
		if sourceKnown && targetKnown {
			t.Provisioning = b.provisioning(doc, source, target, join(object, "provisioning"))
			b.recognition(&t, doc, object)
			b.rules(&t, doc, source, target, object)
		}
		for i, name := range doc.Provisioning.DependsOn {
			if _, ok := b.doc.ResourceTypes[name.Value]; !ok {
				b.unknown(name, fmt.Sprintf("%s.provisioning.dependsOn[%d]", object, i), "resource type", namesOf(b.doc.ResourceTypes))
				continue
			}
			waits[id] = append(waits[id], name.Value)
		}
		b.model.ResourceTypes[t.ID] = t
	}
	for _, circle := range circles(waits) {
		b.find(b.doc.ResourceTypes[circle[0]].Provisioning.Position, join("resourceTypes", circle[0]+".provisioning.dependsOn"),
			"the resource types wait for each other: "+strings.Join(circle, " waits for "), "break the circle")
	}
}

func (b *builder) provisioning(doc *typeDoc, source, target schema.Entity, object string) roles.Provisioning {
	d := doc.Provisioning
	connections := b.model.Connectors[target.Connector].Connections
	connection, ok := connections[schema.ConnectionID(d.Connection.Value)]
	if !ok && d.Connection.given {
		b.unknown(d.Connection, join(object, "connection"), "connection of connector "+string(target.Connector)+" called", namesOf(connections))
	}
	if p, known := b.packages[connection.Package]; known && p.Class == connector.ReadOnly && d.Enabled.Value {
		b.find(d.Enabled.Position, join(object, "enabled"), "the package "+p.Name+" only reads", "provision through another connection, such as a manual one")
	}
	if connection.Repository && !b.kept(target) {
		b.find(d.Connection.Position, join(object, "connection"), "nothing is written through a repository", "name a connection of the managed system")
	}
	b.property(d.OwnerProperty, join(object, "ownerProperty"), source)
	p := roles.Provisioning{
		Connection: connection.ID, Enabled: d.Enabled.Value, Shadow: d.Shadow.Value, Review: d.Review.Value,
		Approval: roles.Approval(d.Approval.Value), Add: d.Add.Value, Remove: d.Remove.Value,
		RemoveOrphans: d.RemoveOrphans.Value, DiscardManual: d.DiscardManual.Value,
		OwnerProperty: schema.PropertyName(d.OwnerProperty.Value), LeadTime: d.LeadTime.Value, Settle: d.Settle.Value,
		VerifyImmediately: !connection.Manual && d.Verify.Value != "synchronization",
		Attempts:          d.Attempts.Value, TransmittedValidity: d.TransmittedValidity.Value, RemindAfter: d.RemindAfter.Value,
		Thresholds: roles.Thresholds{
			Add: d.Thresholds.Add.Value, AddPercent: d.Thresholds.AddPercent.Value,
			Update: d.Thresholds.Update.Value, UpdatePercent: d.Thresholds.UpdatePercent.Value,
			Delete: d.Thresholds.Delete.Value, DeletePercent: d.Thresholds.DeletePercent.Value,
		},
	}
	if connection.Manual && d.Verify.Value == "immediately" {
		b.find(d.Verify.Position, join(object, "verify"), "what a person carries out cannot be read back immediately", "write verify: synchronization")
	}
	if !d.TransmittedValidity.given {
		p.TransmittedValidity = automaticValidity
		if connection.Manual {
			p.TransmittedValidity = manualValidity
		}
	}
	for _, name := range d.DependsOn {
		p.DependsOn = append(p.DependsOn, roles.ResourceTypeID(name.Value))
	}
	for name, x := range sorted(d.Arguments) {
		if p.Arguments == nil {
			p.Arguments = map[string]schema.Expression{}
		}
		p.Arguments[name], _ = b.compile(x, join(object, "arguments."+name), expression.Source(source.Type), expression.Any)
	}
	return p
}

// recognition builds how targets are recognised and matched to owners.
func (b *builder) recognition(t *roles.ResourceType, doc *typeDoc, object string) {
	for i, x := range doc.Classify {
		condition, _ := b.compile(x, fmt.Sprintf("%s.classify[%d]", object, i), expression.Target(t.Target), expression.Truth)
		t.Classify = append(t.Classify, condition)
	}
	for i, d := range doc.Correlate {
		inside := fmt.Sprintf("%s.correlate[%d]", object, i)
		c := roles.Correlation{Confidence: d.Confidence.Value, Position: d.Position}
		c.Source, _ = b.compile(d.Source, join(inside, "source"), expression.Source(t.Source), expression.Any)
		c.Target, _ = b.compile(d.Target, join(inside, "target"), expression.Target(t.Target), expression.Any)
		t.Correlate = append(t.Correlate, c)
	}
	slices.SortStableFunc(t.Correlate, func(a, b roles.Correlation) int { return cmp.Compare(b.Confidence, a.Confidence) })
}

func (b *builder) rules(t *roles.ResourceType, doc *typeDoc, source, target schema.Entity, object string) {
	for i, d := range doc.Who {
		t.Who = append(t.Who, roles.TypeRule{Line: b.line(d.criteria, d.Position, source.Type, fmt.Sprintf("%s.who[%d]", object, i))})
	}
	for name, lines := range sorted(doc.Values) {
		inside := join(object, "values."+name)
		p, ok := b.property(text{place: place{Position: b.keys[inside], given: true}, Value: name}, inside, target)
		if !ok {
			continue
		}
		for i, d := range lines {
			at := fmt.Sprintf("%s[%d]", inside, i)
			line := b.line(d.criteria, d.Position, source.Type, at)
			if rule, ok := b.scalarRule(line, d.scalarKeys, p, source, at); ok {
				t.Values = append(t.Values, rule)
			}
		}
	}
	for i, d := range doc.Links {
		inside := fmt.Sprintf("%s.links[%d]", object, i)
		line := b.line(d.criteria, d.Position, source.Type, inside)
		if rule, ok := b.linkRule(line, d.Property, d.To, target, inside); ok {
			t.Links = append(t.Links, rule)
		}
	}
	for i, d := range doc.Find {
		inside := fmt.Sprintf("%s.find[%d]", object, i)
		p, ok := b.property(d.Property, join(inside, "property"), target)
		if !ok {
			continue
		}
		if !p.IsLink() || p.Many {
			b.find(d.Property.Position, join(inside, "property"), fmt.Sprintf("%s is not a link to one resource", p.Name), "find computes one link")
			continue
		}
		rule := roles.QueryRule{Line: b.line(d.criteria, d.Position, source.Type, inside), Property: p.Name, Confidence: d.Confidence.Value}
		rule.Source, _ = b.compile(d.Source, join(inside, "source"), expression.Source(source.Type), expression.Any)
		if _, declared := b.entities[p.Link]; declared {
			rule.Target, _ = b.compile(d.Target, join(inside, "target"), expression.Target(p.Link), expression.Any)
		}
		t.Find = append(t.Find, rule)
	}
	slices.SortStableFunc(t.Find, func(a, b roles.QueryRule) int { return cmp.Compare(b.Confidence, a.Confidence) })
}

// line builds the criteria that every rule has.
func (b *builder) line(doc criteria, at schema.Position, source schema.EntityType, object string) roles.Line {
	line := roles.Line{
		Deny: doc.Deny.Value, Kind: roles.Kind(doc.Kind.Value), Priority: doc.Priority.Value, Position: at, Object: object,
		Period: b.period(doc.Period, join(object, "period")),
	}
	context, bound := b.model.Contexts[source]
	for name, t := range sorted(doc.Match) {
		inside := join(object, "match."+name)
		d, ok := b.model.Dimensions[roles.DimensionID(name)]
		if !ok {
			b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "dimension", namesOf(b.model.Dimensions))
			continue
		}
		if _, ok := context.Dimensions[d.ID]; !ok && !b.isParameter(doc, d.ID) {
			what := fmt.Sprintf("the context of %s says nothing about %s, so the rule never holds", source, name)
			if !bound {
				what = fmt.Sprintf("%s has no context, so the rule never holds", source)
			}
			b.find(b.keys[inside], inside, what, fmt.Sprintf("add %s to contexts.%s", name, source))
		}
		if line.Match == nil {
			line.Match = map[roles.DimensionID]string{}
		}
		line.Match[d.ID] = t.Value
	}
	for i, t := range doc.Inherit {
		inside := fmt.Sprintf("%s.inherit[%d]", object, i)
		d, declared := b.model.Dimensions[roles.DimensionID(t.Value)]
		_, matched := doc.Match[t.Value]
		switch {
		case !declared:
			b.unknown(t, inside, "dimension", namesOf(b.model.Dimensions))
		case !matched:
			b.find(t.Position, inside, "the rule does not match "+t.Value, "add it to match, or leave it out here")
		case d.Hierarchy == "":
			b.find(t.Position, inside, "the dimension "+t.Value+" has no hierarchy", "add hierarchy to dimensions."+t.Value)
		}
		line.Inherit = append(line.Inherit, d.ID)
	}
	if _, declared := b.entities[source]; declared {
		line.When, _ = b.compile(doc.When, join(object, "when"), expression.Source(source), expression.Truth)
	}
	line.Role = b.roleOf(doc, source, object)
	line.Parameters = b.with(doc.With, join(object, "parameters"))
	line.Mark = mark(line)
	return line
}

// isParameter reports whether the line is about a role that takes the dimension
// as a parameter: then the owner's context need not know it.
func (b *builder) isParameter(doc criteria, d roles.DimensionID) bool {
	role := doc.Role.Value
	if doc.Composite.given {
		role = doc.Composite.Value
	}
	_, ok := b.model.Roles[roles.RoleID(role)].Parameters[d]
	return ok
}

// with builds the parameters with which a role rule gives its role.
func (b *builder) with(doc map[string]text, object string) map[roles.DimensionID]string {
	var out map[roles.DimensionID]string
	for name, t := range sorted(doc) {
		inside := join(object, name)
		if _, ok := b.model.Dimensions[roles.DimensionID(name)]; !ok {
			b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "dimension", namesOf(b.model.Dimensions))
			continue
		}
		if out == nil {
			out = map[roles.DimensionID]string{}
		}
		out[roles.DimensionID(name)] = t.Value
	}
	return out
}

// mark is the fingerprint of a line: of everything it says, not of where it stands.
func mark(l roles.Line) string {
	l.Position, l.When.Position, l.Object = schema.Position{}, schema.Position{}, ""
	content, _ := json.Marshal(l) // texts, numbers and maps of them marshal
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:4])
}

// roleOf resolves role and composite.
func (b *builder) roleOf(doc criteria, source schema.EntityType, object string) roles.RoleID {
	named, key := doc.Role, "role"
	if doc.Composite.given {
		if doc.Role.given {
			b.find(doc.Composite.Position, join(object, "composite"), "a line names a role or a composite role, not both", "write two lines, or bundle the roles")
			return ""
		}
		named, key = doc.Composite, "composite"
	}
	if !named.given {
		return ""
	}
	inside := join(object, key)
	r, ok := b.model.Roles[roles.RoleID(named.Value)]
	switch {
	case !ok:
		b.unknown(named, inside, "role", namesOf(b.model.Roles))
	case r.Composite != doc.Composite.given:
		right, kind := "role", "a single"
		if r.Composite {
			right, kind = "composite", "a composite"
		}
		b.find(named.Position, inside, fmt.Sprintf("%s is %s role", r.ID, kind), "write "+right+": "+named.Value)
	case r.Entity != source:
		b.find(named.Position, inside, fmt.Sprintf("%s is a role of %s, the rule is about %s", r.ID, r.Entity, source), "")
	}
	return roles.RoleID(named.Value)
}

func (b *builder) period(doc periodDoc, object string) roles.Period {
	p := roles.Period{Mode: roles.Mode(doc.Mode.Value), From: doc.From.Value, To: doc.To.Value}
	switch {
	case p.Mode == roles.Default && (p.From != 0 || p.To != 0):
		b.find(doc.Position, object, "the mode default shifts nothing", "write mode: around, before or after")
	case (p.Mode == roles.Before || p.Mode == roles.After) && p.From >= p.To:
		b.find(doc.Position, object, "the period is empty: from is not before to", "")
	}
	return p
}

func (b *builder) scalarRule(line roles.Line, doc scalarKeys, p schema.Property, source schema.Entity, object string) (roles.ScalarRule, bool) {
	rule := roles.ScalarRule{Line: line, Property: p.Name, Once: doc.Once.Value, Compare: value.Comparison(doc.Compare.Value)}
	ways := 0
	for _, given := range []bool{doc.Expression.given, doc.Value.given, doc.Allocate.given} {
		if given {
			ways++
		}
	}
	switch {
	case p.IsLink():
		b.find(line.Position, object, fmt.Sprintf("%s is a link", p.Name), "give it under links or find")
		return rule, false
	case p.System:
		b.find(line.Position, object, fmt.Sprintf("%s is assigned by the system and never written", p.Name), "leave the rule out")
	case ways == 0 && !line.Deny:
		b.find(line.Position, object, "the rule computes nothing", "write expression, value or allocate")
	case ways > 1:
		b.find(line.Position, object, "the rule computes the value in several ways", "keep one of expression, value and allocate")
	}
	rule.Expression, _ = b.compile(doc.Expression, join(object, "expression"), expression.Source(source.Type), expression.Scalar(p.Type))
	rule.Allocate = b.allocation(doc.Allocate, p, expression.Source(source.Type), join(object, "allocate"))
	if doc.Value.given {
		v, err := scalarOf(p, doc.Value.Value)
		if err != nil {
			b.find(doc.Value.Position, join(object, "value"), err.Error(), "")
		}
		rule.Value, rule.Constant = v, true
	}
	return rule, true
}

func (b *builder) linkRule(line roles.Line, property text, to map[string]constant, target schema.Entity, object string) (roles.NavigationRule, bool) {
	p, ok := b.property(property, join(object, "property"), target)
	if !ok {
		return roles.NavigationRule{}, false
	}
	if !p.IsLink() {
		b.find(property.Position, join(object, "property"), fmt.Sprintf("%s is not a link", p.Name), "give it under values")
		return roles.NavigationRule{}, false
	}
	far, ok := b.entities[p.Link]
	if !ok {
		return roles.NavigationRule{}, false
	}
	if len(to) != 1 {
		b.find(line.Position, join(object, "to"), "to names one identifier of the linked resource",
			"write to: {"+string(far.Key)+": ...}")
		return roles.NavigationRule{}, false
	}
	rule := roles.NavigationRule{Line: line, Property: p.Name, To: map[schema.PropertyName]value.Value{}}
	for name, c := range to {
		inside := join(object, "to."+name)
		unique := append([]schema.PropertyName{far.Key}, far.Identify...)
		if !slices.Contains(unique, schema.PropertyName(name)) {
			names := make([]string, len(unique))
			for i, u := range unique {
				names[i] = string(u)
			}
			b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "key or identifier of "+string(far.Type)+" called", names)
			continue
		}
		v, err := scalarOf(far.Properties[schema.PropertyName(name)], c.Value)
		switch {
		case err != nil:
			b.find(c.Position, inside, err.Error(), "")
		case v.IsNull():
			b.find(c.Position, inside, "an empty value names no resource", "")
		}
		rule.To[schema.PropertyName(name)] = v
	}
	return rule, true
}

// grants turns what roles say they give into rules of the resource types.
func (b *builder) grants() {
	for id, doc := range sorted(b.doc.Roles) {
		for i, d := range doc.Grants {
			b.grant(roles.RoleID(id), d, fmt.Sprintf("roles.%s.grants[%d]", id, i))
		}
	}
}

func (b *builder) grant(id roles.RoleID, d grantDoc, object string) {
	if !d.ResourceType.given {
		return
	}
	t, ok := b.model.ResourceTypes[roles.ResourceTypeID(d.ResourceType.Value)]
	if !ok {
		b.unknown(d.ResourceType, join(object, "resourceType"), "resource type", namesOf(b.model.ResourceTypes))
		return
	}
	source, sourceKnown := b.entities[t.Source]
	target, targetKnown := b.entities[t.Target]
	if !sourceKnown || !targetKnown {
		return
	}
	for _, named := range []text{d.Role, d.Composite} {
		if named.given {
			b.find(named.Position, object, "a grant already belongs to its role", "write the line under the resource type to name another")
		}
	}
	if r := b.model.Roles[id]; r.Entity != t.Source {
		b.find(d.ResourceType.Position, join(object, "resourceType"), fmt.Sprintf("%s belongs to a %s, the role to a %s", t.ID, t.Source, r.Entity), "")
	}
	d.Role, d.Composite = text{}, text{}
	line := b.line(d.criteria, d.Position, t.Source, object)
	line.Role = id
	computed := d.Expression.given || d.Value.given || d.Allocate.given
	p, declared := b.property(d.Property, join(object, "property"), target)
	switch {
	case !d.Property.given:
		if computed || len(d.To) > 0 {
			b.find(d.Position, object, "the grant does not name its property", "write property: ...")
		}
		t.Who = append(t.Who, roles.TypeRule{Line: line})
	case !declared:
	case p.IsLink():
		if computed {
			b.find(d.Position, object, fmt.Sprintf("%s is a link, it has no value", p.Name), "write to: {identifier: ...}")
		}
		if rule, ok := b.linkRule(line, d.Property, d.To, target, object); ok {
			t.Links = append(t.Links, rule)
		}
	default:
		if len(d.To) > 0 {
			b.find(d.Position, object, fmt.Sprintf("%s is not a link", p.Name), "write value or expression instead of to")
		}
		if rule, ok := b.scalarRule(line, d.scalarKeys, p, source, object); ok {
			t.Values = append(t.Values, rule)
		}
	}
	b.model.ResourceTypes[t.ID] = t
}

// computedTwice refuses a link that is given and found: neither could say
// which of the two a value came from.
func (b *builder) computedTwice() {
	for _, id := range namesOf(b.model.ResourceTypes) {
		t := b.model.ResourceTypes[roles.ResourceTypeID(id)]
		for _, found := range t.Find {
			i := slices.IndexFunc(t.Links, func(r roles.NavigationRule) bool { return r.Property == found.Property })
			if i >= 0 {
				b.find(found.Line.Position, found.Line.Object, fmt.Sprintf("%s is given by %s too", found.Property, t.Links[i].Line.Object),
					"a link is computed by links or by find, never both")
			}
		}
	}
}

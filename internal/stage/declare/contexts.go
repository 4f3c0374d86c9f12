package declare

import (
	"fmt"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// contextWords have a meaning of their own in a context: no dimension bears them.
var contextWords = []string{"from", "to", "exclude", "records", "sections"}

func (b *builder) contexts() {
	for entity, doc := range sorted(b.doc.Contexts) {
		object := join("contexts", entity)
		named := text{place: place{Position: doc.Position, given: true}, Value: entity}
		e, ok := b.entity(named, object)
		if !ok {
			continue
		}
		record, ok := b.records(doc, e, object)
		if !ok {
			continue
		}
		own := expression.Own(record.Type)
		c := roles.Context{
			Entity: e.Type, Position: doc.Position, Dimensions: map[roles.DimensionID]schema.Expression{},
			Records: schema.PropertyName(doc.Records.Value),
		}
		c.From, _ = b.compile(doc.From, join(object, "from"), own, expression.Scalar(value.Date))
		c.To, _ = b.compile(doc.To, join(object, "to"), own, expression.Scalar(value.Date))
		c.Exclude, _ = b.compile(doc.Exclude, join(object, "exclude"), expression.Own(e.Type), expression.Truth)
		for name, x := range sorted(doc.Rest) {
			inside := join(object, name)
			d, ok := b.model.Dimensions[roles.DimensionID(name)]
			if !ok {
				b.unknown(text{place: place{Position: b.keys[inside]}, Value: name}, inside, "dimension",
					append(namesOf(b.model.Dimensions), contextWords...))
				continue
			}
			if _, declared := b.entities[d.Entity]; declared {
				c.Dimensions[d.ID], _ = b.compile(x, inside, own, expression.LinkTo(d.Entity))
			}
		}
		c.Sections = b.sections(doc, c, record, object)
		b.model.Contexts[e.Type] = c
	}
}

// records finds the entity type from which a context is read: that of the
// owner's records, or the owner's own.
func (b *builder) records(doc *contextDoc, e schema.Entity, object string) (schema.Entity, bool) {
	if !doc.Records.given {
		if len(doc.Sections) > 0 {
			b.find(doc.Position, join(object, "sections"), "sections are parts of records, and the context names none", "add records: the link to the owner's records")
		}
		return e, true
	}
	p, ok := b.property(doc.Records, join(object, "records"), e)
	if !ok {
		return e, false
	}
	record, declared := b.entities[p.Link]
	if !p.Many || !declared {
		b.find(doc.Records.Position, join(object, "records"), fmt.Sprintf("%s does not lead to many records", p.Name),
			"declare it as links: ENTITY, inverse: the record's link to its owner")
		return e, false
	}
	return record, true
}

// sections builds the parts of a record that have dates of their own.
func (b *builder) sections(doc *contextDoc, c roles.Context, record schema.Entity, object string) (list []roles.Section) {
	own := expression.Own(record.Type)
	taken := map[string]string{}
	for id, d := range sorted(doc.Sections) {
		inside := join(object, "sections."+id)
		b.named(identifier, id, d.Position, inside)
		section := roles.Section{
			ID: id, Open: d.Open.Value, Bounds: d.Bounds.Value, Extend: roles.Extension(d.Extend.Value), Above: d.Above.Value, Position: d.Position,
		}
		for i, t := range d.Dimensions {
			at := fmt.Sprintf("%s.dimensions[%d]", inside, i)
			if _, bound := c.Dimensions[roles.DimensionID(t.Value)]; !bound {
				b.unknown(t, at, "dimension of this context called", namesOf(c.Dimensions))
				continue
			}
			if other := taken[t.Value]; other != "" {
				b.find(t.Position, at, fmt.Sprintf("%s belongs to the section %s already", t.Value, other), "leave it in one of the two")
			}
			taken[t.Value] = id
			section.Dimensions = append(section.Dimensions, roles.DimensionID(t.Value))
		}
		section.From, _ = b.compile(d.From, join(inside, "from"), own, expression.Scalar(value.Date))
		section.To, _ = b.compile(d.To, join(inside, "to"), own, expression.Scalar(value.Date))
		section.Instance, _ = b.compile(d.Instance, join(inside, "instance"), own, expression.Any)
		section.Sort, _ = b.compile(d.Sort, join(inside, "sort"), own, expression.Any)
		list = append(list, section)
	}
	return list
}

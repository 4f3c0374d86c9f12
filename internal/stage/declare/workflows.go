package declare

import (
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/internal/expression/spelling"
	"provisor.dev/provisor/value"
)

// kept reports whether the resources of an entity type live in Provisor alone.
func (b *builder) kept(e schema.Entity) bool {
	return b.model.Connectors[e.Connector].Connections[e.Connection].Repository
}

// editable checks what may be written beside the source, and what a repository
// has no use for.
func (b *builder) editable(doc *propertyDoc, e schema.Entity, p schema.Property, object string) {
	kept := b.kept(e)
	if kept && doc.Column.given {
		b.find(doc.Column.Position, join(object, "column"), "the property lives in Provisor: there is no column", "leave column out")
	}
	if !p.Editable {
		return
	}
	inside := join(object, "editable")
	refuse := func(what, do string) { b.find(doc.Editable.Position, inside, what, do) }
	switch {
	case kept:
		refuse("everything of a repository can be edited", "leave editable out")
	case p.Name == e.Key || slices.Contains(e.Identify, p.Name):
		refuse(fmt.Sprintf("%s names the resource, and must be the same here and in its source", p.Name), "let the source change it")
	case p.Inverse != "":
		refuse("the other side stores the link", fmt.Sprintf("make %s.%s editable", p.Link, p.Inverse))
	case p.Allocate != nil:
		refuse("the value is allocated once and kept for life", "leave one of the two out")
	case p.System:
		refuse("the system assigns the value", "leave one of the two out")
	}
}

// editedAndComputed reports properties that rules write and people edit: what the
// system holds could not be told from what somebody wrote.
func (b *builder) editedAndComputed() {
	computed := map[schema.EntityType]map[schema.PropertyName]string{}
	for id, t := range b.model.ResourceTypes {
		names := map[schema.PropertyName]string{}
		for _, r := range t.Values {
			names[r.Property] = string(id)
		}
		for _, r := range t.Links {
			names[r.Property] = string(id)
		}
		for _, r := range t.Find {
			names[r.Property] = string(id)
		}
		if computed[t.Target] == nil {
			computed[t.Target] = map[schema.PropertyName]string{}
		}
		for name, by := range names {
			if known := computed[t.Target][name]; known == "" || by < known {
				computed[t.Target][name] = by
			}
		}
	}
	for _, e := range b.entities {
		for _, name := range e.Editable() {
			if by := computed[e.Type][name]; by != "" {
				b.find(e.Properties[name].Position, fmt.Sprintf("connectors.%s.entities.%s.properties.%s", e.Connector, e.Type, name),
					fmt.Sprintf("the resource type %s computes the property, so it cannot be edited", by), "leave editable out, and edit what the rule reads")
			}
		}
	}
}

// workflows builds the forms.
func (b *builder) workflows() {
	b.editedAndComputed()
	for id, doc := range sorted(b.doc.Workflows) {
		object := join("workflows", id)
		b.named(identifier, id, doc.Position, object)
		w := roles.Workflow{
			ID: roles.WorkflowID(id), Name: orElse(doc.Name.Value, id), Entity: schema.EntityType(doc.Entity.Value),
			Action: roles.WorkflowAction(doc.Action.Value), Approval: roles.Approval(doc.Approval.Value), Position: doc.Position,
		}
		if doc.Approval.given {
			w.Reviewers = b.workflowReviewers(doc, w, join(object, "reviewers"))
		}
		for i, t := range doc.Who {
			b.starter(t, w, fmt.Sprintf("%s.who[%d]", object, i))
			w.Who = append(w.Who, t.Value)
		}
		if e, ok := b.entity(doc.Entity, join(object, "entity")); ok {
			w.Begins, w.Ends = b.daysOf(e)
			w.Fields = b.fields(doc, w, e, object)
			b.action(doc, w, e, object)
		}
		b.model.Workflows[w.ID] = w
	}
}

// daysOf are the properties that hold the first and the last day of a resource,
// "" where its context computes them or reads them from its records.
func (b *builder) daysOf(e schema.Entity) (begins, ends schema.PropertyName) {
	c, ok := b.model.Contexts[e.Type]
	if !ok || c.Records != "" {
		return "", ""
	}
	plain := func(x schema.Expression) schema.PropertyName {
		if p, ok := e.Properties[schema.PropertyName(strings.TrimSpace(x.Text))]; ok && !p.IsLink() {
			return p.Name
		}
		return ""
	}
	return plain(c.From), plain(c.To)
}

func (b *builder) workflowReviewers(doc *workflowDoc, w roles.Workflow, object string) map[string][]string {
	out := b.reviewers(roleKeys{Reviewers: doc.Reviewers}, roles.Role{Entity: w.Entity, Approval: w.Approval}, object)
	for _, step := range workflows.StepNames[:max(workflows.Steps(w), 0)] {
		if len(doc.Reviewers[step]) == 0 {
			b.find(doc.Approval.Position, join(object, step), fmt.Sprintf("nobody is named who may decide step %s", step),
				"write reviewers: {"+step+": [manager]}, owner:CATEGORY or person:KEY")
		}
	}
	return out
}

// starter checks a word that says who may start a workflow.
func (b *builder) starter(t text, w roles.Workflow, object string) {
	kind, who, named := strings.Cut(t.Value, ":")
	switch {
	case kind == workflows.Anybody && !named:
	case kind == workflows.Self && !named:
		if w.Action == roles.CreateResource {
			b.find(t.Position, object, "nobody is there yet who could create themselves", "write anybody, manager, reviewer, owner:CATEGORY or person:KEY")
		}
	case kind == workflows.Reviewer && !named:
		if w.Approval == roles.ApprovalNone {
			b.find(t.Position, object, "there is no reviewer where nobody has to approve", "write another word, or an approval")
		}
	case kind == workflows.Manager && !named || kind == workflows.Owner && who != "" || kind == workflows.Person && who != "":
		b.reviewer(t, roles.Role{Entity: w.Entity}, object)
	default:
		do := spelling.Suggest(t.Value, []string{workflows.Anybody, workflows.Self, workflows.Manager, workflows.Reviewer})
		if do == "" {
			do = "write anybody, self, manager, reviewer, owner:CATEGORY or person:KEY"
		}
		b.find(t.Position, object, fmt.Sprintf("%q does not say who may start it", t.Value), do)
	}
}

// fields builds what a form asks for.
func (b *builder) fields(doc *workflowDoc, w roles.Workflow, e schema.Entity, object string) (list []roles.Field) {
	for i := range doc.Fields {
		d := &doc.Fields[i]
		inside := fmt.Sprintf("%s.fields[%d]", object, i)
		p, ok := b.property(d.Property, join(inside, "property"), e)
		if !ok {
			continue
		}
		if slices.ContainsFunc(list, func(f roles.Field) bool { return f.Property == p.Name }) {
			b.find(d.Property.Position, join(inside, "property"), fmt.Sprintf("the form asks for %s twice", p.Name), "keep one of the two")
		}
		b.writable(d.Property, w, e, p, join(inside, "property"))
		f := roles.Field{
			Property: p.Name, Label: orElse(d.Label.Value, string(p.Name)), Required: d.Required.Value || p.Name == e.Key,
			Message: d.Message.Value, Position: d.Position,
		}
		want := expression.Scalar(p.Type)
		if p.IsLink() {
			want = expression.LinkTo(p.Link)
		}
		if p.Many && d.Default.given {
			b.find(d.Default.Position, join(inside, "default"), "a link to many has no default", "leave it out")
		} else {
			f.Default, _ = b.compile(d.Default, join(inside, "default"), expression.Own(e.Type), want)
		}
		f.Check, _ = b.compile(d.Check, join(inside, "check"), expression.Own(e.Type), expression.Truth)
		switch {
		case d.Check.given && !d.Message.given:
			b.find(d.Check.Position, join(inside, "check"), "nothing is said when the check does not hold", "write a message")
		case d.Message.given && !d.Check.given:
			b.find(d.Message.Position, join(inside, "message"), "there is no check that the message is about", "write a check, or leave the message out")
		}
		list = append(list, f)
	}
	return list
}

// writable reports a property that a workflow of this entity type cannot write.
func (b *builder) writable(at text, w roles.Workflow, e schema.Entity, p schema.Property, object string) {
	refuse := func(what, do string) { b.find(at.Position, object, what, do) }
	switch {
	case p.Inverse != "":
		refuse(fmt.Sprintf("the link %s is stored by %s.%s", p.Name, p.Link, p.Inverse), "ask for it where it is stored")
	case p.Allocate != nil:
		refuse(fmt.Sprintf("%s is allocated by Provisor", p.Name), "leave it out of the form")
	case p.System:
		refuse(fmt.Sprintf("%s is assigned by the system", p.Name), "leave it out of the form")
	case p.Name == e.Key && w.Action != roles.CreateResource:
		refuse(fmt.Sprintf("%s names the resource for life and cannot be changed", p.Name), "leave it out of the form")
	case !b.kept(e) && !p.Editable:
		refuse(fmt.Sprintf("%s comes from the source of %s and cannot be written", p.Name, e.Type), "write editable: true at the property, or leave it out")
	}
}

// action checks what the action needs.
func (b *builder) action(doc *workflowDoc, w roles.Workflow, e schema.Entity, object string) {
	inside := join(object, "action")
	switch w.Action {
	case roles.CreateResource:
		if !b.kept(e) {
			b.find(doc.Action.Position, inside, fmt.Sprintf("resources of %s come from a managed system and cannot be created here", e.Type),
				"read the entity type from a connection of package repository, or write action: change")
		}
		if _, asked := w.Field(e.Key); b.kept(e) && !asked && e.Properties[e.Key].Allocate == nil && e.Properties[e.Key].Name != "" {
			b.find(doc.Position, join(object, "fields"), fmt.Sprintf("nothing gives the new %s its key %s", e.Type, e.Key),
				"ask for it in the form, or write allocate: at the property")
		}
	case roles.EndResource:
		p := e.Properties[w.Ends]
		switch {
		case w.Ends == "" || p.Type != value.Date && p.Type != value.Time:
			b.find(doc.Action.Position, inside, fmt.Sprintf("no property of %s holds its last day", e.Type),
				"name the property in contexts: "+string(e.Type)+": {to: ...}, by itself")
		default:
			at := doc.Action
			b.writable(at, w, e, p, inside)
		}
	}
	if len(doc.Fields) == 0 && w.Action != roles.EndResource && doc.Action.given {
		b.find(doc.Position, join(object, "fields"), "the form asks for nothing", "name the properties that people fill in")
	}
}

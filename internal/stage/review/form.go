package review

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// form is a form that is being filled in. It goes on after a fault, so that all
// of them are said at once.
type form struct {
	desk          *WorkflowDesk
	w             roles.Workflow
	e             schema.Entity
	before, after resources.Resource
	findings      fault.Findings
	faulty        map[schema.PropertyName]bool
}

func (f *form) find(p schema.PropertyName, what, do string) {
	if f.faulty == nil {
		f.faulty = map[schema.PropertyName]bool{}
	}
	f.faulty[p] = true
	f.findings = append(f.findings, fault.Finding{Object: string(p), What: what, Do: do})
}

// about is the resource by which it is told who may start and decide: as it
// would be where it is to be created, else as it is.
func (f *form) about() *resources.Resource {
	if f.w.Action == roles.CreateResource {
		return &f.after
	}
	return &f.before
}

// fill takes what was written, then defaults, then looks whether all of it can be.
func (f *form) fill(ctx context.Context, x Filled) error {
	for _, name := range slices.Sorted(maps.Keys(x.Set)) {
		if err := f.set(ctx, name, x.Set[name]); err != nil {
			return err
		}
	}
	for _, name := range x.Restore {
		f.restore(name, x.Set)
	}
	f.days(x)
	records := &storeRecords{ctx: ctx, desk: f.desk}
	for _, field := range f.w.Fields {
		f.preset(field, x, records)
	}
	if err := f.name(ctx); err != nil {
		return err
	}
	for _, field := range f.w.Fields {
		if field.Required && f.after.Given(field.Property).Empty() && !f.faulty[field.Property] {
			f.find(field.Property, field.Label+" is missing", "add --set "+string(field.Property)+"=...")
		}
	}
	for _, field := range f.w.Fields {
		f.check(field, records)
	}
	return records.failed
}

// set reads one value as people write it.
func (f *form) set(ctx context.Context, name schema.PropertyName, text string) error {
	if _, asked := f.w.Field(name); !asked {
		names := make([]string, len(f.w.Fields))
		for i, field := range f.w.Fields {
			names[i] = string(field.Property)
		}
		f.find(name, "the form does not ask for it", "it asks for "+strings.Join(names, ", "))
		return nil
	}
	p := f.e.Properties[name]
	if !p.IsLink() {
		v, err := value.Normalize(p.Type, "", text)
		if err != nil {
			f.find(name, err.Error(), map[bool]string{true: "write it as 2026-03-01"}[p.Type == value.Date])
			return nil
		}
		f.write(name, resources.Given{Value: v})
		return nil
	}
	var keys []resources.Key
	parts := []string{text}
	if p.Many {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		found, err := f.desk.Named(ctx, p.Link, part)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			f.find(name, fmt.Sprintf("no %s is known as %q", p.Link, part), "write its key, or another value that names it alone")
		case len(found) > 1:
			f.find(name, fmt.Sprintf("%d of %s bear the name %q", len(found), p.Link, part), "write the key of the one that is meant")
		default:
			keys = append(keys, found[0])
		}
	}
	slices.Sort(keys)
	f.write(name, resources.Given{Links: slices.Compact(keys)})
	return nil
}

func (f *form) write(p schema.PropertyName, g resources.Given) {
	if f.desk.Model.Kept(f.e.Type) {
		f.after.Set(p, g)
		return
	}
	f.after.Edit(p, g)
}

// restore takes an edit back to what the source gives.
func (f *form) restore(name schema.PropertyName, set map[schema.PropertyName]string) {
	_, asked := f.w.Field(name)
	_, edited := f.before.Edited[name]
	_, written := set[name]
	switch {
	case !asked:
		f.find(name, "the form does not ask for it", "")
	case written:
		f.find(name, "it is written and taken back at once", "leave one of the two out")
	case !edited:
		f.find(name, "nobody edited it: it is what the source gives", "")
	default:
		f.after.Restore(name)
	}
}

// days writes the first and the last day. Whoever ends without a day ends today.
func (f *form) days(x Filled) {
	if f.w.Action == roles.EndResource && x.To.IsZero() {
		x.To = f.desk.Day
	}
	write := func(p schema.PropertyName, flag string, asked bool, v value.Value) {
		if _, has := f.w.Field(p); !has && !asked {
			f.find(p, "the form does not ask for "+flag, "leave it out")
			return
		}
		f.write(p, resources.Given{Value: v})
	}
	of := func(p schema.PropertyName) func(value.Type) bool {
		return func(t value.Type) bool { return f.e.Properties[p].Type == t }
	}
	if !x.From.IsZero() {
		v := value.OfDate(x.From)
		if of(f.w.Begins)(value.Time) {
			v = value.OfTime(x.From)
		}
		write(f.w.Begins, "a first day (--from)", false, v)
	}
	if !x.To.IsZero() {
		v := value.OfDate(x.To)
		if of(f.w.Ends)(value.Time) {
			v = value.OfTime(x.To)
		}
		write(f.w.Ends, "a last day (--until)", f.w.Action == roles.EndResource, v)
	}
}

// preset gives an empty property its default.
func (f *form) preset(field roles.Field, x Filled, records expression.Records) {
	_, written := x.Set[field.Property]
	program, ok := f.desk.Programs[field.Default]
	if written || !ok || field.Default.IsZero() || f.faulty[field.Property] || !f.after.Given(field.Property).Empty() || slices.Contains(x.Restore, field.Property) {
		return
	}
	bindings := expression.Bindings{Own: &f.after, Records: records}
	if f.e.Properties[field.Property].IsLink() {
		ref, there, err := program.EvalRef(bindings)
		if err != nil {
			f.find(field.Property, "the default cannot be computed: "+err.Error(), "write a value")
		} else if there {
			f.write(field.Property, resources.Given{Links: []resources.Key{ref.Key}})
		}
		return
	}
	v, err := program.Eval(bindings)
	if err != nil {
		f.find(field.Property, "the default cannot be computed: "+err.Error(), "write a value")
	} else if !v.IsNull() {
		f.write(field.Property, resources.Given{Value: v})
	}
}

// name gives a new resource its key, and looks whether what names it is free.
func (f *form) name(ctx context.Context) error {
	if f.w.Action == roles.CreateResource {
		f.after.Key = resources.Key(f.after.Value(f.e.Key).Text())
	}
	for _, p := range append([]schema.PropertyName{f.e.Key}, f.e.Identify...) {
		now := f.after.Value(p)
		if now.IsNull() || now == f.before.Value(p) {
			continue
		}
		found, err := f.desk.Named(ctx, f.e.Type, now.Text())
		if err != nil {
			return err
		}
		for _, key := range found {
			if f.w.Action == roles.CreateResource || key != f.before.Key {
				f.find(p, fmt.Sprintf("%q is taken: it names %s %s", now.Text(), f.e.Type, key), "write another one")
				break
			}
		}
	}
	return nil
}

// check looks whether the field's condition holds. A field that is wrong already
// is not complained of twice.
func (f *form) check(field roles.Field, records expression.Records) {
	program, ok := f.desk.Programs[field.Check]
	if !ok || field.Check.IsZero() || f.faulty[field.Property] {
		return
	}
	holds, err := program.EvalTruth(expression.Bindings{Own: &f.after, Records: records})
	switch {
	case err != nil:
		f.find(field.Property, "it cannot be checked: "+err.Error(), "")
	case !holds:
		f.find(field.Property, field.Message, "")
	}
}

// changes are the properties that would not hold what they hold. An edit that
// says what the source says is one all the same: the source may change its word.
func (f *form) changes(restored []schema.PropertyName) (list []workflows.Change) {
	for _, name := range f.e.Names() {
		before, after := f.before.Given(name), f.after.Given(name)
		_, was := f.before.Edited[name]
		_, is := f.after.Edited[name]
		if before.Same(after) && was == is {
			continue
		}
		list = append(list, workflows.Change{Property: name, Before: before, After: after, Restore: slices.Contains(restored, name)})
	}
	return list
}

// recheck looks once more, when the last step approves, at what may have changed
// since the form was filled in: what is linked, what is free, what is checked.
func (d *WorkflowDesk) recheck(ctx context.Context, e schema.Entity, s *workflows.Started) error {
	w, _, err := d.declared(s.Workflow)
	if err != nil {
		return err
	}
	f := &form{desk: d, w: w, e: e, before: resources.Resource{Ref: s.Subject}}
	if s.Action == roles.CreateResource {
		f.after = s.Proposed()
	} else {
		now, there, err := d.Store.Resource(ctx, s.Subject)
		if err != nil {
			return err
		}
		if !there {
			return &fault.Error{Kind: fault.NotFound, Op: "approve", Msg: fmt.Sprintf("%s is not there any more", s.Subject), Do: "decline it, or wait until it comes back"}
		}
		f.before, f.after = now, now.Clone()
		if err := s.Write(&f.after, d.Model.Kept(e.Type)); err != nil {
			return err
		}
	}
	for _, c := range s.Changes {
		p := e.Properties[c.Property]
		for _, key := range c.After.Links {
			found, err := d.Named(ctx, p.Link, string(key))
			if err != nil {
				return err
			}
			if !slices.Contains(found, key) && !c.Restore {
				f.find(c.Property, fmt.Sprintf("the %s %s is not there any more", p.Link, key), "decline it, and start it again")
			}
		}
	}
	if err := f.name(ctx); err != nil {
		return err
	}
	records := &storeRecords{ctx: ctx, desk: d}
	for _, field := range w.Fields {
		f.check(field, records)
	}
	if records.failed != nil {
		return records.failed
	}
	return f.findings.Err()
}

// storeRecords let expressions follow links from the resource of a form, one
// look into the store each. Links that the other side stores are not followed.
type storeRecords struct {
	ctx    context.Context
	desk   *WorkflowDesk
	failed error
}

// Record returns the resource with the key.
func (s *storeRecords) Record(t schema.EntityType, key resources.Key) (*resources.Resource, bool) {
	r, there, err := s.desk.Store.Resource(s.ctx, resources.Ref{Type: t, Key: key})
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return &r, there && err == nil
}

// Find returns the resource that a value of its key or of an identifier names.
func (s *storeRecords) Find(t schema.EntityType, p schema.PropertyName, v value.Value) (*resources.Resource, bool) {
	found, err := s.desk.Named(s.ctx, t, v.Text())
	if err != nil && s.failed == nil {
		s.failed = err
	}
	for _, key := range found {
		if r, there := s.Record(t, key); there && value.Equal(value.IgnoreCase, r.Value(p), v) {
			return r, true
		}
	}
	return nil, false
}

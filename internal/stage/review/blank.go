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
)

// A Blank is a form before it is filled in.
type Blank struct {
	Workflow roles.Workflow
	Entity   schema.Entity
	// Now is whom it is about, as it stands; without a key where it creates.
	Now resources.Resource
	// Presets are the defaults that depend on nothing else that is filled in.
	Presets map[schema.PropertyName]resources.Given
	Steps   []BlankStep
}

// A BlankStep is one approval that the form asks for.
type BlankStep struct {
	Seats []workflows.Seat // without whoever fills the form in
	Words []string         // of the configuration: whom the form itself may tell
}

// notHis says that whoever acts may not start a workflow.
func (d *WorkflowDesk) notHis(w roles.Workflow) error {
	return &fault.Error{
		Kind: fault.Denied, Op: "start workflow", Msg: fmt.Sprintf("%s may not start %s", d.Actor, w.ID),
		Do: "it may be started by " + strings.Join(w.Who, ", ") + "; name who acts with --as",
	}
}

// offers reports whether whoever acts may start a workflow about a resource, or
// one that creates.
func (d *WorkflowDesk) offers(w roles.Workflow, about *resources.Resource) bool {
	if w.Action == roles.CreateResource {
		return workflows.MightStart(d.Model, w, d.Actor.String())
	}
	return workflows.MayStart(d.Model, w, about, d.Actor.String())
}

// Offered lists the forms that whoever acts may start about a resource, by name;
// without a key, those that create one of the type, or of any where none is named.
func (d *WorkflowDesk) Offered(ctx context.Context, ref resources.Ref) ([]roles.Workflow, error) {
	about := resources.Resource{Ref: ref}
	if ref.Key != "" {
		found, there, err := d.Store.Resource(ctx, ref)
		if err != nil || !there {
			return nil, err // nothing can be done to what is gone
		}
		about = found
	}
	var list []roles.Workflow
	for _, w := range slices.Collect(maps.Values(d.Model.Workflows)) {
		creates := w.Action == roles.CreateResource
		if (w.Entity == ref.Type || ref.Type == "") && creates == (ref.Key == "") && d.offers(w, &about) {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b roles.Workflow) int {
		return strings.Compare(a.Name+"\x00"+string(a.ID), b.Name+"\x00"+string(b.ID))
	})
	return list, nil
}

// Blank returns a form as it is before somebody fills it in, to whoever may start it.
func (d *WorkflowDesk) Blank(ctx context.Context, id roles.WorkflowID, subject resources.Key) (Blank, error) {
	w, e, err := d.declared(id)
	if err != nil {
		return Blank{}, err
	}
	b := Blank{Workflow: w, Entity: e, Now: resources.Resource{Ref: resources.Ref{Type: w.Entity}}, Presets: map[schema.PropertyName]resources.Given{}}
	if w.Action != roles.CreateResource {
		there := false
		if b.Now, there, err = d.Store.Resource(ctx, resources.Ref{Type: w.Entity, Key: subject}); err != nil {
			return Blank{}, err
		}
		if !there {
			return Blank{}, fault.New(fault.NotFound, "start workflow", "no %s is known as %q", w.Entity, subject)
		}
	}
	if !d.offers(w, &b.Now) {
		return Blank{}, d.notHis(w)
	}
	f := &form{desk: d, w: w, e: e, after: resources.Resource{Ref: b.Now.Ref}}
	for _, field := range w.Fields {
		if program, ok := d.Programs[field.Default]; !ok || len(program.Reads()) > 0 {
			continue
		}
		f.preset(field, Filled{}, nil)
		b.Presets[field.Property] = f.after.Given(field.Property)
	}
	s := workflows.Started{By: d.Actor.String(), Subject: b.Now.Ref}
	for step := 1; step <= workflows.Steps(w); step++ {
		x := BlankStep{Seats: workflows.Eligible(&s, workflows.Seats(d.Model, w, step, &b.Now))}
		if w.Action == roles.CreateResource && slices.Contains(w.Reviewers[workflows.StepNames[step-1]], workflows.Manager) {
			x.Words = append(x.Words, workflows.Manager)
		}
		b.Steps = append(b.Steps, x)
	}
	return b, nil
}

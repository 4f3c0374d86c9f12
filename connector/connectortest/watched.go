package connectortest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/secret"
)

// watched holds every answer of a system to what is always true, whatever the
// claim: outcomes are named, completeness is said once, secrets are not told.
type watched struct {
	connector.System
	t       testing.TB
	secrets []secret.Text
}

func (w *watched) discreet(words string) {
	for _, s := range w.secrets {
		if !s.IsZero() && strings.Contains(words, s.Reveal()) {
			w.t.Errorf("a secret is told: %s", secret.Mask(words, w.secrets...))
		}
	}
}

func (w *watched) heard(err error) {
	if err != nil {
		w.discreet(fmt.Sprintf("%v %+v", err, err))
		if strings.TrimSpace(err.Error()) == "" {
			w.t.Error("an error says nothing")
		}
	}
}

func (w *watched) Describe(ctx context.Context) (connector.Description, error) {
	d, err := w.System.Describe(ctx)
	w.heard(err)
	w.discreet(fmt.Sprintf("%+v", d))
	return d, err
}

func (w *watched) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	page, err := w.System.Read(ctx, req)
	w.heard(err)
	if page.Complete && (page.Cursor != "" || err != nil) {
		w.t.Errorf("a page is complete and yet has a cursor (%q) or an error (%v)", page.Cursor, err)
	}
	if req.Limit > 0 && len(page.Objects) > req.Limit {
		w.t.Errorf("a page has %d objects, %d were asked for", len(page.Objects), req.Limit)
	}
	for _, f := range page.Findings {
		w.discreet(f.String())
		if f.What == "" {
			w.t.Errorf("a finding says nothing: %+v", f)
		}
	}
	for _, o := range page.Objects {
		w.wellFormed(req.Shape, o)
	}
	return page, err
}

func (w *watched) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	o, err := w.System.Lookup(ctx, req)
	w.heard(err)
	if err == nil {
		w.wellFormed(req.Shape, o)
	}
	return o, err
}

// wellFormed checks that an object speaks the words of its entity type.
func (w *watched) wellFormed(shape connector.Shape, o connector.Object) {
	if o.Key == "" {
		w.t.Errorf("an object has no key: %v", o)
	}
	for name, v := range o.Values {
		p, ok := shape.Property(name)
		if !ok || p.Link != "" || (!v.IsNull() && v.Type() != p.Type) {
			w.t.Errorf("object %s: %s is %s of type %q, which is not what the entity type says", o.Key, name, v, v.Type())
		}
	}
	for name, links := range o.Links {
		p, ok := shape.Property(name)
		if !ok || p.Link == "" || (!p.Many && len(links) > 1) {
			w.t.Errorf("object %s: %s is %v, which is not what the entity type says", o.Key, name, links)
		}
	}
}

func (w *watched) Apply(ctx context.Context, change connector.Change) connector.Outcome {
	out := w.System.Apply(ctx, change)
	for _, item := range change.Items {
		o, named := out.Items[item.ID]
		w.discreet(o.Err)
		switch {
		case !named:
			w.t.Errorf("item %d (%s) has no outcome", item.ID, item.Op)
		case o.Effect != connector.Done && o.Err == "":
			w.t.Errorf("item %d (%s) is %s and nobody says why", item.ID, item.Op, o.Effect)
		case o.Effect != connector.None && o.Permanent:
			w.t.Errorf("item %d (%s) is %s and yet permanently refused", item.ID, item.Op, o.Effect)
		}
	}
	if len(out.Items) > len(change.Items) {
		w.t.Errorf("%d items have an outcome, %d were asked for", len(out.Items), len(change.Items))
	}
	return out
}

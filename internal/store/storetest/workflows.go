package storetest

import (
	"fmt"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

var phones = []schema.PropertyName{"phone"}

// given is a person as the source gives him.
func given(key, phone string) resources.Resource {
	r := resources.Resource{Ref: resources.Ref{Type: "Person", Key: resources.Key(key)}, Display: key}
	r.Set("phone", resources.Given{Value: value.OfString(phone)})
	return r
}

// phone says what somebody's phone is, and what the source says.
func (b *bench) phone(t *testing.T, key string) string {
	t.Helper()
	r, ok, err := b.Resource(b.ctx, resources.Ref{Type: "Person", Key: resources.Key(key)})
	must(t, err)
	if !ok {
		return "gone"
	}
	if source, edited := r.Edited["phone"]; edited {
		return fmt.Sprintf("%s for %s", r.Value("phone").Text(), source)
	}
	return r.Value("phone").Text()
}

// write changes a resource as an applied workflow does.
func (b *bench) write(t *testing.T, id workflows.StartedID, key string, change func(*resources.Resource)) {
	t.Helper()
	subject := resources.Ref{Type: "Person", Key: resources.Key(key)}
	must(t, b.SaveWorkflow(b.ctx, b.act("approve workflow"), statement.WorkflowChange{
		Started: workflows.Started{ID: id, Workflow: "contact", Action: roles.ChangeResource, Subject: subject, By: key, At: b.now, State: assignments.Approved, Since: b.now},
		Apply: &stage.Application{Subject: subject, Editable: phones, Identify: phones, Write: func(r *resources.Resource) error {
			change(r)
			return nil
		}},
	}))
}

func (b *bench) edit(t *testing.T, id workflows.StartedID, key, phone string) {
	t.Helper()
	b.write(t, id, key, func(r *resources.Resource) { r.Edit("phone", resources.Given{Value: value.OfString(phone)}) })
}

func editsSurvive(t *testing.T, b *bench) {
	commit := func(c statement.Changes) { b.read(t, c) }
	commit(statement.Changes{Put: []resources.Resource{given("E1", "100"), given("E2", "200")}, Editable: phones})
	b.edit(t, 1, "E1", "999")
	want(t, "edited", b.phone(t, "E1"), "999 for 100")
	commit(statement.Changes{Put: []resources.Resource{given("E1", "101"), given("E2", "201")}, Editable: phones})
	want(t, "read again", b.phone(t, "E1")+", "+b.phone(t, "E2"), "999 for 101, 201")
	named, err := b.Names(b.ctx, "Person", phones)
	must(t, err)
	want(t, "found by", named["phone"]["999"], "[]") // not among what identifies here
	commit(statement.Changes{Remove: []resources.Key{"E1"}, Editable: phones})
	want(t, "gone", b.phone(t, "E1"), "gone")
	commit(statement.Changes{Put: []resources.Resource{given("E1", "102")}, Editable: phones})
	want(t, "come back", b.phone(t, "E1"), "999 for 102")
	edits, err := b.Edits(b.ctx, "Person")
	must(t, err)
	want(t, "edits", edits["E1"]["phone"].String(), "999")

	commit(statement.Changes{Put: []resources.Resource{given("E1", "103")}})
	want(t, "no longer editable", b.phone(t, "E1"), "103")
	commit(statement.Changes{Put: []resources.Resource{given("E1", "103")}, Editable: phones})
	want(t, "editable again", b.phone(t, "E1"), "999 for 103")
	b.write(t, 2, "E1", func(r *resources.Resource) { r.Restore("phone") })
	want(t, "taken back", b.phone(t, "E1"), "103")
	commit(statement.Changes{Put: []resources.Resource{given("E1", "104")}, Editable: phones})
	want(t, "and read again", b.phone(t, "E1"), "104")
}

func editsOfLargeReadings(t *testing.T, b *bench) {
	b.read(t, statement.Changes{Put: crowd(0, heldBefore, "old"), Editable: phones})
	b.edit(t, 1, "E00001", "999")
	b.edit(t, 2, "E02999", "998")
	b.edit(t, 3, "E05000", "997")
	many := func() statement.Changes {
		c := statement.Changes{Editable: phones, Put: crowd(0, heldBefore, "new")}
		for i := range c.Put {
			c.Put[i].Set("phone", resources.Given{Value: value.OfString("1")})
		}
		return c
	}
	b.read(t, many())
	for key, phone := range map[string]string{"E00001": "999", "E02999": "998", "E05000": "997"} {
		want(t, key, b.phone(t, key), phone+" for 1")
	}
	want(t, "another", b.phone(t, "E00002"), "1")

	// Written out and not completed: what is edited now is edited there, too.
	b.dying(t, beforeCompletion)
	b.edit(t, 4, "E00000", "996")
	var document string
	must(t, b.SQL().QueryRowContext(b.ctx, `SELECT document FROM reading_change WHERE resource_key = 'E00000'`).Scan(&document))
	var x resources.Resource
	must(t, x.Decode([]byte(document)))
	want(t, "set out", x.Value("phone").Text(), "996")
}

func editedWhileFolding(t *testing.T, b *bench) {
	b.dying(t, folding)
	last := fmt.Sprintf("E%05d", heldAfter+heldBefore/2-1)
	b.edit(t, 1, last, "999")
	for _, when := range []string{"before", "after"} {
		want(t, when+" the fold", b.phone(t, last), "999 for ")
		_, err := b.BeginReading(b.ctx, resources.Reading{Connector: "hr", Entity: "Person", Began: b.now})
		must(t, err)
	}
}

func startedWorkflows(t *testing.T, b *bench) {
	subject := resources.Ref{Type: "Contractor", Key: "C1"}
	s := workflows.Started{
		ID: 7, Workflow: "contractor", Action: roles.CreateResource, Subject: subject, Why: "needed", By: "E1", At: b.now, Since: b.now,
		State: assignments.PendingApproval1of1,
		Changes: []workflows.Change{
			{Property: "name", After: resources.Given{Value: value.OfString("Eva")}},
			{Property: "manager", Before: resources.Given{Links: []resources.Key{"E2"}}, After: resources.Given{Links: []resources.Key{"E1"}}, Restore: true},
		},
	}
	must(t, b.SaveWorkflow(b.ctx, b.act("start workflow"), statement.WorkflowChange{Started: s}))
	s.Version = 1
	all := func(f statement.WorkflowFilter) []workflows.Started {
		list, err := b.Workflows(b.ctx, f)
		must(t, err)
		return list
	}
	want(t, "started", all(statement.WorkflowFilter{Open: true}), []workflows.Started{s})

	s.State, s.Rulings = assignments.Approved, []workflows.Ruling{{Step: 1, By: "E3", At: b.now, Approve: true, Why: "yes"}}
	apply := &stage.Application{Subject: subject, Create: true, Identify: []schema.PropertyName{"name"}, Write: func(r *resources.Resource) error { return s.Write(r, true) }}
	approved := statement.WorkflowChange{Started: s, Apply: apply, Due: []statement.Due{{What: "round", NotBefore: b.now}}}
	failing := approved
	failing.Apply = &stage.Application{Subject: subject, Create: true, Write: func(*resources.Resource) error { return fault.New(fault.Conflict, "apply", "moved") }}
	if err := b.SaveWorkflow(b.ctx, b.act("approve workflow"), failing); fault.KindOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
	want(t, "nothing of an act that failed", all(statement.WorkflowFilter{Open: true})[0].State, assignments.PendingApproval1of1)
	apply.Write = func(r *resources.Resource) error {
		r.Set("name", s.Changes[0].After)
		return nil
	}
	must(t, b.SaveWorkflow(b.ctx, b.act("approve workflow"), approved))
	s.Version = 2
	want(t, "approved", all(statement.WorkflowFilter{IDs: []workflows.StartedID{7}}), []workflows.Started{s})
	want(t, "open", len(all(statement.WorkflowFilter{Open: true})), 0)
	r, ok, err := b.Resource(b.ctx, subject)
	must(t, err)
	want(t, "created", words(ok, r.Value("name").Text()), "true Eva")
	if err := b.SaveWorkflow(b.ctx, b.act("approve workflow"), approved); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an old version was saved: %v", err)
	}
	again := approved
	again.Started.ID, again.Started.Version = 8, 0
	if err := b.SaveWorkflow(b.ctx, b.act("approve workflow"), again); fault.KindOf(err) != fault.Conflict {
		t.Errorf("somebody who is there was created: %v", err)
	}
	again.Apply = &stage.Application{Subject: resources.Ref{Type: "Contractor", Key: "C9"}, Write: apply.Write}
	if err := b.SaveWorkflow(b.ctx, b.act("approve workflow"), again); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody was changed: %v", err)
	}
	list, err := b.TakeDue(b.ctx, "here", b.now, b.now.Add(time.Minute), 9)
	must(t, err)
	want(t, "due", len(list), 1)
	_, err = b.VerifyJournal(b.ctx)
	must(t, err)
}

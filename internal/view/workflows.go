package view

import (
	"maps"
	"slices"
	"time"

	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
)

// Form is a workflow as the configuration declares it.
type Form struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Entity   string      `json:"entity"`
	Action   string      `json:"action"`
	Approval string      `json:"approval"`
	Who      []string    `json:"who"`
	Fields   []FormField `json:"fields"`
}

// FormField is a property that a form asks for.
type FormField struct {
	Property string `json:"property"`
	Label    string `json:"label"`
	Type     string `json:"type"` // of a scalar, or the entity type of a link
	Required bool   `json:"required,omitempty"`
}

// FormsOf lists the workflows that a role model declares.
func FormsOf(m *roles.Model) []Form {
	forms := []Form{}
	for _, id := range slices.Sorted(maps.Keys(m.Workflows)) {
		w := m.Workflows[id]
		form := Form{ID: string(id), Name: w.Name, Entity: string(w.Entity), Action: string(w.Action), Approval: string(w.Approval), Who: w.Who, Fields: []FormField{}}
		e, _ := m.Entity(w.Entity)
		for _, f := range w.Fields {
			p := e.Properties[f.Property]
			kind := string(p.Type)
			if p.IsLink() {
				kind = string(p.Link)
			}
			form.Fields = append(form.Fields, FormField{Property: string(f.Property), Label: f.Label, Type: kind, Required: f.Required})
		}
		forms = append(forms, form)
	}
	return forms
}

// Started is a workflow that somebody started.
type Started struct {
	ID       workflows.StartedID `json:"id"`
	Workflow string              `json:"workflow"`
	Action   string              `json:"action"`
	About    Owner               `json:"about"`
	State    Workflow            `json:"state"`
	Since    time.Time           `json:"since"`
	By       string              `json:"by"`
	At       time.Time           `json:"at"`
	Why      string              `json:"why,omitempty"`
	Version  int                 `json:"version"`
	Changes  []Written           `json:"changes"`
	Rulings  []Ruled             `json:"rulings"`
	Waits    []Reviewer          `json:"waits"` // who may decide now
	May      []string            `json:"may"`   // what may happen to it: the buttons
}

// Written is what a workflow does to one property.
type Written struct {
	Property string `json:"property"`
	Before   string `json:"before"`
	After    string `json:"after"`
	Restored bool   `json:"restored,omitempty"` // an edit is taken back
}

// Ruled is what was said in one step.
type Ruled struct {
	Step     int       `json:"step"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Approved bool      `json:"approved"`
	Why      string    `json:"why,omitempty"`
}

// StartedOf shows a started workflow with those who may decide it.
func StartedOf(s *workflows.Started, seats []workflows.Seat) Started {
	out := Started{
		ID: s.ID, Workflow: string(s.Workflow), Action: string(s.Action), State: WorkflowOf(s.State), Since: s.Since,
		About: Owner{Type: string(s.Subject.Type), Key: string(s.Subject.Key)},
		By:    s.By, At: s.At, Why: s.Why, Version: s.Version,
		Changes: []Written{}, Rulings: []Ruled{}, Waits: []Reviewer{}, May: []string{},
	}
	for _, c := range s.Changes {
		out.Changes = append(out.Changes, Written{string(c.Property), c.Before.String(), c.After.String(), c.Restore})
	}
	for _, r := range s.Rulings {
		out.Rulings = append(out.Rulings, Ruled{r.Step, r.By, r.At, r.Approve, r.Why})
	}
	for _, seat := range seats {
		out.Waits = append(out.Waits, Reviewer{seat.Person, seat.As})
	}
	for _, on := range workflows.Allowed(s.State) {
		out.May = append(out.May, string(on))
	}
	return out
}

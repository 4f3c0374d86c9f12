package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/value"
)

// formOffer leads to a form that whoever asks may start.
type formOffer struct {
	Name, Does, Address string
}

// offers lists the forms that whoever asks may start about a resource or, without
// a key, to create one; none where nothing is deployed.
func (s *site) offers(r *http.Request, ref resources.Ref) ([]formOffer, error) {
	if !may(r.Context(), access.IdentityChange) {
		return nil, nil
	}
	desk, err := s.workflowDesk(r)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := desk.Offered(r.Context(), ref)
	offers := make([]formOffer, len(list))
	for i, w := range list {
		offers[i] = formOffer{w.Name, string(w.Action) + " " + string(w.Entity), string(formAddress(w.ID, ref.Key))}
	}
	return offers, err
}

// filling is a form that is being filled in.
type filling struct {
	review.Blank
	About  *view.Person // nil where it creates
	Listed bool         // the directory lists what it is about: it has a page of its own
	Fields []asked
	Else   []string // what is wrong with no one field
	Wrong  int      // fields with something wrong
	Here   string
	Kept   kept
}

// asked is a property that a form asks for.
type asked struct {
	roles.Field
	Input   string // its name in the form
	Kind    value.Type
	Link    string // the entity type that it leads to; "" of a value
	Many    bool
	Now     string // what it holds
	Text    string // what is written
	Hint    string
	Source  string // what its source says, where it was edited
	Edited  bool
	Restore bool
	Wrong   []string
	Looked  bool         // whom it may lead to was looked for
	Found   []view.Owner // and these were found
}

// describedBy names what explains a field.
func (a asked) describedBy() string {
	var ids []string
	if a.Hint != "" {
		ids = append(ids, a.Input+"-hint")
	}
	if len(a.Wrong) > 0 {
		ids = append(ids, a.Input+"-wrong")
	}
	return strings.Join(ids, " ")
}

// untilInput is the last day of a form that ends somebody.
const untilInput = "until"

// form shows a form with what it was filled in with or, where it is not said whom
// it is about, those whom it may be about.
func (s *site) form(r *http.Request) (page, error) {
	if r.URL.Query().Get("about") == "" {
		m, err := s.model(r.Context())
		if err != nil {
			return page{}, err
		}
		if w, declared := m.Workflows[roles.WorkflowID(r.PathValue("id"))]; declared && w.Action != roles.CreateResource {
			return s.subjects(r, m, w)
		}
	}
	f, err := s.filled(r)
	if err != nil {
		return page{}, err
	}
	return f.page(), nil
}

func (f *filling) page() page {
	section := "requests"
	if f.Listed {
		section = "directory"
	}
	return page{Title: f.Workflow.Name, Section: section, Body: formPage(f)}
}

// filled is the form that an address names.
func (s *site) filled(r *http.Request) (*filling, error) {
	desk, err := s.workflowDesk(r)
	if err != nil {
		return nil, err
	}
	f := &filling{Here: r.URL.RequestURI(), Kept: keptOf(r)}
	about := resources.Key(r.URL.Query().Get("about"))
	if f.Blank, err = desk.Blank(r.Context(), roles.WorkflowID(r.PathValue("id")), about); err != nil {
		return nil, err
	}
	if f.Workflow.Action != roles.CreateResource {
		p, err := s.Questions.Person(r.Context(), f.Now.Ref)
		if err != nil {
			return nil, err
		}
		f.About = &p
		types, err := s.entities(r.Context())
		if err != nil {
			return nil, err
		}
		f.Listed = slices.Contains(types, string(f.Entity.Type))
	}
	for _, field := range f.Workflow.Fields {
		if f.Workflow.Action != roles.EndResource || field.Property != f.Workflow.Ends {
			f.Fields = append(f.Fields, f.asked(field))
		}
	}
	if f.Workflow.Action == roles.EndResource {
		f.Fields = append(f.Fields, f.until())
	}
	return f, nil
}

func (f *filling) asked(field roles.Field) asked {
	p := f.Entity.Properties[field.Property]
	a := asked{Field: field, Input: "set-" + string(field.Property), Kind: p.Type, Link: string(p.Link), Many: p.Many, Now: f.Blank.Now.Given(field.Property).String()}
	a.Text = a.Now
	if f.Kept.form != nil {
		a.Text = f.Kept.text(a.Input)
	}
	if source, edited := f.Blank.Now.Edited[field.Property]; edited {
		a.Edited, a.Source = true, source.String()
		a.Restore = f.Kept.has("restore", string(field.Property))
	}
	var hints []string
	switch {
	case a.Many:
		hints = append(hints, "Keys or identifiers of "+a.Link+", with commas between them.")
	case a.Link != "":
		hints = append(hints, "The key or an identifier of a "+a.Link+".")
	case a.Kind == value.Time:
		hints = append(hints, "As 2026-01-31T08:00:00Z.")
	case a.Kind == value.Binary:
		hints = append(hints, "In base64.")
	}
	if preset, ok := f.Presets[field.Property]; ok {
		hints = append(hints, "Left empty: "+preset.String()+".")
	} else if !field.Default.IsZero() {
		hints = append(hints, "Left empty: what "+field.Default.Text+" gives.")
	}
	a.Hint = strings.Join(hints, " ")
	return a
}

// until is the last day, which every form that ends somebody asks for.
func (f *filling) until() asked {
	field, ok := f.Workflow.Field(f.Workflow.Ends)
	if !ok {
		field = roles.Field{Property: f.Workflow.Ends, Label: "Last day"}
	}
	a := asked{Field: field, Input: untilInput, Kind: value.Date, Text: f.Kept.text(untilInput), Hint: "Left empty: today."}
	if now := f.Blank.Now.Value(f.Workflow.Ends); !now.IsNull() {
		a.Hint = "Now " + now.Text() + ". " + a.Hint
	}
	a.Required = false // today, otherwise
	return a
}

// at finds the field of a property or, by its name in the form, of an input.
func (f *filling) at(name string) *asked {
	i := slices.IndexFunc(f.Fields, func(a asked) bool { return string(a.Property) == name })
	if i < 0 {
		return nil
	}
	return &f.Fields[i]
}

// startForm does what a form's buttons say: look for whom a link leads to, take
// one that was found, or send it.
func (s *site) startForm(r *http.Request) (outcome, error) {
	if picked := r.PostForm.Get("pick"); picked != "" {
		return s.pick(r, picked)
	}
	f, err := s.filled(r)
	if err != nil {
		return outcome{}, err
	}
	if look := f.at(r.PostForm.Get("look")); look != nil {
		return s.look(r, f, look)
	}
	x, err := f.read(r.PostForm)
	if err != nil {
		return s.sentBack(r, f, err)
	}
	desk, err := s.workflowDesk(r)
	if err != nil {
		return outcome{}, err
	}
	made, err := desk.Start(r.Context(), x)
	if err != nil {
		return s.sentBack(r, f, err)
	}
	shown, err := desk.Show(r.Context(), made.ID)
	if err != nil {
		return outcome{}, err
	}
	return outcome{Said: saidOf(view.StartedOf(&shown.Started, shown.Seats)), To: startedAddress(made.ID)}, nil
}

// read takes what was written where it is not what stood there: somebody else may
// have changed that meanwhile.
func (f *filling) read(form url.Values) (review.Filled, error) {
	x := review.Filled{Workflow: f.Workflow.ID, Subject: f.Blank.Now.Key, Set: map[schema.PropertyName]string{}, Why: form.Get("why")}
	for _, a := range f.Fields {
		switch {
		case a.Input == untilInput:
			day, err := dayIn("the last day", form.Get(untilInput))
			if err != nil {
				return x, fault.Findings{{Object: string(a.Property), What: "it is no day", Do: "write it as 2026-03-31"}}
			}
			x.To = day
		case form.Has(a.Input) && strings.TrimSpace(form.Get(a.Input)) != strings.TrimSpace(form.Get("was-"+string(a.Property))):
			x.Set[a.Property] = form.Get(a.Input)
		}
	}
	for _, name := range form["restore"] {
		x.Restore = append(x.Restore, schema.PropertyName(name))
	}
	return x, nil
}

// sentBack shows the form again with what is wrong beside its fields, and with
// those whom a link that leads nowhere may mean.
func (s *site) sentBack(r *http.Request, f *filling, err error) (outcome, error) {
	var list fault.Findings
	if !errors.As(err, &list) {
		return outcome{}, err
	}
	for _, x := range list {
		a := f.at(x.Object)
		if a == nil {
			f.Else = append(f.Else, besideField(x))
			continue
		}
		if len(a.Wrong) == 0 {
			f.Wrong++
		}
		a.Wrong = append(a.Wrong, besideField(x))
		if a.Link != "" && strings.TrimSpace(a.Text) != "" {
			if err := s.lookFor(r, a); err != nil {
				return outcome{}, err
			}
		}
	}
	p := f.page()
	return outcome{Page: &p, Status: http.StatusUnprocessableEntity}, nil
}

// besideField is what is wrong with a field, as it stands beside it: advice that
// names flags is for a terminal.
func besideField(x fault.Finding) string {
	text := sentence(x.What)
	if x.Do != "" && !strings.Contains(x.Do, "--") {
		text += " " + sentence(x.Do)
	}
	return text
}

// look shows the form with those whom a link may lead to.
func (s *site) look(r *http.Request, f *filling, a *asked) (outcome, error) {
	if err := s.lookFor(r, a); err != nil {
		return outcome{}, err
	}
	p := f.page()
	return outcome{Page: &p}, nil
}

// foundBesideField is how many a field offers: more are found by typing more.
const foundBesideField = 8

// lookFor finds whom the text of a link may mean: of several, the last.
func (s *site) lookFor(r *http.Request, a *asked) error {
	text := a.Text
	if a.Many {
		text = text[strings.LastIndex(text, ",")+1:]
	}
	people, err := s.Questions.People(r.Context(), view.PeopleFilter{Entity: a.Link, Text: strings.TrimSpace(text), Limit: foundBesideField})
	a.Looked, a.Found = true, people.People
	return err
}

// pick writes one that was found, "manager=E5", in its field.
func (s *site) pick(r *http.Request, picked string) (outcome, error) {
	name, key, _ := strings.Cut(picked, "=")
	input := "set-" + name
	f, err := s.filled(r)
	if err != nil {
		return outcome{}, err
	}
	if a := f.at(name); a != nil {
		if before := a.Text; a.Many && strings.Contains(before, ",") {
			key = before[:strings.LastIndex(before, ",")+1] + " " + key
		}
		a.Text = key
		r.PostForm.Set(input, key)
	}
	p := f.page()
	return outcome{Page: &p}, nil
}

// saidOf is what became of a form that was sent.
func saidOf(x view.Started) string {
	if len(x.May) == 0 {
		return fmt.Sprintf("Change %d is written. The next run works out what follows.", x.ID)
	}
	return fmt.Sprintf("Change %d waits for %s.", x.ID, startedWaits(x))
}

// approvedBy names who may decide a step of a form.
func approvedBy(x review.BlankStep) string {
	parts := make([]string, 0, 2)
	if len(x.Seats) > 0 {
		parts = append(parts, seatsText(x.Seats))
	}
	for range x.Words {
		parts = append(parts, "the manager who is written here")
	}
	if len(parts) == 0 {
		return "nobody: who starts it, and whom it is about, do not decide"
	}
	return strings.Join(parts, ", ")
}

// was is what stood in a field when the form was first shown.
func was(a asked, k kept) string {
	if k.form != nil {
		return k.text("was-" + string(a.Property))
	}
	return a.Now
}

// required tells whether something must be written: a default writes by itself.
func required(a asked) bool { return a.Required && a.Default.IsZero() }

func inputType(a asked) string {
	if a.Link == "" && a.Kind == value.Date {
		return "date"
	}
	return "text"
}

// attributes are what an input has by its type, and what explains it.
func attributes(a asked) templ.Attributes {
	x := templ.Attributes{}
	switch {
	case a.Link != "":
		x["spellcheck"] = "false"
	case a.Kind == value.Int:
		x["inputmode"] = "numeric"
	case a.Kind == value.Float:
		x["inputmode"] = "decimal"
	}
	if ids := a.describedBy(); ids != "" {
		x["aria-describedby"] = ids
	}
	if len(a.Wrong) > 0 {
		x["aria-invalid"] = "true"
	}
	return x
}

// sendText says on the button what sending does.
func sendText(f *filling) string {
	if len(f.Steps) > 0 {
		return "Send for approval"
	}
	switch f.Workflow.Action {
	case roles.CreateResource:
		return "Create"
	case roles.EndResource:
		return "Write the last day"
	}
	return "Write it"
}

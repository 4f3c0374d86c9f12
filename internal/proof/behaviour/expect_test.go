package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/view"
)

// subjects are what an expectation may begin with, besides a system and a person.
var subjects = map[string]act{
	"order":     (*world).expectOrder,
	"finding":   listed("finding", func(w *world) ([]string, error) { return w.said, nil }),
	"parked":    listed("parked", (*world).parked),
	"question":  listed("question", (*world).questions),
	"found":     listed("found role", (*world).foundRoles),
	"request":   listed("request", func(w *world) ([]string, error) { return w.requestLines(true) }),
	"told":      listed("report", func(w *world) ([]string, error) { return []string{w.told}, nil }),
	"no":        (*world).expectNone,
	"orders":    counted("orders", (*world).orders),
	"questions": counted("questions", (*world).questions),
}

// expect compares what a line says with what is there.
func (w *world) expect(p *phrase) error {
	w.expectations++
	name, err := p.text("what is expected")
	if err != nil {
		return err
	}
	if subject, ok := subjects[name]; ok {
		return subject(w, p)
	}
	if w.fakes[name] != nil {
		return w.expectSystem(name, p)
	}
	return w.expectPerson(name, p)
}

// of are the words that may follow a person, besides a resource type.
var of = map[string]func(w *world, person string, p *phrase) error{
	"role":     (*world).expectRole,
	"accounts": (*world).expectAccounts,
	"no":       (*world).expectLack,
}

// expectAccounts compares all accounts of one type: TYPE, then each as
// TARGET:CONFIDENCE, in the order of their names.
func (w *world) expectAccounts(person string, p *phrase) error {
	kind, err := p.text("a resource type")
	if err != nil {
		return err
	}
	if _, err := choose("resource type", kind, w.types); err != nil {
		return &misused{err}
	}
	var want, got []string
	for !p.done() {
		text, _ := p.text("")
		want = append(want, text)
	}
	list, err := w.accounts(person)
	if err != nil {
		return err
	}
	for _, a := range list {
		if string(a.Type) == kind {
			got = append(got, fmt.Sprintf("%s:%d", a.Target, a.Confidence))
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return miss("the accounts of %s are %s\n%s", kind, strings.Join(got, " "), w.everything(person))
	}
	return nil
}

func (w *world) expectPerson(person string, p *phrase) error {
	if _, err := w.accounts(person); err != nil {
		return fmt.Errorf("%w; an expectation begins with a person, a system (%s) or one of %s", err,
			strings.Join(sorted(w.fakes), ", "), strings.Join(sorted(subjects), ", "))
	}
	name, err := p.text("what the person has")
	if err != nil {
		return err
	}
	if f, ok := of[name]; ok {
		return f(w, person, p)
	}
	kind, item, single := strings.Cut(name, ".")
	a, err := w.account(person, kind)
	if err != nil {
		return err
	}
	if a == nil {
		return miss("%s has no %s\n%s", person, kind, w.everything(person))
	}
	if !single {
		return w.compare(p, accountFacts(a), person)
	}
	it, err := w.item(a, item)
	if err != nil {
		return err
	}
	if it == nil {
		return miss("the %s has no %s\n%s", kind, item, w.everything(person))
	}
	return w.compare(p, itemFacts(it), person)
}

// item finds an item by the name in a line; a property that the account cannot
// have is a slip of the pen.
func (w *world) item(a *orders.AssignedResource, name string) (*orders.Item, error) {
	property, _, _ := strings.Cut(name, "->")
	if e, ok := w.model.Entity(a.Handling.Target); ok && property != "account" {
		if _, err := choose("property of "+string(e.Type), property, byText(e.Properties)); err != nil {
			return nil, err
		}
	}
	return itemOf(a, name), nil
}

func (w *world) compare(p *phrase, about facts, person string) error {
	wrong, err := about.differ(p)
	if err != nil || len(wrong) == 0 {
		return err
	}
	return miss("%s\n%s", strings.Join(wrong, "\n"), w.everything(person))
}

// expectLack expects that somebody lacks a role, an account or one of its values.
func (w *world) expectLack(person string, p *phrase) error {
	if p.take("role") {
		id, r, err := w.role(person, p)
		if err != nil || r == nil {
			return errors.Join(err, p.end())
		}
		return miss("%s has the role %s\n%s", person, id, w.everything(person))
	}
	name, err := p.text("what the person lacks")
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	kind, item, single := strings.Cut(name, ".")
	a, err := w.account(person, kind)
	if err != nil || a == nil {
		return err
	}
	if single {
		if it, err := w.item(a, item); err != nil || it == nil {
			return err
		}
	}
	return miss("%s has %s\n%s", person, name, w.everything(person))
}

func (w *world) expectRole(person string, p *phrase) error {
	id, r, err := w.role(person, p)
	switch {
	case err != nil:
		return err
	case r == nil:
		return miss("%s has no role %s\n%s", person, id, w.everything(person))
	}
	return w.compare(p, roleFacts(r), person)
}

// role finds a role that somebody has, nil when he does not have it.
func (w *world) role(person string, p *phrase) (string, *view.Role, error) {
	id, err := p.text("a role")
	if err != nil {
		return id, nil, err
	}
	if _, err := choose("role", id, w.roles); err != nil {
		return id, nil, err
	}
	list, err := w.rolesOf(person)
	for i := range list {
		if list[i].Role == id {
			return id, &list[i], err
		}
	}
	return id, nil, err
}

// rolesOf lists the roles that somebody has.
func (w *world) rolesOf(person string) ([]view.Role, error) {
	for _, t := range w.model.Owners() {
		x, err := w.engine.Views().Person(context.Background(), resources.Ref{Type: t, Key: resources.Key(person)})
		if err == nil {
			return x.Roles, nil
		}
	}
	return nil, nil
}

// expectNone expects that a list is empty.
func (w *world) expectNone(p *phrase) error {
	name, err := p.text("what there is none of")
	if err != nil {
		return err
	}
	lists := map[string]func() ([]string, error){
		"orders":    w.orders,
		"findings":  func() ([]string, error) { return w.said, nil },
		"questions": w.questions,
		"parked":    w.parked,
		"found":     w.foundRoles,
		"requests":  func() ([]string, error) { return w.requestLines(false) },
		"order":     func() ([]string, error) { return w.orderOf(p) },
	}
	list, err := choose("list", name, lists)
	if err != nil {
		return err
	}
	there, err := list()
	if err := errors.Join(err, p.end()); err != nil {
		return err
	}
	if len(there) > 0 {
		return miss("there are:\n%s", indent(there))
	}
	return nil
}

// listed expects a list in which some entry has all the words that are quoted.
func listed(what string, list func(*world) ([]string, error)) act {
	return func(w *world, p *phrase) error {
		var parts []string
		for !p.done() {
			text, _ := p.text("")
			parts = append(parts, text)
		}
		if len(parts) == 0 {
			return fmt.Errorf("some words of the %s are missing", what)
		}
		there, err := list(w)
		if err != nil {
			return err
		}
		for _, entry := range there {
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(entry, part) }) {
				return nil
			}
		}
		return miss("there are:\n%s", indent(there))
	}
}

// counted expects how many entries a list has.
func counted(what string, list func(*world) ([]string, error)) act {
	return func(w *world, p *phrase) error {
		text, err := p.text("how many " + what)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no number of %s", text, what)
		}
		there, err := list(w)
		if err := errors.Join(err, p.end()); err != nil {
			return err
		}
		if len(there) != n {
			return miss("there are %d %s:\n%s", len(there), what, indent(there))
		}
		return nil
	}
}

// expectOrder expects an open order: KIND PERSON TYPE, then what is said of it.
func (w *world) expectOrder(p *phrase) error {
	kind, err := p.text("a kind of order")
	if err != nil {
		return err
	}
	if _, err := choose("kind of order", kind, kinds); err != nil {
		return err
	}
	person, a, err := w.ordered(p)
	if err != nil {
		return err
	}
	if a == nil || a.Order == nil || string(a.Order.Kind) != kind {
		return miss("there is no such order\n%s", w.everything(person))
	}
	return w.compare(p, orderFacts(a), person)
}

// ordered reads whose account is meant.
func (w *world) ordered(p *phrase) (person string, a *orders.AssignedResource, err error) {
	if person, err = p.text("a person"); err != nil {
		return person, nil, err
	}
	kind, err := p.text("a resource type")
	if err != nil {
		return person, nil, err
	}
	a, err = w.account(person, kind)
	return person, a, err
}

// orderOf lists the open order of an account.
func (w *world) orderOf(p *phrase) ([]string, error) {
	_, a, err := w.ordered(p)
	if err != nil || a == nil || a.Order == nil {
		return nil, err
	}
	return []string{orderText(a)}, nil
}

// expectSystem expects what a system really holds, and how much Provisor wrote there.
func (w *world) expectSystem(id string, p *phrase) error {
	if p.take("writes") {
		return w.expectWrites(id, p)
	}
	lack := p.take("no")
	again := &phrase{words: append([]word{{text: id}}, p.words[p.at:]...)}
	system, shape, key, err := w.place(again)
	if err != nil {
		return err
	}
	o, there := object(system, shape, key)
	switch {
	case lack && there, !lack && !there:
		return miss("it holds:\n%s", objectsText(system, shape))
	case lack:
		return again.end()
	}
	var wrong []string
	for !again.done() {
		property, v, links, err := setting(again, shape)
		if err != nil {
			return err
		}
		want, is := v.String(), o.Values[property.Name].String()
		if property.Link != "" {
			slices.Sort(links)
			held := slices.Sorted(slices.Values(o.Links[property.Name]))
			want, is = strings.Join(links, ","), strings.Join(held, ",")
		}
		if want != is {
			wrong = append(wrong, fmt.Sprintf("%s is %q", property.Name, is))
		}
	}
	if len(wrong) > 0 {
		return miss("%s\nit holds:\n%s", strings.Join(wrong, "\n"), objectsText(system, shape))
	}
	return nil
}

// expectWrites counts what was carried out in a system since the last such
// expectation: the object itself and each of its values is one.
func (w *world) expectWrites(id string, p *phrase) error {
	text, err := p.text("how many")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is no number of writes", text)
	}
	effects := w.fakes[id].Effects()
	fresh := effects[w.counted[id]:]
	w.counted[id] = len(effects)
	if len(fresh) != n {
		return miss("there were %d:\n%s", len(fresh), effectsText(fresh))
	}
	return p.end()
}

func effectsText(list []fakesystem.Effect) string {
	var lines []string
	for _, x := range list {
		lines = append(lines, fmt.Sprintf("order %s: %s %s %s: %s %s %s", x.Order, x.Kind, x.Entity, x.Key, x.Item.Op, x.Item.Property.Name, x.Item.Value))
	}
	return indent(lines)
}

func objectsText(system *fakesystem.System, shape connector.Shape) string {
	var lines []string
	for _, o := range system.Objects(shape.Entity) {
		text := shape.Entity + " " + o.Key
		for _, name := range slices.Sorted(maps.Keys(o.Values)) {
			text += fmt.Sprintf(" %s=%q", name, o.Values[name].Text())
		}
		for _, name := range slices.Sorted(maps.Keys(o.Links)) {
			text += fmt.Sprintf(" %s=%s", name, strings.Join(o.Links[name], ","))
		}
		lines = append(lines, text)
	}
	return indent(lines)
}

func indent(lines []string) string {
	if len(lines) == 0 {
		return "    nothing"
	}
	return "    " + strings.Join(lines, "\n    ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/fakesystem"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/value"
)

// An act does what a line says after its first word.
type act func(w *world, p *phrase) error

// words are all first words of lines. It is a function because "cannot" reads it.
func words() map[string]act {
	all := map[string]act{
		"expect": (*world).expect, "cannot": (*world).cannot,
		"day": (*world).day, "wait": (*world).wait,
		"deploy": (*world).deployFolder, "change": (*world).changeText,
		"put": (*world).put, "drop": (*world).drop, "trouble": (*world).beset,
		"show": (*world).show, "golive": (*world).golive, "redundant": (*world).redundant,
		"request": (*world).request, "validate": (*world).validate,
	}
	maps.Copy(all, stages)
	maps.Copy(all, decisions)
	return all
}

// show prints what somebody has and what the last stage reported, for whoever
// writes a script. It fails, so that it is not left behind.
func (w *world) show(p *phrase) error {
	person, err := p.text("a person")
	if err != nil {
		return err
	}
	return errors.Join(miss("%s\nthe last stage: %s", w.everything(person), w.told), p.end())
}

// cannot expects that the rest of the line is refused; a quoted text is part of
// what the refusal says.
func (w *world) cannot(p *phrase) error {
	says := ""
	if !p.done() && p.words[p.at].quoted {
		says, _ = p.text("")
	}
	w.expectations++
	err := w.do(p)
	var wrong *misused
	switch {
	case err == nil:
		return miss("it can")
	case errors.As(err, &wrong) || !refusal(err):
		return err
	case !strings.Contains(err.Error(), says):
		return miss("it says %q, not %q", err, says)
	}
	return nil
}

// refusal reports whether the engine refused, rather than that the line makes no sense.
func refusal(err error) bool {
	var kind *fault.Error
	var findings fault.Findings
	var refused *refused
	return errors.As(err, &kind) || errors.As(err, &findings) || errors.As(err, &refused)
}

// day moves clock and day on to the morning of a date.
func (w *world) day(p *phrase) error {
	text, err := p.text("a date")
	if err != nil {
		return err
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return err
	}
	now := w.pass(0)
	switch morning := date.Add(begins.Sub(begins.Truncate(schema.Day))); {
	case date.Equal(now.Truncate(schema.Day)):
	case morning.Before(now):
		return fmt.Errorf("time runs forward: it is %s", now.Format(time.DateOnly))
	default:
		w.pass(morning.Sub(now))
	}
	return p.end()
}

func (w *world) wait(p *phrase) error {
	text, err := p.text("how long")
	if err != nil {
		return err
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no number of days", text)
		}
		w.pass(time.Duration(n) * schema.Day)
		return p.end()
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not like 30m, 8h or 30d", text)
	}
	w.pass(d)
	return p.end()
}

// deployFolder lays the files of a folder of the archive over the first ones.
func (w *world) deployFolder(p *phrase) error {
	name := ""
	if !p.done() {
		name, _ = p.text("")
		if !slices.ContainsFunc(slices.Collect(maps.Keys(w.archive)), func(f string) bool { return strings.HasPrefix(f, name+"/") }) {
			return fmt.Errorf("no file of the script stands in %s/", name)
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	return w.deploy(w.folder(name), nil)
}

// changeText deploys the present files with one text replaced.
func (w *world) changeText(p *phrase) error {
	old, err := p.next("the text that stands there")
	if err != nil {
		return err
	}
	if !p.take("to") {
		return errors.New("it reads: change `OLD` to `NEW`")
	}
	with, err := p.next("the text that takes its place")
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return w.change(old.text, with.text)
}

// stages are the stages of the path, and the whole of it.
var stages = map[string]act{
	"sync":     (*world).sync,
	"verify":   wordless(func(w *world, ctx context.Context) (any, error) { return w.engine.Verify(ctx) }),
	"evaluate": (*world).evaluate,
	"generate": (*world).generate,
	"fulfil":   (*world).fulfil,
	"round":    (*world).round,
}

// wordless is a stage that takes no words.
func wordless(run func(*world, context.Context) (any, error)) act {
	return func(w *world, p *phrase) error {
		if err := p.end(); err != nil {
			return err
		}
		out, err := run(w, context.Background())
		w.heard(out, nil)
		return err
	}
}

// heard keeps what a stage reported.
func (w *world) heard(out any, findings []fault.Finding) {
	w.told, w.said = fmt.Sprintf("%+v", out), nil
	for _, f := range findings {
		w.said = append(w.said, f.String())
	}
}

func (w *world) sync(p *phrase) error {
	if err := p.end(); err != nil {
		return err
	}
	out, err := w.engine.Synchronize(context.Background(), synchronize.Options{})
	w.heard(out, findingsOf(out))
	return err
}

func findingsOf(list []synchronize.Outcome) []fault.Finding {
	var all []fault.Finding
	for _, o := range list {
		all = append(all, o.Findings...)
	}
	return all
}

func (w *world) evaluate(p *phrase) error {
	if err := p.end(); err != nil {
		return err
	}
	s, err := w.engine.Evaluate(context.Background())
	w.heard(s, s.Findings)
	return err
}

// generate may hold everything for review: "generate blocking".
func (w *world) generate(p *phrase) error {
	block := p.take("blocking")
	if err := p.end(); err != nil {
		return err
	}
	s, err := w.engine.Generate(context.Background(), block)
	w.heard(s, nil)
	return err
}

// fulfil drains all connectors, or those that are named.
func (w *world) fulfil(p *phrase) error {
	var only []schema.ConnectorID
	for !p.done() {
		name, _ := p.text("")
		if _, err := choose("connector", name, byText(w.model.Connectors)); err != nil {
			return err
		}
		only = append(only, schema.ConnectorID(name))
	}
	s, err := w.engine.Fulfil(context.Background(), only)
	w.heard(s, nil)
	return err
}

func (w *world) round(p *phrase) error {
	block := p.take("blocking")
	if err := p.end(); err != nil {
		return err
	}
	r, err := w.engine.Run(context.Background(), block)
	w.heard(r, append(findingsOf(r.Synchronize), r.Evaluate.Findings...))
	return err
}

// byText maps identifiers as they are written.
func byText[K ~string, V any](m map[K]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[string(k)] = v
	}
	return out
}

// place reads a system, one of its entity types and a key.
func (w *world) place(p *phrase) (system *fakesystem.System, shape connector.Shape, key string, err error) {
	id, err := p.text("a system")
	if err != nil {
		return nil, shape, "", err
	}
	if system, err = choose("system", id, w.fakes); err != nil {
		return nil, shape, "", err
	}
	entity, err := p.text("an entity type")
	if err != nil {
		return nil, shape, "", err
	}
	if shape, err = choose("entity type of "+id, entity, w.shapes[id]); err != nil {
		return nil, shape, "", err
	}
	key, err = p.text("a key")
	return system, shape, key, err
}

// object finds what a system holds by its key, or by what else names it uniquely.
func object(system *fakesystem.System, shape connector.Shape, name string) (connector.Object, bool) {
	all := system.Objects(shape.Entity)
	for _, property := range append([]string{""}, shape.Identify...) {
		for _, o := range all {
			if property == "" && o.Key == name || property != "" && o.Values[property].Text() == name {
				return o, true
			}
		}
	}
	return connector.Object{}, false
}

// put is somebody writing in a system: what it names is created or changed, what
// it does not name is left alone, and "title=" clears.
func (w *world) put(p *phrase) error {
	system, shape, key, err := w.place(p)
	if err != nil {
		return err
	}
	o, known := object(system, shape, key)
	if !known {
		o = connector.Object{Key: key, Values: map[string]value.Value{}, Links: map[string][]string{}}
	}
	for !p.done() {
		property, v, links, err := setting(p, shape)
		switch {
		case err != nil:
			return err
		case property.Link != "":
			o.Links[property.Name] = links
		case v.IsNull():
			delete(o.Values, property.Name)
		default:
			o.Values[property.Name] = v
		}
	}
	w.named[system.Set(shape.Entity, o)] = true
	return nil
}

// setting reads property=value; of a link the keys stand between commas.
func setting(p *phrase, shape connector.Shape) (property connector.Property, v value.Value, links []string, err error) {
	text, err := p.text("property=value")
	if err != nil {
		return property, v, nil, err
	}
	name, raw, ok := strings.Cut(text, "=")
	if !ok {
		return property, v, nil, fmt.Errorf("%q is not like property=value", text)
	}
	known := map[string]connector.Property{}
	for _, x := range shape.Properties {
		known[x.Name] = x
	}
	if property, err = choose("property of "+shape.Entity, name, known); err != nil {
		return property, v, nil, err
	}
	if property.Link != "" {
		if raw != "" {
			links = strings.Split(raw, ",")
		}
		return property, v, links, nil
	}
	v, err = value.Normalize(property.Type, property.Format, raw)
	return property, v, nil, err
}

// drop is somebody deleting an object.
func (w *world) drop(p *phrase) error {
	system, shape, key, err := w.place(p)
	if err != nil {
		return err
	}
	o, ok := object(system, shape, key)
	if !ok {
		return fmt.Errorf("there is no %s %s: %s", shape.Entity, key, objectsText(system, shape))
	}
	system.Delete(shape.Entity, o.Key)
	return p.end()
}

// troubles are the ways in which a system misbehaves.
var troubles = map[string]trouble{
	"busy":         {op: fakesystem.OpApply, fault: fakesystem.Fault{What: fakesystem.Transient}},
	"refuses":      {op: fakesystem.OpApply, fault: fakesystem.Fault{What: fakesystem.Permanent}},
	"lost-after":   {op: fakesystem.OpApply, fault: fakesystem.Fault{What: fakesystem.LostAfter}},
	"lost-before":  {op: fakesystem.OpApply, fault: fakesystem.Fault{What: fakesystem.LostBefore}},
	"half-written": {op: fakesystem.OpApply, fault: fakesystem.Fault{What: fakesystem.Partial, Items: 1}},
	"cut-short":    {op: fakesystem.OpRead, fault: fakesystem.Fault{What: fakesystem.CutShort}},
	"blind":        {op: fakesystem.OpLookup, fault: fakesystem.Fault{What: fakesystem.Down}},
	"down":         {fault: fakesystem.Fault{What: fakesystem.Down}},
}

// beset says what goes wrong with a system's next calls: "trouble app refuses 2",
// "trouble app down always", and "trouble app over".
func (w *world) beset(p *phrase) error {
	id, err := p.text("a system")
	if err != nil {
		return err
	}
	if _, err := choose("system", id, w.fakes); err != nil {
		return err
	}
	if p.take("over") {
		w.trouble[id] = nil
		return p.end()
	}
	kind, err := p.text("what goes wrong")
	if err != nil {
		return err
	}
	x, err := choose("trouble", kind, troubles)
	if err != nil {
		return err
	}
	x.calls = 1
	if !p.done() {
		switch text, _ := p.text(""); {
		case text == "always":
			x.calls = -1
		default:
			if x.calls, err = strconv.Atoi(text); err != nil || x.calls < 1 {
				return fmt.Errorf("%q is no number of calls, nor always", text)
			}
		}
	}
	w.trouble[id] = append(w.trouble[id], &x)
	return p.end()
}

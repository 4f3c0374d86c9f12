package csvfile

import (
	"context"
	"fmt"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// Lookup walks over the file once. It says that an object is not there only
// when every row of the file is known not to be the object.
func (s *system) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	f, err := s.open(req.Shape.From[keyTable])
	if err != nil {
		return connector.Object{}, err
	}
	defer f.close()
	w := &wanted{key: req.Key}
	if req.Key == "" {
		for name, v := range req.Unique {
			if _, ok := req.Shape.Property(name); !ok {
				return connector.Object{}, fault.New(fault.Invalid, "look up in csv", "%s has no property %s", req.Shape.Entity, quote(name))
			}
			if !v.IsNull() {
				w.unique = append(w.unique, term{name, v})
			}
		}
	}
	if req.Key == "" && len(w.unique) == 0 {
		return connector.Object{}, fault.New(fault.Invalid, "look up in csv", "neither a key nor a unique value is given for %s", req.Shape.Entity)
	}
	verdict, err := f.survey(ctx, req.Shape, w.look)
	if err != nil {
		return connector.Object{}, err
	}
	return w.answer(f.table, verdict)
}

// wanted is the object that is looked for, and what was found of it.
type wanted struct {
	key    string
	unique []term
	lines  []int // sound rows that are it
	object connector.Object
	aside  []int // rows that are it, or may be, and cannot be used
}

// term is one value that names the object.
type term struct {
	property string
	value    value.Value
}

func (w *wanted) look(l *layout, r row) {
	if r.broken != "" || r.empty {
		return // the verdict counts them
	}
	matches, unclear := w.matches(l, r)
	switch {
	case matches && r.sound():
		if len(w.lines) == 0 {
			w.object = l.read(r.record, true).object
		}
		if len(w.lines) < linesNamedMax {
			w.lines = append(w.lines, r.line)
		}
	case (matches || unclear) && len(w.aside) < linesNamedMax:
		w.aside = append(w.aside, r.line)
	}
}

func (w *wanted) matches(l *layout, r row) (matches, unclear bool) {
	if w.key != "" {
		return r.key == w.key, false
	}
	for _, c := range l.cells {
		for _, t := range w.unique {
			if c.property.Name != t.property {
				continue
			}
			v, err := value.Normalize(c.property.Type, c.property.Format, r.fields[c.at])
			matches = matches || err == nil && v.Text() == t.value.Text()
			unclear = unclear || err != nil
		}
	}
	return matches, unclear
}

func (w *wanted) answer(table string, v verdict) (connector.Object, error) {
	const op = "look up in csv"
	switch {
	case len(w.lines) > 1:
		return connector.Object{}, &fault.Error{Kind: fault.Conflict, Op: op,
			Msg: fmt.Sprintf("%s holds it in lines %v", table, w.lines), Do: "leave one of the rows"}
	case len(w.aside) > 0:
		return connector.Object{}, &fault.Error{Kind: fault.Invalid, Op: op, Err: v.examples.Err(),
			Msg: fmt.Sprintf("its row in %s cannot be used (line %v)", table, w.aside), Do: "correct the row"}
	case len(w.lines) == 1:
		return w.object, nil
	case !v.complete:
		return connector.Object{}, &fault.Error{Kind: fault.Invalid, Op: op, Err: append(v.general, v.examples...).Err(),
			Msg: table + " does not hold it, but not all of its rows can be read", Do: "correct the rows"}
	}
	return connector.Object{}, fault.New(fault.NotFound, op, "%s does not hold it", table)
}

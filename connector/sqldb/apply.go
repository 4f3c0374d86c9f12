package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// failure is why a change was not carried out as a whole, and what is known.
type failure struct {
	effect    connector.Effect // None or Unknown
	text      string
	permanent bool
	down      bool
	blame     []int // the items at fault; none when it cannot be told
}

// querier is what a transaction and a database have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Apply carries a change out in one transaction: all of its items or none.
// Changing an object that is not there is None and permanent; deleting one is
// Done, with a note.
func (s *system) Apply(ctx context.Context, change connector.Change) connector.Outcome {
	l, err := s.layout(ctx, change.Shape)
	if err != nil {
		return s.failed(change, s.refusal(err))
	}
	steps, err := s.steps(ctx, l, change)
	if err != nil {
		return s.failed(change, s.refusal(err))
	}
	if len(steps) == 0 {
		return connector.All(change, connector.ItemOutcome{Effect: connector.Done})
	}
	r := &run{s: s, l: l, change: change, key: change.Key, notes: map[int]string{}}
	var fail *failure
	if s.d.autocommit && len(steps) == 1 && steps[0].single {
		fail = r.do(ctx, s.db, steps)
		if fail != nil {
			fail.effect = r.effect
		}
	} else {
		fail = r.transact(ctx, steps)
	}
	if fail != nil {
		out := s.failed(change, fail)
		if fail.effect == connector.Unknown && r.key != "" {
			out.Key = r.key
		}
		return out
	}
	out := connector.All(change, connector.ItemOutcome{Effect: connector.Done})
	out.Key = r.key
	for id, note := range r.notes {
		out.Items[id] = connector.ItemOutcome{Effect: connector.Done, Err: note}
	}
	return out
}

// refusal is the failure of a change that never reached a statement that writes.
func (s *system) refusal(err error) *failure {
	f := &failure{effect: connector.None, text: err.Error()}
	var blamed *blamedError
	if errors.As(err, &blamed) {
		f.blame = blamed.items
	}
	switch fault.KindOf(err) {
	case fault.Unavailable:
		f.down = !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	default:
		f.permanent = true
	}
	return f
}

// failed spreads a failure over the items. Where the item at fault is known,
// the others of an update may still be carried out without it; a creation or
// deletion is one thing.
func (s *system) failed(change connector.Change, f *failure) connector.Outcome {
	out := connector.All(change, connector.ItemOutcome{Effect: f.effect, Err: f.text, Permanent: f.permanent && f.effect == connector.None})
	out.Down = f.down && f.effect == connector.None
	if len(f.blame) == 0 || f.effect != connector.None {
		return out
	}
	for id, item := range out.Items {
		if !slices.Contains(f.blame, id) {
			item.Err = "not carried out, because the change is one transaction: " + f.text
			item.Permanent = f.permanent && change.Kind != connector.Update
			out.Items[id] = item
		}
	}
	return out
}

// blamedError is an error of particular items.
type blamedError struct {
	items []int
	err   error
}

func (e *blamedError) Error() string { return e.err.Error() }
func (e *blamedError) Unwrap() error { return e.err }

// run is one change under way.
type run struct {
	s      *system
	l      *layout
	change connector.Change
	key    string         // of the object; a creation may learn it
	notes  map[int]string // remarks on items that were done
	effect connector.Effect
}

func (r *run) transact(ctx context.Context, steps []step) *failure {
	tx, err := r.s.db.BeginTx(ctx, nil)
	if err != nil {
		v := r.s.explain(err)
		return &failure{effect: connector.None, text: v.text, permanent: v.permanent, down: v.down}
	}
	defer tx.Rollback() // after a commit it does nothing
	if fail := r.do(ctx, tx, steps); fail != nil {
		fail.effect = connector.None // COMMIT was not sent
		return fail
	}
	if err := ctx.Err(); err != nil {
		return &failure{effect: connector.None, text: "given up before it was committed: " + err.Error()}
	}
	err = tx.Commit()
	switch {
	case err == nil:
		return nil
	case r.s.d.undone(err):
		v := r.s.explain(err)
		return &failure{effect: connector.None, text: v.text, permanent: v.permanent, down: v.down}
	}
	return &failure{effect: connector.Unknown, text: "the reply to the commit was lost: " + r.s.explain(err).text}
}

// do sends the statements one after the other. Beside a failure it leaves in
// effect what is known when the statement was a transaction of its own.
func (r *run) do(ctx context.Context, q querier, steps []step) *failure {
	for i := range steps {
		st := &steps[i]
		touched, err := r.send(ctx, q, st)
		if err != nil {
			return r.broken(ctx, st, err)
		}
		r.effect = connector.None
		switch {
		case touched == 0 && st.nothing != nil:
			note, err := st.nothing(ctx, q, r)
			if err != nil {
				return r.nothingFailed(st, err)
			}
			for _, item := range st.items {
				if note != "" {
					r.notes[item.ID] = note
				}
			}
		case touched > 1 && !st.many:
			return &failure{permanent: true, text: fmt.Sprintf("%d rows of table %q have the %s %q: nothing was changed; make the column unique",
				touched, r.l.table.name, r.l.key.column.name, r.key)}
		}
	}
	return nil
}

func (r *run) send(ctx context.Context, q querier, st *step) (int64, error) {
	built := st.build(r.key)
	if !st.returnsKey {
		result, err := q.ExecContext(ctx, built.text.String(), built.args...)
		if err != nil {
			return 0, err
		}
		return result.RowsAffected()
	}
	var exact any
	err := q.QueryRowContext(ctx, built.text.String(), built.args...).Scan(&exact)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	r.key = spelled(r.l.key, exact)
	return 1, nil
}

// nothingFailed is the failure of a statement that touched no row.
func (r *run) nothingFailed(st *step, err error) *failure {
	if fault.KindOf(err) == fault.Internal { // the question why failed, not the change
		v := r.s.explain(err)
		return &failure{text: v.text, down: v.down}
	}
	f := &failure{permanent: true, text: err.Error()}
	if fault.KindOf(err) == fault.Conflict {
		f.blame = st.ids()
	}
	return f
}

// broken is the failure of a statement that the database or the way to it refused.
func (r *run) broken(ctx context.Context, st *step, err error) *failure {
	v := r.s.explain(err)
	r.effect = connector.Unknown
	if v.undone {
		r.effect = connector.None
	}
	f := &failure{text: v.text, permanent: v.permanent, down: v.down}
	if !v.permanent {
		return f
	}
	if !st.ownRow {
		f.blame = st.ids()
		return f
	}
	columns := v.columns
	if len(columns) == 0 && v.constraint[2] != "" {
		columns = r.s.culprits(ctx, v.constraint)
	}
	if v.duplicate && r.change.Kind == connector.Create && slices.Equal(columns, []string{r.l.key.column.name}) {
		f.text = fmt.Sprintf("an object with key %q exists already: %s", r.intendedKey(), v.text)
		return f // the object itself is at fault, so everything is
	}
	if len(columns) == 0 && v.badValue {
		columns = st.suspects(v.text)
	}
	f.blame = st.itemsOf(columns)
	if len(columns) > 0 && !strings.Contains(f.text, strings.Join(columns, ", ")) {
		f.text = "column " + strings.Join(columns, ", ") + ": " + f.text
	}
	return f
}

func (r *run) intendedKey() string {
	for _, item := range r.change.Items {
		if item.Op == connector.OpSet && item.Property.Name == r.l.key.property.Name {
			return item.Value.Text()
		}
	}
	return r.change.Key
}

// culprits asks which columns a constraint is about. It only makes an error
// clearer, so its own failure is no news.
func (s *system) culprits(ctx context.Context, constraint [3]string) []string {
	if s.d.culprits == "" {
		return nil
	}
	rows, err := s.db.QueryContext(ctx, s.d.culprits, constraint[0], constraint[1], constraint[2])
	if err != nil {
		return nil
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if rows.Scan(&name) != nil {
			return nil
		}
		names = append(names, name)
	}
	if rows.Err() != nil {
		return nil
	}
	return names
}

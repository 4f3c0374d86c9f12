package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/store/statement"
)

// attack is a transaction on the database beneath the store, in which
// statements may fail.
type attack struct {
	t  *testing.T
	tx *sql.Tx
}

func (b *bench) attack(t *testing.T) *attack {
	t.Helper()
	tx, err := b.SQL().BeginTx(b.ctx, nil)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return &attack{t: t, tx: tx}
}

// do runs a statement that has to be taken.
func (a *attack) do(query string, args ...any) {
	a.t.Helper()
	_, err := a.tx.Exec(query, args...)
	must(a.t, err)
}

// try reports whether the database would take a statement; nothing of it stays.
func (a *attack) try(query string, args ...any) error {
	a.t.Helper()
	a.do("SAVEPOINT attack")
	_, failed := a.tx.Exec(query, args...)
	a.do("ROLLBACK TO SAVEPOINT attack")
	a.do("RELEASE SAVEPOINT attack")
	return failed
}

// step is the statement that writes a move as an item's step, and its arguments.
func step(item, number int, m orders.Triple) (string, []any) {
	prev := "NULL"
	if number > 1 {
		prev = fmt.Sprint(number - 1)
	}
	return fmt.Sprintf(`INSERT INTO order_step (assigned_resource, item, step, prev_step, from_place, event, to_place, order_id, at, actor, why)
		VALUES (1, %d, %d, %s, $1, $2, $3, 0, 0, 'attack', '')`, item, number, prev), []any{m.From.String(), string(m.Event), m.To.String()}
}

func (a *attack) walk(item int, route []orders.Triple) {
	a.t.Helper()
	for i, m := range route {
		query, args := step(item, i+1, m)
		a.do(query, args...)
	}
}

func (a *attack) tryStep(item, number int, m orders.Triple) error {
	a.t.Helper()
	query, args := step(item, number, m)
	return a.try(query, args...)
}

// routes returns for every place the moves that lead there from None.
func routes() map[orders.Place][]orders.Triple {
	start := orders.Place{State: orders.None}
	found := map[orders.Place][]orders.Triple{start: {}}
	for queue := []orders.Place{start}; len(queue) > 0; queue = queue[1:] {
		for _, triple := range orders.Triples() {
			if _, known := found[triple.To]; triple.From == queue[0] && !known {
				route := append([]orders.Triple{}, found[triple.From]...)
				found[triple.To] = append(route, triple)
				queue = append(queue, triple.To)
			}
		}
	}
	return found
}

// moves stands an item at each place and tries every event to every place.
func moves(t *testing.T, b *bench) {
	b.saved(t, "ada", 0)
	legal := map[orders.Triple]bool{}
	for _, triple := range orders.Triples() {
		legal[triple] = true
	}
	a := b.attack(t)
	item := 100 // numbers that the resource's own items do not have
	reached := routes()
	if len(reached) != len(orders.Places()) {
		t.Errorf("only %d of %d places can be reached from None", len(reached), len(orders.Places()))
	}
	for from, route := range reached {
		item++
		a.walk(item, route)
		for _, event := range orders.Events() {
			for _, to := range orders.Places() {
				m := orders.Triple{From: from, Event: event, To: to}
				if err := a.tryStep(item, len(route)+1, m); (err == nil) != legal[m] {
					t.Errorf("%s: legal is %v, the database says %v", fmt.Sprint(m), legal[m], err)
				}
			}
		}
	}
}

func following(t *testing.T, b *bench) {
	b.saved(t, "ada", 0)
	var fromNone, fromPending orders.Triple
	for _, triple := range orders.Triples() {
		pending := orders.Place{State: orders.Pending}
		switch {
		case triple.From.State == orders.None && triple.To == pending:
			fromNone = triple
		case triple.From == pending && triple.Event == orders.Collect:
			fromPending = triple
		}
	}
	a := b.attack(t)
	a.walk(100, []orders.Triple{fromNone})
	for name, err := range map[string]error{
		"a first step that begins under way":       a.tryStep(101, 1, fromPending),
		"a step from where the item is not":        a.tryStep(100, 2, fromNone),
		"a step that leaves one out":               a.tryStep(100, 3, fromPending),
		"a second writer of the same step":         a.tryStep(100, 1, fromNone),
		"a second step of an item without a first": a.tryStep(102, 2, fromPending),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := a.tryStep(100, 2, fromPending); err != nil {
		t.Errorf("the step that follows was refused: %v", err)
	}
}

func twoOrders(t *testing.T, b *bench) {
	b.saved(t, "ada", 0)
	a := b.attack(t)
	const columns = `assigned_resource, kind, version, created_at, closed_at, supersedes, outcome, waits, taken_by, agent, fence,
		lease_until, not_before, type, owner_type, owner_key, connector, connection, manual, state, gated, ready, transmitted, read_back,
		blocked, errored, due_at, expires_at, since_at`
	second := `INSERT INTO provisioning_order (id, ` + columns + `) SELECT 99, ` + columns + ` FROM provisioning_order WHERE id = 1`
	if err := a.try(second); err == nil {
		t.Error("a second open order was taken")
	}
	a.do(`UPDATE provisioning_order SET closed_at = 1 WHERE id = 1`)
	if err := a.try(second); err != nil {
		t.Errorf("an order after the closed one was refused: %v", err)
	}
}

func appendOnly(t *testing.T, b *bench) {
	b.saved(t, "ada", 0)
	a := b.attack(t)
	for _, query := range []string{
		`UPDATE journal SET why = 'nobody' WHERE seq = 1`, `DELETE FROM journal`,
		`UPDATE order_step SET actor = 'nobody'`, `DELETE FROM order_step`,
	} {
		if err := a.try(query); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: got %v", query, err)
		}
	}
	if err := a.try(`UPDATE journal_head SET seq = seq`); err != nil {
		t.Errorf("the head cannot move: %v", err)
	}
}

// tampering edits the journal as somebody would who may drop triggers.
func tampering(t *testing.T, b *bench) {
	for i := range 5 {
		must(t, b.AppendAct(b.ctx, b.act(fmt.Sprint("act ", i+1))))
	}
	if n, err := b.VerifyJournal(b.ctx); n != 5 || err != nil {
		t.Fatalf("the untouched chain: %d, %v", n, err)
	}
	for _, edit := range []struct{ query, names string }{
		{`UPDATE journal SET why = 'forged' WHERE seq = 3`, "entry 3 was changed"},
		{`DELETE FROM journal WHERE seq = 2`, "entry 3 follows 1"},
		{`DELETE FROM journal WHERE seq >= 4`, "should reach entry 5"},
	} {
		b.behindTheTriggers(t, edit.query, func(s *statement.DB) {
			if _, err := s.VerifyJournal(b.ctx); err == nil || !strings.Contains(err.Error(), edit.names) {
				t.Errorf("%s: got %v, want %q", edit.query, err, edit.names)
			}
		})
	}
}

// behindTheTriggers edits the journal without its triggers, lets check look, and
// puts everything back.
func (b *bench) behindTheTriggers(t *testing.T, edit string, check func(*statement.DB)) {
	t.Helper()
	run := func(queries ...string) {
		t.Helper()
		for _, query := range queries {
			_, err := b.SQL().ExecContext(b.ctx, query)
			must(t, err)
		}
	}
	on := ""
	if b.postgres(t) {
		on = " ON journal"
	}
	run(`CREATE TABLE kept AS SELECT * FROM journal`,
		`DROP TRIGGER IF EXISTS journal_is_not_edited`+on, `DROP TRIGGER IF EXISTS journal_is_not_deleted`+on, edit)
	check(b.DB)
	run(`DELETE FROM journal`, `INSERT INTO journal SELECT * FROM kept`, `DROP TABLE kept`)
}

// postgres reports which of the two it is: their catalogs and DDL differ.
func (b *bench) postgres(t *testing.T) bool {
	t.Helper()
	_, err := b.SQL().ExecContext(b.ctx, `SELECT 1 FROM pg_class LIMIT 1`)
	return err == nil
}

// everyConnection opens all connections of the pool and breaks a reference on each.
func everyConnection(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	for i := range min(b.SQL().Stats().MaxOpenConnections, 8) {
		conn, err := b.SQL().Conn(ctx)
		must(t, err)
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, `INSERT INTO reading_set_aside (reading, resource_key) VALUES (12345, 'x')`); err == nil {
			t.Errorf("connection %d takes a reference to nothing", i+1)
		}
	}
}

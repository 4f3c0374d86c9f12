package storetest

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/store/statement"
)

const (
	// writerVariable tells a test binary to write to a store until it is killed.
	writerVariable = "PROVISOR_STORETEST_WRITE"
	// together is how many assigned resources one act of the writer moves.
	together = 20
	// kills is how often the writer dies, and actsBeforeKill when.
	kills          = 3
	actsBeforeKill = 12
	// numbersAtOnce is more than one life of the writer uses.
	numbersAtOnce = 1_000_000
)

// Main is the TestMain of a store's tests. In the process that Killed starts it
// writes to the store that open opens by its address, until it is killed.
func Main(m *testing.M, open func(ctx context.Context, address string) (*statement.DB, error)) {
	address := os.Getenv(writerVariable)
	if address == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	store, err := open(ctx, address)
	if err == nil {
		err = write(&bench{DB: store, ctx: ctx, now: begin})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// write moves orders for ever and prints a line after each act.
func write(b *bench) error {
	first, err := b.Reserve(b.ctx, statement.AssignedCounter, numbersAtOnce)
	if err != nil {
		return err
	}
	b.assigned, b.order = orders.AssignedID(first-1), orders.OrderID(first-1)
	for {
		list := make([]*orders.AssignedResource, together)
		ids := make([]orders.AssignedID, together)
		for i := range list {
			if list[i], err = b.made(fmt.Sprint("person ", b.assigned), 3); err != nil {
				return err
			}
			ids[i] = list[i].ID
		}
		if err := b.Save(b.ctx, b.act("generate"), list); err != nil {
			return err
		}
		fmt.Println("saved")
		err := b.Update(b.ctx, b.act("collect"), ids, func(a *orders.AssignedResource) error {
			return a.Collect(b.occasion(), "agent", lease)
		})
		if err != nil {
			return err
		}
		fmt.Println("collected")
	}
}

// Killed kills a process in the middle of writing, again and again, and checks
// that the store holds whole acts only: what was confirmed, and nothing half.
func Killed(t *testing.T, address string, open func(t *testing.T) *statement.DB) {
	confirmed := 0
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), writerVariable+"="+address)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; n < actsBeforeKill && lines.Scan(); n++ {
			confirmed++
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() {
			confirmed++
		}
		_ = cmd.Wait() // it was killed
		store := open(t)
		whole(t, &bench{DB: store, ctx: context.Background(), now: begin}, confirmed)
		must(t, store.Close())
	}
}

func whole(t *testing.T, b *bench, confirmed int) {
	t.Helper()
	entries, err := b.VerifyJournal(b.ctx)
	must(t, err)
	if entries < int64(confirmed) || confirmed < actsBeforeKill {
		t.Errorf("%d acts in the journal, %d were confirmed", entries, confirmed)
	}
	steps := map[orders.AssignedID]int{}
	rows, err := b.SQL().QueryContext(b.ctx, `SELECT assigned_resource, count(*) FROM order_step GROUP BY assigned_resource`)
	must(t, err)
	for rows.Next() {
		var id orders.AssignedID
		var n int
		must(t, rows.Scan(&id, &n))
		steps[id] = n
	}
	must(t, rows.Err())
	total, collected := 0, 0
	must(t, b.EachAssigned(b.ctx, statement.AssignedFilter{}, func(a *orders.AssignedResource) error {
		total++
		taken := 0
		for _, it := range a.Items {
			taken += it.Steps
		}
		if a.Consolidated() == orders.Transmitted {
			collected++
		}
		if a.Order == nil || taken != steps[a.ID] || len(a.Carried()) != len(a.Items) {
			t.Errorf("assigned resource %d: order %+v, %d steps taken, %d stored", a.ID, a.Order, taken, steps[a.ID])
		}
		return nil
	}))
	if total%together != 0 || collected%together != 0 || int64((total+collected)/together) != entries {
		t.Errorf("%d resources, %d collected, in acts of %d; the journal has %d acts", total, collected, together, entries)
	}
	if n := b.rows(t, `SELECT count(*) FROM order_item WHERE live = 1`); n != total*4 {
		t.Errorf("%d items in the lists for %d resources of 4", n, total)
	}
}

// Catalog reads what a database declares, one line for each thing, sorted.
func Catalog(t *testing.T, db *sql.DB, queries ...string) []string {
	t.Helper()
	var lines []string
	for _, query := range queries {
		rows, err := db.Query(query)
		must(t, err)
		for rows.Next() {
			var line string
			must(t, rows.Scan(&line))
			lines = append(lines, line)
		}
		must(t, rows.Err())
	}
	return lines
}

// Plan returns the last column of a query plan, line by line.
func Plan(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	must(t, err)
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		lines = append(lines, detail)
	}
	must(t, rows.Err())
	return lines
}

// SameCatalog reports where two catalogs differ.
func SameCatalog(t *testing.T, migrated, declared []string) {
	t.Helper()
	if len(declared) < 20 {
		t.Errorf("only %d things are declared: the catalog was not read", len(declared))
	}
	seen := map[string]int{}
	for _, line := range migrated {
		seen[line]++
	}
	for _, line := range declared {
		seen[line]--
	}
	for line, n := range seen {
		switch {
		case n > 0:
			t.Errorf("migrating makes what schema.sql does not declare: %s", line)
		case n < 0:
			t.Errorf("schema.sql declares what migrating does not make: %s", line)
		}
	}
}

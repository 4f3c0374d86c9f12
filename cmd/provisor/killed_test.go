package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// asProgram makes this test binary be the program, so that a story can kill a
// process of its own.
const asProgram = "PROVISOR_TEST_IS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// killWithin bounds every wait of a killed program; a machine under load takes
// seconds for what takes a moment.
const killWithin = time.Minute

// killed runs the program in a process of its own and ends it as kill -9 does:
// after the system holds what the SQL looks for and before that can be recorded,
// or, with no SQL, after the order was recorded as handed out and before the
// system got anything. Both instants are held open by locks on the two database
// files, as any other user of the files could take them.
func killed(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: killed SYSTEM SQL ARG...")
	}
	system, effect := ts.MkAbs(args[0]), args[1]
	store := ts.MkAbs("provisor.db")
	handedOut := func() bool {
		rows, err := statements(store, `SELECT 1 FROM provisioning_order WHERE lease_until > 0`)
		return err == nil && len(rows) > 0
	}
	if handedOut() {
		ts.Fatalf("killed: an agent holds an order already")
	}
	unlockSystem := locked(ts, system)
	args = append([]string{"--dir", ts.MkAbs("."), "--at", ts.Getenv("DAY")}, args[2:]...)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	err := until(handedOut, "the program handed nothing out")
	unlockStore := func() error { return nil }
	if err == nil && effect != "" {
		unlockStore = locked(ts, store)
		err = unlockSystem()
		unlockSystem = func() error { return nil }
		err = errors.Join(err, until(func() bool {
			rows, err := statements(system, effect)
			return err == nil && len(rows) > 0
		}, "the system never held what was looked for"))
	}
	err = errors.Join(err, cmd.Process.Kill())
	if cmd.Wait() == nil {
		err = errors.Join(err, errors.New("the program ended by itself"))
	}
	ts.Check(errors.Join(err, unlockSystem(), unlockStore()))
}

// locked keeps everybody else from writing to a database file until it is let go.
func locked(ts *testscript.TestScript, file string) (unlock func() error) {
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(20000)")
	ts.Check(err)
	conn, err := db.Conn(context.Background())
	ts.Check(err)
	_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	ts.Check(err)
	return func() error {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, conn.Close(), db.Close())
	}
}

func until(holds func() bool, otherwise string) error {
	for deadline := time.Now().Add(killWithin); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("killed: %s", otherwise)
		}
	}
	return nil
}

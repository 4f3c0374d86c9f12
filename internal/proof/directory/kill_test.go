package directory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/openldap"
)

const (
	kills  = 20 // as many as one test run is to survive
	people = 40 // some hundred writes: long enough to be hit in the middle
)

// TestARunKilledAtAnyInstantEndsTheSameWithNothingTwice kills `provisor run`
// with SIGKILL while it writes, runs it again, and compares the directory with
// what the source file says and the access log with one effect for each entry
// and each membership. What it does not cover: the power failing under both.
func TestARunKilledAtAnyInstantEndsTheSameWithNothingTwice(t *testing.T) {
	binary := build(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	window := time.Duration(0)
	for n := range kills {
		c := lay(t, binary, people, openldap.Options{NoSync: true, AccessLog: true})
		c.run(t, "apply", "--yes")
		c.run(t, "sync")
		c.run(t, "evaluate")
		c.run(t, "generate")
		if window == 0 {
			window = c.undisturbed(t)
			c = lay(t, binary, people, openldap.Options{NoSync: true, AccessLog: true})
			c.run(t, "apply", "--yes")
		}
		written := c.killWhileItWrites(t, time.Duration(chance.Int64N(int64(window))))
		c.finish(t)
		c.expectEverythingOnce(t)
		if t.Failed() {
			list, _ := c.command("order", "list").CombinedOutput()
			t.Logf("%s", list)
		}
		t.Logf("kill %d after %d of %d writes", n+1, written, 2*people)
		if t.Failed() {
			return
		}
	}
}

// build compiles the program once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "provisor")
	cmd := exec.Command("go", "build", "-o", binary, "../../../cmd/provisor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// undisturbed measures how long the writing takes when nobody disturbs it.
func (c *company) undisturbed(t *testing.T) time.Duration {
	t.Helper()
	cmd := c.command("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	began := c.firstWrite(t)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	c.expectEverythingOnce(t)
	return time.Since(began)
}

// firstWrite waits until the directory holds the first entry of ours.
func (c *company) firstWrite(t *testing.T) time.Time {
	t.Helper()
	for range 20_000 {
		if c.written(t) > 0 {
			return time.Now()
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing was written")
	return time.Time{}
}

// killWhileItWrites starts a run, waits for its first write and the delay, and
// kills it. It returns how many writes had happened.
func (c *company) killWhileItWrites(t *testing.T, delay time.Duration) int {
	t.Helper()
	cmd := c.command("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.firstWrite(t)
	time.Sleep(delay)
	_ = cmd.Process.Kill() // it may have ended by itself: then nothing is killed, and all must hold, too
	_ = cmd.Wait()
	return c.written(t)
}

// finish runs the program again, once, and then once more: the second time
// nothing is left to do.
func (c *company) finish(t *testing.T) {
	t.Helper()
	c.run(t, "run")
	before := c.written(t)
	c.run(t, "run")
	if after := c.written(t); after != before {
		t.Errorf("a further round wrote %d more", after-before)
	}
}

// expectEverythingOnce compares the directory with the source file and the
// access log with one addition for each entry and membership, and no removal.
func (c *company) expectEverythingOnce(t *testing.T) {
	t.Helper()
	entries, members := c.holds(t)
	for i := range people {
		id, team := fmt.Sprintf("P%06d", i), fmt.Sprintf("T%d", i%groups)
		dn, ok := entries[id]
		if !ok {
			t.Errorf("%s has no entry", id)
		}
		if !contains(members[team], dn) {
			t.Errorf("%s is no member of %s", id, team)
		}
	}
	if n := c.written(t); n != 2*people {
		t.Errorf("the directory holds %d entries and memberships, not %d", n, 2*people)
	}
	log, err := c.server.AccessLog(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]int{}
	for _, access := range log {
		switch access.Type {
		case "add":
			effects["add "+strings.ToLower(access.DN)]++
		case "delete", "modrdn":
			t.Errorf("the log shows a %s of %s", access.Type, access.DN)
		case "modify":
			for _, mod := range access.Mods {
				effects[strings.ToLower(access.DN+" "+fmt.Sprint(mod))]++
			}
		}
	}
	for effect, n := range effects {
		if n > 1 && !strings.Contains(effect, "entrycsn") && !strings.Contains(effect, "modif") {
			t.Errorf("%d times in the log: %s", n, effect)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

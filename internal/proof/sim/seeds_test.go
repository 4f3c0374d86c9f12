package sim

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	seedsUsual = 200
	stepsUsual = 300
	firstSeed  = uint64(220772446124734) // where there is no commit to take one from
	commitHex  = 12                      // digits of the commit that make a seed: people can still read and type it
	roundsMost = 60                      // until everything is quiet

	// garbagePercent lets a world's short-lived values pile up: collecting them as
	// early as a server does takes a tenth of the time, and worlds are small.
	garbagePercent = 800
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(garbagePercent)
	os.Exit(m.Run())
}

// TestSeeds runs worlds from consecutive seeds, other ones with each commit.
// SIM_SEED names the first and, without SIM_SEEDS, the only one; SIM_SEEDS says
// how many; SOAK=1h runs until the time is over.
func TestSeeds(t *testing.T) {
	first, whence := chooseSeed(t)
	count, until := chooseExtent(t)
	fmt.Printf("note: seeds %d to %d, %s; one again: SIM_SEED=%d go test ./internal/proof/sim -run TestSeeds\n",
		first, first+uint64(count)-1, whence, first)
	var next, lived atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for n := next.Add(1) - 1; n < count && (until.IsZero() || time.Now().Before(until)); n = next.Add(1) - 1 {
				seed := first + uint64(n)
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { newWorld(t, seed).live(stepsUsual) })
				lived.Add(1)
			}
		})
	}
	wait.Wait()
	fmt.Printf("note: %d worlds lived %d steps each\n", lived.Load(), stepsUsual)
}

// chooseSeed returns the first seed and where it comes from.
func chooseSeed(t *testing.T) (seed uint64, whence string) {
	if s := os.Getenv("SIM_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("SIM_SEED=%s is not a number: %v", s, err)
		}
		return seed, "from SIM_SEED"
	}
	if os.Getenv("SOAK") != "" {
		return uint64(time.Now().UnixNano()), "from the clock"
	}
	out, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if commit := strings.TrimSpace(string(out)); err == nil && len(commit) > commitHex {
		if seed, err := strconv.ParseUint(commit[:commitHex], 16, 64); err == nil {
			return seed, "from commit " + commit[:commitHex]
		}
	}
	return firstSeed, "fixed, for there is no commit"
}

// chooseExtent returns how many worlds live at most, and until when.
func chooseExtent(t *testing.T) (count int64, until time.Time) {
	count = seedsUsual
	if os.Getenv("SIM_SEED") != "" {
		count = 1
	}
	if s := os.Getenv("SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("SOAK=%s is not a duration such as 1h: %v", s, err)
		}
		count, until = 1<<40, time.Now().Add(d)
	}
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("SIM_SEEDS=%s is not a number of worlds", s)
		}
		count = n
	}
	return count, until
}

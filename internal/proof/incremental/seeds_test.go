package incremental

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	worldsUsual = 100
	stepsUsual  = 100
	firstSeed   = uint64(225957568902182)

	// garbagePercent lets a world's short-lived values pile up: collecting them as
	// early as a server does takes longer, and worlds are small.
	garbagePercent = 800

	// Below these the proof would say little: most runs would be of everybody.
	incrementalPercent = 50
	leftAlonePercent   = 30
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(garbagePercent)
	os.Exit(m.Run())
}

// TestSeeds runs worlds from consecutive seeds: the same in every run, so that a run
// says whether a change broke something; with SOAK set from the clock, to find more.
// INCREMENTAL_SEED names the first and, without INCREMENTAL_WORLDS, the only one;
// INCREMENTAL_WORLDS says how many.
func TestSeeds(t *testing.T) {
	first, whence := chooseSeed(t)
	count := chooseWorlds(t)
	fmt.Printf("note: seeds %d to %d, %s; one again: INCREMENTAL_SEED=%d go test ./internal/proof/incremental -run TestSeeds\n",
		first, first+uint64(count)-1, whence, first)
	var next atomic.Int64
	var lock sync.Mutex
	var all tally
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for n := next.Add(1) - 1; n < count; n = next.Add(1) - 1 {
				seed := first + uint64(n)
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
					w := newWorld(t, seed)
					for range stepsUsual {
						w.step()
					}
					w.close()
					lock.Lock()
					defer lock.Unlock()
					all.add(w.tally)
				})
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	incremental, left := 100*all.incremental/all.steps, 100*all.left/max(1, all.owners)
	fmt.Printf("note: %d steps; %d %% evaluated incrementally (%d of them nobody), which changed %d accounts and left %d %% of the owners alone, %d; %d owners evaluated by themselves\n",
		all.steps, incremental, all.idle, all.changed, left, all.left, all.alone)
	if count == worldsUsual && (incremental < incrementalPercent || left < leftAlonePercent) {
		t.Errorf("at least %d %% of the runs should be incremental, and leave %d %% of the owners alone", incrementalPercent, leftAlonePercent)
	}
}

// chooseSeed returns the first seed and where it comes from.
func chooseSeed(t *testing.T) (seed uint64, whence string) {
	if s := os.Getenv("INCREMENTAL_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("INCREMENTAL_SEED=%s is not a number: %v", s, err)
		}
		return seed, "from INCREMENTAL_SEED"
	}
	if os.Getenv("SOAK") != "" {
		return uint64(time.Now().UnixNano()), "from the clock"
	}
	return firstSeed, "the same in every run"
}

// chooseWorlds returns how many worlds live.
func chooseWorlds(t *testing.T) int64 {
	if s := os.Getenv("INCREMENTAL_WORLDS"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("INCREMENTAL_WORLDS=%s is not a number of worlds", s)
		}
		return n
	}
	if os.Getenv("INCREMENTAL_SEED") != "" {
		return 1
	}
	return worldsUsual
}

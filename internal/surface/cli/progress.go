package cli

import (
	"fmt"
	"io"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"provisor.dev/provisor/internal/domain/schema"
)

// bars show how far long work has come, on a terminal and nowhere else.
type bars struct {
	lock    sync.Mutex
	begin   func() *mpb.Progress
	pool    *mpb.Progress // nil: nobody looks
	byName  map[string]*mpb.Bar
	highest map[string]int
}

func (v *invocation) progress() *bars {
	b := &bars{byName: map[string]*mpb.Bar{}, highest: map[string]int{}}
	if v.ErrTerminal && !v.json {
		b.begin = func() *mpb.Progress { return mpb.New(mpb.WithOutput(v.Stderr), mpb.WithWidth(barColumns)) }
		b.pool = b.begin()
	}
	return b
}

// barColumns leaves room for the names beside the bar.
const barColumns = 24

func (b *bars) follow() Progress {
	return Progress{
		Read:    func(entity schema.EntityType, n int) { b.reached("read "+string(entity), n) },
		Carried: func(connection string, n int) { b.reached("carried out on "+connection, n) },
	}
}

// reached notes how many are done. Totals are not known, so a spinner counts.
func (b *bars) reached(name string, n int) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.highest[name] = max(b.highest[name], n)
	if b.pool == nil {
		return
	}
	bar, ok := b.byName[name]
	if !ok {
		bar = b.pool.New(0, mpb.SpinnerStyle(), mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return fmt.Sprintf("%s: %d", name, s.Current)
		})))
		b.byName[name] = bar
	}
	bar.SetCurrent(int64(b.highest[name]))
}

// above is a writer whose lines would break the bars: they end before it.
type above struct {
	bars *bars
	to   io.Writer
}

func (a above) Write(line []byte) (int, error) {
	a.bars.rest()
	return a.to.Write(line)
}

// rest completes the bars that are there; what comes next has bars of its own.
func (b *bars) rest() {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.pool == nil || len(b.byName) == 0 {
		return
	}
	for _, bar := range b.byName {
		bar.SetTotal(-1, true)
	}
	b.pool.Wait()
	b.pool, b.byName, b.highest = b.begin(), map[string]*mpb.Bar{}, map[string]int{}
}

// stop completes every bar, so that what is printed next begins below them.
func (b *bars) stop() {
	b.rest()
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.pool != nil {
		b.pool.Wait()
		b.pool = nil
	}
}

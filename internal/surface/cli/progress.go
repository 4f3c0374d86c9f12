package cli

import (
	"fmt"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"provisor.dev/provisor/internal/domain/schema"
)

// bars show how far long work has come, on a terminal and nowhere else.
type bars struct {
	lock    sync.Mutex
	pool    *mpb.Progress // nil: nobody looks
	byName  map[string]*mpb.Bar
	highest map[string]int
}

func (v *invocation) progress() *bars {
	b := &bars{byName: map[string]*mpb.Bar{}, highest: map[string]int{}}
	if v.ErrTerminal && !v.json {
		b.pool = mpb.New(mpb.WithOutput(v.Stderr), mpb.WithWidth(barColumns))
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

// stop completes every bar, so that what is printed next begins below them.
func (b *bars) stop() {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.pool == nil {
		return
	}
	for _, bar := range b.byName {
		bar.SetTotal(-1, true)
	}
	b.pool.Wait()
	b.pool = nil
}

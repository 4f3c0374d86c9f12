package cli

import (
	"context"
	"fmt"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/act"
)

// sinceOf reads a time as people type it: a span before now, a day, a time.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUsage("write 2h, 2026-03-01 or 2026-03-01T14:30 (UTC)", "--roll-back-since: %q is not a time", text)
}

func numbersOf(ids []orders.OrderID) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

// rolledBack is what came of a roll-back.
type rolledBack struct {
	act.Planned
	act.RolledBack
}

// rollBack makes a roll-back plan so.
func (v *invocation) rollBack(ctx context.Context, s Service, p act.Proposal, x act.ToApply) error {
	done, err := s.RollBack(ctx, p, x)
	if err != nil {
		return err
	}
	for _, r := range done.Refused {
		fmt.Fprintf(v.Stderr, "provisor: account %d: %s\n", r.Assigned, r.Why)
	}
	err = v.show(rolledBack{p.Planned, done}, func() {
		v.say("Rolled back %s: what was there before is an exception now.", count(done.Decided, "account"))
		v.say("Next: `provisor run` writes it, where no review, gate or threshold holds it; `provisor order revoke` lets the rules speak again.")
	})
	if err == nil && len(done.Refused) > 0 {
		return ended(RefusedCode)
	}
	return err
}

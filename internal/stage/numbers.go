package stage

import (
	"context"

	"provisor.dev/provisor/fault"
)

// Counters hands out numbers that are never handed out again.
type Counters interface {
	Reserve(ctx context.Context, counter string, n int) (first int64, err error)
}

// numbersAtOnce is how many numbers are reserved in one go: gaps do no harm.
const numbersAtOnce = 100

// A Numbering hands out numbers from a reserved stretch. Between Prepare and
// Free it never reserves by itself: inside a transaction of the store that would
// wait for the transaction it is in.
type Numbering struct {
	reserve    func(n int) (int64, error)
	prepared   bool
	next, last int64
	err        error
}

// Numbers begins a numbering. Nothing is reserved before the first number.
func Numbers(ctx context.Context, c Counters, counter string) *Numbering {
	return &Numbering{reserve: func(n int) (int64, error) { return c.Reserve(ctx, counter, n) }}
}

// Prepare makes sure that count numbers can be handed out inside a transaction.
func (n *Numbering) Prepare(count int) {
	n.prepared = true
	if n.last-n.next < int64(count) && n.err == nil {
		n.more(count)
	}
}

// Free says that the transaction is over: numbers are reserved as they are needed.
func (n *Numbering) Free() { n.prepared = false }

func (n *Numbering) more(count int) {
	first, err := n.reserve(count)
	if err != nil {
		n.err = err
		return
	}
	n.next, n.last = first, first+int64(count)
}

// Next returns a number. When none can be had it returns 0, and Err says why.
func (n *Numbering) Next() int64 {
	if n.next == n.last && n.err == nil {
		if n.prepared {
			n.err = fault.New(fault.Internal, "number", "more numbers were needed than were prepared")
		} else {
			n.more(numbersAtOnce)
		}
	}
	if n.err != nil {
		return 0
	}
	n.next++
	return n.next - 1
}

// Err says why no number could be handed out.
func (n *Numbering) Err() error { return n.err }

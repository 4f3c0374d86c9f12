package stage

import "context"

// Counters hands out numbers that are never handed out again.
type Counters interface {
	Reserve(ctx context.Context, counter string, n int) (first int64, err error)
}

// numbersAtOnce is how many numbers are reserved in one go: gaps do no harm.
const numbersAtOnce = 1000

// A Numbering hands out numbers from a reserved stretch and reserves the next
// one when it is used up.
type Numbering struct {
	reserve    func(n int) (int64, error)
	next, last int64
	err        error
}

// Numbers begins a numbering. Nothing is reserved before the first number.
func Numbers(ctx context.Context, c Counters, counter string) *Numbering {
	return &Numbering{reserve: func(n int) (int64, error) { return c.Reserve(ctx, counter, n) }}
}

// Prepare reserves as many numbers as will be needed: inside a transaction of
// the store there is no reserving.
func (n *Numbering) Prepare(count int) {
	if count <= 0 {
		return
	}
	if first, err := n.reserve(count); err != nil {
		n.err = err
	} else {
		n.next, n.last = first, first+int64(count)
	}
}

// Next returns a number. After a failed reservation it returns 0, and Err says why.
func (n *Numbering) Next() int64 {
	if n.next == n.last && n.err == nil {
		var first int64
		if first, n.err = n.reserve(numbersAtOnce); n.err == nil {
			n.next, n.last = first, first+numbersAtOnce
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

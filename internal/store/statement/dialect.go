package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync"

	"provisor.dev/provisor/fault"
)

// Dialect is where the databases differ: data, not another set of statements.
type Dialect struct {
	Name string
	// Rewrite turns $1, $2, ... into the database's placeholders; nil leaves them.
	Rewrite func(query string) string
	// Lock is appended to a query of assigned resources that are about to be written.
	Lock string
	// Texts, Numbers and Pairs unfold a JSON array in a parameter into rows of one
	// text, one number, or two texts: a list has one statement, however long it is.
	Texts, Numbers, Pairs func(param string) string
	// Fault says what an error of the driver means.
	Fault func(error) fault.Kind
	// Again reports whether the database undid the whole transaction because of
	// others. A connection that broke is not that: nobody knows what it committed.
	Again func(error) bool
	// Rows are the sizes in which rows are inserted at once, falling, ending with 1:
	// few sizes, so that statements stay prepared.
	Rows []int
	// Snapshot is the isolation in which several questions see one state.
	Snapshot sql.IsolationLevel
	// OneWriter: the database takes one writer at a time, so they queue here, people first.
	OneWriter bool
	Exclusive func(ctx context.Context, db *sql.DB, name string) (release func() error, ok bool, err error)
	Backup    func(ctx context.Context, db *sql.DB, path string) error
	// Closed is called after the database was closed; it may be nil.
	Closed func() error
}

// listOf encodes a list for Texts, Numbers or Pairs.
func listOf[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(list) // texts, numbers and pairs of texts cannot fail
	return string(text)
}

// A turnstile lets one writer in at a time: acts of people and agents before bulk work.
type turnstile struct {
	mu     sync.Mutex
	taken  bool
	people []chan struct{}
	bulk   []chan struct{}
}

func (t *turnstile) enter(ctx context.Context, bulk bool) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if bulk {
		t.bulk = append(t.bulk, turn)
	} else {
		t.people = append(t.people, turn)
	}
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		t.giveUp(turn)
		return ctx.Err()
	}
}

// giveUp leaves the queue, or passes on the turn that came at the same moment.
func (t *turnstile) giveUp(turn chan struct{}) {
	t.mu.Lock()
	for _, queue := range []*[]chan struct{}{&t.people, &t.bulk} {
		for i, waiting := range *queue {
			if waiting == turn {
				*queue = append((*queue)[:i], (*queue)[i+1:]...)
				t.mu.Unlock()
				return
			}
		}
	}
	t.mu.Unlock()
	t.leave()
}

func (t *turnstile) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, queue := range []*[]chan struct{}{&t.people, &t.bulk} {
		if len(*queue) > 0 {
			next := (*queue)[0]
			*queue = (*queue)[1:]
			close(next)
			return
		}
	}
	t.taken = false
}

package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/stage"
)

// Limits of sending, each with its reason.
const (
	// claimedMost is what one run takes on of each way: the next one goes on.
	claimedMost = 200
	// leaseMinutes is how long a message is on its way before somebody else tries:
	// longer than all that are claimed together take.
	leaseMinutes = 30
	// againFirstMinutes doubles with each attempt, up to againMostMinutes.
	againFirstMinutes = 1
	againMostMinutes  = 60
	// attemptsMost is some four days: as long as mail systems themselves try.
	attemptsMost = 100
	// whyRunes is as much as a list shows of why a message was not sent.
	whyRunes = 300
)

// An outcome says what became of an attempt.
type outcome struct {
	err error
	// down: nothing of this message was at fault, the other side did not answer. It
	// is tried for ever.
	down bool
	// final: the other side will say the same for ever.
	final bool
}

// ending is why a message waits that a run did not come to before it was asked to end.
var ending = outcome{err: errors.New("the server was asked to end before its turn came"), down: true}

// note keeps what became of an attempt, and counts it.
func (r *Runner) note(ctx context.Context, now time.Time, m stage.Message, o outcome, sum *Summary) error {
	m.Next = now.Add(min(againFirstMinutes*time.Minute<<min(m.Attempts-1, 10), againMostMinutes*time.Minute))
	switch {
	case o.err == nil:
		m.State, m.Sent, m.Why = stage.MessageSent, now, ""
		sum.Sent++
	case o.final || !o.down && m.Attempts >= attemptsMost:
		m.State, m.Why = stage.MessageFailed, shortWhy(o.err)
		sum.Failed++
		r.Log.Error("a message is given up", "message", m.ID, "to", m.Recipient, "attempts", m.Attempts, "error", m.Why)
	default:
		m.Why = shortWhy(o.err)
		sum.Failed++
	}
	// What was sent is noted although the server is asked to end: else it would be
	// sent again.
	return r.Store.NoteMessage(context.WithoutCancel(ctx), m)
}

func shortWhy(err error) string {
	text := []rune(messages.Line(err.Error()))
	return string(text[:min(len(text), whyRunes)])
}

// number is what a message is called outside: the same whenever it is sent, so
// that who gets it twice can tell.
func number(m stage.Message) string {
	return fmt.Sprintf("%d.%d", m.ID, m.At.Unix())
}

package server

import (
	"context"
	"strings"
	"time"

	"provisor.dev/provisor/internal/surface/notify"
)

const (
	// messageSeconds is between two looks at what people are to be told.
	messageSeconds = 60
	// unheardMost is how many the log names who have no address.
	unheardMost = 10
)

// messages tells people and other systems what waits for them. It shares nothing
// with rounds but the store, so that a long round keeps nobody waiting.
func (s *server) messages(ctx context.Context) {
	runner := s.engine.Messages(s.Log, s.rounds.failures)
	unheard := ""
	for ctx.Err() == nil {
		sum, err := runner.Run(ctx, s.engine.Clock())
		if err != nil && ctx.Err() == nil {
			s.Log.Error("tell people what waits for them", "error", err)
		}
		if list := strings.Join(sum.Unheard[:min(len(sum.Unheard), unheardMost)], ", "); list != "" && list != unheard {
			unheard = list
			s.Log.Warn("nobody can write to some who should be told", "who", list, "all", len(sum.Unheard))
		}
		s.engine.Sleep(ctx, messageSeconds*time.Second)
	}
}

// failures are the rounds that fail, as one matter until one succeeds.
func (l *lastRound) failures() []notify.Failure {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.fails.IsZero() {
		return nil
	}
	return []notify.Failure{{Job: "round", Since: l.fails, Why: l.err.Error()}}
}

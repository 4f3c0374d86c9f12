package server

import (
	"context"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/view"
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
	runner := s.engine.Messages(s.Log, func() []notify.Failure { return s.failures(ctx) })
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

// failures are the jobs that fail, each as one matter until a run of it succeeds.
func (s *server) failures(ctx context.Context) []notify.Failure {
	page, err := s.engine.Views().Runs(ctx, view.RunFilter{States: []runs.State{runs.Done, runs.Failed}, Limit: view.MaxLimit})
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Error("find the jobs that fail", "error", err)
		}
		return nil
	}
	var list []notify.Failure
	for _, x := range runs.Failing(page.Runs) {
		job := strings.TrimSpace(string(x.Last.Job) + " " + string(x.Last.Connector))
		list = append(list, notify.Failure{Job: job, Since: x.Since, Why: x.Last.Wrong, Path: "/jobs/" + strconv.FormatInt(int64(x.Last.ID), 10)})
	}
	return list
}

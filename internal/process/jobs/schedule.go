package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/stage"
)

// cronFields are the five that the configuration is written in.
const cronFields = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow

// Next is when a schedule of cron begins its next run after a time.
func Next(x runs.Schedule, after time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(x.Zone)
	if err != nil {
		return time.Time{}, err
	}
	times, err := cron.NewParser(cronFields).Parse(x.Cron)
	if err != nil {
		return time.Time{}, err
	}
	return times.Next(after.In(zone)).UTC(), nil
}

// remindSchedules makes the next time of every schedule due: at the start, and
// when the configuration changed. The rounds between which a fixed time lies begin
// at once with a server.
func (s *server) remindSchedules(ctx context.Context, start bool) error {
	list, err := s.Schedules(ctx)
	if err != nil || !start && slices.Equal(list, s.seen) {
		return err
	}
	now := s.Clock()
	var due []stage.Due
	for _, x := range list {
		next := now
		if x.Every == 0 {
			if next, err = Next(x, now); err != nil {
				return err
			}
		}
		due = append(due, stage.Due{What: stage.DueSchedule, Subject: x.ID, NotBefore: next})
	}
	if err := s.Store.AddDue(ctx, due); err != nil {
		return err
	}
	s.seen = list
	return nil
}

// onTime begins the run of a schedule whose time has come, and notes its next one.
func (s *server) onTime(ctx context.Context, due stage.Due) error {
	list, err := s.Schedules(ctx)
	if err != nil {
		return err
	}
	done := func() error { return s.Store.DoneDue(ctx, s.Server, []stage.Due{due}) }
	i := slices.IndexFunc(list, func(x runs.Schedule) bool { return x.ID == due.Subject })
	if i < 0 {
		return done() // it is declared no more
	}
	x := list[i]
	by := "schedule " + x.ID
	if x.ID == runs.OwnRounds {
		by = "the server"
	}
	begin := func() error {
		_, _, err := s.Store.StartRun(ctx, nil, runs.Run{
			Job: x.Job, Connector: x.Connector, At: s.Clock(), Content: runs.Content{By: by, Schedule: x.ID},
		})
		return err
	}
	if x.Every > 0 { // the end of the run makes the next one due
		if err := begin(); err != nil {
			return err
		}
		return done()
	}
	// A time that an earlier configuration named is none of this one.
	if at, err := Next(x, due.NotBefore.Add(-time.Second)); err != nil || at.Equal(due.NotBefore) {
		if err == nil {
			err = begin()
		}
		if err != nil {
			return err
		}
	}
	next, err := Next(x, s.Clock())
	if err != nil {
		return err
	}
	if err := done(); err != nil {
		return err
	}
	return s.Store.AddDue(ctx, []stage.Due{{What: stage.DueSchedule, Subject: x.ID, NotBefore: next}})
}

// afterRound makes the next of the server's own rounds due once one has ended.
func (s *server) afterRound(ctx context.Context, run runs.Run) error {
	list, err := s.Schedules(ctx)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Every > 0 && x.ID == run.Schedule {
			return s.Store.AddDue(ctx, []stage.Due{{What: stage.DueSchedule, Subject: x.ID, NotBefore: s.Clock().Add(x.Every)}})
		}
	}
	return nil
}

package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// jobs is what servers do: a server that runs on the same store takes it up.
func (v *invocation) jobs() *cobra.Command {
	c := family("jobs", "What servers do: list, run, resume and abort",
		`A run is one time that a job is done, by a server (provisor serve) on the same store. Runs that
nobody works at wait for the next server. The jobs:
`+runs.Names()+".",
		v.jobsList(), v.jobsShow(), v.jobsRun(), v.jobsAbort(), v.jobsResume(), v.jobsSchedules())
	c.Aliases = []string{"job"}
	return c
}

func (v *invocation) jobsList() *cobra.Command {
	var f view.RunFilter
	var job, state string
	c := &cobra.Command{
		Use: "list", Short: "List runs, the newest first", Args: cobra.NoArgs,
		Long: "Lists what servers do and did, the newest first.", Example: "  provisor jobs list --state failed\n  provisor jobs list --open",
	}
	c.Flags().StringVar(&job, "job", "", "only of this job: "+runs.Names())
	c.Flags().StringVar(&f.Connector, "connector", "", "only about this connector")
	c.Flags().StringVar(&state, "state", "", "only in this state: waiting, running, done, failed, aborted")
	c.Flags().BoolVar(&f.Open, "open", false, "only those that wait or run")
	c.Flags().IntVar(&f.Limit, "limit", 20, "at most so many")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		if f.Job = runs.Job(job); state != "" {
			f.States = []runs.State{runs.State(state)}
		}
		if v.csv {
			return v.asList(sheets.Runs(ctx, e.Ask(), f), c)
		}
		page, err := e.Ask().Runs(ctx, f)
		if err != nil {
			return err
		}
		return v.show(page, func() {
			g := v.columns("run", "job", "connector", "state", "attempt", "asked for by", "began", "ended", "wrong")
			for _, x := range page.Runs {
				g.row(x.ID, x.Job, x.Connector, x.State, x.Attempt, x.By, clock(x.Began), clock(x.Ended), brief(x.Wrong))
			}
			g.print()
			if page.Before != 0 {
				v.say("... there are more: --limit")
			}
		})
	})
	return c
}

// clock writes an instant; "" when there is none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

func (v *invocation) jobsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show RUN", Short: "Show a run with its steps and its log", Args: cobra.ExactArgs(1),
		Long: "Shows one run with its steps and its log.", Example: "  provisor jobs show 12",
		RunE: v.asked(func(ctx context.Context, e Service, args []string) error {
			id, err := runID(args[0])
			if err != nil {
				return err
			}
			x, err := e.Ask().Run(ctx, id)
			if err != nil {
				return err
			}
			return v.show(x, func() { v.runText(x) })
		}),
	}
}

func runID(text string) (runs.RunID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, wrongUsage("see `provisor jobs list`", "%q is not the number of a run", text)
	}
	return runs.RunID(n), nil
}

func (v *invocation) runText(x runs.Run) {
	about := string(x.Job)
	if x.Connector != "" {
		about += " of " + string(x.Connector)
	}
	v.say("Run %d: %s  %s  (attempt %d, asked for by %s)", x.ID, v.strong(about), x.State, x.Attempt, x.By)
	for _, s := range x.Steps {
		line := "  " + s.Name
		for _, c := range s.Counts {
			line += "  " + strconv.Itoa(c.N) + " " + c.Name
		}
		switch {
		case s.Wrong != "":
			line += "  WRONG " + s.Wrong
		case s.Ended.IsZero():
			line += "  goes on"
		}
		if s.Says != "" {
			line += "  " + s.Says
		}
		v.say("%s", line)
	}
	for _, l := range x.Log {
		v.say("  %s  %s", clock(l.At), l.Text)
	}
}

// waitSeconds is between two looks at a run that is waited for.
const waitSeconds = 1

func (v *invocation) jobsRun() *cobra.Command {
	var why string
	var wait bool
	c := &cobra.Command{
		Use: "run JOB [CONNECTOR]", Short: "Begin a run of a job", Args: cobra.RangeArgs(1, 2),
		Long: `Begins a run, which a server does. One of the same that waits or runs already goes on
instead. With --wait it follows the run to its end, and ends with 6 where that failed. The jobs:
` + runs.Names() + ".",
		Example: "  provisor jobs run round\n  provisor jobs run synchronize hr --wait\n  provisor jobs run check crm --why 'new password'",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end of the run")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		x := act.ToStart{Job: runs.Job(args[0]), Why: why}
		if len(args) == 2 {
			x.Of = schema.ConnectorID(args[1])
		}
		started, err := x.Do(ctx, e.JobDesk())
		if err != nil {
			return err
		}
		if wait {
			started.Run, err = v.untilOver(ctx, e, started.Run)
		}
		if err != nil {
			return err
		}
		err = v.show(started, func() {
			if !started.Began {
				v.say("It is under way already, as run %d.", started.Run.ID)
			}
			v.runText(started.Run)
			if !wait {
				v.say("A server takes it up: `provisor jobs show %d` follows it.", started.Run.ID)
			}
		})
		return endedIf(err, started.Run.State == runs.Failed || started.Run.State == runs.Aborted)
	})
	return c
}

func (v *invocation) untilOver(ctx context.Context, e Service, x runs.Run) (runs.Run, error) {
	for x.State.Open() {
		select {
		case <-ctx.Done():
			return x, fault.Wrap(fault.Unavailable, "wait for the run", ctx.Err())
		case <-time.After(waitSeconds * time.Second):
		}
		var err error
		if x, err = e.Ask().Run(ctx, x.ID); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (v *invocation) jobsAbort() *cobra.Command {
	return v.jobsChange("abort", "Let a run end", `One that waits ends at once, one that runs as soon as its server hears of it. What it did until
then stays; every stage takes up what another left.`, act.JobDesk.Abort)
}

func (v *invocation) jobsResume() *cobra.Command {
	return v.jobsChange("resume", "Let a run go on that failed or was aborted", `The run goes on as its next attempt. Of a round, stages that were done within the last hour are
not done again.`, act.JobDesk.Resume)
}

func (v *invocation) jobsChange(verb, short, long string, do func(act.JobDesk, context.Context, runs.RunID, string) (runs.Run, error)) *cobra.Command {
	var why string
	c := &cobra.Command{Use: verb + " RUN", Short: short, Long: long, Args: cobra.ExactArgs(1), Example: "  provisor jobs " + verb + " 12"}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := runID(args[0])
		if err != nil {
			return err
		}
		x, err := do(e.JobDesk(), ctx, id, why)
		if err != nil {
			return err
		}
		return v.show(x, func() { v.runText(x) })
	})
	return c
}

func (v *invocation) jobsSchedules() *cobra.Command {
	return &cobra.Command{
		Use: "schedules", Short: "List when servers begin which jobs", Args: cobra.NoArgs,
		Long: "Lists the schedules of the deployed configuration, and the servers' own rounds.", Example: "  provisor jobs schedules",
		RunE: v.asked(func(ctx context.Context, e Service, _ []string) error {
			list, err := e.Scheduled(ctx)
			if err != nil {
				return err
			}
			return v.show(list, func() {
				g := v.columns("schedule", "job", "connector", "cron", "zone", "next")
				for _, x := range list {
					name := x.ID
					if name == runs.OwnRounds {
						name = "the servers' own rounds"
					}
					g.row(name, x.Job, x.Connector, x.Cron, x.Zone, clock(x.Next))
				}
				g.print()
			})
		}),
	}
}

// Package runs holds the words of what servers do: jobs, the runs in which they
// are done, and the schedules that begin them.
//
// It promises that a run is in one of five states, that Next says how it goes on
// after an attempt, and that each attempt has a number of its own, so that what a
// dead server left behind speaks for no later one. All of it is data and pure
// functions; package process/jobs runs them, the store keeps them. A crash leaves
// a run that is Running, which the next server takes up again.
package runs

import (
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/schema"
)

// A Job is one kind of work that a server does.
type Job string

// The jobs. Check and Survey look at connections, the others are stages of the
// path or all of it.
const (
	Round       Job = "round"
	Synchronize Job = "synchronize"
	Verify      Job = "verify"
	Evaluate    Job = "evaluate"
	Generate    Job = "generate"
	Fulfil      Job = "fulfil"
	Check       Job = "check"
	Survey      Job = "schema"
)

// A Described is a job with what it does.
type Described struct {
	Job   Job    `json:"job"`
	Name  string `json:"name"`
	About string `json:"about"`
	// Of: it can be about one connector; Always: it must be.
	Of, Always bool
}

var described = []Described{
	{Job: Round, Name: "Round", About: "goes the whole way round the path once"},
	{Job: Synchronize, Name: "Synchronize", About: "reads the systems into resources, and verifies what they show", Of: true},
	{Job: Verify, Name: "Verify", About: "compares what was read with what was ordered"},
	{Job: Evaluate, Name: "Evaluate", About: "works out who should have what"},
	{Job: Generate, Name: "Generate", About: "turns differences into orders"},
	{Job: Fulfil, Name: "Fulfil", About: "carries out what may go out", Of: true},
	{Job: Check, Name: "Check connections", About: "opens each connection of a connector and asks whether it works", Of: true, Always: true},
	{Job: Survey, Name: "Refresh the schema", About: "asks the systems of a connector what they hold, and compares it with what is declared", Of: true, Always: true},
}

// Jobs lists them all.
func Jobs() []Described { return slices.Clone(described) }

// Describe finds a job; ok is false for what is none.
func Describe(j Job) (d Described, ok bool) {
	i := slices.IndexFunc(described, func(d Described) bool { return d.Job == j })
	if i < 0 {
		return Described{Job: j, Name: string(j)}, false
	}
	return described[i], true
}

// Names lists the jobs as people type them.
func Names() string {
	var names []string
	for _, d := range described {
		names = append(names, string(d.Job))
	}
	return strings.Join(names, ", ")
}

// State is how far a run is.
type State string

// The states. Waiting and Running are open.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	Aborted State = "aborted"
)

// Open reports whether the run is still to come to its end.
func (s State) Open() bool { return s == Waiting || s == Running }

// RunID numbers runs.
type RunID int64

// A Run is one time that a job is done, in one attempt or several.
type Run struct {
	ID        RunID              `json:"id"`
	Job       Job                `json:"job"`
	Connector schema.ConnectorID `json:"connector,omitempty"`
	State     State              `json:"state"`
	Attempt   int                `json:"attempt"`
	At        time.Time          `json:"at"` // when it was asked for
	NotBefore time.Time          `json:"notBefore,omitzero"`
	Began     time.Time          `json:"began,omitzero"`
	Ended     time.Time          `json:"ended,omitzero"`
	Abort     bool               `json:"abort,omitempty"` // somebody wants it to end
	Content
}

// Content is what a run tells of itself.
type Content struct {
	By       string `json:"by"`                 // who asked for it
	Schedule string `json:"schedule,omitempty"` // or which schedule did
	Server   string `json:"server,omitempty"`   // that works at it, or did last
	Failures int    `json:"failures,omitempty"` // attempts that failed
	Wrong    string `json:"wrong,omitempty"`    // why the last one did
	Steps    []Step `json:"steps,omitempty"`
	Log      []Line `json:"log,omitempty"`
	Left     int    `json:"left,omitempty"` // lines that the log had no room for
}

// A Step is a part of a run: a stage or, of checks and surveys, a connection.
type Step struct {
	Name    string    `json:"name"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended,omitzero"`
	Wrong   string    `json:"wrong,omitempty"`
	Says    string    `json:"says,omitempty"`
	Done    int       `json:"done,omitempty"`
	Total   int       `json:"total,omitempty"` // as far as it is known; 0: not
	Counts  []Count   `json:"counts,omitempty"`
	Objects []Object  `json:"objects,omitempty"` // what a surveyed system holds
}

// A Count is how many of something a step counted.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// An Object is one table, object class or file of a system.
type Object struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns,omitempty"`
}

// A Line is one line of a run's log.
type Line struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Limits of a run.
const (
	// LinesMost bounds a log: whoever reads more looks into the server's own.
	LinesMost = 500
	// AttemptsMost is how often a failing run is tried: a schedule brings the next
	// one anyway.
	AttemptsMost = 5
	// againFirst is the rest after a first failure; it doubles.
	againFirst = 5 * time.Second
	// StepsHold is how long what was read and judged before an interruption needs
	// not be done again.
	StepsHold = time.Hour
	// KeptDays is how long runs are kept once they ended.
	KeptDays = 90
)

// Say adds a line to the log. Beyond its room lines are counted.
func (c *Content) Say(at time.Time, text string) {
	if len(c.Log) >= LinesMost {
		c.Left++
		return
	}
	c.Log = append(c.Log, Line{at, text})
}

// Step returns a step by its name, nil when it has not begun.
func (c *Content) Step(name string) *Step {
	for i := range c.Steps {
		if c.Steps[i].Name == name {
			return &c.Steps[i]
		}
	}
	return nil
}

// Holds reports whether a step was done in an earlier attempt, and not so long
// ago that it has to be done anew.
func (c *Content) Holds(name string, now time.Time) bool {
	s := c.Step(name)
	return s != nil && s.Wrong == "" && !s.Ended.IsZero() && now.Sub(s.Ended) < StepsHold
}

// Clone copies a run, so that a snapshot can be stored while the run goes on.
func (r Run) Clone() Run {
	r.Steps, r.Log = slices.Clone(r.Steps), slices.Clone(r.Log)
	return r
}

// An Ending is how an attempt ended.
type Ending struct {
	At      time.Time
	Err     error
	Lasting bool // trying again does not help
	Busy    bool // nothing was done yet: others are at work
	Gone    bool // the server went, or goes
}

// Next is how a run goes on after an attempt: to its end, or to the next attempt,
// which then waits until NotBefore.
func (r Run) Next(e Ending) Run {
	r = r.Clone()
	r.NotBefore = time.Time{}
	again := func(after time.Duration, text string) {
		r.State, r.Attempt, r.NotBefore = Waiting, r.Attempt+1, e.At.Add(after)
		r.Say(e.At, text)
	}
	end := func(s State, text string) {
		r.State, r.Ended = s, e.At
		r.Say(e.At, text)
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Ended.IsZero() && e.Err != nil {
			s.Ended, s.Wrong = e.At, e.Err.Error()
		}
	}
	switch {
	case e.Err == nil:
		r.Wrong = ""
		end(Done, "done")
	case r.Abort:
		end(Aborted, "aborted")
	case e.Gone:
		again(0, "interrupted: "+e.Err.Error()+"; it is taken up again")
	case e.Busy:
		again(againFirst, "waits: "+e.Err.Error())
	default:
		r.Failures++
		r.Wrong = e.Err.Error()
		if e.Lasting || r.Failures >= AttemptsMost {
			end(Failed, "failed: "+r.Wrong)
			break
		}
		again(againFirst<<(r.Failures-1), "failed: "+r.Wrong+"; it is tried again")
	}
	return r
}

// ToAbort lets a run end: at once where it waits, else as soon as its server hears
// of it.
func (r *Run) ToAbort(now time.Time, by string) error {
	if !r.State.Open() {
		return fault.New(fault.Refused, "abort run", "the run is over: it is %s", r.State)
	}
	*r = r.Clone()
	r.Abort = true
	r.Say(now, by+" aborts it")
	if r.State == Waiting {
		r.State, r.Ended, r.NotBefore = Aborted, now, time.Time{}
	}
	return nil
}

// ToResume lets a run that failed or was aborted go on where it ended.
func (r *Run) ToResume(now time.Time, by string) error {
	if r.State != Failed && r.State != Aborted {
		return fault.New(fault.Refused, "resume run", "only what failed or was aborted can go on; the run is %s", r.State)
	}
	*r = r.Clone()
	r.State, r.Attempt, r.Abort, r.Failures, r.Ended, r.NotBefore = Waiting, r.Attempt+1, false, 0, time.Time{}, time.Time{}
	r.Say(now, by+" lets it go on")
	return nil
}

// OwnRounds is the schedule of the rounds that a server makes of its own: no name
// that the configuration can give.
const OwnRounds = ".every"

// A Schedule begins runs of a job.
type Schedule struct {
	ID        string             `json:"id"`
	Job       Job                `json:"job"`
	Connector schema.ConnectorID `json:"connector,omitempty"`
	Cron      string             `json:"cron,omitempty"` // minute hour day month weekday
	Zone      string             `json:"zone,omitempty"` // of the clock that Cron is read by; "": UTC
	Every     time.Duration      `json:"every,omitempty"`
	Position  schema.Position    `json:"-"`
}

// A Failure is a job, of a connector or of all, whose runs fail.
type Failure struct {
	Last  Run
	Since time.Time // the first of them ended, after one that succeeded
}

// Failing finds in ended runs, the newest first, the jobs whose last run failed.
func Failing(ended []Run) []Failure {
	type of struct {
		job       Job
		connector schema.ConnectorID
	}
	at := map[of]int{}
	over := map[of]bool{}
	var list []Failure
	for _, r := range ended {
		name := of{r.Job, r.Connector}
		switch i, known := at[name]; {
		case over[name]:
		case r.State != Failed:
			over[name] = true
		case known:
			list[i].Since = r.Ended
		default:
			at[name] = len(list)
			list = append(list, Failure{Last: r, Since: r.Ended})
		}
	}
	return list
}

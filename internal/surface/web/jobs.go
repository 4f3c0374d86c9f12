package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// jobsNow is everything on the page of jobs that changes while one looks at it.
type jobsNow struct {
	Touched   int64
	Open      []runs.Run
	Past      []runs.Run
	Schedules []view.Scheduled
	Now       time.Time
}

// jobList is the page of jobs.
type jobList struct {
	jobsNow
	Filter     filter
	Found      []runs.Run // what the filter chose, in place of Past
	Next       string
	Paged      bool
	Connectors []option
	Here       string
	Kept       kept
}

// runsShown is how many runs of the past the live page shows.
const runsShown = 25

// jobs shows what servers do and did, and when they will again.
func (s *site) jobs(r *http.Request) (page, error) {
	now, err := s.jobsNow(r.Context())
	if err != nil {
		return page{}, err
	}
	m, err := s.model(r.Context())
	if err != nil {
		return page{}, err
	}
	l := jobList{jobsNow: now, Here: r.URL.RequestURI(), Kept: keptOf(r)}
	for _, id := range slices.Sorted(maps.Keys(m.Connectors)) {
		l.Connectors = append(l.Connectors, option{string(id), nameOr(m.Connectors[id].Name, string(id))})
	}
	l.Filter = filter{Address: "/jobs", Label: "Runs", Picks: []pick{jobPick(), {Name: "connector", Label: "Connector", Options: l.Connectors}, endPick()}, Sort: runsSorted()}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	before, err := numbered("the place in a list", r.URL.Query().Get("before"))
	if err != nil {
		return page{}, err
	}
	l.Paged = before > 0
	asked := view.RunFilter{Job: runs.Job(l.Filter.chosen("job")), Connector: l.Filter.chosen("connector"), Oldest: !l.Filter.Sort.Now.Down, Before: runs.RunID(before), Limit: runsShown}
	if state := l.Filter.chosen("state"); state != "" {
		asked.States = []runs.State{runs.State(state)}
	}
	found, err := s.Questions.Runs(r.Context(), asked)
	if err != nil {
		return page{}, err
	}
	l.Found = found.Runs
	if found.Before > 0 {
		l.Next = l.Filter.next("before", strconv.FormatInt(int64(found.Before), 10))
	}
	return page{Title: "Jobs", Section: "jobs", Body: jobsPage(l), Sheet: s.runsSheet(r, asked)}, nil
}

// live reports whether the list of runs follows what happens: it does where it
// shows the newest of all.
func (l jobList) live() bool { return !l.Paged && !l.Filter.filtered() && l.Filter.Sort.value() == "" }

// runsSorted is the usual ordering of runs.
func runsSorted() ordering { return sortedBy(view.Newest, view.NumberedColumns) }

func jobPick() pick {
	p := pick{Name: "job", Label: "Job"}
	for _, d := range runs.Jobs() {
		p.Options = append(p.Options, option{string(d.Job), d.Name})
	}
	return p
}

func endPick() pick {
	p := pick{Name: "state", Label: "State"}
	for _, state := range []runs.State{runs.Waiting, runs.Running, runs.Done, runs.Failed, runs.Aborted} {
		p.Options = append(p.Options, option{string(state), string(state)})
	}
	return p
}

func (s *site) jobsNow(ctx context.Context) (now jobsNow, err error) {
	now.Now = s.Clock()
	if now.Touched, err = s.RunsTouched(ctx); err != nil {
		return now, err
	}
	open, err := s.Questions.Runs(ctx, view.RunFilter{Open: true})
	if err != nil {
		return now, err
	}
	past, err := s.Questions.Runs(ctx, view.RunFilter{Limit: runsShown})
	if err != nil {
		return now, err
	}
	now.Open, now.Past = open.Runs, past.Runs
	now.Schedules, err = s.scheduled(ctx)
	return now, err
}

// scheduled are the schedules with their next times: those of the configuration,
// and the servers' own.
func (s *site) scheduled(ctx context.Context) ([]view.Scheduled, error) {
	declared, err := s.Schedules(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	next, err := s.Questions.Scheduled(ctx)
	if err != nil {
		return nil, err
	}
	return view.SchedulesOf(declared, next), nil
}

// jobsFragment is the part of the page of jobs that live updates send.
func (s *site) jobsFragment(ctx context.Context, _ string) (string, error) {
	now, err := s.jobsNow(ctx)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = jobsLive(now).Render(ctx, &b)
	return b.String(), err
}

// runShown is one run.
type runShown struct {
	runs.Run
	Touched int64
	Here    string
	Now     time.Time
}

func (s *site) runOf(ctx context.Context, id string) (runShown, error) {
	n, err := numbered("the run", id)
	if err != nil {
		return runShown{}, err
	}
	x := runShown{Now: s.Clock(), Here: "/jobs/" + id}
	if x.Touched, err = s.RunsTouched(ctx); err != nil {
		return x, err
	}
	x.Run, err = s.Questions.Run(ctx, runs.RunID(n))
	return x, err
}

// run shows one run with its steps and its log.
func (s *site) run(r *http.Request) (page, error) {
	x, err := s.runOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return page{}, err
	}
	return page{Title: runName(x.Run), Section: "jobs", Body: runPage(x)}, nil
}

// runFragment is what live updates of one run send.
func (s *site) runFragment(ctx context.Context, id string) (string, error) {
	x, err := s.runOf(ctx, id)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = runLive(x).Render(ctx, &b)
	return b.String(), err
}

// startJob begins a run.
func (s *site) startJob(r *http.Request) (outcome, error) {
	return s.start(r, act.ToStart{Job: runs.Job(r.PostForm.Get("job")), Of: schema.ConnectorID(r.PostForm.Get("connector")), Why: r.PostForm.Get("why")}, "/jobs")
}

func (s *site) start(r *http.Request, x act.ToStart, to string) (outcome, error) {
	if x.Job == "" {
		return outcome{}, &fault.Error{Kind: fault.Invalid, Msg: "no job is chosen", Do: "Choose one."}
	}
	started, err := x.Do(r.Context(), s.Desks.JobDesk(s.actor(r)))
	if err != nil {
		return outcome{}, asRefusal(err)
	}
	said := fmt.Sprintf("Run %d begins: %s.", started.Run.ID, runName(started.Run))
	if !started.Began {
		said = fmt.Sprintf("It is under way already, as run %d.", started.Run.ID)
	}
	return outcome{Said: said, To: to}, nil
}

// asRefusal lets a wrong choice come back on the page with what was chosen.
func asRefusal(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return fault.Wrap(fault.Refused, "", err)
	}
	return err
}

// changeRun aborts a run, or lets it go on.
func (s *site) changeRun(r *http.Request) (outcome, error) {
	n, err := numbered("the run", r.PathValue("id"))
	if err != nil {
		return outcome{}, err
	}
	id, why, desk := runs.RunID(n), r.PostForm.Get("why"), s.Desks.JobDesk(s.actor(r))
	if r.PostForm.Get("do") == "resume" {
		run, err := desk.Resume(r.Context(), id, why)
		return outcome{Said: fmt.Sprintf("Run %d goes on as attempt %d.", id, run.Attempt)}, err
	}
	run, err := desk.Abort(r.Context(), id, why)
	said := fmt.Sprintf("Run %d is aborted.", id)
	if run.State == runs.Running {
		said = fmt.Sprintf("Run %d ends as soon as its server hears of it.", id)
	}
	return outcome{Said: said}, err
}

// runName is what a run is called.
func runName(x runs.Run) string {
	d, _ := runs.Describe(x.Job)
	if x.Connector != "" {
		return d.Name + " of " + string(x.Connector)
	}
	return d.Name
}

func runAddress(id runs.RunID) templ.SafeURL {
	return templ.SafeURL("/jobs/" + strconv.FormatInt(int64(id), 10))
}

// runLook is the state of provisioning whose colour and sign a run's state has.
func runLook(x runs.State) int {
	return int(map[runs.State]orders.State{
		runs.Waiting: orders.Pending, runs.Running: orders.Transmitted, runs.Done: orders.Verified, runs.Failed: orders.Errored, runs.Aborted: orders.Inactive,
	}[x])
}

// took is how long something takes or took.
func took(began, ended, now time.Time) string {
	if began.IsZero() {
		return ""
	}
	if ended.IsZero() {
		ended = now
	}
	d := ended.Sub(began)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", max(0, d.Seconds()))
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// countsSaid are counts in a line.
func countsSaid(list []runs.Count) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = thousands(c.N) + " " + c.Name
	}
	return strings.Join(parts, ", ")
}

// runCounts are the counts of all steps of a run.
func runCounts(x runs.Run) string {
	var parts []string
	for _, step := range x.Steps {
		if text := countsSaid(step.Counts); text != "" && len(x.Steps) > 1 {
			parts = append(parts, step.Name+" "+text)
		} else if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// present is the step at which a run is.
func present(x runs.Run) *runs.Step {
	for i := range x.Steps {
		if x.Steps[i].Ended.IsZero() {
			return &x.Steps[i]
		}
	}
	return nil
}

// stepState is how far a step is.
func stepState(x runs.Step) runs.State {
	switch {
	case x.Wrong != "":
		return runs.Failed
	case x.Ended.IsZero():
		return runs.Running
	}
	return runs.Done
}

// reached says how far a step is in numbers.
func reached(x runs.Step) string {
	switch {
	case x.Total > 0 && x.Done > 0:
		return thousands(x.Done) + " of " + thousands(x.Total)
	case x.Done > 0:
		return thousands(x.Done)
	}
	return ""
}

// when says when a schedule begins its job.
func when(x view.Scheduled) string {
	if x.Cron == "" {
		return "between rounds, as the server was started"
	}
	return x.Cron + " " + cmp.Or(x.Zone, "UTC")
}

// operate begins a job about one connector, or that its page offers.
func (s *site) operate(r *http.Request) (outcome, error) {
	m, err := s.model(r.Context())
	if err != nil {
		return outcome{}, err
	}
	id := schema.ConnectorID(r.PathValue("id"))
	if _, declared := m.Connectors[id]; !declared {
		return outcome{}, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("there is no connector %q", id), Do: "The list of connectors shows those that are declared."}
	}
	x := act.ToStart{Job: runs.Job(r.PostForm.Get("do")), Why: r.PostForm.Get("why")}
	if d, _ := runs.Describe(x.Job); d.Of {
		x.Of = id
	}
	return s.start(r, x, "/connectors/"+url.PathEscape(string(id)))
}

// connectorRuns are the last runs about a connector, each job's newest, and what
// the last check and survey found.
type connectorRuns struct {
	Last   []runs.Run
	Health map[schema.ConnectionID]health
	Survey *runs.Run
}

// health is what the last look at a connection showed.
type health struct {
	Step runs.Step
	At   time.Time
}

func (s *site) connectorRuns(ctx context.Context, id schema.ConnectorID) (x connectorRuns, err error) {
	x.Health = map[schema.ConnectionID]health{}
	for _, d := range runs.Jobs() {
		asked := view.RunFilter{Job: d.Job, Limit: 1}
		if d.Of {
			asked.Connector = string(id)
		}
		page, err := s.Questions.Runs(ctx, asked)
		if err != nil {
			return x, err
		}
		if len(page.Runs) > 0 {
			x.Last = append(x.Last, page.Runs[0])
		}
	}
	for _, run := range x.Last {
		if run.Job != runs.Check && run.Job != runs.Survey {
			continue
		}
		if run.Job == runs.Survey {
			x.Survey = &run
		}
		for _, step := range run.Steps {
			known := x.Health[schema.ConnectionID(step.Name)]
			if !step.Ended.IsZero() && step.Ended.After(known.At) {
				x.Health[schema.ConnectionID(step.Name)] = health{step, step.Ended}
			}
		}
	}
	slices.SortFunc(x.Last, func(a, b runs.Run) int { return cmp.Compare(b.ID, a.ID) })
	return x, nil
}

// connectorJobs are what the page of a connector offers to begin.
func connectorJobs() []runs.Described {
	return slices.DeleteFunc(runs.Jobs(), func(d runs.Described) bool { return d.Job == runs.Round || d.Job == runs.Verify })
}

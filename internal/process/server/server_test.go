package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/connector/sqldb"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/demo"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// packages are those that the demonstration's company uses.
func packages() []connector.Package {
	return []connector.Package{csvfile.Package(), sqldb.Package(), manual.Package()}
}

// site is a served folder.
type site struct {
	*loop.Engine
	base string
	stop func() error
}

func serve(t *testing.T, o server.Options) *site {
	t.Helper()
	laid, err := demo.Lay(t.TempDir(), company.Options{People: 40, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := loop.Open(t.Context(), loop.Options{Dir: laid.Dir, Packages: packages(), Day: laid.Company.At})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Address, o.Every = "127.0.0.1:0", time.Hour
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Ready = func(address string) { ready <- address }
	go func() { ended <- server.Run(ctx, e, o) }()
	s := &site{Engine: e}
	s.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case address := <-ready:
		s.base = "http://" + address
	case err := <-ended:
		t.Fatal(err)
	}
	return s
}

// deploy deploys the company's configuration, as another process would.
func (s *site) deploy(t *testing.T) {
	t.Helper()
	other, err := loop.Open(t.Context(), loop.Options{Dir: s.Dir, Packages: packages(), Day: s.Day()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	c, err := other.Files()
	if err == nil {
		err = other.Deploy(t.Context(), c, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) get(t *testing.T, path, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within 30 s: %s", what)
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for address, fine := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:0": true, "[::1]:80": true, "127.4.5.6:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.7:80": false, "example.org:80": false, "127.0.0.1": false, "127.0.0.1:http": false,
	} {
		if err := server.CheckAddress(address); (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := server.CheckAddress("127.0.0.1:99999"); err == nil || strings.Contains(err.Error(), "(65535)") {
		t.Errorf("a port that is none is told as %v", err)
	}
}

func TestWhoAsksAgainAndAgainFillsNoLog(t *testing.T) {
	var log lines
	s := serve(t, server.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 5 {
		s.get(t, "/readyz", "")
	}
	if n := log.with("not ready"); n != 1 {
		t.Errorf("5 questions before anything is deployed leave %d lines", n)
	}
	s.deploy(t)
	s.get(t, "/readyz", "")
	if n := log.with("ready again"); n != 1 {
		t.Errorf("the end of it leaves %d lines", n)
	}
}

// lines is a log that is read while it is written.
type lines struct {
	lock sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.Write(p)
}

func (l *lines) with(part string) int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return strings.Count(l.text.String(), part)
}

func TestARequestUnderAForeignNameIsRefused(t *testing.T) {
	s := serve(t, server.Options{})
	for host, want := range map[string]int{"": 200, "localhost": 200, "localhost:8080": 200, "[::1]:80": 200, "evil.example": 421, "127.0.0.1.evil.example:80": 421} {
		if got, _ := s.get(t, "/healthz", host); got != want {
			t.Errorf("%q: %d, want %d", host, got, want)
		}
	}
}

func TestAServerIsReadyOnceSomethingIsDeployedAndGoesRoundByItself(t *testing.T) {
	s := serve(t, server.Options{Version: "1.2.3"})
	code, body := s.get(t, "/readyz", "")
	var h server.Health
	if err := json.Unmarshal([]byte(body), &h); err != nil || code != http.StatusServiceUnavailable || h.OK {
		t.Fatalf("before deploying: %d %s %v", code, body, err)
	}
	s.round(t)
	eventually(t, "a round that finds nothing to do is no failure", func() bool {
		_, body = s.get(t, "/readyz", "")
		return strings.Contains(body, `{"name":"round","ok":true,"says":"ended`)
	})
	eventually(t, "the first round is over", func() bool {
		open, err := s.Runs(t.Context(), stage.RunFilter{Open: true})
		return err == nil && len(open) == 0
	})
	s.deploy(t)
	if code, body = s.get(t, "/readyz", ""); code != http.StatusOK {
		t.Fatalf("after deploying: %d %s", code, body)
	}
	s.round(t)
	eventually(t, "orders wait for review", func() bool {
		page, err := s.Views().Orders(t.Context(), view.ReviewQueue())
		return err == nil && len(page.Orders) > 0
	})
	eventually(t, "the round is counted", func() bool {
		_, body = s.get(t, "/metrics", "")
		return strings.Contains(body, `provisor_readings_total{connector="hr",entity="Person",result="committed"} 1`) &&
			strings.Contains(body, `provisor_connection_up{connection="crm/database"} 1`)
	})
	for _, line := range []string{`provisor_build_info{version="1.2.3"} 1`, `provisor_orders{number="5",state="Awaiting Approval"}`, "go_goroutines"} {
		if !strings.Contains(body, line) {
			t.Errorf("/metrics does not show %s", line)
		}
	}
}

func TestAnApprovedOrderIsCarriedOutWithoutWaitingForTheRound(t *testing.T) {
	s := serve(t, server.Options{})
	s.deploy(t)
	if _, err := s.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	page, err := s.Views().Orders(t.Context(), view.ReviewQueue())
	if err != nil || len(page.Orders) == 0 {
		t.Fatalf("nothing to approve: %v", err)
	}
	first := page.Orders[0]
	_, err = s.As("reviewer").Desk().Decide(t.Context(), review.Decision{On: orders.Approve, Assigned: []orders.AssignedID{first.Assigned}, Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the approved order is closed", func() bool {
		o, err := s.Views().Order(t.Context(), first.ID)
		return err == nil && !o.Closed.IsZero()
	})
}

func TestEndingTheServerLeavesItsWorkDueAndItsStoreWhole(t *testing.T) {
	s := serve(t, server.Options{})
	s.deploy(t)
	s.round(t)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
	far := s.Clock().Add(48 * time.Hour)
	list, err := s.TakeDue(t.Context(), "test", far, far.Add(time.Minute), 10)
	open, openErr := s.Runs(t.Context(), stage.RunFilter{Open: true})
	if err != nil || openErr != nil || len(list) == 0 {
		t.Errorf("nothing is due after the end: %v %v", err, openErr)
	}
	for _, run := range open {
		if run.State != runs.Waiting {
			t.Errorf("after the end run %d is %s", run.ID, run.State)
		}
	}
}

func TestThePageOnOperatingNamesEachMetric(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operate", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, server.Options{})
	s.deploy(t)
	if _, err := s.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	_, body := s.get(t, "/metrics", "")
	for line := range strings.Lines(body) {
		name, ok := strings.CutPrefix(line, "# HELP ")
		name, _, _ = strings.Cut(name, " ")
		if ok && strings.HasPrefix(name, "provisor_") && !strings.Contains(string(page), "`"+name) {
			t.Errorf("docs/operate does not name %s", name)
		}
		name, ok = strings.CutPrefix(strings.TrimSpace(line), "# TYPE provisor_")
		if name, counts := strings.CutSuffix(name, " counter"); ok && counts && !strings.HasSuffix(name, "_total") {
			t.Errorf("provisor_%s counts, and is not called a total", name)
		}
	}
}

// round asks for a round, as a person does, unless one is under way.
func (s *site) round(t *testing.T) {
	t.Helper()
	if _, _, err := s.StartRun(t.Context(), nil, runs.Run{Job: runs.Round, At: s.Clock(), Content: runs.Content{By: "test"}}); err != nil {
		t.Fatal(err)
	}
}

var metricNamed = regexp.MustCompile(`\bprovisor_[a-z_]+`)

// series are the names under which a metric is stored: a histogram has several.
func series(exposed string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(exposed) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" {
			all[fields[2]] = true
			if fields[3] == "histogram" {
				all[fields[2]+"_bucket"], all[fields[2]+"_count"], all[fields[2]+"_sum"] = true, true, true
			}
		}
	}
	return all
}

func TestTheDashboardShowsMetricsThatTheServerHasAndAllOfThem(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operate", "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	s := serve(t, server.Options{})
	s.deploy(t)
	s.round(t)
	var body string
	eventually(t, "a round is counted", func() bool {
		_, body = s.get(t, "/metrics", "")
		return strings.Contains(body, "provisor_readings_total{") && strings.Contains(body, "provisor_job_duration_seconds_count{") && strings.Contains(body, "provisor_items_outcomes_total{")
	})
	has, shown := series(body), map[string]bool{}
	has["provisor_orders_parked"] = true // it has no row while nothing is parked
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			for _, name := range metricNamed.FindAllString(target.Expr, -1) {
				shown[name] = true
				if !has[name] {
					t.Errorf("%s shows %s, which the server does not have", panel.Title, name)
				}
			}
		}
	}
	for name := range has {
		if strings.HasPrefix(name, "provisor_") && !shown[name] && !shown[name+"_count"] && !strings.HasSuffix(name, "_sum") {
			t.Errorf("no panel shows %s", name)
		}
	}
}

package server

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
	"provisor.dev/provisor/internal/view"
)

// metrics is what Prometheus reads. Names and labels are documented in
// docs/operate; a test keeps the page and this list together.
type metrics struct {
	registry  *prometheus.Registry
	jobs      *prometheus.HistogramVec
	readings  *prometheus.CounterVec
	raised    *prometheus.CounterVec
	verified  prometheus.Counter
	drifted   prometheus.Counter
	collected *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	up        *prometheus.GaugeVec
}

// jobBuckets span a small company's round and a reading of a million people.
var jobBuckets = []float64{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600}

func newMetrics(e *loop.Engine, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "provisor_job_duration_seconds", Help: "How long jobs took, by job and result.", Buckets: jobBuckets,
		}, []string{"job", "result"}),
		readings:  counters("provisor_readings_total", "Readings of entity types, by how they ended.", "connector", "entity", "result"),
		raised:    counters("provisor_orders_raised_total", "Orders opened, amended or superseded, by kind.", "kind"),
		verified:  prometheus.NewCounter(prometheus.CounterOpts{Name: "provisor_items_verified_total", Help: "Items that a reading showed to be as ordered."}),
		drifted:   prometheus.NewCounter(prometheus.CounterOpts{Name: "provisor_items_drifted_total", Help: "Items that somebody else changed in a system."}),
		collected: counters("provisor_orders_collected_total", "Orders handed to an agent or to technicians.", "connection"),
		outcomes:  counters("provisor_items_outcomes_total", "Items by what came of carrying them out.", "connection", "outcome"),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "provisor_connection_up", Help: "1 while the last orders could be carried out through the connection.",
		}, []string{"connection"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "provisor_build_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.jobs, m.readings, m.raised, m.verified, m.drifted, m.collected, m.outcomes, m.up, build,
		standing{e}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// job notes how a job ended.
func (m *metrics) job(what runs.Job, took time.Duration, err error) {
	result := "done"
	if err != nil {
		result = "failed"
	}
	m.jobs.WithLabelValues(string(what), result).Observe(took.Seconds())
}

// stage notes what a stage of a job did.
func (m *metrics) stage(summary any) {
	switch x := summary.(type) {
	case []synchronize.Outcome:
		for _, o := range x {
			m.readings.WithLabelValues(string(o.Reading.Connector), string(o.Reading.Entity), string(o.Reading.State)).Inc()
		}
	case generate.Summary:
		for kind, n := range x.Kinds {
			m.raised.WithLabelValues(string(kind)).Add(float64(n))
		}
	case verify.Summary:
		m.verified.Add(float64(x.Verified))
		m.drifted.Add(float64(x.Drifted))
	case fulfil.Summary:
		m.fulfilled(x)
	}
}

// fulfilled notes what draining connections did.
func (m *metrics) fulfilled(s fulfil.Summary) {
	for _, c := range s.Connections {
		m.collected.WithLabelValues(c.Connection).Add(float64(c.Collected))
		m.verified.Add(float64(c.Verified))
		for outcome, n := range map[string]int{"executed": c.Executed, "refused": c.Refused, "unknown": c.Unknown} {
			m.outcomes.WithLabelValues(c.Connection, outcome).Add(float64(n))
		}
		up := 1.0
		if c.Down != "" {
			up = 0
		}
		m.up.WithLabelValues(c.Connection).Set(up)
	}
}

// standing asks the store at each scrape: several servers then say the same.
type standing struct{ engine *loop.Engine }

var (
	ordersStanding = prometheus.NewDesc("provisor_orders", "Open orders by provisioning state.", []string{"number", "state"}, nil)
	parked         = prometheus.NewDesc("provisor_orders_parked", "Open orders that a tripped threshold holds.", []string{"type", "kind"}, nil)
	changes        = prometheus.NewDesc("provisor_journal_entries_total", "Entries of the journal.", nil, nil)
)

// Describe lists what is asked.
func (s standing) Describe(to chan<- *prometheus.Desc) {
	to <- ordersStanding
	to <- parked
	to <- changes
}

// scrapeSeconds is what the store gets to answer a scrape.
const scrapeSeconds = 5

// Collect asks. What fails makes the scrape fail, so that nobody takes silence
// for zero.
func (s standing) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeSeconds*time.Second)
	defer cancel()
	counts, err := s.engine.Views().OpenOrders(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(ordersStanding, err)
	}
	for _, c := range counts {
		to <- prometheus.MustNewConstMetric(ordersStanding, prometheus.GaugeValue, float64(c.Count), strconv.Itoa(number(c.State)), c.State.Name)
	}
	parks, err := s.engine.Views().Parks(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(parked, err)
	}
	for _, p := range parks {
		to <- prometheus.MustNewConstMetric(parked, prometheus.GaugeValue, float64(p.Held), p.Type, p.Kind)
	}
	n, err := s.engine.ChangeCounter(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(changes, err)
		return
	}
	to <- prometheus.MustNewConstMetric(changes, prometheus.CounterValue, float64(n))
}

func number(s view.State) int { return s.Number }

// promLog takes what goes wrong while metrics are written.
type promLog struct{ log *slog.Logger }

// Println logs.
func (l promLog) Println(v ...any) { l.log.Error("answer a scrape", "error", fmt.Sprint(v...)) }

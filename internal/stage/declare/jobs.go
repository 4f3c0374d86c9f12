package declare

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
)

type scheduleDoc struct {
	place
	Run       text `yaml:"run" must:"yes" about:"The job: round, synchronize, verify, evaluate, generate, fulfil, check or schema."`
	Connector text `yaml:"connector" about:"What synchronize, fulfil, check and schema are about; all when absent, where that is possible."`
	Cron      text `yaml:"cron" must:"yes" about:"When: minute, hour, day of the month, month, day of the week."`
	Zone      text `yaml:"zone" default:"UTC" about:"The time zone of the clock that cron is read by, such as Europe/Berlin."`
}

// cronFields are the five that everybody knows.
const cronFields = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow

// jobs builds when servers begin which jobs.
func (b *builder) jobs() {
	for id, doc := range sorted(b.doc.Jobs) {
		object := join("jobs", id)
		b.named(identifier, id, doc.Position, object)
		s := runs.Schedule{
			ID: id, Job: runs.Job(doc.Run.Value), Connector: schema.ConnectorID(doc.Connector.Value),
			Cron: strings.Join(strings.Fields(doc.Cron.Value), " "), Zone: doc.Zone.Value, Position: doc.Position,
		}
		d, known := runs.Describe(s.Job)
		switch _, declared := b.model.Connectors[s.Connector]; {
		case doc.Run.given && !known:
			var names []string
			for _, d := range runs.Jobs() {
				names = append(names, string(d.Job))
			}
			b.unknown(doc.Run, join(object, "run"), "job", names)
		case doc.Connector.given && !declared:
			b.unknown(doc.Connector, join(object, "connector"), "connector", namesOf(b.model.Connectors))
		case doc.Connector.given && !d.Of:
			b.find(doc.Connector.Position, join(object, "connector"), fmt.Sprintf("%s is not about one connector", s.Job), "leave the connector out")
		case known && !doc.Connector.given && d.Always:
			b.find(doc.Position, object, fmt.Sprintf("%s is about one connector", s.Job), "name the connector")
		}
		if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
			b.find(doc.Zone.Position, join(object, "zone"), fmt.Sprintf("%q is no time zone", s.Zone), "write it as Europe/Berlin or UTC")
		}
		if doc.Cron.given {
			b.cron(doc.Cron, s.Cron, join(object, "cron"))
		}
		b.schedules = append(b.schedules, s)
	}
}

// cron checks when a schedule begins its runs, and that it ever does.
func (b *builder) cron(t text, spec, object string) {
	const do = `write five fields, such as "30 2 * * 1-5" for half past two from Monday to Friday`
	if strings.Contains(spec, "=") {
		b.find(t.Position, object, "the time zone stands under zone", "take it out of cron")
		return
	}
	times, err := cron.NewParser(cronFields).Parse(spec)
	switch {
	case err != nil:
		b.find(t.Position, object, fmt.Sprintf("%q is no time of cron: %v", t.Value, err), do)
	case times.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		b.find(t.Position, object, fmt.Sprintf("%q never comes", t.Value), do)
	}
}

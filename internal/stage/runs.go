package stage

import (
	"strconv"
	"strings"

	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
)

// What is due to the jobs: an attempt of a run, and the next time of a schedule.
const (
	DueRun      = "run"
	DueSchedule = "schedule"
)

// RunSubject names an attempt of a run.
func RunSubject(id runs.RunID, attempt int) string {
	return strconv.FormatInt(int64(id), 10) + "." + strconv.Itoa(attempt)
}

// ParseRunSubject reads what RunSubject wrote.
func ParseRunSubject(text string) (id runs.RunID, attempt int, ok bool) {
	first, second, ok := strings.Cut(text, ".")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil || !ok {
		return 0, 0, false
	}
	attempt, err = strconv.Atoi(second)
	return runs.RunID(n), attempt, err == nil
}

// A RunFilter chooses runs, the newest first.
type RunFilter struct {
	Job       runs.Job
	Connector schema.ConnectorID
	States    []runs.State
	Open      bool
	Oldest    bool       // the oldest first
	Before    runs.RunID // the cursor: the last run of the page before
	Limit     int        // 0: all
}

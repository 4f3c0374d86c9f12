package web

import (
	"net/http"
	"strconv"

	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// runsSheet is the runs of jobs, the newest first.
func (s *site) runsSheet(r *http.Request, asked view.RunFilter) *export.Sheet {
	return sheets.Runs(r.Context(), s.Questions, asked)
}

// messagesSheet is what was told, the newest first.
func (s *site) messagesSheet(r *http.Request, asked view.MessageFilter) *export.Sheet {
	return sheets.Messages(r.Context(), s.Questions, asked)
}

// plansSheet is the plans that were kept.
func plansSheet(list []plan.Filed) *export.Sheet {
	return sheets.All("plans", []string{"File", "Name", "Kept", "Day", "Orders", "Thresholds that would trip", "It is"}, list, func(f plan.Filed) []string {
		if f.Unreadable != "" {
			return []string{f.File, "", sheets.Stamped(f.At), "", "", "", f.Unreadable}
		}
		return []string{f.File, f.Plan.Name, sheets.Stamped(f.At), f.Plan.Day, strconv.Itoa(len(f.Plan.Orders)), strconv.Itoa(len(f.Plan.Parks)), planKind(f.Plan.Name)}
	})
}

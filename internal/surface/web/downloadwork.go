package web

import (
	"net/http"

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

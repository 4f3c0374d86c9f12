package web

import (
	"net/http"
	"strconv"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/view"
)

// runsSheet is the runs of jobs, the newest first.
func (s *site) runsSheet(r *http.Request, asked view.RunFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	columns := []string{"Run", "Job", "Connector", "State", "Attempt", "Asked for", "Began", "Ended", "By", "Schedule", "Server", "What is wrong"}
	return sheetOf("jobs", columns, func() ([]runs.Run, bool, error) {
		page, err := s.Questions.Runs(r.Context(), asked)
		asked.Before = page.Before
		return page.Runs, page.Before != 0, err
	}, func(x runs.Run) []string {
		return []string{
			whole(int64(x.ID)), string(x.Job), string(x.Connector), string(x.State), strconv.Itoa(x.Attempt),
			stamped(x.At), stamped(x.Began), stamped(x.Ended), x.By, x.Schedule, x.Server, x.Wrong,
		}
	})
}

// messagesSheet is what was told, the newest first.
func (s *site) messagesSheet(r *http.Request, asked view.MessageFilter) *export.Sheet {
	asked.Before, asked.Limit = 0, view.MaxLimit
	columns := []string{"Message", "Way", "Recipient", "Address", "Subject", "State", "At", "Sent", "Attempts", "Next attempt", "What is wrong"}
	return sheetOf("messages", columns, func() ([]view.Message, bool, error) {
		page, err := s.Questions.Messages(r.Context(), asked)
		asked.Before = page.Before
		return page.Messages, page.Before != 0, err
	}, func(x view.Message) []string {
		return []string{
			whole(x.ID), x.Way, x.Recipient, x.Address, x.Subject, x.State,
			stamped(x.At), stamped(x.Sent), strconv.Itoa(x.Attempts), stamped(x.Next), x.Why,
		}
	})
}

// assignmentsSheet is who has which profile.
func assignmentsSheet(name string, list []access.ProfileAssignment) *export.Sheet {
	columns := []string{"Profile", "Who", "Reaching", "How", "From", "Until", "Given by", "Given at", "Ended", "Reason"}
	return sheetAll(name, columns, list, func(a access.ProfileAssignment) []string {
		return []string{
			string(a.Profile), a.Holder.String(), a.Scope.String(), assignedHow(a), stamped(a.From), stamped(a.To),
			a.By, stamped(a.At), stamped(a.Revoked), a.Why,
		}
	})
}

// plansSheet is the plans that were kept.
func plansSheet(list []plan.Filed) *export.Sheet {
	return sheetAll("plans", []string{"File", "Name", "Kept", "Day", "Orders", "Thresholds that would trip", "It is"}, list, func(f plan.Filed) []string {
		if f.Unreadable != "" {
			return []string{f.File, "", stamped(f.At), "", "", "", f.Unreadable}
		}
		return []string{f.File, f.Plan.Name, stamped(f.At), f.Plan.Day, strconv.Itoa(len(f.Plan.Orders)), strconv.Itoa(len(f.Plan.Parks)), planKind(f.Plan.Name)}
	})
}

// planSheet is the orders of a plan, a row for each item.
func planSheet(name string, list []plan.Order) *export.Sheet {
	type line struct {
		of plan.Order
		it plan.Item
	}
	var lines []line
	for _, o := range list {
		for _, it := range o.Items {
			lines = append(lines, line{o, it})
		}
	}
	return sheetAll("plan-"+name, append([]string{"Kind", "Resource type"}, append(ownerColumns, "Item", "Before", "After", "State", "Why")...), lines, func(x line) []string {
		cells := append([]string{string(x.of.Kind), string(x.of.Type)}, ownerCells(planOwner(x.of))...)
		return append(cells, planItem(x.it), plain(x.it.Before), plain(x.it.After), x.it.State, x.it.Why)
	})
}

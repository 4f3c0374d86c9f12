package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"provisor.dev/provisor/internal/process/company"
)

var badgeColumns = []string{"employee_id", "name", "site", "status"}

// WriteBadge enters a badge into the register, or changes the one that is there.
func WriteBadge(dir, employeeID, name, site, status string) error {
	return editBadges(dir, func(rows [][]string) [][]string {
		row := []string{employeeID, name, site, status}
		if i := badgeOf(rows, employeeID); i >= 0 {
			rows[i] = row
			return rows
		}
		return append(rows, row)
	})
}

// RemoveBadge strikes a badge from the register; one that is not there is no error.
func RemoveBadge(dir, employeeID string) error {
	return editBadges(dir, func(rows [][]string) [][]string {
		if i := badgeOf(rows, employeeID); i >= 0 {
			return slices.Delete(rows, i, i+1)
		}
		return rows
	})
}

// badgeOf returns the place of a badge below the header, or -1.
func badgeOf(rows [][]string, employeeID string) int {
	return slices.IndexFunc(rows, func(row []string) bool { return row[0] == employeeID })
}

// editBadges replaces the register at once: a reader sees it before or after.
func editBadges(dir string, edit func([][]string) [][]string) error {
	path := filepath.Join(dir, filepath.FromSlash(badgesFile))
	rows, err := readTable(path, badgeColumns...)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = company.Separator
	if err := w.WriteAll(append([][]string{badgeColumns}, edit(rows)...)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return replaceFile(path, out.Bytes())
}

// readTable reads a file and returns the named columns of each row, in this order.
func readTable(path string, columns ...string) ([][]string, error) {
	f, err := os.Open(path) // #nosec G304 -- a file of the demonstration
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = company.Separator
	all, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s is empty: its first line names the columns", path)
	}
	places := make([]int, len(columns))
	for i, column := range columns {
		if places[i] = slices.Index(all[0], column); places[i] < 0 {
			return nil, fmt.Errorf("%s has no column %s; it has %v", path, column, all[0])
		}
	}
	rows := make([][]string, 0, len(all)-1)
	for _, row := range all[1:] {
		picked := make([]string, len(columns))
		for i, place := range places {
			picked[i] = row[place]
		}
		rows = append(rows, picked)
	}
	return rows, nil
}

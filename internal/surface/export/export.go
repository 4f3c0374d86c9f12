// Package export writes lists as files that spreadsheets and programs open: CSV
// and XLSX.
//
// It promises that a list goes through row by row, so that memory does not grow
// with it; that no cell of a CSV is taken for a formula by the program that opens
// it; and that a list that was cut, or failed, never looks whole: it ends with a
// row that says so, or the writing fails. The pages call it. A crash leaves
// nothing but, of a large XLSX, a file in the system's folder for temporary ones.
package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// RowsMost is how many rows one file holds: a sheet ends at 1,048,576, and whoever
// wants more than a person can open asks the interface for programs.
const RowsMost = 1_000_000

// A Sheet is a list on its way into a file.
type Sheet struct {
	Name    string // what the file is called, without its day and its form: "orders"
	Columns []string
	Rows    iter.Seq2[[]string, error] // read once
}

// A Format is a form that a list can be written in.
type Format struct {
	ID, Name, Kind string // Kind is the content type
	write          func(io.Writer, Sheet) error
}

// Formats are all of them.
var Formats = []Format{
	{"csv", "CSV", "text/csv; charset=utf-8; header=present", writeCSV},
	{"xlsx", "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", writeXLSX},
}

// FormatOf finds a form by its identifier.
func FormatOf(id string) (Format, bool) {
	for _, f := range Formats {
		if f.ID == id {
			return f, true
		}
	}
	return Format{}, false
}

// Write writes the sheet. After an error what was written is not whole.
func (f Format) Write(w io.Writer, s Sheet) error {
	return f.write(w, s.cut(RowsMost))
}

// File is what the file is called.
func (f Format) File(s Sheet, day time.Time) string {
	return "provisor-" + unnameable.ReplaceAllString(s.Name, "-") + "-" + day.Format(time.DateOnly) + "." + f.ID
}

// unnameable is what stands in no name of a file and in no header.
var unnameable = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// cut ends the sheet after so many rows, with a row that says so.
func (s Sheet) cut(most int) Sheet {
	all := s.Rows
	s.Rows = func(yield func([]string, error) bool) {
		n := 0
		for row, err := range all {
			if err == nil && n == most {
				yield([]string{fmt.Sprintf("Cut off: a file holds %d rows, and there are more. Choose less of the list, or ask the interface for programs.", most)}, nil)
				return
			}
			if n++; !yield(row, err) || err != nil {
				return
			}
		}
	}
	return s
}

// Inert makes a cell one that no spreadsheet takes for a formula.
func Inert(cell string) string {
	if plainNumber.MatchString(cell) {
		return cell
	}
	// Some programs pass over what is blank before they look.
	begin := strings.TrimLeft(cell, " \u00a0\ufeff\v\f")
	if strings.IndexAny(begin, "=+-@\t\r\n＝＋－＠") == 0 || strings.HasPrefix(begin, "\x00") {
		return "'" + cell
	}
	return cell
}

// plainNumber is what calculates nothing, though it may begin with a sign.
var plainNumber = regexp.MustCompile(`^-?[0-9]+([.,][0-9]+)?$`)

func writeCSV(to io.Writer, s Sheet) error {
	w := csv.NewWriter(to)
	w.UseCRLF = true // RFC 4180
	if err := w.Write(inert(s.Columns)); err != nil {
		return err
	}
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		if err := w.Write(inert(row)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func inert(row []string) []string {
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = Inert(cell)
	}
	return cells
}

// sheetName is what the only sheet is called.
const sheetName = "Sheet1"

// writeXLSX writes cells as texts, which no program calculates.
func writeXLSX(to io.Writer, s Sheet) (err error) {
	file := excelize.NewFile()
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	bold, err := file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	w, err := file.NewStreamWriter(sheetName)
	if err != nil {
		return err
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	if err := w.SetRow("A1", cells(s.Columns), excelize.RowOpts{StyleID: bold}); err != nil {
		return err
	}
	at := 1
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		at++
		if err := w.SetRow(fmt.Sprintf("A%d", at), cells(row)); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = file.WriteTo(to)
	return err
}

func cells(row []string) []any {
	list := make([]any, len(row))
	for i, cell := range row {
		list[i] = cell
	}
	return list
}

// Of reads a list page by page: next returns one page, and whether there is another.
func Of[T any](next func() (list []T, more bool, err error), row func(T) []string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for more := true; more; {
			list, again, err := next()
			if err != nil {
				yield(nil, err)
				return
			}
			for _, x := range list {
				if !yield(row(x), nil) {
					return
				}
			}
			more = again
		}
	}
}

// All reads a list that is there already.
func All[T any](list []T, row func(T) []string) iter.Seq2[[]string, error] {
	return Of(func() ([]T, bool, error) { return list, false, nil }, row)
}

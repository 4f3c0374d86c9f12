package export

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// FuzzCells writes any text into files: no spreadsheet takes it for a formula, and
// what is read back is what was written.
func FuzzCells(f *testing.F) {
	for _, text := range []string{"", "=1", " =1", "\ufeff\u00a0=1", "-5", "-", "--5", "-5e1", "＝1", "\x00=1", "a\r\nb", "\"", "a,b", "\t@x", "\xff=1", "'=1", "\r"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		sheet := Sheet{Name: a, Columns: []string{a, "x"}, Rows: All([]string{b}, func(x string) []string { return []string{x, "y"} })}
		var text bytes.Buffer
		if err := writeCSV(&text, sheet); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q reads %q, %v", text.String(), rows, err)
		}
		for i, cell := range []string{a, b} {
			got := rows[i][0]
			if begin := strings.TrimLeft(got, " \u00a0\ufeff\v\f"); !plainNumber.MatchString(got) && strings.IndexAny(begin, "=+-@＝＋－＠\t\r\n\x00") == 0 {
				t.Fatalf("%q is written as %q, a formula", cell, got)
			}
			same := strings.NewReplacer("\r", "") // the library writes no return but at the ends of lines
			if same.Replace(strings.TrimPrefix(got, "'")) != same.Replace(strings.TrimPrefix(cell, "'")) {
				t.Fatalf("%q reads %q", cell, got)
			}
		}
		if name := Formats[0].File(sheet, time.Time{}); strings.ContainsAny(name, "/\\\r\n\"\x00") || !utf8.ValidString(name) {
			t.Fatalf("a file is called %q", name)
		}
	})
}

// FuzzSpreadsheets does the same with spreadsheets, which take a hundred times as long.
func FuzzSpreadsheets(f *testing.F) {
	for _, text := range []string{"", "=1", "a\r\nb", "\x00", "_x0041_", "<a>&", strings.Repeat("x", 40_000), "\ufffe", "'"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var content bytes.Buffer
		err := writeXLSX(&content, Sheet{Name: a, Columns: []string{a, "x"}, Rows: All([]string{b}, func(x string) []string { return []string{x, "y"} })})
		if err != nil {
			if utf8.ValidString(a + b) {
				t.Fatal(err)
			}
			return
		}
		book, err := excelize.OpenReader(&content)
		if err != nil {
			t.Fatalf("%q and %q make no spreadsheet: %v", a, b, err)
		}
		defer func() { _ = book.Close() }()
		for _, cell := range []string{"A1", "A2"} {
			if formula, err := book.GetCellFormula(book.GetSheetName(0), cell); err != nil || formula != "" {
				t.Fatalf("%q and %q make the formula %q, %v", a, b, formula, err)
			}
		}
		if beside, err := book.GetCellValue(book.GetSheetName(0), "B2"); err != nil || beside != "y" {
			t.Fatalf("%q and %q leave %q beside them, %v", a, b, beside, err)
		}
	})
}

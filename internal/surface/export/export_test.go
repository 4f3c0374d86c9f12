package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func TestNoCellOfACSVIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+49 30 1": "'+49 30 1", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		" =1": "' =1", "\ufeff=1": "'\ufeff=1", "＝1": "'＝1", "-": "'-",
		"-5": "-5", "-5.5": "-5.5", "12": "12", "a=b": "a=b", "": "", "Zoë": "Zoë", "cn=ada": "cn=ada",
	} {
		if got := Inert(cell); got != want {
			t.Errorf("%q is written as %q, not %q", cell, got, want)
		}
	}
	var b bytes.Buffer
	if err := writeCSV(&b, Sheet{Columns: []string{"=A", "B"}, Rows: All([]string{"=cmd|'/c calc'!A0"}, func(x string) []string { return []string{x, "b,\"c\"\nd"} })}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][0] != "'=A" || rows[1][0] != "'=cmd|'/c calc'!A0" || rows[1][1] != "b,\"c\"\nd" {
		t.Errorf("read back: %q, %v", rows, err)
	}
}

func TestASpreadsheetHoldsTextsWhereTheListDoes(t *testing.T) {
	var b bytes.Buffer
	f, _ := FormatOf("xlsx")
	if err := f.Write(&b, Sheet{Columns: []string{"Name", "Key"}, Rows: All([]string{"=1+1", "Zoë"}, func(x string) []string { return []string{x, "001"} })}); err != nil {
		t.Fatal(err)
	}
	file, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := file.GetRows(sheetName)
	if err != nil || fmt.Sprint(rows) != "[[Name Key] [=1+1 001] [Zoë 001]]" {
		t.Errorf("read back: %q, %v", rows, err)
	}
	if formula, err := file.GetCellFormula(sheetName, "A2"); formula != "" || err != nil {
		t.Errorf("a text became the formula %q, %v", formula, err)
	}
}

func TestAListThatIsCutSaysSo(t *testing.T) {
	s := Sheet{Columns: []string{"n"}, Rows: All([]int{1, 2, 3}, func(n int) []string { return []string{fmt.Sprint(n)} })}
	for most, want := range map[int]string{3: "n\r\n1\r\n2\r\n3\r\n", 2: "n\r\n1\r\n2\r\n\"Cut off: a file holds 2 rows"} {
		var b bytes.Buffer
		if err := writeCSV(&b, s.cut(most)); err != nil || !strings.HasPrefix(b.String(), want) || most == 3 && b.String() != want {
			t.Errorf("at most %d rows: %q, %v", most, b.String(), err)
		}
	}
}

func TestAListThatFailsFails(t *testing.T) {
	pages := 0
	wrong := errors.New("the store is gone")
	for _, f := range Formats {
		pages = 0
		err := f.Write(&bytes.Buffer{}, Sheet{Columns: []string{"n"}, Rows: Of(func() ([]int, bool, error) {
			if pages++; pages == 2 {
				return nil, false, wrong
			}
			return []int{1}, true, nil
		}, func(int) []string { return []string{"1"} })})
		if !errors.Is(err, wrong) {
			t.Errorf("%s: %v", f.ID, err)
		}
	}
}

func TestAFileIsCalledByWhatItHoldsAndTheDay(t *testing.T) {
	f, _ := FormatOf("csv")
	if got := f.File(Sheet{Name: "directory Person\r\n\"x"}, time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)); got != "provisor-directory-Person-x-2026-03-01.csv" {
		t.Error(got)
	}
}

// dropped takes everything and keeps nothing.
type dropped struct{}

func (dropped) Write(p []byte) (int, error) { return len(p), nil }

// Sixty megabytes of text leave a few in memory.
func TestMemoryDoesNotGrowWithTheList(t *testing.T) {
	for _, f := range Formats {
		var before, now, most runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		page, pages := make([]int, 1000), 0
		text := strings.Repeat("x", 100)
		err := f.Write(dropped{}, Sheet{Columns: []string{"a", "b", "c"}, Rows: Of(func() ([]int, bool, error) {
			if pages++; pages%25 == 0 {
				runtime.GC()
				if runtime.ReadMemStats(&now); now.HeapAlloc > most.HeapAlloc {
					most = now
				}
			}
			return page, pages < 200, nil
		}, func(int) []string { return []string{text, text, text} })})
		if err != nil {
			t.Fatal(err)
		}
		if grown := int64(most.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
			t.Errorf("%s: %d MiB are held for a list of 60", f.ID, grown>>20)
		}
	}
}

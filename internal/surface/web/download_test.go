package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

// exported are the lists that can be had as files, each with a column by which a
// row is known to be of a person; "" where rows are of nobody.
var exported = map[string]string{
	"/orders": "Key", "/orders?waits=review": "Key", "/states/1": "Key", "/states/4": "Key", "/directory/Person": "Key", "/review": "Key", "/manual": "Key",
	"/reconciliation": "Key", "/reconciliation/roles": "Key", "/requests?show=settled": "Key", "/roles/" + askedRole: "Key",
	"/roles": "", "/rules": "", "/connectors": "", "/connectors/crm": "", "/journal": "", "/jobs": "", "/messages": "", "/profiles": "",
}

// sheet is a list as a file; nil where it is refused.
func sheet(t *testing.T, h http.Handler, address, as string) ([][]string, http.Header) {
	t.Helper()
	between := "?"
	if strings.Contains(address, "?") {
		between = "&"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address+between+"export="+as, nil))
	if w.Code != http.StatusOK {
		return nil, w.Header()
	}
	if as == "csv" {
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		return rows, w.Header()
	}
	file, err := excelize.OpenReader(w.Body)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	defer file.Close()
	rows, err := file.GetRows("Sheet1")
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return rows, w.Header()
}

func TestEveryListIsHadAsAFileInBothForms(t *testing.T) {
	e := laid(t)
	open := everybodysPages(e)
	for address := range exported {
		texts, header := sheet(t, open, address, "csv")
		if len(texts) == 0 {
			t.Errorf("%s is not exported", address)
			continue
		}
		if !regexp.MustCompile(`^attachment; filename="provisor-[a-zA-Z0-9.-]+-\d{4}-\d\d-\d\d\.csv"$`).MatchString(header.Get("Content-Disposition")) {
			t.Errorf("%s is called %s", address, header.Get("Content-Disposition"))
		}
		cells, _ := sheet(t, open, address, "xlsx")
		if len(cells) != len(texts) || fmt.Sprint(cells[0]) != fmt.Sprint(texts[0]) {
			t.Errorf("%s has %d rows as CSV and %d as a spreadsheet", address, len(texts), len(cells))
		}
		page := httptest.NewRecorder()
		open.ServeHTTP(page, httptest.NewRequest(http.MethodGet, address, nil))
		if !strings.Contains(page.Body.String(), "export=csv") {
			t.Errorf("%s does not lead to its file", address)
		}
	}
}

func TestAnExportIsTheWholeListAsItIsFiltered(t *testing.T) {
	e := laid(t)
	h := everybodysPages(e)
	all := 0
	for f := (view.OrderFilter{Limit: view.MaxLimit}); ; {
		page, err := e.Views().Orders(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		all += len(page.Orders)
		if f.After = page.After; f.After == 0 {
			break
		}
	}
	rows, _ := sheet(t, h, "/orders", "csv")
	if len(rows)-1 != all || all < 60 {
		t.Errorf("%d of %d orders are exported", len(rows)-1, all)
	}
	paged, _ := sheet(t, h, "/orders?after=9", "csv")
	if len(paged) != len(rows) {
		t.Errorf("from the second page %d rows are exported, not %d", len(paged), len(rows))
	}
	kind := slices.Index(rows[0], "Kind")
	some, _ := sheet(t, h, "/orders?kind="+rows[1][kind], "csv")
	for _, row := range some[1:] {
		if row[kind] != rows[1][kind] {
			t.Fatalf("a list of %ss holds a %s", rows[1][kind], row[kind])
		}
	}
	if len(some) < 2 {
		t.Error("a filtered list is empty")
	}
	if none, header := sheet(t, h, "/orders", "pdf"); none != nil || header.Get("Content-Disposition") != "" {
		t.Error("there is no such form")
	}
}

func TestNobodyExportsARowOutsideHisScope(t *testing.T) {
	e := laid(t)
	asked, files, rows := 0, 0, 0
	for _, s := range seats(t, e) {
		if !s.scoped {
			continue
		}
		h := askedBy(e, &s.who)
		for address, column := range exported {
			asked++
			page := httptest.NewRecorder()
			h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, address, nil))
			list, _ := sheet(t, h, address, "csv")
			if (page.Code == http.StatusOK) != (list != nil) {
				t.Errorf("%s: the page of %s answers %d, its file has %d rows", s.profile, address, page.Code, len(list))
			}
			if list == nil {
				continue
			}
			files++
			if column == "" {
				continue
			}
			at := slices.Index(list[0], column)
			for _, row := range list[1:] {
				if rows++; row[at] == string(s.outside.person.Key) {
					t.Errorf("%s: the file of %s has a row of %s", s.profile, address, row[at])
				}
			}
		}
	}
	if files == 0 || rows == 0 {
		t.Errorf("of %d lists %d were files, with %d rows: nothing was looked at", asked, files, rows)
	}
}

// everybodysPages are the pages as they are where nobody signs in.
func everybodysPages(e *loop.Engine) http.Handler { return withAPI(e, options(e)) }

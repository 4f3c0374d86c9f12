package remote

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/internal/surface/export"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// paged is a server whose lists have five rows, two on a page, and in the journal a
// page without any; its cursors mean nothing to anybody.
func paged(t *testing.T) *Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rows := []string{"1", "2", "3", "4", "5"}
		page := 0
		if after := r.URL.Query().Get("after"); after != "" {
			text, ours := strings.CutPrefix(after, "opaque-")
			n, err := strconv.Atoi(text)
			if !ours || err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			page = n
		}
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		from := min(page, len(rows))
		to := min(from+min(2, limit), len(rows))
		if r.URL.Path == "/api/v1/journal" && page == 100 { // nothing in all that was looked through
			_, _ = io.WriteString(w, `{"items":[],"next":"opaque-2"}`)
			return
		}
		items := make([]string, 0, 2)
		for _, id := range rows[from:to] {
			items = append(items, fmt.Sprintf(`{"id":%s,"seq":%s,"key":"E%s","display":"Same Name"}`, id, id, id))
		}
		next := ""
		switch {
		case r.URL.Path == "/api/v1/journal" && to == 2:
			next = "opaque-100"
		case to < len(rows):
			next = fmt.Sprintf("opaque-%d", to)
		}
		_, _ = fmt.Fprintf(w, `{"items":[%s],"next":%q}`, strings.Join(items, ","), next)
	}))
	t.Cleanup(s.Close)
	return &Server{Client: &client.Client{URL: s.URL}}
}

func TestAServersListsAreReadToTheirEndOverItsCursors(t *testing.T) {
	for name, of := range map[string]func(view.Asked) (*export.Sheet, int){
		"people": func(q view.Asked) (*export.Sheet, int) {
			return sheets.People(t.Context(), q, view.PeopleFilter{Entity: "Person"}), 1
		},
		"orders": func(q view.Asked) (*export.Sheet, int) {
			return sheets.Orders(t.Context(), q, "orders", view.OrderFilter{}), 0
		},
		"requests": func(q view.Asked) (*export.Sheet, int) {
			return sheets.Requests(t.Context(), q, view.RequestFilter{}), 0
		},
		"journal": func(q view.Asked) (*export.Sheet, int) {
			return sheets.Journal(t.Context(), q, view.JournalFilter{}), 0
		},
		"runs": func(q view.Asked) (*export.Sheet, int) { return sheets.Runs(t.Context(), q, view.RunFilter{}), 0 },
		"messages": func(q view.Asked) (*export.Sheet, int) {
			return sheets.Messages(t.Context(), q, view.MessageFilter{}), 0
		},
	} {
		s, column := of(paged(t).Ask())
		var read []string
		for row, err := range s.Rows {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if read = append(read, strings.TrimPrefix(row[column], "E")); len(read) > 20 {
				t.Fatalf("%s does not end", name)
			}
		}
		if !slices.Equal(read, []string{"1", "2", "3", "4", "5"}) {
			t.Errorf("of %s are read %q", name, read)
		}
	}
}

func TestThePartOfTheJournalThatIsAskedForKnowsWhetherThereIsMore(t *testing.T) {
	ask := paged(t).Ask()
	for limit, more := range map[int]bool{1: true, 3: true, 5: false, 9: false} {
		page, err := ask.Journal(t.Context(), view.JournalFilter{Limit: limit})
		if err != nil || len(page.Entries) != min(limit, 5) || (page.Before != 0) != more {
			t.Errorf("of %d: %d entries, before %d, %v", limit, len(page.Entries), page.Before, err)
		}
	}
}

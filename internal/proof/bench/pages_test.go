package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/connector/manual"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/web"
	"provisor.dev/provisor/internal/view"
)

// laidConfiguration is what the laid store would have been evaluated by.
func laidConfiguration() string {
	var text strings.Builder
	text.WriteString(`connectors:
  hr:
    connections: {files: {package: csv, settings: {folder: hr}}}
    entities:
      Person:
        from: {connection: files, table: people.csv}
        key: id
        identifiers: [mail]
        display: "first + ' ' + last"
        properties: {id: {type: string}, first: {type: string}, last: {type: string}, mail: {type: string}, grade: {type: int}, department: {link: Department}}
      Department:
        from: {connection: files, table: departments.csv}
        key: id
        display: id
        properties: {id: {type: string}}
  directory:
    connections: {desk: {package: manual, settings: {unsynchronized: true, instructions: "Do it."}}}
    entities:
      Account:
        from: {connection: desk}
        key: name
        display: name
        properties: {name: {type: string}`)
	for i := range valuesEach {
		fmt.Fprintf(&text, ", v%d: {type: string}", i)
	}
	text.WriteString("}\ncategories: {all: {name: All}}\nresourceTypes:\n")
	for i := range accountsEach {
		fmt.Fprintf(&text, "  T%d:\n    source: Person\n    target: Account\n    provisioning: {connection: desk, enabled: true}\n    who: [{}]\n    values: {name: {expression: \"'T%d ' + source.id\", once: true}", i, i)
		for v := range valuesEach {
			fmt.Fprintf(&text, ", v%d: {expression: \"'v%d of ' + source.id\"}", v, v)
		}
		text.WriteString("}\n")
	}
	text.WriteString("roles:\n")
	for i := range rolesLaid {
		fmt.Fprintf(&text, "  r%d: {name: Role %d, category: all, entity: Person, approval: one, assign: [{when: \"source.grade == %d\"}]}\n", i, i, i%12)
	}
	return text.String()
}

// laidSite is the pages and the JSON API over the laid store, as a server has them;
// nothing else is at work.
func laidSite(ctx context.Context, b *testing.B, store *statement.DB) http.Handler {
	b.Helper()
	dir := b.TempDir()
	err := os.MkdirAll(filepath.Join(dir, "config"), 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config", "all.yaml"), []byte(laidConfiguration()), 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	e := loop.Over(store, dir, []connector.Package{csvfile.Package(), manual.Package()})
	e.Actor = journal.Actor{Process: "bench", As: personKey(7)}
	c, err := e.Files()
	if err == nil {
		err = e.Deploy(ctx, c, "bench")
	}
	if err != nil {
		b.Fatal(err)
	}
	clock, log := func() time.Time { return laidAt.Add(24 * time.Hour) }, slog.New(slog.DiscardHandler)
	within := func(f access.Filter) reach.Questions { return view.Named(e.Views().Within(f), e.Model) }
	pages := web.New(web.Options{
		Questions: within(access.Everything()), Within: within, Model: e.Model, Entities: e.Owners, Company: "Larkfield", Version: "bench", Clock: clock, Log: log, Local: e.Actor,
		Desks: e.Desks(), Changes: e.ChangeCounter, RunsTouched: e.RunsTouched, Schedules: e.Schedules, Recompute: e.RecomputeAs, Explain: e.Explain,
		VerifyJournal: e.VerifyJournal, Messages: e.MessageDesk(), Folder: os.DirFS(dir),
	})
	api.Register(pages, api.Options{
		Within: within, Model: e.Model, Entities: e.Owners, Answers: e.DB, Desks: e.Desks(), Local: e.Actor, Explain: e.Explain, Schedules: e.Schedules,
		Recompute: e.RecomputeAs, VerifyJournal: e.VerifyJournal, Folder: os.DirFS(dir), Clock: clock, Log: log,
	})
	return pages
}

// listAddresses are the pages and operations that list, each as it is opened in its
// ways.
func listAddresses(people int) []string {
	someone, called := personKey(9_973%people), named(7919, 1_200)
	person := "/directory/Person/" + someone
	return []string{
		"/", "/directory/Person", "/directory/Person?q=ca", "/directory/Person?q=" + called, "/directory/Person?sort=key",
		person, person + "/accounts", person + "/profile", person + "/history", person + "/why", person + "/request", person + "/request/r7",
		"/requests", "/requests?show=open", "/requests?show=settled",
		"/review", "/review?type=T0", "/review?type=T3", "/review?kind=deletion", "/review?q=" + called, "/review?age=72h",
		"/review/properties", "/review/properties?type=T0", "/review/properties?type=T0&property=v3",
		"/manual", "/manual?q=" + called,
		"/reconciliation", "/reconciliation?type=T2", "/reconciliation/properties", "/reconciliation/properties?type=T2", "/reconciliation/roles", "/reconciliation/roles?role=r7",
		"/orders", "/orders?kind=deletion", "/orders?type=T4", "/orders?q=" + called, "/states", "/states/1", "/states/4", "/states/5",
		"/connectors", "/connectors/directory", "/connectors/hr", "/roles", "/roles/r7", "/rules", "/jobs", "/journal", "/journal?q=nothing", "/messages", "/workflows", "/profiles",
		api.Root + "/people", api.Root + "/people/Person", api.Root + "/people/Person?q=ca", api.Root + "/people/Person/" + someone, api.Root + "/people/Person/" + someone + "/why",
		api.Root + "/orders", api.Root + "/orders?state=Pending", api.Root + "/states", api.Root + "/requests", api.Root + "/reconciliation", api.Root + "/found-roles",
		api.Root + "/journal", api.Root + "/roles", api.Root + "/roles/r7/holders", api.Root + "/rules", api.Root + "/connectors", api.Root + "/connectors/directory", api.Root + "/jobs",
	}
}

// opened asks for an address as a browser does, and answers how many rows it shows.
func opened(h http.Handler, address string) (int, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	if w.Code != http.StatusOK {
		return 0, fmt.Errorf("%s answers %d: %s", address, w.Code, w.Body)
	}
	return strings.Count(w.Body.String(), "data-row"), nil
}

package signin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/view"
)

// answerWithin is long for an answer on a machine under load: what takes longer hangs.
const answerWithin = 20 * time.Second

// attacked is a server that somebody who may do everything sends nonsense to.
type attacked struct {
	*house
	pages  http.Handler
	writes []string // the addresses of all operations that act
	bodies map[string]map[string]any
	known  map[string]string // what a field of a name may well hold
	order  string
}

func attack(t testing.TB, store string) *attacked {
	t.Helper()
	h := buildIn(t, "roles: {team-lunch: {name: Team lunch, category: front-office-teams, entity: Person, approval: one}}\n", store)
	person := resources.Ref{Type: "Person", Key: "E00005"}
	// Whatever he ends or revokes, he goes on.
	root := access.Resolve("root", person, access.BuiltIn(), []access.Given{{Profile: access.Administrator}})
	h.who = &root
	x := &attacked{house: h, pages: h.serve(t, signin.Options{Required: true}).Config.Handler, bodies: map[string]map[string]any{}}
	h.add(t, "root", "administrator", person)
	h.add(t, "anna", "", resources.Ref{})
	page, err := h.Views().Orders(t.Context(), view.ReviewQueue())
	if err != nil || len(page.Orders) == 0 {
		t.Fatal("nothing waits", err)
	}
	x.order = page.Orders[0].ID.String()
	x.known = map[string]string{
		"entity": "Person", "person": page.Orders[0].Owner.Key, "role": "team-lunch", "profile": "auditor", "account": "anna", "password": "wrong",
	}
	w := httptest.NewRecorder()
	x.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		if op, acts := d.Paths[path]["post"]; acts {
			x.writes = append(x.writes, path)
			body, _ := x.value(op.RequestBody.Content["application/json"].Schema, "", d.Components.Schemas).(map[string]any)
			if body["account"] != nil { // or a person, and not both
				delete(body, "entity")
				delete(body, "person")
			}
			x.bodies[path] = body
		}
	}
	if len(x.writes) < 20 {
		t.Fatalf("only %d operations act", len(x.writes))
	}
	return x
}

// value is one that fits a schema, and means something where its name says what.
func (x *attacked) value(schema map[string]any, name string, all map[string]map[string]any) any {
	if ref, is := schema["$ref"].(string); is {
		return x.value(all[strings.TrimPrefix(ref, "#/components/schemas/")], name, all)
	}
	if list, is := schema["enum"].([]any); is {
		return list[0]
	}
	kind := schema["type"]
	if several, is := kind.([]any); is {
		kind = several[0]
	}
	switch kind {
	case "object":
		body := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		for field, of := range properties {
			if field != "$schema" && field != "scope" && field != "items" {
				body[field] = x.value(of.(map[string]any), field, all)
			}
		}
		return body
	case "array":
		return []any{x.value(schema["items"].(map[string]any), name, all)}
	case "integer":
		return 1
	case "boolean":
		return true
	}
	if schema["format"] == "date" {
		return "2026-03-31"
	}
	if known, is := x.known[name]; is {
		return known
	}
	return "x"
}

// send asks one operation and fails on whatever is not an answer: a crash, a hang,
// something wrong inside, or words that are no problem.
func (x *attacked) send(t *testing.T, path, id string, body []byte) int {
	t.Helper()
	at := path
	for strings.Contains(at, "{") {
		from, to := strings.Index(at, "{"), strings.Index(at, "}")
		at = at[:from] + url.PathEscape(id) + at[to+1:]
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
	u, err := url.Parse(at)
	if err != nil {
		t.Skip("no address can be made of this")
	}
	r.URL, r.RequestURI = u, at
	r.Header.Set("Content-Type", "application/json")
	w, began := httptest.NewRecorder(), time.Now()
	x.pages.ServeHTTP(w, r)
	if took := time.Since(began); took > answerWithin {
		t.Errorf("%s takes %v for %.200q", at, took, body)
	}
	if w.Code >= http.StatusInternalServerError {
		t.Errorf("%s answers %d to %.300q: %s\n%s", at, w.Code, body, w.Body, x.log)
	}
	var problem struct{ Detail string }
	if w.Code >= http.StatusBadRequest && (json.Unmarshal(w.Body.Bytes(), &problem) != nil || problem.Detail == "") {
		t.Errorf("%s answers %d without saying what is wrong: %s", at, w.Code, w.Body)
	}
	return w.Code
}

// hostile are values that no field expects.
var hostile = []string{
	`null`, `true`, `-1`, `0`, `1e400`, `9223372036854775807`, `9223372036854775808`, `0.5`, `""`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\u202e"`,
	`"9999-12-31"`, `"0001-01-01"`, `"2026-02-30"`, `"%s%n"`, `"';--"`, `"../../x"`, `[]`, `[null]`, `{}`, `{"":""}`, `{"\u0000":"\u0000"}`, `["\u0000"]`, `[{}]`,
	`"` + strings.Repeat("x", 5000) + `"`, strings.Repeat("[", 200) + strings.Repeat("]", 200),
}

// bodies are those that are none, whatever the operation.
var noBodies = []string{
	"", "null", "[]", "{", "0", `"x"`, "{}", `{"a":1,"a":2}`, "\xff\xfe", "\ufeff{}", `{"why":"` + "\xff" + `"}`, strings.Repeat("[", 20_000),
	`{"why":"` + strings.Repeat("x", 300<<10) + `"}`, `{"unknown":{"` + strings.Repeat(`a":{"`, 2000),
}

// ids are numbers and names in addresses.
func (x *attacked) ids() []string {
	return []string{
		x.order, "1", "0", "-1", "9223372036854775807", "9223372036854775808", "1.5", "x", " ", "\x00", "\xff", "a/b", "..", "%", strings.Repeat("9", 300),
	}
}

// each is every operation with every nonsense, one field at a time.
func (x *attacked) each(do func(path, id string, body []byte)) {
	for _, path := range x.writes {
		whole := x.bodies[path]
		valid, _ := json.Marshal(whole) // texts, numbers and flags cannot fail
		for _, id := range x.ids() {
			do(path, id, valid)
		}
		for _, text := range noBodies {
			do(path, x.order, []byte(text))
		}
		for field := range whole {
			for _, text := range hostile {
				changed := map[string]any{}
				maps.Copy(changed, whole)
				changed[field] = json.RawMessage(text)
				parts := []string{}
				for name, v := range changed {
					content, _ := json.Marshal(v)
					if raw, is := v.(json.RawMessage); is {
						content = raw
					}
					parts = append(parts, fmt.Sprintf("%q:%s", name, content))
				}
				do(path, x.order, []byte("{"+strings.Join(parts, ",")+"}"))
			}
		}
	}
}

// holds checks that after all of it the journal is whole and nobody rose.
func (x *attacked) holds(t *testing.T) {
	t.Helper()
	if _, err := x.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

// FuzzActsOfPrograms sends every operation that acts what it does not expect, as
// somebody who may do everything. The seeds are played with every test.
func FuzzActsOfPrograms(f *testing.F) {
	x := attack(f, "")
	for i, path := range x.writes {
		valid, _ := json.Marshal(x.bodies[path])
		f.Add(uint8(i), x.order, valid)
		f.Add(uint8(i), "\x00", []byte(`{"why":"\u0000"}`))
		f.Add(uint8(i), "9223372036854775808", []byte(strings.Repeat("[", 1000)))
	}
	f.Fuzz(func(t *testing.T, op uint8, id string, body []byte) {
		x.send(t, x.writes[int(op)%len(x.writes)], id, body)
	})
}

func TestNoNonsenseBreaksAnActOfAProgram(t *testing.T) {
	inBothStores(t, "hostile", func(t *testing.T, x *attacked) {
		sent, statuses := 0, map[int]int{}
		x.each(func(path, id string, body []byte) {
			statuses[x.send(t, path, id, body)]++
			sent++
		})
		if statuses[http.StatusOK] == 0 || statuses[http.StatusUnprocessableEntity] == 0 || statuses[http.StatusBadRequest] == 0 || statuses[http.StatusNotFound] == 0 {
			t.Errorf("%d were sent, and nothing was reached: %v", sent, statuses)
		}
		x.holds(t)
		t.Logf("%d were sent: %v", sent, statuses)
	})
}

// inBothStores attacks a server on each database; name is that of the one of
// PostgreSQL.
func inBothStores(t *testing.T, name string, test func(*testing.T, *attacked)) {
	t.Run("sqlite", func(t *testing.T) { test(t, attack(t, "")) })
	t.Run("postgres", func(t *testing.T) {
		server := postgresql.ForTest(t)
		if err := server.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		test(t, attack(t, server.DSN(name)))
	})
}

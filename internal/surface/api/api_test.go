package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
)

var update = flag.Bool("update", false, "write docs/generated/openapi.json anew")

// described is what a server says that it answers.
func described(t *testing.T) []byte {
	t.Helper()
	g := routes.New(routes.Open{}, func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusForbidden) })
	api.Register(g, api.Options{Within: func(access.Filter) reach.Questions { return nil }, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	content, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, err)
	}
	return content
}

func TestTheDescriptionThatIsKeptIsTheOneThatIsServed(t *testing.T) {
	served := described(t)
	file := filepath.Join("..", "..", "..", "docs", "generated", "openapi.json")
	if *update {
		if err := os.WriteFile(file, served, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || !bytes.Equal(kept, served) {
		t.Errorf("docs/generated/openapi.json is not what is served: run `make generate` (%v)", err)
	}
}

// faultsOf lists what is wrong with a description: operations without a name, a
// summary or what a placeholder of their address is, and schemas that are none.
func faultsOf(t *testing.T, text []byte) (faults []string) {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			ID         string                      `json:"operationId"`
			Summary    string                      `json:"summary"`
			Responses  map[string]json.RawMessage  `json:"responses"`
			Parameters []struct{ Name, In string } `json:"parameters"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || len(d.Paths) == 0 {
		faults = append(faults, "it is no OpenAPI 3.1")
	}
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			if op.ID == "" || op.Summary == "" || ids[op.ID] || op.Responses["200"] == nil || op.Responses["403"] == nil {
				faults = append(faults, method+" "+path+" lacks a name of its own, a summary or an answer")
			}
			ids[op.ID] = true
			for _, p := range op.Parameters {
				if p.In == "path" && !strings.Contains(path, "{"+p.Name+"}") {
					faults = append(faults, method+" "+path+" has no place for "+p.Name)
				}
			}
			for _, piece := range strings.Split(path, "/") {
				if name, is := strings.CutPrefix(piece, "{"); is && !has(op.Parameters, strings.TrimSuffix(name, "}")) {
					faults = append(faults, method+" "+path+" does not say what "+piece+" is")
				}
			}
		}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	for name := range d.Components.Schemas {
		if _, err := c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			faults = append(faults, "schema "+name+": "+err.Error())
		}
	}
	return faults
}

func has(list []struct{ Name, In string }, name string) bool {
	for _, p := range list {
		if p.Name == name && p.In == "path" {
			return true
		}
	}
	return false
}

func TestTheDescriptionIsValid(t *testing.T) {
	served := described(t)
	for _, f := range faultsOf(t, served) {
		t.Error(f)
	}
	for planted, change := range map[string][2]string{
		"a reference that leads nowhere":  {`"#/components/schemas/State"`, `"#/components/schemas/Nowhere"`},
		"a place that nothing is said of": {`/api/v1/requests/{id}"`, `/api/v1/requests/{number}"`},
		"an operation without a name":     {`"operationId": "listOrders"`, `"operationId": ""`},
	} {
		broken := strings.ReplaceAll(string(served), change[0], change[1])
		if broken == string(served) || len(faultsOf(t, []byte(broken))) == 0 {
			t.Errorf("%s is not found", planted)
		}
	}
}

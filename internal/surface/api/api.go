// Package api is the interface for programs: everything under /api/v1, as JSON,
// described by /openapi.json, which is made from the handlers themselves.
//
// It promises that no operation exists without a permission, the same as that of
// the page which shows or does the same; that lists begin after a cursor that means
// nothing to anybody else, and never count beyond ten thousand; that errors are
// problem details which say where, what is wrong and what to do; and that a write
// with an Idempotency-Key is done once, however often it is sent. Programs show a
// token, and a page's script has its session. The answers to keys stand in the
// store: a crash between an act and its answer leaves a key that says so.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// Root is below what every operation stands.
const Root = "/api/v1"

// Answers is where the answers to idempotency keys are kept.
type Answers interface {
	ClaimAnswer(ctx context.Context, id, request string, expires, now time.Time) (kept stage.KeptAnswer, first bool, err error)
	KeepAnswer(ctx context.Context, id string, x stage.KeptAnswer) error
	DropAnswer(ctx context.Context, id string) error
}

// Options are what the interface is made of.
type Options struct {
	// Within answers questions about what a filter lets through.
	Within func(access.Filter) reach.Questions
	// Entities lists the entity types of people.
	Entities func(context.Context) ([]string, error)
	Answers  Answers
	// Desks hand out where people act, and Local is who acts where nobody signs in.
	Desks act.Desks
	Local journal.Actor
	// Model is the deployed role model.
	Model func(context.Context) (*roles.Model, error)
	// Explain proves what a person has and has not.
	Explain func(context.Context, view.Person, explain.Query) (explain.Proof, error)
	// Timeline says what changes for somebody up to a day.
	Timeline func(ctx context.Context, owner view.Owner, until time.Time) (explain.Timeline, error)
	// VerifyJournal recomputes the chain and says how many entries hold.
	VerifyJournal func(context.Context) (int64, error)
	// Schedules are those of the deployed configuration.
	Schedules func(context.Context) ([]runs.Schedule, error)
	// Recompute evaluates one owner anew, makes the orders that come of it, and says
	// what changed.
	Recompute func(ctx context.Context, who journal.Actor, owner resources.Ref) (*plan.Person, error)
	// Messages is where people say how they are told.
	Messages notify.Desk
	// SignIn lets a command line in by name and password; nil: nobody signs in.
	SignIn SignIn
	Folder fs.FS // where plans are kept
	Clock  func() time.Time
	Log    *slog.Logger // where errors go; nil: the default one
}

// A SignIn makes a token for whoever shows a name and a password.
type SignIn interface {
	Token(r *http.Request, name string, password secret.Text, called string, days int) (act.MadeToken, error)
}

// service is the interface at work.
type service struct {
	Options
	ask    reach.Questions
	api    huma.API
	large  chan struct{} // a place for what holds all of the store in memory
	began  string        // tells this process's error numbers from another's
	errors atomic.Int64
}

// Register adds the interface to the routes of a server.
func Register(g *routes.Registry, o Options) {
	s := newService(g, o)
	g.Refuse(Root+"/", s.refuse)
	s.orders()
	s.people()
	s.found()
	s.requests()
	s.workflows()
	s.model()
	s.planning()
	s.journal()
	s.jobs()
	s.profiles()
	s.tokens()
	s.signInAccounts()
	s.messages()
	g.Show(Root+"/", access.HomeView, s.nowhere)
	document := sync.OnceValue(s.document)
	g.Public(http.MethodGet, "/openapi.json", "it describes what can be asked, and shows nothing of anybody", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document()) // whoever asked may be gone
	})
}

func newService(g *routes.Registry, o Options) *service {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &service{Options: o, ask: reach.Narrowed(o.Within), large: make(chan struct{}, 1), began: strconv.FormatInt(o.Clock().UnixMilli(), 36)}
	json := huma.DefaultFormats["application/json"]
	s.api = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info: &huma.Info{
				Title: "Provisor", Version: "1",
				Description: "What people do on Provisor's pages, for programs. Show a token: `Authorization: Bearer`. Lists begin after the cursor that the page before named.",
			},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats: map[string]huma.Format{"application/json": json, "json": json}, DefaultFormat: "application/json",
		RejectUnknownQueryParameters: true,
	}, door{service: s, routes: g})
	return s
}

// alone waits until nobody else does what holds all of the store in memory.
func (s *service) alone(ctx context.Context) (done func(), err error) {
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, "wait for others", ctx.Err())
	}
}

// schemaName keeps types apart that bear one name in two packages.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch from := path.Base(t.PkgPath()); from {
	case ".", "view", "api":
		return name
	default:
		return strings.ToUpper(from[:1]) + from[1:] + name
	}
}

// document is the description of the interface.
func (s *service) document() []byte {
	text, err := json.MarshalIndent(s.api.OpenAPI(), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("api: the interface cannot be described: %v", err))
	}
	return append(text, '\n')
}

// needs is under what an operation carries its permission.
const needs = "permission"

// reveals marks an operation that is told or tells what nobody is to keep: neither its
// answer nor a hash of the request is kept, so a key has no effect. public says why nobody has to be known for one.
const (
	reveals = "reveals"
	public  = "public"
)

// requestBytesMax is more than the largest decision, with a long reason.
const requestBytesMax = 256 << 10

// door lets operations into the registry of routes, each with the permission that
// it carries: the registry stops the program on one that carries none.
type door struct {
	*service
	routes *routes.Registry
}

// Handle registers an operation.
func (d door) Handle(op *huma.Operation, handler func(huma.Context)) {
	permission, _ := op.Metadata[needs].(access.Permission)
	why, _ := op.Metadata[public].(string)
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if p := unreadable(r, op.MaxBodyBytes); p != nil {
			write(w, p)
			return
		}
		handler(humago.NewContext(op, r, w))
	}
	switch op.Method {
	case http.MethodPost:
		switch {
		case why != "":
			d.routes.Public(op.Method, op.Path, why, func(w http.ResponseWriter, r *http.Request) {
				answer(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, r)))
			})
		case op.Metadata[reveals] != nil:
			d.routes.Act(op.Path, permission, answer)
		default:
			d.routes.Act(op.Path, permission, d.once(answer))
		}
	case http.MethodGet:
		d.routes.Show(op.Path, permission, answer)
	default:
		panic(fmt.Sprintf("api: %s %s: what is looked at is GET, what acts is POST", op.Method, op.Path))
	}
}

// unreadable is the problem of a request that holds what is no text: not every store
// keeps it. Nil for all others; what is no JSON is said elsewhere.
func unreadable(r *http.Request, bytesMax int64) *Problem {
	p := problemOf(http.StatusBadRequest, "The address or the body holds what is no text.", "Send UTF-8 without the character 0.")
	if !routes.Readable(r) {
		return p
	}
	if r.Method != http.MethodPost {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, bytesMax+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(content), r.Body), r.Body}
	if err != nil || isText(content) {
		return nil
	}
	return p
}

// isText reports whether all texts of a JSON document are such as every store keeps.
// What is no JSON is said elsewhere.
func isText(document []byte) bool {
	if !bytes.Contains(document, []byte(`\u0000`)) {
		return true // nothing else in JSON stands for the character 0
	}
	for d := json.NewDecoder(bytes.NewReader(document)); ; {
		word, err := d.Token()
		if err != nil {
			return true
		}
		if text, is := word.(string); is && !routes.Text(text) {
			return false
		}
	}
}

// requestKey is under what a public operation finds from where it was asked.
type requestKey struct{}

// ServeHTTP answers by the registry, as all that is asked is.
func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.routes.ServeHTTP(w, r) }

// an operation is what a route is described by.
type operation struct {
	Needs   access.Permission
	Path    string // below Root
	Name    string
	Summary string
}

func (o operation) described(method string, problems ...int) huma.Operation {
	section, _, _ := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
	return huma.Operation{
		OperationID: o.Name, Method: method, Path: Root + o.Path, Summary: o.Summary, Tags: []string{section},
		Description:  "Needs the permission `" + string(o.Needs) + "`.",
		MaxBodyBytes: requestBytesMax, Metadata: map[string]any{needs: o.Needs},
		Errors: append(problems, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable),
	}
}

// body is an answer.
type body[T any] struct{ Body T }

// shows registers what is looked at.
func shows[I, O any](s *service, o operation, answer func(context.Context, *I) (O, error)) {
	register(s, o.described(http.MethodGet, http.StatusBadRequest), answer)
}

// makes registers what makes something that is shown once: its answer is not kept.
func makes[I, O any](s *service, o operation, answer func(context.Context, *I) (O, error)) {
	op := o.described(http.MethodPost, http.StatusBadRequest, http.StatusConflict)
	op.Description += " What is made is shown in this answer alone: a lost one is not repeated, whatever its `" + keyHeader + "`."
	op.Metadata[reveals] = true
	register(s, op, answer)
}

// hides registers what is told a password.
func hides[I, O any](s *service, o operation, answer func(context.Context, *I) (O, error)) {
	op := o.described(http.MethodPost, http.StatusBadRequest, http.StatusConflict)
	op.Description += " It is told a password, of which nothing is kept here: a lost answer is not repeated, whatever its `" + keyHeader + "`."
	op.Metadata[reveals] = true
	register(s, op, answer)
}

// acts registers what changes something.
func acts[I, O any](s *service, o operation, answer func(context.Context, *I) (O, error)) {
	op := o.described(http.MethodPost, http.StatusBadRequest, http.StatusConflict)
	op.Parameters = []*huma.Param{{
		Name: keyHeader, In: "header", Schema: &huma.Schema{Type: "string"},
		Description: "A text of your own, at most 200 characters. The same key with the same request is answered the same for a day, and done once.",
	}}
	register(s, op, answer)
}

func register[I, O any](s *service, op huma.Operation, answer func(context.Context, *I) (O, error)) {
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := answer(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, op.Path, err)
		}
		return &body[O]{out}, nil
	})
}

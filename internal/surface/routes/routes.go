// Package routes is the one place where the surfaces register what they answer.
//
// It promises that nothing is reached without a permission: a route is registered
// with the one that it needs, or as public with the reason why nobody has to be
// known, and anything else stops the server at its start. Whoever asks is found
// out before a handler runs, and what he may see goes with the request: rows that
// no permission of his reaches are not there. Requests by which another site would
// change something are refused for all routes alike.
//
// Packages web and api register here, and the server its own; who asks is found
// out by an Admission. Nothing is kept, so a crash leaves nothing.
package routes

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
)

// An Admission finds out who asks.
type Admission interface {
	// Who returns who asks, or Unknown when he has to sign in.
	Who(r *http.Request) (access.Principal, error)
}

// Unknown says that nobody knows who asks.
var Unknown = &fault.Error{Kind: fault.Denied, Op: "let in", Msg: "you are not signed in", Do: "Sign in."}

// Open lets everybody do everything: for a server that only this machine reaches
// and that has no accounts.
type Open struct{}

// Who knows nobody and refuses nobody.
func (Open) Who(*http.Request) (access.Principal, error) { return access.Everybody(), nil }

// A Route is an address with what it takes to reach it.
type Route struct {
	Method string // GET stands for HEAD, too
	Path   string
	Needs  access.Permission // "" of public routes only
	Public string            // why nobody has to be known; "" of all others
}

// String reads "GET /orders".
func (r Route) String() string { return r.Method + " " + r.Path }

// A Registry is every route that a server answers.
type Registry struct {
	who    Admission
	refuse func(http.ResponseWriter, *http.Request, error)
	under  map[string]func(http.ResponseWriter, *http.Request, error)
	mux    *http.ServeMux
	list   []Route
	chain  http.Handler
}

// New returns an empty registry. refuse answers those who are not let through: it
// is handed Unknown, or a fault.Denied that says what is missing, or a
// fault.Invalid for a method that the address does not know.
func New(who Admission, refuse func(http.ResponseWriter, *http.Request, error)) *Registry {
	g := &Registry{who: who, mux: http.NewServeMux(), under: map[string]func(http.ResponseWriter, *http.Request, error){}}
	g.refuse = func(w http.ResponseWriter, r *http.Request, err error) {
		for prefix, answer := range g.under {
			if strings.HasPrefix(r.URL.Path, prefix) {
				answer(w, r, err)
				return
			}
		}
		refuse(w, r, err)
	}
	crossing := http.NewCrossOriginProtection()
	crossing.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.refuse(w, r, &fault.Error{Kind: fault.Denied, Op: "let in", Msg: "another site asked for this", Do: "Open Provisor itself and do it there."})
	}))
	g.chain = crossing.Handler(http.HandlerFunc(g.known))
	return g
}

// Refuse answers those who are not let through below an address in another way:
// programs read other answers than people.
func (g *Registry) Refuse(below string, answer func(http.ResponseWriter, *http.Request, error)) {
	g.under[below] = answer
}

// Wrap puts something around every route: the first that is put stands nearest.
func (g *Registry) Wrap(around func(http.Handler) http.Handler) { g.chain = around(g.chain) }

// Show registers what is looked at.
func (g *Registry) Show(path string, needs access.Permission, h http.HandlerFunc) {
	g.add(Route{Method: http.MethodGet, Path: path, Needs: needs}, g.permitted(needs, h))
}

// Act registers what changes something.
func (g *Registry) Act(path string, needs access.Permission, h http.HandlerFunc) {
	g.add(Route{Method: http.MethodPost, Path: path, Needs: needs}, g.permitted(needs, h))
}

// Public registers what anybody reaches, with the reason why.
func (g *Registry) Public(method, path, why string, h http.HandlerFunc) {
	g.add(Route{Method: method, Path: path, Public: why}, h)
}

// add panics on a route that says neither which permission it needs nor why none:
// a program with such a route does not start.
func (g *Registry) add(r Route, h http.HandlerFunc) {
	if _, known := access.Describe(r.Needs); known == (r.Public != "") {
		panic(fmt.Sprintf("routes: %s needs the permission %q, and is public because %q: exactly one of the two, and a permission of the list", r, r.Needs, r.Public))
	}
	g.list = append(g.list, r)
	g.mux.Handle(r.Method+" "+r.Path, h)
}

// Routes lists what is registered, in the order of addresses.
func (g *Registry) Routes() []Route {
	list := slices.Clone(g.list)
	slices.SortFunc(list, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return list
}

// ServeHTTP answers.
func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.chain.ServeHTTP(w, r) }

// known answers for methods that an address does not know.
func (g *Registry) known(w http.ResponseWriter, r *http.Request) {
	if _, pattern := g.mux.Handler(r); pattern != "" {
		g.mux.ServeHTTP(w, r)
		return
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := g.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	g.refuse(w, r, &fault.Error{Kind: fault.Invalid, Op: "let in", Msg: "nothing can be changed here with " + r.Method})
}

// Text reports whether what came from outside is text that every store keeps: UTF-8
// without the character 0.
func Text(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// Readable reports whether an address holds text alone.
func Readable(r *http.Request) bool {
	for name, values := range r.URL.Query() {
		if !Text(name) || slices.ContainsFunc(values, func(v string) bool { return !Text(v) }) {
			return false
		}
	}
	return Text(r.URL.Path)
}

// permitted lets whoever has the permission for anything at all through; which
// rows he sees is for Rows and May to say.
func (g *Registry) permitted(needs access.Permission, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := g.who.Who(r)
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		if !who.Has(needs) {
			d, _ := access.Describe(needs)
			g.refuse(w, r.WithContext(As(r.Context(), who, "")), &fault.Error{
				Kind: fault.Denied, Op: "let in", Msg: "no profile of yours lets you " + d.About, Do: "Ask an administrator for a profile with " + string(needs) + ".",
			})
			return
		}
		h(w, r.WithContext(As(r.Context(), who, needs)))
	}
}

// asking is who asks, and what the route needed.
type asking struct {
	who   access.Principal
	needs access.Permission
}

type askingKey struct{}

// As notes who asks on a route that needs a permission.
func As(ctx context.Context, who access.Principal, needs access.Permission) context.Context {
	return context.WithValue(ctx, askingKey{}, asking{who, needs})
}

// Who returns who asks; the zero Principal, who may nothing, where no route let
// him in.
func Who(ctx context.Context) access.Principal {
	a, _ := ctx.Value(askingKey{}).(asking)
	return a.who
}

// Rows says which rows of a question that needs a permission belong on the page:
// those that this permission reaches and, where it is about rows as well, the
// route's.
func Rows(ctx context.Context, x access.Permission) access.Filter {
	a, _ := ctx.Value(askingKey{}).(asking)
	f := a.who.Filter(x)
	if d, _ := access.Describe(a.needs); d.Reach != access.Rows || a.needs == x {
		return f
	}
	return f.And(a.who.Filter(a.needs))
}

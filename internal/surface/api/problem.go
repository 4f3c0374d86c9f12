package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/routes"
)

// Problem says why something was not answered or not done (RFC 9457).
type Problem struct {
	Type    string   `json:"type,omitempty" doc:"Always about:blank: the status says the kind."`
	Title   string   `json:"title" doc:"The kind of problem, for people."`
	Status  int      `json:"status"`
	Detail  string   `json:"detail,omitempty" doc:"What is wrong."`
	Do      string   `json:"do,omitempty" doc:"What to do about it."`
	Number  string   `json:"number,omitempty" doc:"Under what the server's log says more."`
	Details []Detail `json:"errors,omitempty" doc:"Each thing that is wrong, and where."`
}

// Detail is one thing that is wrong, and where.
type Detail struct {
	Where string `json:"location,omitempty"`
	What  string `json:"message"`
	Do    string `json:"do,omitempty"`
}

// Error reads what is wrong.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType says that the answer is a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// The library makes what is wrong with a request through this variable: it is to
// look like every other problem.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := &Problem{Title: http.StatusText(status), Status: status, Detail: sentence(msg)}
		if status < http.StatusInternalServerError {
			p.Do = "Ask as /openapi.json describes it."
		}
		for _, err := range errs {
			var where huma.ErrorDetailer
			switch {
			case err == nil:
			case errors.As(err, &where):
				d := where.ErrorDetail()
				p.Details = append(p.Details, Detail{Where: d.Location, What: d.Message})
			default:
				p.Details = append(p.Details, Detail{What: err.Error()})
			}
		}
		return p
	}
}

// statuses are how kinds of errors are answered.
var statuses = map[fault.Kind]int{
	fault.NotFound: http.StatusNotFound, fault.Invalid: http.StatusBadRequest, fault.Denied: http.StatusForbidden,
	fault.Conflict: http.StatusConflict, fault.Refused: http.StatusConflict, fault.Unavailable: http.StatusServiceUnavailable,
}

// advice is what to do where an error does not say it itself.
var advice = map[int]string{
	http.StatusNotFound:   "It may be gone, or outside of what your profiles reach: the lists show what is there.",
	http.StatusBadRequest: "Ask as /openapi.json describes it.",
	http.StatusForbidden:  "Ask an administrator, or whoever it is for.",
	http.StatusConflict:   "Look again, and decide on what is there now.",
}

// problem is an error as programs read it. Of what went wrong inside it tells a
// number alone, under which the log knows it.
func (s *service) problem(ctx context.Context, where string, err error) error {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	kind := fault.KindOf(err)
	var refusal *orders.Refusal
	if errors.As(err, &refusal) {
		kind = fault.Refused
	}
	status, known := statuses[kind]
	if !known {
		status = http.StatusInternalServerError
	}
	p := &Problem{Title: http.StatusText(status), Status: status, Detail: sentence(err.Error())}
	var told *fault.Error
	if errors.As(err, &told) && told.Msg != "" {
		p.Detail, p.Do = sentence(told.Msg), sentence(told.Do)
	}
	if p.Do == "" {
		p.Do = advice[status]
	}
	var findings fault.Findings
	if errors.As(err, &findings) {
		for _, f := range findings {
			p.Details = append(p.Details, Detail{Where: f.Object, What: f.What, Do: f.Do})
		}
	}
	if status >= http.StatusInternalServerError && ctx.Err() == nil {
		p.Number = s.began + "-" + strconv.FormatInt(s.errors.Add(1), 10)
		p.Detail, p.Do = "Something went wrong here.", "Try again. If it stays, give the number to whoever runs Provisor: the log says more under it."
		s.Log.Error("a program could not be answered", "number", p.Number, "path", where, "err", err)
	}
	return p
}

// refuse answers whoever was not let through.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := new(Problem)
	_ = errors.As(s.problem(r.Context(), r.URL.Path, err), &p)
	switch {
	case errors.Is(err, routes.Unknown):
		p.Status, p.Detail, p.Do = http.StatusUnauthorized, "Nobody knows who asks.", "Show a token: Authorization: Bearer. `provisor token create` makes one."
		w.Header().Set("WWW-Authenticate", `Bearer realm="Provisor"`)
	case fault.KindOf(err) == fault.Invalid:
		p.Status, p.Do = http.StatusMethodNotAllowed, "Ask as /openapi.json describes it."
	}
	p.Title = http.StatusText(p.Status)
	write(w, p)
}

func write(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever asked may be gone
}

// nowhere answers for addresses that are none.
func (s *service) nowhere(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, &fault.Error{Kind: fault.NotFound, Msg: "there is nothing at " + r.URL.Path, Do: "/openapi.json lists what is there."})
}

// refused is a problem where nothing of an act was done; nil where something was.
func refused(done int, list []act.Refused) error {
	if done > 0 || len(list) == 0 {
		return nil
	}
	p := &Problem{
		Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict,
		Detail: "Nothing was changed: " + list[0].Why + ".", Do: advice[http.StatusConflict],
	}
	for _, r := range list {
		where := "account " + strconv.FormatInt(int64(r.Assigned), 10)
		if r.Order != 0 {
			where = "order " + r.Order.String()
		}
		p.Details = append(p.Details, Detail{Where: where, What: r.Why})
	}
	return p
}

// sentence makes a message one: "it is gone" reads "It is gone."
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

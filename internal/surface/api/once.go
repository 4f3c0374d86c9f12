package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/routes"
)

const (
	// keyHeader names a request, so that it can be sent again.
	keyHeader = "Idempotency-Key"
	// keyBytesMax is more than any identifier that programs make.
	keyBytesMax = 200
	// keptHours is how long an answer is kept: a program that tries longer than a day
	// asks anew.
	keptHours = 24
	// settleSeconds is what keeping an answer gets once whoever asked is gone.
	settleSeconds = 10
)

// once does a request with a key a single time: asked again, the answer is the
// kept one. A request without a key is done each time that it is sent.
func (s *service) once(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		if key == "" {
			next(w, r)
			return
		}
		content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
		if err != nil || len(key) > keyBytesMax {
			write(w, problemOf(http.StatusBadRequest, "The body or the "+keyHeader+" is too long.", "Send less at once."))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		now := s.Clock()
		// Two people may choose the same key: each has his own.
		id := digest(routes.Who(r.Context()).Account, key)
		asked := digest(r.Method, r.URL.RequestURI(), string(content))
		kept, first, err := s.Answers.ClaimAnswer(r.Context(), id, asked, now.Add(keptHours*time.Hour), now)
		switch {
		case err != nil:
			s.refuse(w, r, err)
		case first:
			s.keep(w, r, next, id, asked)
		case kept.Request != asked:
			write(w, problemOf(http.StatusConflict, "This "+keyHeader+" was used for another request.", "Use another key."))
		case kept.Status == 0:
			write(w, problemOf(http.StatusConflict, "A request with this "+keyHeader+" is being done, or was cut off.", "Wait, then look what was done; use another key to ask anew."))
		default:
			w.Header().Set("Idempotency-Replayed", "true")
			answerWith(w, kept)
		}
	}
}

// keep does what is asked and keeps the answer. Where the store or something else
// inside failed, the key is given back: what was decided by then carries the
// version that was seen and is not decided twice.
func (s *service) keep(w http.ResponseWriter, r *http.Request, next http.HandlerFunc, id, asked string) {
	noted := &note{header: w.Header(), status: http.StatusOK}
	next(noted, r)
	// Whoever asked may be gone: his key is settled all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleSeconds*time.Second)
	defer cancel()
	x := stage.KeptAnswer{Request: asked, Status: noted.status, Kind: w.Header().Get("Content-Type"), Content: noted.content.Bytes()}
	settle := s.Answers.KeepAnswer
	if x.Status >= http.StatusInternalServerError {
		settle = func(ctx context.Context, id string, _ stage.KeptAnswer) error { return s.Answers.DropAnswer(ctx, id) }
	}
	if err := settle(ctx, id, x); err != nil {
		s.Log.Error("an answer could not be kept", "path", r.URL.Path, "err", err)
	}
	answerWith(w, x)
}

func answerWith(w http.ResponseWriter, x stage.KeptAnswer) {
	w.Header().Set("Content-Type", x.Kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(x.Status)
	_, _ = w.Write(x.Content) // whoever asked may be gone
}

func problemOf(status int, detail, do string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Do: do}
}

// digest tells lists of texts apart.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// note takes an answer down before it is sent.
type note struct {
	header  http.Header
	status  int
	content bytes.Buffer
}

// Header are those of the answer.
func (n *note) Header() http.Header { return n.header }

// WriteHeader notes the status.
func (n *note) WriteHeader(status int) { n.status = status }

// Write notes content.
func (n *note) Write(p []byte) (int, error) { return n.content.Write(p) }

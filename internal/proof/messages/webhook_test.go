package messages_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/notify"
)

// A receiver is another system that takes what is posted.
type receiver struct {
	*httptest.Server
	lock   sync.Mutex
	fails  int // so many times it answers 503
	answer func(http.ResponseWriter, *http.Request) bool
	taken  []posted
}

// posted is what a receiver took.
type posted struct {
	head http.Header
	body string
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.lock.Lock()
		defer r.lock.Unlock()
		if r.answer != nil && r.answer(w, q) {
			return
		}
		if r.fails > 0 {
			r.fails--
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(q.Body)
		r.taken = append(r.taken, posted{q.Header.Clone(), string(body)})
	}))
	t.Cleanup(r.Close)
	return r
}

func hook(url, more string) string {
	return "messages:\n  url: https://provisor.example.org\n  webhooks:\n    chat: {url: \"" + url + "\", secret: \"secret:store/hook\"" + more + "}\n"
}

func TestAWebhookThatFailsFirstGetsWhatItsScopeReachesSignedAndOnce(t *testing.T) {
	r := receive(t)
	r.fails = 2
	h := build(t, hook(r.URL+"/in/key-of-the-address", ", topics: [review, manual], scope: {resourceTypes: [LedgerAccount]}"), nil)
	h.tell(t, 0)
	waits := h.outbox(t, "waiting")
	if len(waits) != 1 || !strings.Contains(waits[0].Why, "503") || strings.Contains(fmt.Sprint(waits), "key-of-the-address") {
		t.Fatalf("%+v", waits)
	}
	if sum := h.tell(t, 30*time.Second); sum.Failed+sum.Sent != 0 {
		t.Errorf("tried again before a minute is over: %+v", sum)
	}
	h.tell(t, time.Minute)
	h.tell(t, 2*time.Minute)
	h.tell(t, time.Hour)
	if len(r.taken) != 1 || len(h.outbox(t, "sent")) != 1 {
		t.Fatalf("%d were taken", len(r.taken))
	}
	got := r.taken[0]
	timestamp := got.head.Get(notify.TimestampHead)
	// As docs/operate/messages.md tells a receiver to do it.
	mac := hmac.New(sha256.New, []byte(canary))
	_, _ = fmt.Fprintf(mac, "%s.%s", timestamp, got.body)
	if want := fmt.Sprintf("sha256=%x", mac.Sum(nil)); got.head.Get(notify.SignatureHead) != want {
		t.Errorf("the signature is %q, not %q", got.head.Get(notify.SignatureHead), want)
	}
	if timestamp != fmt.Sprint(h.now.Add(-time.Hour).Unix()) {
		t.Errorf("posted at %s", timestamp)
	}
	var body struct {
		Matters []struct{ Topic, Title, Link string }
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	if want := h.waiting(t, "LedgerAccount"); len(body.Matters) != len(want) {
		t.Errorf("%d matters of %d orders", len(body.Matters), len(want))
	}
	for _, m := range body.Matters {
		if m.Topic != "review" || !strings.HasPrefix(m.Link, "https://provisor.example.org/review/") {
			t.Errorf("out of its scope: %+v", m)
		}
	}
	h.canarySeen(t, got.body, fmt.Sprint(got.head))
}

func TestAWebhookIsNotFollowedElsewhere(t *testing.T) {
	other, r := receive(t), receive(t)
	r.answer = func(w http.ResponseWriter, q *http.Request) bool {
		http.Redirect(w, q, other.URL, http.StatusTemporaryRedirect)
		return true
	}
	h := build(t, hook(r.URL, ""), nil)
	h.tell(t, 0)
	waits := h.outbox(t, "waiting")
	if len(other.taken) != 0 || len(waits) == 0 || !strings.Contains(waits[0].Why, "not followed elsewhere") {
		t.Errorf("%d went elsewhere: %+v", len(other.taken), waits)
	}
	for range 120 { // some days
		h.tell(t, time.Hour)
	}
	if failed := h.outbox(t, "failed"); len(failed) == 0 || failed[0].Attempts != 100 {
		t.Errorf("tried without an end: %+v", failed)
	}
	h.deploy(t, "messages: {url: \"https://provisor.example.org\"}\n")
	if _, err := h.RetryMessages(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	h.tell(t, time.Hour)
	if failed := h.outbox(t, "failed"); len(failed) == 0 || !strings.Contains(failed[0].Why, "does not name this webhook") {
		t.Errorf("%+v", failed)
	}
}

func TestAJobAndAReadingThatFailAreToldOnceToWhoRunsThem(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	h.account(t, "integrator@example.org", "integrator", access.Scope{})
	h.account(t, "desk@example.org", "technician", access.Scope{})
	h.tell(t, 0)
	before := len(s.to(t, "integrator@example.org"))
	h.fails = []notify.Failure{{Job: "round", Since: h.now, Why: "the disk is full"}}
	h.remove(t, "hr/employees.csv")
	if _, err := h.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h.tell(t, time.Minute)
	}
	var subjects []string
	for _, m := range s.to(t, "integrator@example.org")[before:] {
		subjects = append(subjects, m.read(t).Header.Get("Subject"))
	}
	if all := strings.Join(subjects, "\n"); len(subjects) != 2 || !strings.Contains(all, "job round fails") || !strings.Contains(all, "reading of Person failed") {
		t.Errorf("%v", subjects)
	}
	for _, m := range s.to(t, "desk@example.org") {
		if b := m.body(t); strings.Contains(b, "round") || strings.Contains(b, "reading of") {
			t.Errorf("a technician is told of jobs:\n%s", b)
		}
	}
	// Mended, and failing once more: a new matter.
	h.fails = nil
	h.tell(t, time.Minute)
	h.fails = []notify.Failure{{Job: "round", Since: h.now, Why: "the disk is full"}}
	h.tell(t, time.Minute)
	if got := s.to(t, "integrator@example.org")[before:]; len(got) != 3 {
		t.Errorf("%d mails", len(got))
	}
}

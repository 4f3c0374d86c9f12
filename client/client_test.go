package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/secret"
)

func TestALostReplyIsAskedForUnderTheSameKey(t *testing.T) {
	var keys []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) < 3 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		_, _ = io.WriteString(w, `{"decided":[1]}`)
	}))
	defer s.Close()
	c := client.Client{URL: s.URL, Token: secret.New("t")}
	if err := c.Decide(t.Context(), 1, "", client.Decision{Do: "approve", Version: 1}); err != nil {
		t.Fatal(err)
	}
	if len(slices.Compact(keys)) != 1 || keys[0] == "" {
		t.Errorf("it was sent under %q", keys)
	}
}

func TestWhatIsRefusedIsSentOnce(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"detail":"It changed.","do":"Look again.","errors":[{"location":"order 7","message":"version 2"}]}`)
	}))
	defer s.Close()
	err := (&client.Client{URL: s.URL}).Decide(t.Context(), 7, "k", client.Decision{})
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || n != 1 || err.Error() != "It changed. order 7: version 2. Look again." {
		t.Errorf("%d times: %v", n, err)
	}
}

func TestAListIsReadToItsEnd(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("kind") != "addition" || r.Header.Get("Authorization") != "Bearer t" || r.URL.Path != "/api/v1/orders" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		switch q.Get("after") {
		case "":
			_, _ = io.WriteString(w, `{"items":[{"id":1},{"id":2}],"next":"x"}`)
		case "x":
			_, _ = io.WriteString(w, `{"items":[{"id":3}]}`)
		}
	}))
	defer s.Close()
	c := client.Client{URL: s.URL + "/", Token: secret.New("t")}
	var ids []int64
	for o, err := range c.Orders(t.Context(), url.Values{"kind": {"addition"}}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	if !slices.Equal(ids, []int64{1, 2, 3}) {
		t.Errorf("read %v", ids)
	}
	for _, err := range c.Orders(t.Context(), nil) {
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != http.StatusBadRequest {
			t.Errorf("refused: %v", err)
		}
	}
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server is asked, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c := client.Client{URL: s.URL, Token: secret.New("canary-token")}
	_, err := c.Order(t.Context(), 1)
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, c, c), "canary") {
		t.Errorf("a redirect: %v", err)
	}
}

func TestARunIsBegunFollowedAndAborted(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		switch r.Method + " " + r.URL.Path + " " + string(content) {
		case `POST /api/v1/jobs {"connector":"hr","job":"synchronize"}`:
			_, _ = io.WriteString(w, `{"run":{"id":7,"state":"waiting"},"began":true}`)
		case "GET /api/v1/jobs/7 ":
			_, _ = io.WriteString(w, `{"id":7,"state":"running","steps":[{"name":"synchronize","done":3,"total":9,"counts":[{"name":"read","n":3}]}]}`)
		case `POST /api/v1/jobs/7/abort {"why":"wrong day"}`:
			_, _ = io.WriteString(w, `{"id":7,"state":"aborted"}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer s.Close()
	c := client.Client{URL: s.URL}
	r, began, err := c.StartRun(t.Context(), "synchronize", "hr", "", "")
	if err != nil || !began || r.ID != 7 || !r.Open() {
		t.Fatalf("begun: %+v %v %v", r, began, err)
	}
	r, err = c.Run(t.Context(), 7)
	if err != nil || r.State != "running" || r.Steps[0].Done != 3 || r.Steps[0].Counts[0].N != 3 {
		t.Errorf("followed: %+v %v", r, err)
	}
	r, err = c.AbortRun(t.Context(), 7, "k", "wrong day")
	if err != nil || r.Open() {
		t.Errorf("aborted: %+v %v", r, err)
	}
}

func TestWhatIsShownOnceIsAskedForOnce(t *testing.T) {
	n, key := 0, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, key = n+1, r.Header.Get("Idempotency-Key")
		if n == 1 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		_, _ = io.WriteString(w, `{"token":7,"account":"anna","text":"provisor_CANARY"}`)
	}))
	defer s.Close()
	c := client.Client{URL: s.URL}
	if _, err := c.SignIn(t.Context(), "anna", secret.New("canary"), "test", 1); err == nil || n != 1 || strings.Contains(err.Error(), "canary") {
		t.Errorf("a lost reply: asked %d times, %v", n, err)
	}
	made, err := c.CreateToken(t.Context(), "", "test", 1, "")
	if err != nil || key != "" || made.ID != 7 || made.Text.Reveal() != "provisor_CANARY" || strings.Contains(fmt.Sprintf("%v %+v %#v", made, made, made), "CANARY") {
		t.Errorf("made is %v, %v, under the key %q", made, err, key)
	}
}

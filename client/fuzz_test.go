package client_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/secret"
)

// says is a server that answers everything alike.
type says struct {
	status int
	text   []byte
}

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s.text))}, nil
}

// FuzzAnswers lets a server answer anything: it is an answer, or an error that says
// something and does not hold the token.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{"", "null", "{}", "[]", `{"items":null}`, `{"items":[{"id":"x"}]}`, `{"title":1}`, `{"detail":"x","errors":[{}]}`, "<html>", "\xff", `{"items":[],"next":7}`} {
		for _, status := range []int{200, 204, 302, 400, 401, 404, 599} {
			f.Add(status, []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		c := client.Client{URL: "https://provisor.example.org", Token: secret.New("canary-token"), HTTP: &http.Client{
			Transport: says{200 + (status%400+400)%400, text}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		var list client.Page[client.Order]
		for _, err := range []error{c.Get(t.Context(), "/orders", nil, &list), c.Make(t.Context(), "/tokens", struct{}{}, &list)} {
			if err != nil && (err.Error() == "" || bytes.Contains([]byte(err.Error()), []byte("canary-token"))) {
				t.Fatalf("the error is %q", err)
			}
		}
	})
}

// Package client asks a Provisor server from a program written in Go: it reads
// lists page by page, shows single things, and decides.
//
// It promises that a reply which was lost is asked for again under the same key, so
// that an act is done once; that what the server refuses comes back as a Problem,
// which says what is wrong and what to do; and that the token goes to that server
// alone and is printed nowhere. It depends on the standard library only. Nothing is
// kept: a crash leaves what the server did, and a key that its caller chose tells
// afterwards what that was.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"provisor.dev/provisor/secret"
)

const (
	// root is below what a server answers programs.
	root = "/api/v1"
	// answerBytesMax is more than the largest page; a server that sends more is none.
	answerBytesMax = 256 << 20
	// tries and pauseMilliseconds are how often an act whose reply was lost is sent,
	// and how long it rests before the second time; the rest doubles.
	tries             = 3
	pauseMilliseconds = 200
)

// A Client asks one server. Its zero HTTP uses one that follows no redirect: a
// token belongs to the server that it was made for.
type Client struct {
	URL   string // https://provisor.example.org
	Token secret.Text
	HTTP  *http.Client
}

// A Problem is why a server did not answer, or did nothing.
type Problem struct {
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"` // what is wrong
	Do      string   `json:"do"`     // what to do about it
	Number  string   `json:"number"` // under what the server's log says more
	Details []Detail `json:"errors"`
}

// Detail is one thing that is wrong, and where.
type Detail struct {
	Where string `json:"location"`
	What  string `json:"message"`
	Do    string `json:"do"`
}

// Error reads what is wrong and what to do.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = fmt.Sprintf("the server answers %d %s", p.Status, p.Title)
	}
	for _, d := range p.Details {
		text += " " + strings.TrimSpace(d.Where+": "+d.What) + "."
	}
	if p.Do != "" {
		text += " " + p.Do
	}
	return text
}

// A Page is a part of a list. Next is empty at its end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Get reads what is below /api/v1 into a value.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.send(ctx, http.MethodGet, path, "", nil, into)
}

// Post acts. key is the caller's own name for this act, by which it can be sent
// again, also after a crash; "" takes a new one. A reply that is lost, and a server
// that does not answer now, are tried again.
func (c *Client) Post(ctx context.Context, path, key string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	if key == "" {
		key = rand.Text()
	}
	pause := pauseMilliseconds * time.Millisecond
	for try := 1; ; try++ {
		err = c.send(ctx, http.MethodPost, path, key, content, into)
		var p *Problem
		if err == nil || try == tries || ctx.Err() != nil || errors.As(err, &p) && p.Status < http.StatusInternalServerError {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// Make asks for what is shown once, such as a token. It is sent once: a reply that
// is lost is not repeated, and what was made is worthless to everybody.
func (c *Client) Make(ctx context.Context, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	return c.send(ctx, http.MethodPost, path, "", content, into)
}

// noRedirects keeps the token from going elsewhere.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (c *Client) send(ctx context.Context, method, path, key string, content []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+root+path, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("ask %s: %w", c.URL, err)
	}
	if !c.Token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
	}
	through := c.HTTP
	if through == nil {
		through = noRedirects
	}
	answer, err := through.Do(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", c.URL, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.URL, err)
	}
	if answer.StatusCode != http.StatusOK {
		p := &Problem{}
		_ = json.Unmarshal(text, p) // what is no problem of ours keeps its status
		p.Status = answer.StatusCode
		if p.Title == "" {
			p.Title = http.StatusText(p.Status)
		}
		return p
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &Problem{Status: http.StatusBadGateway, Title: "No answer of Provisor", Detail: c.URL + " does not answer as Provisor does.", Do: "Check the address."}
	}
	return nil
}

// Each reads a whole list, page by page. It ends with the first error.
func Each[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		asked := url.Values{}
		for name, values := range query {
			asked[name] = values
		}
		for {
			var page Page[T]
			if err := c.Get(ctx, path, asked, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			asked.Set("after", page.Next)
		}
	}
}

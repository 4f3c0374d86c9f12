package policy

import (
	"net/http"
	"testing"
)

func TestWhatABrowserRefusesIsNamed(t *testing.T) {
	for page, want := range map[string]string{
		`<p style="color:red">`:                                      `<p>: an inline style: color:red`,
		`<style>p{}</style>`:                                         `<style>: the policy lets none through`,
		`<script>alert(1)</script>`:                                  `<script>: an inline script`,
		`<script src="/static/app.js">alert(1)</script>`:             `an inline script: alert(1)`,
		`<script src="https://cdn.example/x.js"></script>`:           `<script>: src leads elsewhere: https://cdn.example/x.js`,
		`<img src=x onerror=alert(1)>`:                               `<img>: an inline handler: onerror`,
		`<svg/onload=alert(1)>`:                                      `<svg>: an inline handler: onload`,
		`<div hx-on:click="x()">`:                                    `<div>: an inline handler: hx-on:click`,
		`<img src="data:image/png;base64,AAAA">`:                     `<img>: src leads elsewhere: data:image/png;base64,AAAA`,
		`<img srcset="//elsewhere.example/x.png 2x">`:                `<img>: srcset leads elsewhere: //elsewhere.example/x.png 2x`,
		"<img src='/\t/elsewhere.example/x.png'>":                    "<img>: src leads elsewhere: /\t/elsewhere.example/x.png",
		`<link rel="stylesheet" href="https://fonts.example/x.css">`: `<link>: it loads from elsewhere: https://fonts.example/x.css`,
		`<link rel="manifest" href="/m.json">`:                       `<link>: it loads a "manifest"`,
		`<svg><use href="https://x.example/i.svg#a"/></svg>`:         `<use>: it loads from elsewhere: https://x.example/i.svg#a`,
		`<form action="https://elsewhere.example">`:                  `<form>: action leads elsewhere: https://elsewhere.example`,
		`<button formaction="\\elsewhere.example">`:                  `<button>: formaction leads elsewhere: \\elsewhere.example`,
		`<a href="javascript:alert(1)">`:                             `<a>: a link that runs: javascript:alert(1)`,
		"<a href=' jav\tascript:alert(1)'>":                          "<a>: a link that runs: jav\tascript:alert(1)",
		`<base href="/x">`:                                           `<base>: the policy lets none through`,
		`<iframe src="/x">`:                                          `<iframe>: the policy lets none through`,
		`<meta http-equiv="refresh" content="0">`:                    `<meta>: http-equiv`,
		`<div hx-get="https://elsewhere.example">`:                   `<div>: hx-get leads elsewhere: https://elsewhere.example`,
		`<div hx-vals="js:{a: b()}">`:                                `<div>: hx-vals is evaluated: js:{a: b()}`,
		`<div hx-trigger="click[ctrlKey]">`:                          `<div>: hx-trigger is evaluated: click[ctrlKey]`,
	} {
		if got := Blocked("<!DOCTYPE html><html><body>" + page); len(got) == 0 || got[0] != want {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

func TestWhatABrowserLetsThroughIsNotNamed(t *testing.T) {
	for _, page := range []string{
		`<link rel="stylesheet" href="/static/style.css"><script src="/static/app.js" defer></script><img src="/static/icon.svg">`,
		`<a href="https://elsewhere.example/">elsewhere</a><a href="mailto:ann@example.org">mail</a><a href="#main">on</a>`,
		`<p>&lt;script&gt;alert(1)&lt;/script&gt; style="x"</p><textarea><p style="x"></textarea><title><b onclick=x></title>`,
		`<form method="post" action="/sign-out"></form><form><button formaction="/x?a=b"></form><svg><use href="#icon"/></svg>`,
		`<!-- <script>alert(1)</script> --><p title="onclick=alert(1)" data-copy="javascript:x">`,
	} {
		if got := Blocked(page); got != nil {
			t.Errorf("%s: %q", page, got)
		}
	}
}

func TestAHeaderThatLacksOrDiffersIsNamed(t *testing.T) {
	h := http.Header{}
	for name, value := range Header {
		h.Set(name, value)
	}
	if got := Lacks(h); got != nil {
		t.Error(got)
	}
	h.Del("Referrer-Policy")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Add("X-Content-Type-Options", "nosniff")
	if got := Lacks(h, "Referrer-Policy"); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

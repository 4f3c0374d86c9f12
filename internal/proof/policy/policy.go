// Package policy reads an answer as a browser does under the content security policy
// that lets a page load what its own server serves, and nothing else. It names what
// such a browser would refuse, and which headers an answer lacks. Tests of pages call
// it; nothing is kept.
package policy

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Header are what every answer carries, to the letter.
var Header = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY", // for browsers that do not know frame-ancestors
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), " +
		"magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), usb=()",
	"Cache-Control": "no-store",
}

// Lacks names the headers in which an answer differs from Header, but for those that
// are named: an answer has its reason to differ there.
func Lacks(h http.Header, but ...string) (list []string) {
	for name, want := range Header {
		if got := h.Values(name); !slices.Contains(but, name) && (len(got) != 1 || got[0] != want) {
			list = append(list, fmt.Sprintf("%s is %q", name, got))
		}
	}
	slices.Sort(list)
	return list
}

// Blocked names what of a page a browser would refuse.
func Blocked(page string) (list []string) {
	z := html.NewTokenizer(strings.NewReader(page))
	inside := "" // the element whose text is a script
	for {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.TextToken:
			if text := strings.TrimSpace(string(z.Text())); inside != "" && text != "" {
				list = append(list, "an inline script: "+short(text))
			}
		case html.EndTagToken:
			inside = ""
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if inside = ""; token.Data == "script" {
				inside = token.Data
			}
			list = append(list, element(token)...)
		}
	}
}

// refused are elements that the policy has no room for, whatever they hold.
var refused = []string{"applet", "audio", "base", "embed", "frame", "iframe", "object", "portal", "style", "track", "video"}

// loading are attributes that name what a browser loads or sends to, by themselves or
// with htmx. A link that somebody follows is none: pages elsewhere may be linked to.
var loading = []string{
	"action", "background", "data", "data-live", "formaction", "hx-delete", "hx-get", "hx-patch", "hx-post", "hx-put",
	"manifest", "ping", "poster", "src", "srcset", "xlink:href",
}

// rels are kinds of links that load nothing, or what the policy lets through.
var rels = []string{"icon", "next", "prev", "stylesheet"}

func element(t html.Token) (list []string) {
	say := func(format string, args ...any) { list = append(list, "<"+t.Data+">: "+fmt.Sprintf(format, args...)) }
	if slices.Contains(refused, t.Data) {
		say("the policy lets none through")
	}
	loads, rel := "", ""
	for _, a := range t.Attr {
		switch value := strings.TrimSpace(a.Val); {
		case a.Key == "style":
			say("an inline style: %s", short(value))
		case strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"), strings.HasPrefix(a.Key, "data-hx-on"):
			say("an inline handler: %s", a.Key)
		case a.Key == "srcdoc", a.Key == "http-equiv":
			say("%s", a.Key)
		case slices.Contains(loading, a.Key) && !Own(value):
			say("%s leads elsewhere: %s", a.Key, short(value))
		case a.Key == "href" && slices.Contains([]string{"link", "use", "image"}, t.Data):
			loads = value
		case a.Key == "href" && runs(value):
			say("a link that runs: %s", short(value))
		case a.Key == "rel":
			rel = value
		case strings.HasPrefix(a.Key, "hx-") && runs(value), a.Key == "hx-trigger" && strings.Contains(value, "["):
			say("%s is evaluated: %s", a.Key, short(value))
		}
	}
	if loads != "" && !Own(loads) {
		say("it loads from elsewhere: %s", short(loads))
	}
	if t.Data == "link" && !slices.Contains(rels, rel) {
		say("it loads a %q", rel)
	}
	if t.Data == "script" && !slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == "src" }) {
		say("an inline script")
	}
	return list
}

// Own reports whether an address is one of the page's own server, as browsers read it.
func Own(address string) bool {
	address = strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimSpace(address))
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "" && u.Host == "" && !strings.HasPrefix(address, "//")
}

// runs reports whether following an address runs it.
func runs(address string) bool {
	address = strings.ToLower(strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(strings.TrimLeft(address, "\x00\x01\x02\x03\x1b\x1f ")))
	for _, scheme := range []string{"javascript:", "vbscript:", "data:", "js:"} {
		if strings.HasPrefix(address, scheme) {
			return true
		}
	}
	return false
}

func short(text string) string {
	const most = 80
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// Package directory is the groundwork that the packages for LDAP directories
// share: settings, connections, a pool of them, paged readings and the
// judgement of what an answer means.
//
// It promises two things. An error of Conn.Do says whether the request left
// this process (Lost.Sent), so that a package can tell "it did not happen" from
// "nobody knows". And a page says Complete only when the server itself ended
// the reading. Nothing here retries. A crash leaves nothing behind but
// connections, which the server closes.
package directory

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

// What a connection may be given, and what holds otherwise.
const (
	defaultPageEntries = 500
	maxPageEntries     = 10_000 // a page is held in memory as a whole
	defaultConnections = 8      // a directory has one writer: more connections do not write faster
	maxConnections     = 64
	defaultTimeout     = 30 * time.Second
	minTimeout         = time.Second
	maxTimeout         = 10 * time.Minute // longer than any server's own limit for one request
)

// A Config is a connection's settings, checked.
type Config struct {
	Network     string // tcp or unix
	Address     string // host:port, or the path of the socket
	TLS         *tls.Config
	LDAPS       bool // TLS from the first byte
	StartTLS    bool // TLS asked for on a plain connection
	BindDN      string
	Password    secret.Text
	Base        string
	PageEntries int
	Connections int
	Timeout     time.Duration // of connecting and binding together, and of each request
}

// Mask takes the connection's secrets out of a text.
func (c Config) Mask(text string) string { return secret.Mask(text, c.Password) }

// Settings lists what Parse understands.
func Settings() []connector.Setting {
	truth := []string{"true", "false"}
	return []connector.Setting{
		{Name: "url", Required: true, About: "where the directory listens: ldaps://host, ldap://host:port or ldapi://%2Fpath%2Fof%2Fsocket"},
		{Name: "bindDN", About: "the entry as which Provisor signs in; without it the connection is anonymous"},
		{Name: "password", Secret: true, About: "the password of bindDN"},
		{Name: "baseDN", Required: true, About: "the entry below which everything is read and written"},
		{Name: "startTLS", OneOf: truth, About: "ask for TLS on an ldap:// connection; says false aloud where a password may cross the network in the clear"},
		{Name: "caFile", About: "PEM file of the authorities that are trusted to name the server; the operating system's when absent"},
		{Name: "insecureSkipVerify", OneOf: truth, Default: "false", About: "accept any certificate: whoever answers learns the password; for trials only"},
		{Name: "pageSize", Default: strconv.Itoa(defaultPageEntries), About: "entries asked for in a page"},
		{Name: "connections", Default: strconv.Itoa(defaultConnections), About: "connections kept open at most, besides those of readings under way"},
		{Name: "timeout", Default: defaultTimeout.String(), About: "how long connecting or one request may take"},
	}
}

// parser collects everything that is wrong instead of stopping at the first.
type parser struct {
	given    connector.Settings
	findings fault.Findings
}

func (p *parser) wrong(setting, what, do string) {
	p.findings = append(p.findings, fault.Finding{Object: "settings." + setting, What: what, Do: do})
}

func (p *parser) truth(setting string) bool {
	switch word := p.given.Get(setting, "false"); word {
	case "true":
		return true
	case "false":
	default:
		p.wrong(setting, strconv.Quote(word)+" is not a truth value", "write true or false")
	}
	return false
}

func (p *parser) number(setting string, otherwise, most int) int {
	text := p.given.Get(setting, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		p.wrong(setting, strconv.Quote(text)+" is not a number from 1 to "+strconv.Itoa(most), "leave it out for "+strconv.Itoa(otherwise))
		return otherwise
	}
	return n
}

// Parse reads a connection's settings and reports everything that is wrong with
// them. It reads caFile and connects to nothing.
func Parse(given connector.Settings) (Config, fault.Findings) {
	p := &parser{given: given}
	c := Config{
		BindDN:      given.Get("bindDN", ""),
		Password:    given.Secrets["password"],
		PageEntries: p.number("pageSize", defaultPageEntries, maxPageEntries),
		Connections: p.number("connections", defaultConnections, maxConnections),
		StartTLS:    p.truth("startTLS"),
	}
	timeout, err := time.ParseDuration(given.Get("timeout", defaultTimeout.String()))
	if err != nil || timeout < minTimeout || timeout > maxTimeout {
		p.wrong("timeout", strconv.Quote(given.Get("timeout", ""))+" is not a duration from "+minTimeout.String()+" to "+maxTimeout.String(), "write it as 30s")
	}
	c.Timeout = timeout
	p.base(&c)
	p.address(&c)
	p.trust(&c)
	return c, p.findings
}

func (p *parser) base(c *Config) {
	text := p.given.Get("baseDN", "")
	if text == "" {
		p.wrong("baseDN", "it is missing", "name the entry below which everything is, such as dc=example,dc=org")
		return
	}
	dn, err := DN(text)
	if err != nil {
		p.wrong("baseDN", err.Error(), "")
		return
	}
	c.Base = dn.Text()
	if c.BindDN != "" {
		if _, err := DN(c.BindDN); err != nil {
			p.wrong("bindDN", err.Error(), "")
		}
	}
}

// address understands the three schemes. The host of ldapi is a path with its
// slashes escaped, which net/url refuses, so that scheme is cut by hand.
func (p *parser) address(c *Config) {
	const example = "write it as ldaps://ldap.example.org"
	text := p.given.Get("url", "")
	if rest, ok := strings.CutPrefix(text, "ldapi://"); ok {
		path, err := url.PathUnescape(strings.TrimRight(rest, "/"))
		if err != nil || path == "" {
			p.wrong("url", strconv.Quote(text)+" names no socket", "write it as ldapi://%2Frun%2Fslapd%2Fldapi")
		}
		c.Network, c.Address = "unix", path
		return
	}
	u, err := url.Parse(text)
	switch {
	case text == "":
		p.wrong("url", "it is missing", example)
		return
	case err != nil || u.Hostname() == "" || (u.Scheme != "ldap" && u.Scheme != "ldaps"):
		p.wrong("url", strconv.Quote(text)+" is not the address of a directory", example)
		return
	case u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "":
		p.wrong("url", "it holds more than a scheme, a host and a port", example+"; names and passwords have settings of their own")
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	c.Network, c.Address, c.LDAPS = "tcp", net.JoinHostPort(u.Hostname(), port), u.Scheme == "ldaps"
	if c.LDAPS && c.StartTLS {
		p.wrong("startTLS", "ldaps:// is encrypted from the start", "leave startTLS out")
	}
	if !c.LDAPS && !c.StartTLS && c.BindDN != "" && p.given.Get("startTLS", "") == "" && !loopback(u.Hostname()) {
		p.wrong("url", "the password would cross the network in the clear", "use ldaps://, set startTLS to true, or set it to false where the network is protected by other means")
	}
	c.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (p *parser) trust(c *Config) {
	insecure := p.truth("insecureSkipVerify")
	file := p.given.Get("caFile", "")
	if c.TLS != nil {
		c.TLS.InsecureSkipVerify = insecure // #nosec G402 -- the administrator said insecureSkipVerify: true
	}
	if file == "" {
		return
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.given.Dir, file)
	}
	pem, err := os.ReadFile(file) // #nosec G304 -- the administrator names the file
	if err != nil {
		p.wrong("caFile", err.Error(), "name a PEM file on the machine that runs the connection")
		return
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		p.wrong("caFile", file+" holds no certificate", "name a PEM file that begins with BEGIN CERTIFICATE")
		return
	}
	if c.TLS != nil {
		c.TLS.RootCAs = pool
	}
}

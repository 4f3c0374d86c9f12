package remote

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

// knownFile is where the tokens of servers stand, below the user's configuration.
const knownFile = "provisor/servers.json"

// A Known is a server to which somebody signed in.
type Known struct {
	Token       secret.Text
	Account     string
	ID          int64 // of a token that signing in made; 0: it was brought
	Expires     time.Time
	Fingerprint string // of the certificate that is trusted; "": by the system's roots
}

// kept is how a Known stands in the file: the one place for the token's text.
type kept struct {
	Token       string    `json:"token"`
	Account     string    `json:"account,omitempty"`
	ID          int64     `json:"id,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	Fingerprint string    `json:"fingerprint,omitempty"`
}

// Address reads the address of a server. Secrets go over TLS, or stay on this machine.
func Address(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	refuse := func(what, do string) (string, error) {
		return "", &fault.Error{Kind: fault.Invalid, Msg: what, Do: do}
	}
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return refuse("this is no address of a server", "write it as https://provisor.example.org")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return refuse("a token is not sent to "+u.Host+" without TLS", "write the address with https://")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Book is where tokens are kept: a file of the user's own.
type Book struct{ file string }

// OpenBook finds the file below the user's folder of configurations.
func OpenBook(folder string) Book { return Book{filepath.Join(folder, filepath.FromSlash(knownFile))} }

func (b Book) read() (map[string]kept, error) {
	list := map[string]kept{}
	info, err := os.Stat(b.file)
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, &fault.Error{Kind: fault.Refused, Msg: b.file + " can be read by others, and it holds tokens", Do: "chmod 600 " + b.file}
	}
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(b.file)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(content, &list) != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Msg: b.file + " cannot be read", Do: "remove it and sign in again"}
	}
	return list, nil
}

// write puts the whole file in place of the one before at once.
func (b Book) write(list map[string]kept) (err error) {
	content, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(b.file), ".servers-*") // readable by its owner alone
	if err != nil {
		return err
	}
	_, err = f.Write(append(content, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), b.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Find returns what is kept of a server; ok is false where nobody signed in.
func (b Book) Find(address string) (k Known, ok bool, err error) {
	list, err := b.read()
	x, ok := list[address]
	return Known{Token: secret.New(x.Token), Account: x.Account, ID: x.ID, Expires: x.Expires, Fingerprint: x.Fingerprint}, ok, err
}

// Keep notes a server.
func (b Book) Keep(address string, k Known) error {
	list, err := b.read()
	if err != nil {
		return err
	}
	list[address] = kept{k.Token.Reveal(), k.Account, k.ID, k.Expires, k.Fingerprint}
	return b.write(list)
}

// Forget removes what is kept of a server.
func (b Book) Forget(address string) error {
	list, err := b.read()
	if err != nil {
		return err
	}
	delete(list, address)
	return b.write(list)
}

// answerSeconds is longer than any answer takes that is not lost.
const answerSeconds = 60

// Reach returns a client of a server whose certificate bears a fingerprint or, for
// "", is trusted by this machine. It follows no redirect.
func Reach(address string, token secret.Text, fingerprint string) (*client.Client, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if fingerprint != "" {
		want, err := hex.DecodeString(strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(fingerprint)))
		if err != nil || len(want) != sha256.Size {
			return nil, &fault.Error{Kind: fault.Invalid, Msg: "the fingerprint is no SHA-256", Do: "copy it from what `provisor serve` prints"}
		}
		t.TLSClientConfig.InsecureSkipVerify = true // #nosec G402 -- the certificate itself is compared
		t.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
			if sum := sha256.Sum256(s.PeerCertificates[0].Raw); subtle.ConstantTimeCompare(sum[:], want) == 1 {
				return nil
			}
			return errors.New("the server's certificate does not bear the fingerprint that is trusted")
		}
	}
	h := &http.Client{Transport: t, Timeout: answerSeconds * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &client.Client{URL: address, Token: token, HTTP: h}, nil
}

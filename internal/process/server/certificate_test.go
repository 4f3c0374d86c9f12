package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/process/server"
	"provisor.dev/provisor/internal/surface/routes"
)

func TestACertificateIsMadeOnceForItsNamesAndAnewBeforeItEnds(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	names := server.NamesOf("0.0.0.0:8443", "provisor.example.org")
	if !slices.Contains(names, "localhost") || !slices.Contains(names, "provisor.example.org") || slices.Contains(names, "0.0.0.0") {
		t.Errorf("the names are %v", names)
	}
	_, first, err := server.MadeCertificate(dir, names, now)
	if err != nil {
		t.Fatal(err)
	}
	about, err := os.Stat(filepath.Join(dir, server.CertificateKey))
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("the key has the rights %v, %v", about.Mode(), err)
	}
	for what, c := range map[string]struct {
		names []string
		now   time.Time
		same  bool
	}{
		"again":           {names, now.AddDate(0, 6, 0), true},
		"fewer names":     {names[:1], now, true},
		"towards its end": {names, now.AddDate(0, 0, 380), false},
	} {
		other := t.TempDir()
		if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		_, second, err := server.MadeCertificate(other, c.names, c.now)
		if err != nil || (second == first) != c.same {
			t.Errorf("%s: the same %v, %v", what, second == first, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, server.CertificateFile), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.MadeCertificate(dir, names, now); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a broken file: %v", err)
	}
}

func TestACertificateThatIsReplacedIsServedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, server.CertificateFile), filepath.Join(dir, server.CertificateKey)
	if _, _, err := server.MadeCertificate(dir, []string{"one.example.org"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	config, err := server.OwnCertificate(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		c, err := config.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.DNSNames[0]
	}
	if got := name(); got != "one.example.org" {
		t.Errorf("it serves %s", got)
	}
	if _, _, err := server.MadeCertificate(dir, []string{"two.example.org"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(certificate, later, later); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "two.example.org" {
		t.Errorf("it goes on serving %s", got)
	}
	if err := os.WriteFile(certificate, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "two.example.org" {
		t.Errorf("a broken file is served as %s", got)
	}
}

func TestBeyondLoopbackNothingIsServedWithoutTLS(t *testing.T) {
	e, err := loop.Open(t.Context(), loop.Options{Dir: t.TempDir(), Packages: packages()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	o := server.Options{Address: "0.0.0.0:0", Every: time.Hour, Log: slog.New(slog.DiscardHandler)}
	if err := server.Run(t.Context(), e, o); fault.KindOf(err) != fault.Denied {
		t.Errorf("without TLS: %v", err)
	}
	config, _, err := server.MadeCertificate(e.Dir, server.NamesOf(o.Address), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.TLS, o.Ready = config, func(address string) { ready <- address }
	go func() { ended <- server.Run(ctx, e, o) }()
	address := strings.Replace(<-ready, "[::]", "127.0.0.1", 1)
	trusted := x509.NewCertPool()
	trusted.AddCert(config.Certificates[0].Leaf)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}}
	answer, err := client.Get("https://" + address + "/healthz")
	if err != nil || answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Errorf("with TLS: %v, %v", answer, err)
	}
	if answer, err := http.Get("http://" + address + "/healthz"); err == nil && answer.StatusCode == http.StatusOK {
		t.Error("it answers without TLS as well")
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stranger knows nobody.
type stranger struct{}

func (stranger) Who(*http.Request) (access.Principal, error) {
	return access.Principal{}, routes.Unknown
}

func TestWhatMachinesAskNeedsNoAccountAndMetricsDo(t *testing.T) {
	pages := routes.New(stranger{}, func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusUnauthorized) })
	s := serve(t, server.Options{Pages: pages})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 401} {
		if got, _ := s.get(t, path, ""); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	for _, r := range pages.Routes() {
		if r.Needs == "" && r.Public == "" {
			t.Errorf("%s is open to all for no reason", r)
		}
	}
}

package remote

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/client"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

func TestATokenIsKeptForItsServerAloneAndReadableByNobodyElse(t *testing.T) {
	folder := t.TempDir()
	b := OpenBook(folder)
	one := Known{Token: secret.New("provisor_ONE"), Account: "anna", ID: 7, Expires: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Fingerprint: "AB"}
	if err := errors.Join(b.Keep("https://one", one), b.Keep("https://two", Known{Token: secret.New("provisor_TWO")})); err != nil {
		t.Fatal(err)
	}
	got, ok, err := b.Find("https://one")
	if err != nil || !ok || got != one {
		t.Errorf("kept was %v, %v, %v", got, ok, err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", got, got, got), "provisor_ONE") {
		t.Error("a token is printed")
	}
	if _, ok, err := b.Find("https://three"); ok || err != nil {
		t.Errorf("a server that nobody knows: %v %v", ok, err)
	}
	file := filepath.Join(folder, "provisor", "servers.json")
	for name, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left over are %v, %v", left, err)
	}
	if err := b.Forget("https://one"); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := b.Find("https://one"); ok {
		t.Error("a forgotten token is there")
	}
	if _, ok, _ := b.Find("https://two"); !ok {
		t.Error("another server's token is gone")
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Find("https://two"); fault.KindOf(err) != fault.Refused {
		t.Errorf("a file that others read: %v", err)
	}
}

func TestSecretsGoOverTLSOrStayHere(t *testing.T) {
	for text, want := range map[string]string{
		"https://Provisor.example.org/": "https://provisor.example.org", "http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://localhost:1": "http://localhost:1",
		"http://[::1]:1":  "http://[::1]:1",
		"http://10.0.0.1": "", "provisor.example.org": "", "https://x/y": "", "https://anna:secret@x": "", "ftp://x": "", "https://x?token=1": "", "": "",
	} {
		if got, err := Address(text); got != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "anna:secret") {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

func TestOnlyTheCertificateWithTheFingerprintIsTrusted(t *testing.T) {
	asked := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"account":"anna"}`)
	}))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	sum := sha256.Sum256(s.Certificate().Raw)
	right := hex.EncodeToString(sum[:])
	wrong := strings.Repeat("00", sha256.Size)
	for print, want := range map[string]bool{right: true, strings.ToUpper(right): true, wrong: false, "": false} {
		c, err := Reach(s.URL, secret.New("t"), print)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time over a session that is known
			_, err := c.Self(t.Context())
			c.HTTP.CloseIdleConnections()
			if (err == nil) != want {
				t.Errorf("trusting %q: %v", print, err)
			}
			if got := Failed(err, s.URL); !want && fault.KindOf(got) != fault.Unavailable {
				t.Errorf("what is said of it: %v", got)
			}
		}
	}
	if asked != 4 {
		t.Errorf("it was asked %d times: a token went to a server that is not trusted", asked)
	}
}

func TestWhatAServerRefusesIsSaidAsAFolderSaysIt(t *testing.T) {
	for status, want := range map[int]fault.Kind{
		400: fault.Invalid, 401: fault.Denied, 403: fault.Denied, 404: fault.NotFound, 409: fault.Refused, 422: fault.Invalid, 429: fault.Unavailable,
		500: fault.Internal, 502: fault.Unavailable, 503: fault.Unavailable,
	} {
		err := Failed(&client.Problem{Status: status, Title: "T", Detail: "It is so.", Do: "Do that."}, "https://x")
		if fault.KindOf(err) != want {
			t.Errorf("%d is said as %s", status, fault.KindOf(err))
		}
	}
	var f *fault.Error
	err := Failed(&client.Problem{Status: 409, Detail: "It changed.", Do: "Look again.", Details: []client.Detail{{Where: "order 7", What: "Version 2."}}}, "https://x")
	if !errors.As(err, &f) || f.Msg != "it changed; order 7: version 2" || f.Do != "look again" {
		t.Errorf("%+v", f)
	}
}

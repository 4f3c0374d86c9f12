package messages_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A sink is a real mail server, aiosmtpd, that keeps what it gets.
type sink struct {
	port           int
	folder         string
	cert, key      string
	user, password string
	mode           string
	process        *exec.Cmd
}

// A taken mail is one that the sink got.
type taken struct {
	From      string   `json:"from"`
	To        []string `json:"to"`
	Content   string   `json:"content"`
	User      string   `json:"user"`
	Encrypted bool     `json:"encrypted"`
}

// newSink makes a mail server that does not run yet.
func newSink(t *testing.T, mode string) *sink {
	t.Helper()
	if _, err := os.Stat("/usr/bin/aiosmtpd"); err != nil {
		t.Fatal("the mail server of the tests is missing; as root: apt-get install --no-install-recommends python3-aiosmtpd")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{port: l.Addr().(*net.TCPAddr).Port, folder: t.TempDir(), mode: mode, user: "provisor", password: canary}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.cert, s.key = certificate(t)
	t.Cleanup(s.stop)
	return s
}

// start starts it, and waits until it answers.
func (s *sink) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command("/usr/bin/python3", "-W", "ignore", "testdata/sink.py", strconv.Itoa(s.port), s.folder, s.mode, s.cert, s.key, s.user, s.password)
	out, err := s.process.StdoutPipe()
	if err == nil {
		_, err = s.process.StdinPipe() // closed with this process, it ends the server
	}
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the mail server did not start: %q %v", line, err)
	}
}

func (s *sink) stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// mails are what it took, in the order in which it took them.
func (s *sink) mails(t *testing.T) (list []taken) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var m taken
		if err := json.Unmarshal(content, &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// to are the mails that somebody got.
func (s *sink) to(t *testing.T, address string) (list []taken) {
	t.Helper()
	for _, m := range s.mails(t) {
		if len(m.To) == 1 && m.To[0] == address {
			list = append(list, m)
		}
	}
	return list
}

// read takes a mail apart.
func (m taken) read(t *testing.T) *mail.Message {
	t.Helper()
	read, err := mail.ReadMessage(strings.NewReader(m.Content))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// body is what stands below the head, decoded so far that links can be read.
func (m taken) body(t *testing.T) string {
	t.Helper()
	body, err := io.ReadAll(m.read(t).Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(body))
}

// certificate makes a certificate for localhost that is its own authority.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	held, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: made}, key: {Type: "EC PRIVATE KEY", Bytes: held}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

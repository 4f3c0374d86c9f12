// Package openldap runs a private OpenLDAP server for tests: a real slapd as a
// child process on 127.0.0.1, with a database, a certificate and a change log of
// its own in one folder.
//
// It promises a directory with ou=people and ou=groups, memberOf and referential
// integrity where the installation offers them, and, on request, a witness of
// every write. Tests of connector packages and of the whole path call it. Kill
// leaves what a power cut leaves; Restart opens the same folder again.
package openldap

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	startAttempts  = 5                     // a port found free may be taken before slapd binds it
	startTimeout   = 20 * time.Second      // a start takes a tenth of a second on a quiet machine
	stopTimeout    = 20 * time.Second      // a stop writes what is cached
	pollInterval   = 20 * time.Millisecond // between looks at whether it answers
	maxSocketBytes = 100                   // the path of a Unix socket must fit 108
	defaultSuffix  = "dc=example,dc=test"
)

// Options say what kind of server is wanted.
type Options struct {
	Dir       string // kept between starts; required
	Port      int    // 0 for a free one
	TLS       bool   // also listen with TLS; StartTLS works in any case
	NoSync    bool   // do not wait for the disk: faster, and a power cut may lose writes
	AccessLog bool   // write every successful change down
	Suffix    string // default dc=example,dc=test
	Dangling  bool   // names that lead nowhere stay: no overlay takes them away
}

// A Server is one slapd.
type Server struct {
	URL      string // ldap://127.0.0.1:port
	TLSURL   string // ldaps://localhost:port, "" without Options.TLS
	LDAPI    string // over a Unix socket, "" when Dir is too long a path for one
	CAFile   string // what a client must trust for TLSURL and StartTLS
	BindDN   string
	Password string
	Suffix   string
	People   string // ou=people below Suffix
	Groups   string // ou=groups below Suffix

	options   Options
	slapd     string
	port, tls int
	child     *child
}

type child struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{} // closed when the process is gone and stderr is complete
}

// Start makes the folder ready unless an earlier Start did, and starts slapd.
// It returns when the server answers.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Dir == "" {
		return nil, errors.New("openldap: Options.Dir is missing: name a folder of the server's own")
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("openldap: %w", err)
	}
	options.Dir = dir
	if options.Suffix == "" {
		options.Suffix = defaultSuffix
	}
	binary, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{
		CAFile:  filepath.Join(dir, "tls", "cert.pem"),
		BindDN:  "cn=admin," + options.Suffix,
		Suffix:  options.Suffix,
		People:  "ou=people," + options.Suffix,
		Groups:  "ou=groups," + options.Suffix,
		options: options,
		slapd:   binary,
	}
	if err := s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("openldap: %w", err)
	}
	for attempt := 1; ; attempt++ {
		err := s.choosePorts()
		if err == nil {
			err = s.launch(ctx)
		}
		if err == nil {
			return s, nil
		}
		if options.Port != 0 || attempt == startAttempts || ctx.Err() != nil {
			return nil, fmt.Errorf("openldap: %w", err)
		}
	}
}

// find looks where Debian puts the server before it asks the search path.
func find() (string, error) {
	const debian = "/usr/sbin/slapd"
	if _, err := os.Stat(debian); err == nil {
		return debian, nil
	}
	path, err := exec.LookPath("slapd")
	if err != nil {
		return "", errors.New("openldap: slapd is not installed; on Debian: apt-get install --no-install-recommends slapd ldap-utils")
	}
	return path, nil
}

// choosePorts settles where the server listens; Restart keeps the choice.
func (s *Server) choosePorts() (err error) {
	s.port = s.options.Port
	if s.port == 0 {
		if s.port, err = freePort(); err != nil {
			return err
		}
	}
	s.URL = "ldap://127.0.0.1:" + strconv.Itoa(s.port)
	if s.options.TLS {
		if s.tls, err = freePort(); err != nil {
			return err
		}
		s.TLSURL = "ldaps://localhost:" + strconv.Itoa(s.tls)
	}
	if socket := filepath.Join(s.options.Dir, "ldapi"); len(socket) <= maxSocketBytes {
		s.LDAPI = "ldapi://" + url.PathEscape(socket)
	}
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// launch starts slapd in the foreground, so that the child is the server, and
// waits until it answers or is gone.
func (s *Server) launch(ctx context.Context) error {
	listen := []string{s.URL + "/"}
	if s.TLSURL != "" {
		listen = append(listen, "ldaps://127.0.0.1:"+strconv.Itoa(s.tls)+"/")
	}
	if s.LDAPI != "" {
		listen = append(listen, s.LDAPI+"/")
	}
	c := &child{ended: make(chan struct{})}
	c.cmd = exec.Command(s.slapd, "-d", "0", "-F", filepath.Join(s.options.Dir, "config"), "-h", strings.Join(listen, " ")) // #nosec G204 -- the directory of this machine, with folders of ours
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = attributes()
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	s.child = c
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if s.answers() {
			return nil
		}
		select {
		case <-c.ended:
			s.child = nil
			return fmt.Errorf("slapd ended at once: %s", strings.TrimSpace(c.stderr.String()))
		case <-ctx.Done():
			_ = s.Kill()
			return fmt.Errorf("slapd does not answer at %s: %w", s.URL, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// answers reports whether our server, and not a stranger on the same port, lets
// us in: nobody else knows the password.
func (s *Server) answers() bool {
	conn, err := s.Dial()
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// Dial returns a connection of the administrator's, for what a test does itself.
func (s *Server) Dial() (*ldap.Conn, error) {
	conn, err := ldap.DialURL(s.URL)
	if err != nil {
		return nil, err
	}
	conn.SetTimeout(startTimeout)
	if err := conn.Bind(s.BindDN, s.Password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Stop ends the server as an administrator would. It may be called twice.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends it as a power cut would.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) error {
	c := s.child
	if c == nil {
		return nil
	}
	s.child = nil
	if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("openldap: slapd, process %d: %w", c.cmd.Process.Pid, err)
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(stopTimeout):
	}
	_ = c.cmd.Process.Kill()
	<-c.ended
	return fmt.Errorf("openldap: slapd, process %d, had to be killed: it did not stop within %s", c.cmd.Process.Pid, stopTimeout)
}

// Restart stops the server if it runs and starts it on the same folder and ports.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("openldap: %w", err)
	}
	return nil
}

// readPassword reads the password of this folder, made on first use.
func (s *Server) readPassword() error {
	file := filepath.Join(s.options.Dir, "password")
	content, err := os.ReadFile(file) // #nosec G304 -- a log that the directory writes for us
	if errors.Is(err, os.ErrNotExist) {
		content = []byte(rand.Text())
		err = os.WriteFile(file, content, 0o600)
	}
	s.Password = string(content)
	return err
}

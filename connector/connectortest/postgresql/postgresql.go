// Package postgresql runs a private PostgreSQL server on the loopback
// interface, for tests and demonstrations that need a real one.
//
// It promises a server that nobody else can reach by accident: its own folder,
// a free port, 127.0.0.1 only, no socket. Everybody who reaches the port is
// let in, so it holds nothing that matters. The callers are the tests of the
// connector packages and of the store, the benchmarks and the demonstration.
//
// A crash of the caller leaves nothing behind: a guard process holds the other
// end of a pipe, and when the pipe closes it stops the server and removes the
// folder that Start made. A folder that the caller chose is kept, and a later
// Start on it goes on where the last one ended.
package postgresql

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"provisor.dev/provisor/fault"
)

const (
	// startLimitSeconds bounds crash recovery after Kill on a slow disk.
	startLimitSeconds = 60
	// stopLimitSeconds is how long a polite stop may take before an immediate one.
	stopLimitSeconds = 20
	// probeMilliseconds is the pause between two attempts to connect to a server that is starting.
	probeMilliseconds = 20
	// logTailBytes of the server's log go into an error.
	logTailBytes = 2000
	// portAttempts: between finding a free port and listening on it another process may take it.
	portAttempts = 5

	superuser = "postgres"
)

// Options say where a server lives and how it is set up.
type Options struct {
	Dir      string            // its folder; "" for one that Stop removes
	Port     int               // 0 for a free one
	Settings map[string]string // further lines of the server's configuration, such as fsync: off
}

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	dir       string
	temporary bool
	port      int
	bin       string
	settings  map[string]string
	attr      *syscall.SysProcAttr

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	guard  *guard
}

// Start sets a server up and waits until it answers. The error says what to
// install when the machine has no PostgreSQL.
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.Dir, port: o.Port, bin: bin, settings: o.Settings, attr: who.attributes()}
	if err := s.makeFolder(who); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, o.Port == 0); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) launch(ctx context.Context, anyPort bool) (err error) {
	if s.guard, err = startGuard(s.dir, s.data(), s.temporary); err != nil {
		return err
	}
	if err := s.initialise(ctx); err != nil {
		return err
	}
	if !anyPort {
		return s.Restart(ctx)
	}
	for range portAttempts {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.Restart(ctx); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "in use") {
			return err
		}
	}
	return err
}

// Port returns the port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// DSN returns the address of one of its databases, for a user who may do everything.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, s.port, database)
}

// CreateDatabase adds an empty database.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	db, err := sql.Open("pgx", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `CREATE DATABASE "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	return err
}

// Restart stops the server if it runs and starts it on the same port and data.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.halt(syscall.SIGINT); err != nil {
		return err
	}
	process, exited, err := s.run()
	if err != nil {
		return err
	}
	return s.awaitReady(ctx, process, exited)
}

// Kill ends the server at once, as a power cut would: sessions are torn,
// nothing is flushed, and the next Restart recovers from the log.
func (s *Server) Kill() error { return s.halt(syscall.SIGQUIT) }

// Stop ends the server, waits for it, and removes the folder if Start made it.
// It may be called twice.
func (s *Server) Stop() error {
	err := s.halt(syscall.SIGINT)
	if s.guard != nil {
		s.guard.dismiss()
	}
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *Server) data() string    { return filepath.Join(s.dir, "data") }
func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *Server) makeFolder(who account) (err error) {
	if s.dir == "" {
		s.temporary = true
		s.dir, err = os.MkdirTemp("", "provisor-postgresql-")
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	if err == nil && who.switched {
		err = os.Chown(s.dir, who.uid, who.gid)
	}
	return fault.Wrap(fault.Internal, "make the folder of PostgreSQL", err)
}

func (s *Server) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", superuser,
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = "/", s.attr
	if out, err := cmd.CombinedOutput(); err != nil {
		e := fault.New(fault.Internal, "initdb", "%v: %s", err, bytes.TrimSpace(out))
		e.Do = "the folder " + s.dir + " must be empty, and the account that runs the server must be able to enter every folder above it"
		return e
	}
	return nil
}

// run starts the server process.
func (s *Server) run() (process int, exited chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.logFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, nil, err
	}
	out, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer out.Close()
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for name, value := range s.settings {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.SysProcAttr = "/", s.attr
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return 0, nil, fault.Wrap(fault.Internal, "start postgres", err)
	}
	exited = make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	return cmd.Process.Pid, exited, nil
}

// awaitReady waits for the server's own word in its data folder. Connecting
// would not do: on a port that is taken, somebody else's server answers.
func (s *Server) awaitReady(ctx context.Context, process int, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startLimitSeconds*time.Second)
	defer cancel()
	for !s.ready(process) {
		select {
		case <-exited:
			return fault.New(fault.Internal, "start postgres", "it ended at once: %s", s.logTail())
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "start postgres", "it is not ready: %v: %s", ctx.Err(), s.logTail())
		case <-time.After(probeMilliseconds * time.Millisecond):
		}
	}
	return nil
}

// ready reads postmaster.pid: the first line is the process, the eighth its state.
func (s *Server) ready(process int) bool {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	const owner, state = 0, 7
	lines := strings.Split(string(text), "\n")
	return len(lines) > state && lines[owner] == strconv.Itoa(process) &&
		strings.TrimSpace(lines[state]) == "ready"
}

// halt asks the server to end and waits until it has; it is no error when none runs.
func (s *Server) halt(how syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	for _, signal := range []syscall.Signal{how, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fault.Wrap(fault.Internal, "stop postgres", err)
		}
		select {
		case <-s.exited:
			s.cmd = nil
			return nil
		case <-time.After(stopLimitSeconds * time.Second):
		}
	}
	return fault.New(fault.Internal, "stop postgres", "process %d does not end", s.cmd.Process.Pid)
}

func (s *Server) logTail() string {
	f, err := os.Open(s.logFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTailBytes {
		_, _ = f.Seek(-logTailBytes, io.SeekEnd) // on failure the log is read from its beginning
	}
	text, _ := io.ReadAll(io.LimitReader(f, logTailBytes))
	return strings.TrimSpace(string(text))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fault.Wrap(fault.Internal, "find a free port", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// remoteServer runs a server in a process of its own until the story ends, or until
// it is called again, and tells the story where it is ($SERVER) and what its
// certificate bears ($PRINT).
func remoteServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("a server starts, or the story fails")
	}
	args = append([]string{"--dir", ts.MkAbs("."), "--at", ts.Getenv("DAY"), "serve"}, args...)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	log, err := os.Create(ts.MkAbs("server.log"))
	ts.Check(err)
	cmd.Stderr = log
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(killWithin):
			_ = cmd.Process.Kill()
			ts.Logf("the server did not end by itself")
		}
		_ = log.Close()
	})
	said := make(chan string)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said <- lines.Text()
		}
		ended <- cmd.Wait()
	}()
	address := waitFor(ts, said, regexp.MustCompile(`serves (\S+)/`))
	scheme, rest, _ := strings.Cut(address, "://")
	_, port, err := net.SplitHostPort(rest) // this machine's own name may lead nowhere
	ts.Check(err)
	ts.Setenv("SERVER", scheme+"://127.0.0.1:"+port)
	if strings.HasPrefix(ts.Getenv("SERVER"), "https://") {
		ts.Setenv("PRINT", waitFor(ts, said, regexp.MustCompile(`((?:[0-9A-F]{2}:){31}[0-9A-F]{2})`)))
	}
	staysOnTLS(ts, ts.Getenv("SERVER"))
	go func() {
		for range said { // the server goes on whatever it says
		}
	}()
}

// staysOnTLS fails unless a server tells browsers to stay on TLS where they came by
// it, and nowhere else.
func staysOnTLS(ts *testscript.TestScript, server string) {
	c := http.Client{Timeout: killWithin, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // made by itself
	answer, err := c.Get(server + "/healthz")
	ts.Check(err)
	ts.Check(answer.Body.Close())
	c.CloseIdleConnections()
	if told := answer.Header.Get("Strict-Transport-Security") != ""; told != strings.HasPrefix(server, "https://") {
		ts.Fatalf("%s tells browsers to stay on TLS: %v", server, told)
	}
}

// waitFor reads what a server says until a line fits.
func waitFor(ts *testscript.TestScript, said <-chan string, fits *regexp.Regexp) string {
	late := time.After(killWithin)
	for {
		select {
		case line, more := <-said:
			if found := fits.FindStringSubmatch(line); found != nil {
				return found[1]
			}
			if !more {
				ts.Fatalf("the server ended: %s", ts.ReadFile("server.log"))
			}
		case <-late:
			ts.Fatalf("the server does not say %s", fits)
		}
	}
}

// same asks the folder and the server, and wants the same to be read.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("what is the same is not to differ")
	}
	var answers [2]bytes.Buffer
	there := append(slices.Clone(args), "--server", ts.Getenv("SERVER"))
	if slices.Contains(args, "plan") { // the files that are sent
		there = append(there, "--dir", ts.MkAbs("."))
	}
	for i, args := range [][]string{args, there} {
		if code := startInto(context.Background(), ts, args, &answers[i]); code != 0 {
			ts.Fatalf("provisor %s: exit code %d", strings.Join(args, " "), code)
		}
	}
	_, _ = ts.Stdout().Write(answers[0].Bytes())
	if answers[0].Len() == 0 || answers[0].String() != answers[1].String() {
		ts.Fatalf("provisor %s reads in the folder\n%s\nand from the server\n%s", strings.Join(args, " "), &answers[0], &answers[1])
	}
}

// owned wants a file that nobody but its owner reads or writes.
func owned(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if (info.Mode().Perm() == 0o600) == neg {
		ts.Fatalf("%s has the mode %o", args[0], info.Mode().Perm())
	}
}

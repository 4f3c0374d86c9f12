package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canary = "canary-4711-bird"

// told reports whether the canary stands in a text, in any of the spellings in
// which it could have come there.
func told(text []byte) bool {
	for _, spelling := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))[:20]} {
		if bytes.Contains(text, []byte(spelling)) {
			return true
		}
	}
	return false
}

// gossip is a database server that asks for the password in plain text and
// repeats it in its refusal.
func gossip(t *testing.T) (address string, heard <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	passwords := make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if password, err := refuse(conn); err == nil {
					passwords <- password
				}
			}()
		}
	}()
	return listener.Addr().String(), passwords
}

// refuse plays one connection of PostgreSQL's protocol, version 3.
func refuse(conn io.ReadWriter) (password string, err error) {
	frame := func(prefix int) ([]byte, error) {
		head := make([]byte, prefix+4)
		if _, err := io.ReadFull(conn, head); err != nil {
			return nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[prefix:])-4)
		_, err := io.ReadFull(conn, body)
		return body, err
	}
	if _, err := frame(0); err != nil { // the greeting
		return "", err
	}
	if _, err := conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}); err != nil { // the password, please
		return "", err
	}
	body, err := frame(1)
	if err != nil {
		return "", err
	}
	password = strings.TrimRight(string(body), "\x00")
	answer := fmt.Sprintf("SFATAL\x00VFATAL\x00C28P01\x00Mno entry for %s\x00\x00", password)
	refusal := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(answer)+4))
	_, err = conn.Write(append(refusal, answer...))
	return password, err
}

func TestAStoredSecretReachesItsSystemAndNothingElse(t *testing.T) {
	address, heard := gossip(t)
	dir := filepath.Join(t.TempDir(), "acme")
	var everything bytes.Buffer
	run := func(input string, args ...string) int {
		var out, messages bytes.Buffer
		p := program(strings.NewReader(input), &out, &messages, func(string) string { return "" })
		code := p.Run(context.Background(), append([]string{"--dir", dir}, args...))
		fmt.Fprintf(&everything, "$ %q\n%s%s", args, &out, &messages)
		return code
	}
	if err := os.MkdirAll(filepath.Join(dir, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := `connectors:
  finance:
    connections:
      database: {package: sql, settings: {driver: postgres, dsn: "postgres://provisor@` + address + `/x?sslmode=disable", password: "secret:store/finance"}}
    entities:
      FinanceAccount: {from: {connection: database, table: accounts}, key: login, properties: {login: {type: string}}}
`
	if err := os.WriteFile(filepath.Join(dir, "config", "finance.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []struct {
		code  int
		input string
		args  string
	}{
		{0, "", "apply --yes"}, {0, canary + "\n", "secret set finance"}, {0, canary, "secret set second --json"},
		{2, "", "secret set finance " + "a value"}, {0, "", "plan"}, {6, "", "sync"}, {6, "", "sync --json"}, {6, "", "run --json -v"},
		{6, "", "plan --sources finance --json"}, {0, "", "secret rewrap"}, {6, "", "sync -v"},
		{0, "", "export"}, {0, "", "export --json"}, {0, "", "secret list"}, {0, "", "secret list --json"},
		{0, "", "journal list --json"}, {0, "", "journal verify"}, {0, "", "state --json"}, {0, "", "validate --json"},
		{5, "", "secret remove finance"}, {0, "", "secret remove second --json"},
	} {
		if code := run(command.input, strings.Fields(command.args)...); code != command.code {
			t.Errorf("%s ends with %d, want %d", command.args, code, command.code)
		}
	}
	select {
	case password := <-heard:
		if password != canary {
			t.Errorf("the system was told %q", password)
		}
	default:
		t.Error("the system was never told its password")
	}
	if told(everything.Bytes()) || !strings.Contains(everything.String(), "no entry for •••") {
		t.Errorf("a command tells the secret, or hides the system's own words:\n%s", &everything)
	}
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(name)
		if told(content) {
			t.Errorf("%s holds the secret", name)
		}
		return err
	})
	if err != nil || files < 3 || !told([]byte("x"+canary)) {
		t.Errorf("%d files were looked at: %v", files, err)
	}
}

func TestAtATerminalTheValueIsAskedForTwiceAndNotShown(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		answers [2]string
		code    int
	}{"alike": {[2]string{canary, canary}, 0}, "mistyped": {[2]string{canary, canary + "x"}, 3}} {
		var out, messages bytes.Buffer
		p := program(strings.NewReader("not this"), &out, &messages, func(string) string { return "" })
		asked := 0
		p.InTerminal, p.Hidden = true, func(context.Context) ([]byte, error) { asked++; return []byte(c.answers[asked-1]), nil }
		p.Run(context.Background(), []string{"--dir", filepath.Join(dir, name), "init"})
		code := p.Run(context.Background(), []string{"--dir", filepath.Join(dir, name), "secret", "set", "crm"})
		if code != c.code || asked != 2 || told(append(out.Bytes(), messages.Bytes()...)) {
			t.Errorf("%s: %d after %d questions\n%s%s", name, code, asked, &out, &messages)
		}
	}
}

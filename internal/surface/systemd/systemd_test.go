package systemd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
)

// A machine is one whose systemd answers by what was done to it.
type machine struct {
	Host
	root   string
	ran    []string
	user   bool
	broken string // a command that fails
	says   map[string]string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{root: t.TempDir(), says: map[string]string{"is-enabled": "disabled", "is-active": "inactive"}}
	self := filepath.Join(m.root, "built")
	if err := os.WriteFile(self, []byte("release 1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(m.root, running), 0o755); err != nil {
		t.Fatal(err)
	}
	m.Host = Host{Program: self, Administrator: true, Run: m.run, Owner: func(string) (int, int, bool) { return os.Getuid(), os.Getgid(), m.user }, base: m.root}
	return m
}

func (m *machine) run(_ context.Context, command string, args ...string) (string, error) {
	line := strings.Join(append([]string{command}, args...), " ")
	line = strings.ReplaceAll(line, m.root, "")
	switch {
	case m.broken != "" && strings.HasPrefix(line, m.broken):
		return "it is full", errors.New("exit status 1")
	case command == "systemd-sysusers":
		m.user = true
	case args[0] == "enable":
		m.says["is-enabled"] = "enabled"
	case args[0] == "start", args[0] == "restart":
		m.says["is-active"] = "active"
	case args[0] == "disable":
		m.says["is-enabled"], m.says["is-active"] = "disabled", "inactive"
	}
	if answer, asked := m.says[args[0]]; asked && strings.HasPrefix(args[0], "is-") {
		return answer, nil
	}
	m.ran = append(m.ran, line)
	return "", nil
}

// install installs, and returns what was done and what was run.
func (m *machine) install(t *testing.T, o Options) Done {
	t.Helper()
	m.ran = nil
	d, err := m.Install(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (m *machine) file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInstallingPutsAllInPlaceAndAgainChangesNothing(t *testing.T) {
	m := newMachine(t)
	d := m.install(t, Options{})
	unit, _ := Unit()
	if got := m.file(t, unitFile); !strings.HasPrefix(got, string(unit)) || m.file(t, program) != "release 1" || !m.user {
		t.Errorf("the unit reads %s", got)
	}
	info, err := os.Stat(filepath.Join(m.root, state))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of state is %v, %v", info.Mode(), err)
	}
	if want := []string{"systemd-sysusers /" + usersFile, "systemctl daemon-reload", "systemctl enable provisor"}; !slices.Equal(m.ran, want) || len(d.Next) != 2 {
		t.Errorf("run were %q, next is %q", m.ran, d.Next)
	}
	if d = m.install(t, Options{}); len(d.Did) > 0 || !slices.Equal(m.ran, []string{"systemctl daemon-reload"}) {
		t.Errorf("again it did %q and ran %q", d.Did, m.ran)
	}
	if d = m.install(t, Options{Now: true}); !slices.Contains(d.Did, "started it") {
		t.Errorf("with --now it did %q", d.Did)
	}
	if d = m.install(t, Options{Now: true}); len(d.Did) > 0 || slices.Contains(m.ran, "systemctl restart provisor") {
		t.Errorf("what runs as it should did %q", d.Did)
	}
}

func TestANewerProgramOrUnitTakesThePlaceAndTheServiceBeginsAnew(t *testing.T) {
	m := newMachine(t)
	m.install(t, Options{Now: true})
	if err := os.WriteFile(m.Program, []byte("release 2"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := m.install(t, Options{})
	if m.file(t, program) != "release 2" || !slices.Contains(m.ran, "systemctl restart provisor") || !slices.Contains(d.Did, "restarted it") {
		t.Errorf("it did %q and ran %q", d.Did, m.ran)
	}
	former := written([]byte("[Service]\nExecStart=/usr/local/bin/provisor serve\n"))
	if err := os.WriteFile(filepath.Join(m.root, unitFile), former, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := m.Look(t.Context()); err != nil || s.Unit != Former {
		t.Errorf("a unit of another release is %s, %v", s.Unit, err)
	}
	m.install(t, Options{})
	unit, _ := Unit()
	if m.file(t, unitFile) != string(written(unit)) || !slices.Contains(m.ran, "systemctl restart provisor") {
		t.Errorf("a unit of another release stays; run were %q", m.ran)
	}
}

func TestAnEditedUnitIsNotReplacedWithoutAWord(t *testing.T) {
	m := newMachine(t)
	m.install(t, Options{})
	edited := strings.Replace(m.file(t, unitFile), ":8443", ":443", 1)
	for name, text := range map[string]string{"edited": edited, "of somebody else": "[Service]\nExecStart=/bin/true\n"} {
		if err := os.WriteFile(filepath.Join(m.root, unitFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		m.ran = nil
		for what, do := range map[string]func(context.Context, Options) (Done, error){"install": m.Install, "uninstall": m.Uninstall} {
			d, err := do(t.Context(), Options{})
			if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "was edited") || len(d.Did)+len(m.ran) > 0 || m.file(t, unitFile) != text {
				t.Errorf("%s: %s did %q, %v", name, what, d.Did, err)
			}
		}
		if s, err := m.Look(t.Context()); err != nil || s.Unit != Changed {
			t.Errorf("%s: it stands as %s, %v", name, s.Unit, err)
		}
		m.install(t, Options{Force: true})
		if m.file(t, unitFile+".edited") != text || strings.Contains(m.file(t, unitFile), ":443") {
			t.Errorf("%s: what was edited is lost", name)
		}
	}
	unit, _ := Unit()
	if err := os.WriteFile(filepath.Join(m.root, unitFile), unit, 0o644); err != nil {
		t.Fatal(err)
	}
	if d := m.install(t, Options{}); len(d.Did) > 0 {
		t.Errorf("the unit as --print shows it is taken for edited: %q", d.Did)
	}
}

func TestWhereItCannotBeInstalledItSaysWhy(t *testing.T) {
	m := newMachine(t)
	m.Administrator = false
	for what, do := range map[string]func(context.Context, Options) (Done, error){"install": m.Install, "uninstall": m.Uninstall} {
		if d, err := do(t.Context(), Options{}); fault.KindOf(err) != fault.Denied || len(d.Did) > 0 {
			t.Errorf("%s without root: %q, %v", what, d.Did, err)
		}
	}
	m = newMachine(t)
	if err := os.RemoveAll(filepath.Join(m.root, "run")); err != nil {
		t.Fatal(err)
	}
	if d, err := m.Install(t.Context(), Options{}); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "systemd does not run") || len(d.Did) > 0 {
		t.Errorf("without systemd: %q, %v", d.Did, err)
	}
	m = newMachine(t)
	m.broken = "systemctl enable"
	d, err := m.Install(t.Context(), Options{})
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "it is full") || len(d.Did) == 0 {
		t.Errorf("when systemctl fails: %q, %v", d.Did, err)
	}
	m.broken = ""
	if d := m.install(t, Options{}); !slices.Equal(d.Did, []string{"enabled it: it starts with the machine"}) {
		t.Errorf("afterwards it did %q", d.Did)
	}
}

func TestUninstallingLeavesWhatIsWorthKeeping(t *testing.T) {
	m := newMachine(t)
	m.install(t, Options{Now: true})
	store := filepath.Join(m.root, state, "provisor.db")
	if err := os.WriteFile(store, []byte("all of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.ran = nil
	d, err := m.Uninstall(t.Context(), Options{})
	if err != nil || !slices.Equal(m.ran, []string{"systemctl disable --now provisor", "systemctl daemon-reload"}) || len(d.Left) != 2 {
		t.Errorf("it did %q, left %q and ran %q: %v", d.Did, d.Left, m.ran, err)
	}
	for path, stays := range map[string]bool{unitFile: false, usersFile: false, program: true, state + "/provisor.db": true} {
		if _, err := os.Stat(filepath.Join(m.root, path)); stays == errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if d, err := m.Uninstall(t.Context(), Options{}); err != nil || len(d.Did) > 0 {
		t.Errorf("again it did %q, %v", d.Did, err)
	}
}

func TestBelowAnotherRootNothingIsRun(t *testing.T) {
	m := newMachine(t)
	h := m.Host
	h.base, h.Root, h.Administrator = "", m.root, false
	d, err := h.Install(t.Context(), Options{})
	if err != nil || len(m.ran) > 0 || len(d.Did) != 5 {
		t.Errorf("it did %q and ran %q: %v", d.Did, m.ran, err)
	}
	if to, err := os.Readlink(filepath.Join(m.root, wantsLink)); err != nil || to != "/"+unitFile {
		t.Errorf("the machine would start %s, %v", to, err)
	}
	if s, err := h.Look(t.Context()); err != nil || s.Unit != Current || s.State != "0700" || s.Enabled != "enabled" || !s.Program {
		t.Errorf("it stands as %+v, %v", s, err)
	}
	if d, err = h.Install(t.Context(), Options{}); err != nil || len(d.Did) > 0 {
		t.Errorf("again it did %q, %v", d.Did, err)
	}
	if d, err = h.Uninstall(t.Context(), Options{}); err != nil || len(d.Did) != 3 || len(m.ran) > 0 {
		t.Errorf("removing did %q and ran %q: %v", d.Did, m.ran, err)
	}
}

// verifier is the program that knows what a unit may say; make test installs it.
const verifier = "systemd-analyze"

func TestSystemdUnderstandsTheUnit(t *testing.T) {
	if _, err := exec.LookPath(verifier); err != nil {
		t.Skip("systemd-analyze is not installed: `make test` installs it")
	}
	m := newMachine(t)
	h := m.Host
	h.base, h.Root = "", m.root
	if _, err := h.Install(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	wrong := func() string {
		said, err := exec.CommandContext(t.Context(), verifier, "verify", "--man=no", "--recursive-errors=no", "--root="+m.root, "provisor.service").CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(said)
		}
		return string(said)
	}
	if said := wrong(); said != "" {
		t.Errorf("systemd says of the unit: %s", said)
	}
	unit := m.file(t, unitFile)
	for planted, change := range map[string][2]string{
		"a word that is none":       {"UMask=0077", "UMsk=0077"},
		"a type that is none":       {"Type=exec", "Type=always"},
		"a program that is no path": {"ExecStart=/usr/local/bin/provisor", "ExecStart=bin/../provisor"},
	} {
		broken := strings.Replace(unit, change[0], change[1], 1)
		if err := os.WriteFile(filepath.Join(m.root, unitFile), []byte(broken), 0o644); err != nil || broken == unit {
			t.Fatal(err)
		}
		if wrong() == "" {
			t.Errorf("%s is not found", planted)
		}
	}
}

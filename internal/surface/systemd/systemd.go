// Package systemd makes Provisor a service of systemd on the machine that it runs on:
// the unit, the program, the user and the folder of its state.
//
// It promises that doing it again changes nothing that is as it should be; that a
// unit which somebody edited is not replaced without a word, and then kept beside;
// that what stands in the folder of state is never touched; and that with another
// root it writes below that and runs nothing. Package cli calls it. Each file is put
// in place whole, so a crash leaves some of them done, and doing it again does the rest.
package systemd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"provisor.dev/provisor/docs"
	"provisor.dev/provisor/fault"
)

// Where it all stands, below the root.
const (
	unitFile  = "etc/systemd/system/provisor.service"
	wantsLink = "etc/systemd/system/multi-user.target.wants/provisor.service"
	usersFile = "etc/sysusers.d/provisor.conf"
	program   = "usr/local/bin/provisor"
	state     = "var/lib/provisor"
	running   = "run/systemd/system" // it is there while systemd runs

	name = "provisor" // of the service, and of its user
)

// users makes the user of the service.
const users = "# The user of provisor.service.\nu " + name + " - \"Provisor\" /" + state + " /usr/sbin/nologin\n"

// marker begins the last line of a unit that was written here: the hash of all
// before it tells whether somebody edited it.
const marker = "# Written by provisor service install, sha256 "

// Unit is what the service is described by: the file that stands in the documentation.
func Unit() ([]byte, error) { return fs.ReadFile(docs.Files, "operate/provisor.service") }

// A Host is the machine, or a folder that is to become one.
type Host struct {
	Root string // "": this machine; else below it, with nothing run
	// Program is the program that becomes the service.
	Program string
	// Administrator: whoever runs it may do so.
	Administrator bool
	// Run runs a program of the machine and returns what it said.
	Run func(ctx context.Context, command string, args ...string) (string, error)
	// Owner finds a user of the machine; ok is false where there is none.
	Owner func(name string) (uid, gid int, ok bool)
	base  string // of a machine that is played in a test
}

// Here is this machine.
func Here(root string) (Host, error) {
	at, err := os.Executable()
	h := Host{Root: root, Program: at, Administrator: os.Geteuid() == 0, Run: run, Owner: owner}
	return h, err
}

func run(ctx context.Context, command string, args ...string) (string, error) {
	said, err := exec.CommandContext(ctx, command, args...).CombinedOutput() // #nosec G204 -- the commands of systemd and of accounts are named in this file
	return strings.TrimSpace(string(said)), err
}

func owner(name string) (uid, gid int, ok bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, false
	}
	uid, wrong := strconv.Atoi(u.Uid)
	gid, wrongToo := strconv.Atoi(u.Gid)
	return uid, gid, wrong == nil && wrongToo == nil
}

func (h Host) at(path string) string { return filepath.Join("/", h.base, h.Root, path) }

// offline tells that the files are laid down for a machine that does not run.
func (h Host) offline() bool { return h.Root != "" && h.Root != "/" }

// able says why nothing can be installed or removed here.
func (h Host) able(op string) error {
	if h.offline() {
		return nil
	}
	if _, err := os.Stat(h.at(running)); err != nil {
		return &fault.Error{Kind: fault.Refused, Op: op, Msg: "systemd does not run on this machine", Do: "`provisor service install --print` shows the unit; --root lays it down in the folder of another machine; anything else that keeps a program running can run `provisor serve`"}
	}
	if !h.Administrator {
		return &fault.Error{Kind: fault.Denied, Op: op, Msg: "only root can do this", Do: "run it with sudo"}
	}
	return nil
}

// Edited are the ways in which a unit can stand there.
type Edited string

// The ways.
const (
	Absent  Edited = "absent"
	Current Edited = "current"
	Former  Edited = "former" // as another release wrote it
	Changed Edited = "edited"
)

// standing says how the unit stands there.
func (h Host) standing() (Edited, []byte, error) {
	unit, err := Unit()
	if err != nil {
		return "", nil, err
	}
	there, err := os.ReadFile(h.at(unitFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Absent, nil, nil
	case err != nil:
		return "", nil, err
	}
	text, sum, marked := strings.Cut(string(there), marker)
	switch {
	case string(there) == string(written(unit)), string(there) == string(unit):
		return Current, there, nil
	case marked && strings.TrimSpace(sum) == hashed(text):
		return Former, there, nil
	}
	return Changed, there, nil
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// written is the unit as it is written.
func written(unit []byte) []byte {
	return []byte(string(unit) + marker + hashed(string(unit)) + "\n")
}

// Options say how it is installed or removed.
type Options struct {
	Force bool // although the unit was edited
	Now   bool // and begin at once
}

// A Done is what was done, one line for each thing.
type Done struct {
	Did  []string `json:"did"`
	Next []string `json:"next,omitempty"`
	Left []string `json:"left,omitempty"` // what stays
}

func (d *Done) did(what string) { d.Did = append(d.Did, what) }

// Install puts the service in place.
func (h Host) Install(ctx context.Context, o Options) (Done, error) {
	const op = "install the service"
	d := Done{Did: []string{}}
	if err := h.able(op); err != nil {
		return d, err
	}
	stands, there, err := h.standing()
	if err != nil {
		return d, err
	}
	if stands == Changed && !o.Force {
		return d, h.wasEdited(op, "replaces it, and keeps the one that is there beside it")
	}
	replaced, err := h.copyProgram(&d)
	if err != nil {
		return d, err
	}
	if stands == Changed {
		if err := h.put(&d, unitFile+".edited", there, 0o644); err != nil {
			return d, err
		}
	}
	unit, err := Unit()
	if err != nil {
		return d, err
	}
	if stands != Current {
		if err := h.put(&d, unitFile, written(unit), 0o644); err != nil {
			return d, err
		}
	}
	if kept, err := os.ReadFile(h.at(usersFile)); err != nil || string(kept) != users {
		if err := h.put(&d, usersFile, []byte(users), 0o644); err != nil {
			return d, err
		}
	}
	if err := h.makeUser(ctx, &d); err != nil {
		return d, err
	}
	if err := h.makeState(&d); err != nil {
		return d, err
	}
	return d, h.enable(ctx, &d, o, replaced || stands == Former || stands == Changed)
}

func (h Host) wasEdited(op, forced string) error {
	return &fault.Error{
		Kind: fault.Conflict, Op: op, Msg: h.at(unitFile) + " was edited, or is not Provisor's",
		Do: "keep changes of your own in `systemctl edit provisor`; --force " + forced,
	}
}

// copyProgram puts the program where the unit looks for it.
func (h Host) copyProgram(d *Done) (replaced bool, err error) {
	target := h.at(program)
	from, err := os.Open(h.Program)
	if err != nil {
		return false, err
	}
	defer from.Close()
	is, err := sum(from)
	if err != nil {
		return false, err
	}
	if there, err := os.Open(target); err == nil { // #nosec G304 -- the unit, under the root that the administrator names
		defer there.Close()
		if was, err := sum(there); err == nil && was == is {
			return false, nil
		}
		replaced = true
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	if err := whole(target, from, 0o755); err != nil {
		return false, err
	}
	d.did("copied this program to " + target)
	return replaced, nil
}

func sum(r io.Reader) (string, error) {
	s := sha256.New()
	_, err := io.Copy(s, r)
	return hex.EncodeToString(s.Sum(nil)), err
}

// whole puts a file in place in one step: what runs goes on with the former one.
func whole(target string, content io.Reader, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { // #nosec G301 -- folders of units are read by all
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".provisor-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone where all went well
	_, err = io.Copy(f, content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

func (h Host) put(d *Done, path string, content []byte, mode fs.FileMode) error {
	if err := whole(h.at(path), strings.NewReader(string(content)), mode); err != nil {
		return err
	}
	d.did("wrote " + h.at(path))
	return nil
}

// makeUser makes the user of the service where it lacks; another machine makes it
// when it starts.
func (h Host) makeUser(ctx context.Context, d *Done) error {
	if h.offline() {
		return nil
	}
	if _, _, there := h.Owner(name); there {
		return nil
	}
	if err := h.call(ctx, "systemd-sysusers", h.at(usersFile)); err != nil {
		return err
	}
	d.did("made the user " + name)
	return nil
}

// makeState makes the folder of state, which nobody but the service reads.
func (h Host) makeState(d *Done) error {
	folder := h.at(state)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		d.did("made the folder " + folder)
	case err != nil:
		return err
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(folder, 0o700); err != nil { // #nosec G302 -- it is a folder: its owner has to enter it
			return err
		}
		d.did("closed the folder " + folder + " to others")
	}
	if h.offline() {
		return nil
	}
	uid, gid, there := h.Owner(name)
	if !there {
		return &fault.Error{Kind: fault.NotFound, Op: "install the service", Msg: "there is no user " + name, Do: "make it with `useradd --system provisor`, and install again"}
	}
	return os.Chown(folder, uid, gid)
}

// enable has it started with the machine, and now where that is asked for. A service
// that runs already runs the new program.
func (h Host) enable(ctx context.Context, d *Done, o Options, anew bool) error {
	if h.offline() {
		link := h.at(wantsLink)
		if _, err := os.Lstat(link); err == nil {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil { // #nosec G301 -- folders of units are read by all
			return err
		}
		if err := os.Symlink("/"+unitFile, link); err != nil {
			return err
		}
		d.did("enabled it: it starts with the machine")
		return nil
	}
	if err := h.call(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	if says, _ := h.Run(ctx, "systemctl", "is-enabled", name); says != "enabled" {
		if err := h.call(ctx, "systemctl", "enable", name); err != nil {
			return err
		}
		d.did("enabled it: it starts with the machine")
	}
	active, _ := h.Run(ctx, "systemctl", "is-active", name)
	switch {
	case active == "active" && anew:
		if err := h.call(ctx, "systemctl", "restart", name); err != nil {
			return err
		}
		d.did("restarted it")
	case active != "active" && o.Now:
		if err := h.call(ctx, "systemctl", "start", name); err != nil {
			return err
		}
		d.did("started it")
	case active != "active":
		d.Next = []string{"put the configuration into " + h.at(state) + "/config", "systemctl start " + name}
	}
	return nil
}

// call runs a program whose failure is told with what it said.
func (h Host) call(ctx context.Context, command string, args ...string) error {
	said, err := h.Run(ctx, command, args...)
	if err == nil {
		return nil
	}
	return &fault.Error{
		Kind: fault.Unavailable, Op: strings.Join(append([]string{command}, args...), " "), Msg: strings.TrimSpace(err.Error() + ": " + said),
		Do: "mend that, and do the same again: what is done already is left as it is", Err: err,
	}
}

// Uninstall ends the service and removes its unit. State, user and program stay.
func (h Host) Uninstall(ctx context.Context, o Options) (Done, error) {
	const op = "remove the service"
	d := Done{Did: []string{}}
	if err := h.able(op); err != nil {
		return d, err
	}
	stands, there, err := h.standing()
	switch {
	case err != nil:
		return d, err
	case stands == Changed && !o.Force:
		return d, h.wasEdited(op, "removes it, and keeps a copy beside it")
	case stands == Changed:
		if err := h.put(&d, unitFile+".edited", there, 0o644); err != nil {
			return d, err
		}
	}
	if stands != Absent && !h.offline() {
		if err := h.call(ctx, "systemctl", "disable", "--now", name); err != nil {
			return d, err
		}
		d.did("ended and disabled it")
	}
	for _, path := range []string{wantsLink, unitFile, usersFile} {
		switch err := os.Remove(h.at(path)); {
		case err == nil:
			d.did("removed " + h.at(path))
		case !errors.Is(err, fs.ErrNotExist):
			return d, err
		}
	}
	if len(d.Did) > 0 && !h.offline() {
		if err := h.call(ctx, "systemctl", "daemon-reload"); err != nil {
			return d, err
		}
	}
	for _, path := range []string{state, program} {
		if _, err := os.Stat(h.at(path)); err == nil {
			d.Left = append(d.Left, h.at(path))
		}
	}
	return d, nil
}

// Status is how the service stands.
type Status struct {
	Unit    Edited `json:"unit"`
	Program bool   `json:"program"` // it is in place
	User    bool   `json:"user"`
	State   string `json:"state,omitempty"` // the mode of the folder; "": it is not there
	Enabled string `json:"enabled"`
	Active  string `json:"active"`
}

// Look says how the service stands; nothing needs an administrator.
func (h Host) Look(ctx context.Context) (s Status, err error) {
	if s.Unit, _, err = h.standing(); err != nil {
		return s, err
	}
	if info, err := os.Stat(h.at(program)); err == nil {
		s.Program = info.Mode()&0o111 != 0
	}
	if info, err := os.Stat(h.at(state)); err == nil {
		s.State = "0" + strconv.FormatInt(int64(info.Mode().Perm()), 8)
	}
	s.Enabled, s.Active = "unknown", "unknown"
	if h.offline() {
		if _, err := os.Lstat(h.at(wantsLink)); err == nil {
			s.Enabled = "enabled"
		}
		return s, nil
	}
	_, _, s.User = h.Owner(name)
	if _, err := os.Stat(h.at(running)); err == nil {
		// Both end with a number beside 0 where the answer is no.
		s.Enabled, _ = h.Run(ctx, "systemctl", "is-enabled", name)
		s.Active, _ = h.Run(ctx, "systemctl", "is-active", name)
	}
	return s, nil
}

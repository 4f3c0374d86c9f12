package seal

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

const canary = "canary-4711"

func keys(t *testing.T) Keys {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t *testing.T, k Keys, name string, version int64) stage.SealedSecret {
	t.Helper()
	x, err := k.Seal(name, version, secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func opens(t *testing.T, k Keys, x stage.SealedSecret) {
	t.Helper()
	if s, err := k.Open(x); err != nil || s.Reveal() != canary {
		t.Errorf("%q, %v", s.Reveal(), err)
	}
}

func TestAValueOpensUnderItsNameAndVersionOnly(t *testing.T) {
	k := keys(t)
	a, b := sealed(t, k, "a", 1), sealed(t, k, "b", 2)
	opens(t, k, a)
	for what, x := range map[string]stage.SealedSecret{
		"another name":     {Name: "b", Version: 1, Key: a.Key, Value: a.Value},
		"another version":  {Name: "a", Version: 2, Key: a.Key, Value: a.Value},
		"another data key": {Name: "a", Version: 1, Key: b.Key, Value: a.Value},
		"another value":    {Name: "a", Version: 1, Key: a.Key, Value: b.Value},
		"a cut value":      {Name: "a", Version: 1, Key: a.Key, Value: a.Value[:4]},
		"a cut key":        {Name: "a", Version: 1, Key: a.Key[:40], Value: a.Value},
		"no base64":        {Name: "a", Version: 1, Key: "?", Value: "?"},
	} {
		if s, err := k.Open(x); fault.KindOf(err) != fault.Refused || !s.IsZero() {
			t.Errorf("%s: %v", what, err)
		}
	}
	if strings.Contains(a.Key+a.Value, canary) || sealed(t, k, "a", 1).Value == a.Value {
		t.Error("a value shows, or is sealed twice alike")
	}
}

func TestAnotherKeyFileOpensNothing(t *testing.T) {
	x := sealed(t, keys(t), "a", 1)
	if _, err := keys(t).Open(x); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "another key file") {
		t.Error(err)
	}
}

func TestARewrapThatWasInterruptedLeavesNothingClosed(t *testing.T) {
	older := keys(t)
	x, y := sealed(t, older, "a", 1), sealed(t, older, "b", 2)
	newer := keys(t)
	both := newer.Before(older)
	x, err := both.Rewrap(x)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, both, x)
	opens(t, both, y)
	opens(t, newer, x)
	if _, err := older.Open(x); err == nil {
		t.Error("the old key still opens what was rewrapped")
	}
}

func TestTheKeyFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provisor.key")
	if _, err := Load(path); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no file: %v", err)
	}
	k := keys(t)
	if err := k.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, loaded, sealed(t, k, "a", 1))
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); (fault.KindOf(err) == fault.Refused) != refused {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestADamagedKeyFileIsNotRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "provisor.key")
	for _, content := range []string{"", "AGE-SECRET-KEY-1" + canary, canary} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

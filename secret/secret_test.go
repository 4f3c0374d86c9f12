package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provisor.dev/provisor/fault"
)

const canary = "canary-4711"

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	type account struct {
		Name     string
		Password Text
		Pointer  *Text
	}
	s := New(canary)
	a := account{"ann", s, &s}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&shown, verb+verb+verb+"\n", s, a, []Text{s})
	}
	fmt.Fprintln(&shown, s, a, errors.New(s.String()), map[string]Text{"k": s}, map[Text]int{s: 1})
	data, err := json.Marshal(map[string]any{"a": a, "s": s})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(data)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "a", a)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "a", a)
	shown.Write(log.Bytes())
	if text := shown.String(); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret was printed:\n%s", text)
	}
	if !strings.Contains(shown.String(), mask) || s.Reveal() != canary || s.IsZero() || !New("").IsZero() {
		t.Error("the secret is masked, and revealed when asked for")
	}
}

func TestMaskHidesASystemsOwnWords(t *testing.T) {
	got := Mask("bind failed for cn=x with canary-4711 and canary-4711", New(canary), New(""), New("f"))
	if got != "bind failed for cn=x with ••• and •••" {
		t.Errorf("got %q", got)
	}
}

func TestAReferenceNamesWhereTheSecretIs(t *testing.T) {
	for ref, ok := range map[Reference]bool{
		"secret:env/X": true, "secret:file//run/x": true, "secret:file/x": true,
		"secret:store/crm-password": true, "secret:store/": false, "secret:store/a b": false, "secret:store/../x": false,
		Reference("secret:store/" + strings.Repeat("x", nameMaxBytes+1)): false,
		"secret:env/": false, "secret:vault/x": false, "secret:env": false, "env/X": false, "": false,
	} {
		if err := ref.Check(); (err == nil) != ok {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestAReferenceIsResolvedFromTheEnvironmentOrAFile(t *testing.T) {
	t.Setenv("PROVISOR_TEST_SECRET", canary)
	file := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(file, []byte(canary+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []Reference{"secret:env/PROVISOR_TEST_SECRET", Reference("secret:file/" + file)} {
		if s, err := ref.Resolve(Places{}); err != nil || s.Reveal() != canary {
			t.Errorf("%s: %q %v", ref, s.Reveal(), err)
		}
	}
	for ref, want := range map[Reference]fault.Kind{
		"secret:env/PROVISOR_TEST_NOT_SET": fault.NotFound, Reference("secret:file/" + file + "x"): fault.NotFound, "plain": fault.Invalid,
	} {
		if _, err := ref.Resolve(Places{}); fault.KindOf(err) != want {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestAStoredSecretIsAskedOfTheStoreThatIsHandedIn(t *testing.T) {
	asked := ""
	from := Places{Store: func(name string) (Text, error) { asked = name; return New(canary), nil }}
	if s, err := Reference("secret:store/crm").Resolve(from); err != nil || s.Reveal() != canary || asked != "crm" {
		t.Errorf("%q of %q: %v", s.Reveal(), asked, err)
	}
	if _, err := Reference("secret:store/crm").Resolve(Places{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("without a store: %v", err)
	}
	for ref, want := range map[Reference]string{"secret:store/crm": "crm", "secret:env/crm": "", "store/crm": ""} {
		if name, ok := ref.Stored(); ok != (want != "") || ok && name != want {
			t.Errorf("%s: %q, %v", ref, name, ok)
		}
	}
}

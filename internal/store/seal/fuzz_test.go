package seal

import (
	"strings"
	"testing"

	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

// FuzzSealed opens anything that a database may hold as a secret, and reads anything
// as a key file: nothing opens but what was sealed, and no error tells of it.
func FuzzSealed(f *testing.F) {
	k, err := New()
	if err != nil {
		f.Fatal(err)
	}
	x, err := k.Seal("crm", 1, secret.New(canary))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "AGE-SECRET-KEY-1", "# a comment\n", "AAAA", "=", "\xff", strings.Repeat("A", 300), "AGE-SECRET-KEY-PQ-1", "ssh-rsa AAAA"} {
		f.Add(text, text, text, int64(1))
		f.Add(x.Value, text, text, int64(1))
		f.Add(text, x.Key, text, int64(1))
	}
	f.Add(x.Value, x.Key, "", int64(1))
	f.Add(x.Value, x.Key, "", int64(2))
	f.Fuzz(func(t *testing.T, value, key, file string, version int64) {
		opened, err := k.Open(stage.SealedSecret{Name: "crm", Version: version, Value: value, Key: key})
		if same := strings.NewReplacer("\r", "", "\n", ""); err == nil && (version != 1 || same.Replace(value) != x.Value || opened.Reveal() != canary) {
			t.Fatalf("%q under %q opens", value, key)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Fatal(err)
		}
		if _, err := parse("key", strings.NewReader(file)); err != nil && len(file) > 8 && strings.Contains(err.Error(), file) {
			t.Fatalf("an error repeats the file: %v", err)
		}
	})
}

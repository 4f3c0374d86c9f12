package signin

import (
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

func TestAPasswordIsKeptAsArgon2idAndFitsItsOwnHashAlone(t *testing.T) {
	password := secret.New("correct horse battery")
	one, err := hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := hash(t.Context(), password)
	if one == other || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(one, "horse") {
		t.Errorf("hashes are %s and %s", one, other)
	}
	for text, want := range map[string]bool{"correct horse battery": true, "correct horse batter": false, "": false} {
		if got, err := matches(t.Context(), one, secret.New(text)); got != want || err != nil {
			t.Errorf("%q fits: %v, %v", text, got, err)
		}
	}
	for _, broken := range []string{"", "$argon2id$", "plain", "$argon2i$v=19$m=1,t=1,p=1$YQ$YQ", strings.Replace(one, "m=19456", "m=99999999", 1), strings.Replace(one, "v=19", "v=16", 1), nobodysHash} {
		if got, err := matches(t.Context(), broken, password); got || err != nil {
			t.Errorf("%s fits: %v, %v", broken, got, err)
		}
	}
}

func TestAPasswordIsLongAndNotABook(t *testing.T) {
	for text, fine := range map[string]bool{"": false, "elevenchars": false, "twelve chars": true, "äöüäöüäöüäöü": true, strings.Repeat("x", 1001): false} {
		if err := CheckPassword(secret.New(text)); (err == nil) != fine || err != nil && strings.Contains(err.Error(), "elevenchars") {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
}

func TestGuessingIsSlowByAccountAndByAddress(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	tries := func(l *limits, account, address string) (n int) {
		for range 1000 {
			if l.try(account, address, now) == nil {
				n++
			}
		}
		return n
	}
	var l limits
	if n := tries(&l, "anna", "192.0.2.1"); n != accountBurst {
		t.Errorf("%d tries of one account", n)
	}
	if n := tries(&l, "anna", "192.0.2.2"); n != 0 {
		t.Errorf("%d more from elsewhere", n)
	}
	now = now.Add(accountEverySeconds * time.Second)
	if n := tries(&l, "anna", "192.0.2.3"); n != 1 {
		t.Errorf("%d after a while", n)
	}
	l.forgive("anna")
	if err := l.try("anna", "192.0.2.4", now); err != nil {
		t.Errorf("whoever signed in waits: %v", err)
	}
	var many limits
	n := 0
	for i := range 200 {
		if many.try(string(rune('a'+i%26))+strings.Repeat("x", i), "192.0.2.9", now) == nil {
			n++
		}
	}
	if n != addressBurst {
		t.Errorf("%d accounts tried from one address", n)
	}
	if err := many.try("x", "192.0.2.9", now); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("refused with %v", err)
	}
}

func TestWhatIsRememberedOfTriesIsBounded(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var l limits
	for i := range limitedMost + 100 {
		_ = l.try(time.Duration(i).String(), time.Duration(i).String(), now)
		now = now.Add(time.Hour)
	}
	if len(l.known) > limitedMost+1 {
		t.Errorf("%d are remembered", len(l.known))
	}
}

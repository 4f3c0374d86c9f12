package evaluate

import (
	"strings"
	"testing"
)

func TestAnIdentifierIsMadeLegal(t *testing.T) {
	for text, want := range map[string]string{
		"ledger-read": "ledger-read", " Müller & Söhne ": "Muller-Sohne", "CN=x,OU=y": "CN-x-OU-y", "7up": "r-7up", "a.b_c": "a.b_c",
		"--": "", "日本": "", "": "", "_x_": "x", strings.Repeat("ab", 80): strings.Repeat("ab", 50),
	} {
		if got := legal(text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

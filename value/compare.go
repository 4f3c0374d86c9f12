package value

import (
	"strings"
	"unicode"
)

// Comparison says which differences between two values do not count.
type Comparison string

// The comparison kinds, from strict to lenient.
const (
	Exact            Comparison = "exact"
	IgnoreCase       Comparison = "ignore-case"
	IgnoreDiacritics Comparison = "ignore-diacritics"
	Simplified       Comparison = "simplified" // neither case, diacritics, nor anything but letters and digits
)

// Comparisons lists every comparison kind.
func Comparisons() []Comparison {
	return []Comparison{Exact, IgnoreCase, IgnoreDiacritics, Simplified}
}

// Equal reports whether a and b are the same under the comparison; "" is Exact.
// Distinguished names are always compared without regard to case.
func Equal(c Comparison, a, b Value) bool {
	if a == b {
		return true
	}
	if a.IsNull() || b.IsNull() {
		return false
	}
	return Key(c, a) == Key(c, b)
}

// Key returns a text that is the same for exactly the values that are equal
// under the comparison. A string and a number with the same text are equal:
// which of the two a system returns is the system's habit, not a difference.
func Key(c Comparison, v Value) string {
	text := v.text
	if v.kind == DN {
		return strings.ToLower(text)
	}
	switch c {
	case IgnoreCase:
		return strings.ToLower(text)
	case IgnoreDiacritics:
		return Fold(text)
	case Simplified:
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, strings.ToLower(Fold(text)))
	}
	return text
}

// Fold strips diacritics from Latin letters and spells ligatures out: Müller
// becomes Muller, Łódź Lodz, Weiß Weiss. Other text is left as it is.
func Fold(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			if plain, ok := folded[r]; ok {
				b.WriteString(plain)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

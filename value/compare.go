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
	Phonetic         Comparison = "phonetic"   // simplified, and letters that sound alike are the same
)

// Comparisons lists every comparison kind.
func Comparisons() []Comparison {
	return []Comparison{Exact, IgnoreCase, IgnoreDiacritics, Simplified, Phonetic}
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
	if v.kind == isDN {
		return strings.ToLower(text)
	}
	switch c {
	case IgnoreCase:
		return strings.ToLower(text)
	case IgnoreDiacritics:
		return Fold(text)
	case Simplified:
		return simplified(text)
	case Phonetic:
		return phonetic(simplified(text))
	}
	return text
}

func simplified(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.ToLower(Fold(text)))
}

// soundsLike maps a letter to the one that it is not told apart from; h is not heard.
var soundsLike = map[rune]rune{'z': 's', 'y': 'i', 'w': 'v', 'k': 'c', 'h': -1}

// phonetic writes a simplified text as it sounds: z as s, y as i, w as v, k and
// ss as c, no h, double letters once, and no a, t, d or s at the end. Endings
// go one after the other, as far as the first letter: if Schmits is Schmit and
// Schmit is Schmi, then Schmits is Schmi.
func phonetic(text string) string {
	heard := make([]rune, 0, len(text))
	single := false // the last s is not part of a pair
	for _, r := range text {
		if other, ok := soundsLike[r]; ok {
			r = other
		}
		if r < 0 {
			continue
		}
		if n := len(heard); r == 's' && single {
			heard, r = heard[:n-1], 'c'
		}
		single = r == 's'
		if n := len(heard); n == 0 || heard[n-1] != r || !unicode.IsLetter(r) {
			heard = append(heard, r)
		}
	}
	for n := len(heard); n > 1 && strings.ContainsRune("atds", heard[n-1]); n-- {
		heard = heard[:n-1]
	}
	return string(heard)
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
		if r < 0x80 {
			b.WriteByte(byte(r)) // #nosec G115 -- below 0x80
			continue
		}
		if plain, ok := folded[r]; ok {
			b.WriteString(plain)
		} else if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
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

package expression

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"provisor.dev/provisor/value"
)

// What our own functions do, once for the interpreter and for the closures.

// textFunctions make one text of another.
var textFunctions = map[string]func(string) string{
	"fold": value.Fold, "lower": strings.ToLower, "upper": strings.ToUpper, "trim": strings.TrimSpace, "rdn": value.EscapeRDN,
}

// cuts take letters from one end.
var cuts = map[string]func(string, int) string{"left": leftLetters, "right": rightLetters}

// dateParts are the numbers of a date.
var dateParts = map[string]func(time.Time) int{
	"year": time.Time.Year, "month": func(t time.Time) int { return int(t.Month()) }, "day": time.Time.Day,
}

// leftLetters cuts without copying. Bytes that are no letters read as one
// replacement letter each, as everywhere in the language.
func leftLetters(s string, n int) string {
	if !utf8.ValidString(s) {
		all := []rune(s)
		return string(all[:min(n, len(all))])
	}
	for at := range s {
		if n == 0 {
			return s[:at]
		}
		n--
	}
	return s
}

func rightLetters(s string, n int) string {
	if !utf8.ValidString(s) {
		all := []rune(s)
		return string(all[len(all)-min(n, len(all)):])
	}
	at := len(s)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return s[at:]
}

// padText fills up on the left: pad('7', 3, '0') is 007.
func padText(s string, n int, with string) (string, error) {
	if n < 0 || n > paddedLetters || utf8.RuneCountInString(with) != 1 {
		return "", fmt.Errorf("pad: give a length from 0 to %d and one letter", paddedLetters)
	}
	return strings.Repeat(with, max(0, n-utf8.RuneCountInString(s))) + s, nil
}

// replaceText refuses to grow: nested, it could fill the memory from one line.
func replaceText(s, old, with string) (string, error) {
	if grown := len(s) + strings.Count(s, old)*(len(with)-len(old)); grown > replacedBytes {
		return "", fmt.Errorf("replace: the text becomes longer than %d bytes", replacedBytes)
	}
	return strings.ReplaceAll(s, old, with), nil
}

func formatTime(t time.Time, pattern string) (string, error) {
	f := value.Format(pattern)
	if err := f.Check(value.Time); err != nil {
		return "", err
	}
	return value.Spell(f, value.OfTime(t)), nil
}

func shiftTime(t time.Time, n int, body func(time.Time, int) time.Time) (time.Time, error) {
	if n < -1_000_000 || n > 1_000_000 {
		return t, fmt.Errorf("%d is too far away", n)
	}
	moved := body(t, n)
	if moved.Year() < 1 || moved.Year() > 9999 {
		return t, fmt.Errorf("the date falls outside the years 1 to 9999")
	}
	return moved, nil
}

func addDays(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) }

// addMonths stays in the month it arrives at: 31 January and one month is the
// last day of February.
func addMonths(t time.Time, n int) time.Time {
	first := t.AddDate(0, 0, 1-t.Day()).AddDate(0, n, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

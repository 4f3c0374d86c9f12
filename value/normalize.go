package value

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Format says how a managed system spells the values of one property, both
// ways. The zero Format is the usual spelling of the type.
//
// For dates and instants it is a pattern of yyyy, MM, dd, HH, mm and ss; for
// truth values it is the two words for true and false with a slash between
// them, such as "Y/N" or "1/0". For bytes it is Hex or Base64. Other types have
// no formats.
type Format string

// The ways in which bytes are spelled in a text; the usual one is Base64.
const (
	Hex    Format = "hex"
	Base64 Format = "base64"
)

// Check reports why the format does not suit the type, or nil.
func (f Format) Check(t Type) error {
	if f == "" {
		return nil
	}
	switch t {
	case Date, Time:
		if !strings.Contains(string(f), "yyyy") || !strings.Contains(string(f), "MM") || !strings.Contains(string(f), "dd") {
			return fmt.Errorf("format %q: a date needs yyyy, MM and dd, such as \"dd.MM.yyyy\"", string(f))
		}
		return nil
	case Bool:
		// An empty word would read back as no value, and so would never be verified.
		yes, no, _ := strings.Cut(string(f), "/")
		if yes == "" || no == "" || strings.EqualFold(yes, no) || yes != strings.TrimSpace(yes) || no != strings.TrimSpace(no) {
			return fmt.Errorf("format %q: a truth value needs two different words, such as \"Y/N\"", string(f))
		}
		return nil
	case Binary:
		if f != Hex && f != Base64 {
			return fmt.Errorf("format %q: bytes are written as hex or base64", string(f))
		}
		return nil
	}
	return fmt.Errorf("format %q: type %s has no formats", string(f), t)
}

var layouts = strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02", "HH", "15", "mm", "04", "ss", "05")

// Layout returns the format of a date or an instant as package time writes it.
func (f Format) Layout() string { return layouts.Replace(string(f)) }

// Normalize turns what a system or a person wrote into the one spelling that
// Provisor stores and compares. Empty text is null for every type but string,
// and for strings too: no system tells the two apart reliably. An error says
// what was expected.
func Normalize(t Type, f Format, raw string) (Value, error) {
	switch t {
	case String, Binary:
	case DN:
		raw = trimUnescaped(raw)
	default:
		raw = strings.TrimSpace(raw)
	}
	if raw == "" {
		return Null, nil
	}
	switch t {
	case String:
		return OfString(raw), nil
	case Int:
		n, err := strconv.ParseInt(raw, 10, 64)
		if err != nil {
			return Null, fmt.Errorf("%q is not a whole number", raw)
		}
		return OfInt(n), nil
	case Float:
		n, err := strconv.ParseFloat(raw, 64)
		if err != nil || n != n {
			return Null, fmt.Errorf("%q is not a number", raw)
		}
		return OfFloat(n), nil
	case Bool:
		return normalizeBool(f, raw)
	case Date, Time:
		return normalizeTime(t, f, raw)
	case DN:
		return normalizeDN(raw)
	case Binary:
		content, err := decodeBytes(f, raw)
		if err != nil {
			return Null, err
		}
		if len(content) == 0 {
			return Null, nil
		}
		return Value{isBinary, base64.StdEncoding.EncodeToString(content)}, nil
	}
	return Null, fmt.Errorf("%q is not a type", string(t))
}

// decodeBytes reads bytes that a text spells.
func decodeBytes(f Format, raw string) ([]byte, error) {
	if f == Hex {
		content, err := hex.DecodeString(strings.TrimSpace(raw))
		if err != nil {
			return nil, fmt.Errorf("the bytes are not hex: %v", err)
		}
		return content, nil
	}
	content, err := base64.StdEncoding.DecodeString(raw)
	if err != nil {
		return nil, fmt.Errorf("the bytes are not base64: %v", err)
	}
	return content, nil
}

func normalizeBool(f Format, raw string) (Value, error) {
	if yes, no, ok := strings.Cut(string(f), "/"); ok {
		switch {
		case strings.EqualFold(raw, yes):
			return OfBool(true), nil
		case strings.EqualFold(raw, no):
			return OfBool(false), nil
		}
		return Null, fmt.Errorf("%q is neither %q nor %q", raw, yes, no)
	}
	switch strings.ToLower(raw) {
	case "true", "1", "yes", "y", "t":
		return OfBool(true), nil
	case "false", "0", "no", "n", "f":
		return OfBool(false), nil
	}
	return Null, fmt.Errorf("%q is not a truth value (true, false)", raw)
}

// usual are the spellings of a day or an instant that need no format.
var usual = []string{
	time.DateOnly, time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05.999999999 -0700 MST", "20060102150405Z", "20060102150405.0Z",
}

func normalizeTime(t Type, f Format, raw string) (Value, error) {
	tries := usual
	if f != "" {
		tries = []string{f.Layout()}
	}
	for _, layout := range tries {
		if at, err := time.Parse(layout, raw); err == nil {
			if t == Date {
				// A day is a day: the zone in which it was written does not move it.
				return Value{isDate, at.Format(time.DateOnly)}, nil
			}
			if year := at.UTC().Year(); year < 0 || year > 9999 {
				return Null, fmt.Errorf("%q is outside the years 0 to 9999", raw)
			}
			return OfTime(at), nil
		}
	}
	if f != "" {
		return Null, fmt.Errorf("%q does not fit the format %q", raw, string(f))
	}
	return Null, fmt.Errorf("%q is not a %s (write it as 2006-01-31)", raw, t)
}

// Spell returns the value as the system that uses the format spells it; "" for null.
func Spell(f Format, v Value) string {
	if f == "" || v.IsNull() {
		return v.text
	}
	switch v.kind {
	case isBool:
		yes, no, _ := strings.Cut(string(f), "/")
		if v.Bool() {
			return yes
		}
		return no
	case isDate, isTime:
		return v.Time().Format(f.Layout())
	case isBinary:
		return spellBytes(f, v)
	}
	return v.text
}

func spellBytes(f Format, v Value) string {
	if f != Hex {
		return v.text
	}
	content, _ := base64.StdEncoding.DecodeString(v.text) // it was decoded when it became a value
	return hex.EncodeToString(content)
}

// normalizeDN writes each relative name as type=value: the type in lower case,
// no space around separators. The case of values is kept for display; Key folds it.
func normalizeDN(raw string) (Value, error) {
	if isNormalDN(raw) {
		return Value{isDN, raw}, nil
	}
	return spellDN(raw)
}

func spellDN(raw string) (Value, error) {
	parts := SplitDN(raw)
	for i, part := range parts {
		name, rest, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return Null, fmt.Errorf("%q is not a distinguished name (such as cn=Ann,ou=people,dc=example,dc=org)", raw)
		}
		parts[i] = strings.ToLower(strings.TrimSpace(name)) + "=" + trimUnescaped(rest)
	}
	return Value{isDN, strings.Join(parts, ",")}, nil
}

// isNormalDN recognises names that are spelt as normalizeDN would spell them.
// Most are, and they are computed for each account: cutting and joining them
// takes ten times as long. It may say no to one that is.
func isNormalDN(raw string) bool {
	inName, before := true, byte(',')
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case isSpace(c) && (before == ',' || before == '=' || i == len(raw)-1 || raw[i+1] == ','):
			return false
		case c == ',' && inName:
			return false
		case c == ',':
			inName = true
		case !inName && c == '\\':
			i++
			c = 'x' // what is escaped separates nothing
		case inName && c == '=' && before != ',':
			inName = false
		case inName && !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.'):
			return false
		}
		before = c
	}
	return !inName
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// trimUnescaped cuts the space around a text, but not a last space that is
// escaped: that one belongs to the name.
func trimUnescaped(s string) string {
	const space = " \t\r\n"
	s = strings.TrimLeft(s, space)
	cut := strings.TrimRight(s, space)
	if backslashes := len(cut) - len(strings.TrimRight(cut, `\`)); backslashes%2 == 1 && len(cut) < len(s) {
		return s[:len(cut)+1]
	}
	return cut
}

// SplitDN cuts a distinguished name at its unescaped commas.
func SplitDN(dn string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			parts = append(parts, dn[start:i])
			start = i + 1
		}
	}
	return append(parts, dn[start:])
}

// EscapeRDN escapes a text for use as the value of a relative distinguished
// name (RFC 4514), so that a comma in a surname stays a comma in a surname. Control
// characters and what is no UTF-8 are escaped as well: a name is text, which every
// store keeps and nobody trims.
func EscapeRDN(s string) string {
	if !strings.ContainsAny(s, "\",+;<>\\=# ") && isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.IndexByte(`",+;<>\=`, c) >= 0,
			i == 0 && (c == '#' || c == ' '),
			i == len(s)-1 && c == ' ':
			b.WriteByte('\\')
			b.WriteByte(c)
		case isControl(c):
			fmt.Fprintf(&b, `\%02x`, c)
		case c < utf8.RuneSelf:
			b.WriteByte(c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				fmt.Fprintf(&b, `\%02x`, c)
				continue
			}
			b.WriteString(s[i : i+size])
			i += size - 1
		}
	}
	return b.String()
}

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

// isPlain reports whether a text is UTF-8 without control characters.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if isControl(s[i]) {
			return false
		}
	}
	return utf8.ValidString(s)
}

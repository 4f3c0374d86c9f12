package csvfile

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"provisor.dev/provisor/fault"
)

// The encodings, as the configuration names them.
const (
	utf8Name        = "utf-8"
	windows1252Name = "windows-1252"
	latin1Name      = "iso-8859-1"
	utf16Name       = "utf-16"
)

// marks are the beginnings of files that say what they are.
var marks = []struct {
	begins   string
	what     string
	encoding string // the setting that suits; "" when none does
}{
	{"\xef\xbb\xbf", "the file begins with the mark of UTF-8", utf8Name},
	{"\xff\xfe", "the file begins with the byte order mark of UTF-16", utf16Name},
	{"\xfe\xff", "the file begins with the byte order mark of UTF-16", utf16Name},
	{"PK\x03\x04", "the file is a workbook or an archive, not CSV", ""},
}

// decode turns the file's bytes into UTF-8. UTF-8 itself is passed on as it is:
// its faults are found field by field, where line and column are known.
func (f *file) decode(src *bufio.Reader) (io.Reader, error) {
	begin, _ := src.Peek(4) // a shorter file has no mark
	for _, m := range marks {
		if !bytes.HasPrefix(begin, []byte(m.begins)) || m.encoding == f.encoding {
			continue
		}
		do := "set encoding: " + m.encoding
		if m.encoding == "" {
			do = "save it as CSV"
		}
		return nil, fault.Findings{{File: f.table, Line: 1, What: m.what, Do: do}}
	}
	switch f.encoding {
	case windows1252Name:
		return charmap.Windows1252.NewDecoder().Reader(src), nil
	case latin1Name:
		return charmap.ISO8859_1.NewDecoder().Reader(src), nil
	case utf16Name:
		order, ok := byteOrder(begin)
		if !ok {
			return nil, fault.Findings{{File: f.table, Line: 1, What: "the file is not UTF-16: it has neither a byte order mark nor zero bytes",
				Do: "set encoding: utf-8 or windows-1252"}}
		}
		return order.NewDecoder().Reader(src), nil
	}
	if bytes.HasPrefix(begin, []byte(marks[0].begins)) {
		_, _ = src.Discard(len(marks[0].begins)) // it was peeked at: it is there
	}
	return src, nil
}

// byteOrder tells how UTF-16 is laid out; without a mark, by the zero half of
// the first character, which begins the header's first name.
func byteOrder(begin []byte) (encoding.Encoding, bool) {
	switch {
	case len(begin) < 2:
		return nil, false
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), begin[1] == 0 && begin[0] != 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), true
	case bytes.HasPrefix(begin, []byte("\xfe\xff")), begin[0] == 0 && begin[1] != 0:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), true
	}
	return nil, false
}

// doubtful says why a field's text cannot be what its author wrote. One such
// field is enough to refuse the file: its other names are damaged as well.
func (f *file) doubtful(text string, line int, column string) (fault.Finding, bool) {
	if plain(text) {
		return fault.Finding{}, false
	}
	what, do := f.wrong(text)
	finding := fault.Finding{File: f.table, Line: line, What: what, Do: do}
	if column != "" {
		finding.Object = "column " + cut(column)
	}
	return finding, what != ""
}

func plain(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf || text[i] == 0 {
			return false
		}
	}
	return true
}

func (o options) wrong(text string) (what, do string) {
	single := o.encoding == windows1252Name || o.encoding == latin1Name
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return quote(text) + " contains a zero byte", "set encoding: utf-16 if the file is UTF-16, otherwise export it again"
	case !utf8.ValidString(text):
		return "the bytes of " + quote(text) + " are not UTF-8",
			"set encoding: windows-1252 if the file comes from a spreadsheet or an older program, otherwise export it as UTF-8"
	case !o.mojibake && misread(text) && single:
		return quote(text) + " is UTF-8 read as " + o.encoding, "set encoding: utf-8; if the text is right as it is, set mojibake: accept"
	case !o.mojibake && misread(text):
		return quote(text) + " was decoded wrongly by the program that saved the file",
			"export the file again with the right encoding; if the text is right as it is, set mojibake: accept"
	case single && strings.ContainsFunc(text, isC1) && o.encoding == latin1Name:
		return quote(text) + " contains bytes that are no text in " + o.encoding, "set encoding: windows-1252"
	case single && strings.ContainsFunc(text, isC1):
		return quote(text) + " contains bytes that are no text in " + o.encoding, "set encoding: utf-8, or export the file again"
	case !o.mojibake && (strings.ContainsRune(text, utf8.RuneError) || strings.ContainsFunc(text, isC1)):
		return quote(text) + " contains characters that an earlier conversion destroyed",
			"export the file again; if the text cannot be had otherwise, set mojibake: accept"
	}
	return "", ""
}

// isC1 reports the control characters that stand in no text: they are bytes of
// another encoding.
func isC1(r rune) bool { return 0x80 <= r && r <= 0x9f }

// misread reports text that was UTF-8 and was decoded as a single-byte
// encoding: Ã followed by what stands for a continuation byte, and its like.
// The leading characters are those of Western, Central European, Greek and
// Cyrillic letters and of typographic marks, without É and Ñ, which words in
// capitals may well have before a quotation mark.
func misread(text string) bool {
	runes := []rune(text)
	for i := 0; i+1 < len(runes); i++ {
		switch runes[i] {
		case 'Â', 'Ã', 'Ä', 'Å', 'Î', 'Ð':
			if _, ok := continuation(runes[i+1]); ok {
				return true
			}
		case 'â':
			second, ok := continuation(runes[i+1])
			if ok && (second == 0x80 || second == 0x82) && i+2 < len(runes) {
				if _, ok := continuation(runes[i+2]); ok {
					return true
				}
			}
		}
	}
	return false
}

// continuation returns the byte that a character stands for when it is one of
// those that continue a UTF-8 sequence.
func continuation(r rune) (byte, bool) {
	b, ok := charmap.Windows1252.EncodeRune(r)
	if isC1(r) {
		b, ok = byte(r), true // #nosec G115 -- a C1 character is below 0xa0
	}
	return b, ok && 0x80 <= b && b <= 0xbf
}

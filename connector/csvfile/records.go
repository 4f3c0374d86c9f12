package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

var (
	errLong   = errors.New("the row is longer than 1 MiB")
	errQuotes = fmt.Errorf("more than %d rows have broken quotes", quoteFaultsMax)
)

// record is one row of the file as it stands there.
type record struct {
	line   int      // where it begins
	fields []string // valid until the next record; of a broken one, what could be read
	broken string   // why it is no row of the table; "" for a sound one
	do     string   // what to do about it
	cut    bool     // no line end follows: it is the file's last, and its last field may be incomplete
}

// tape holds what was decoded since the current record began, so that after a
// broken one reading goes on with the very next line. Without it one lost quote
// would swallow all rows up to the next quote.
type tape struct {
	src   io.Reader
	held  []byte
	start int   // where the record begins
	at    int   // the next byte to hand out
	long  bool  // the record was longer than it may be
	err   error // why the source ended, unless with its end
}

// Read hands bytes to the CSV reader.
func (t *tape) Read(p []byte) (int, error) {
	if t.at == len(t.held) {
		if t.at-t.start > recordBytesMax {
			t.long = true
			return 0, errLong
		}
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.held[t.at:])
	t.at += n
	return n, nil
}

func (t *tape) fill() error {
	if t.err != nil {
		return t.err
	}
	n := copy(t.held, t.held[t.start:])
	t.held, t.at, t.start = t.held[:n], t.at-t.start, 0
	t.held = append(t.held, make([]byte, chunkBytes)...)
	got, err := io.ReadAtLeast(t.src, t.held[n:], 1)
	t.held = t.held[:n+got]
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return err
}

// skipLine cuts the first line off the record; the rest is handed out again. It
// reports whether the line ended, and not just the file.
func (t *tape) skipLine() bool {
	for {
		if i := bytes.IndexByte(t.held[t.start:], '\n'); i >= 0 {
			t.start += i + 1
			t.at = t.start
			return true
		}
		t.start = len(t.held) // nobody needs the rest of a line that is given up
		t.at = t.start
		if t.fill() != nil {
			return false
		}
	}
}

// blank counts the empty lines at the beginning of the record, which the CSV reader passes over.
func (t *tape) blank(within int) (lines, size int) {
	rest := t.held[t.start : t.start+within]
	for {
		switch {
		case bytes.HasPrefix(rest, []byte("\n")):
			rest, size = rest[1:], size+1
		case bytes.HasPrefix(rest, []byte("\r\n")):
			rest, size = rest[2:], size+2
		default:
			return lines, size
		}
		lines++
	}
}

// records walks over the rows of a text, broken ones included.
type records struct {
	tape    tape
	csv     *csv.Reader
	comma   rune
	columns int   // of the header; 0 until it is read
	offset  int64 // where the current record begins, in what the CSV reader was given
	lines   int   // before it
	faults  int   // rows with broken quotes so far
}

func newRecords(text io.Reader, comma rune) *records {
	r := &records{tape: tape{src: text}, comma: comma}
	r.restart()
	return r
}

func (r *records) restart() {
	r.csv = csv.NewReader(&r.tape)
	r.csv.Comma = r.comma
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	r.offset = 0
}

// next returns the next row, io.EOF after the last.
func (r *records) next() (record, error) {
	fields, err := r.csv.Read()
	var parse *csv.ParseError
	switch {
	case r.tape.err != nil:
		return record{}, r.tape.err
	case r.tape.long:
		return r.cutOff(fields, errLong.Error(), "close its quotes")
	case errors.As(err, &parse):
		// The fields returned were all ended; the one at fault was not.
		return r.cutOff(append(fields, ""), "the quotes of the row are wrong", `put fields with quotes into quotes and double the quotes inside: "6"" pipe"`)
	case err != nil:
		return record{}, err
	}
	size := int(r.csv.InputOffset() - r.offset)
	blank, skip := r.tape.blank(size)
	raw := r.tape.held[r.tape.start+skip : r.tape.start+size]
	ends := bytes.Count(raw, []byte("\n"))
	if ends > recordLinesMax || r.swallows(fields, ends) {
		return r.cutOff(fields, "a quote is opened and not closed: the rows below would become part of the field", "close the quote")
	}
	rec := record{line: r.lines + blank + 1, fields: fields, cut: !bytes.HasSuffix(raw, []byte("\n"))}
	r.offset = r.csv.InputOffset()
	r.lines += blank + ends
	r.tape.start += size
	if r.columns > 0 && len(fields) != r.columns {
		rec.broken = fmt.Sprintf("the row has %d fields, the header has %d", len(fields), r.columns)
		rec.do = fmt.Sprintf("complete the row, or put fields that contain %q into quotes", r.comma)
	}
	return rec, nil
}

// swallows reports that a field spans lines that all look exactly like rows: a
// quote was lost and a later one closed the field by chance.
func (r *records) swallows(fields []string, ends int) bool {
	if ends < 2 || r.columns < 3 {
		return false
	}
	for _, field := range fields {
		lines := strings.Split(field, "\n")
		if len(lines) < 3 {
			continue
		}
		rows := 0
		for _, line := range lines[1 : len(lines)-1] {
			if strings.Count(line, string(r.comma)) == r.columns-1 {
				rows++
			}
		}
		if rows == len(lines)-2 {
			return true
		}
	}
	return false
}

// cutOff gives up the first line of a record and goes on with the next one.
func (r *records) cutOff(fields []string, broken, do string) (record, error) {
	if r.faults++; r.faults > quoteFaultsMax {
		return record{}, errQuotes
	}
	blank, skip := r.tape.blank(len(r.tape.held) - r.tape.start)
	r.tape.start += skip
	r.tape.long = false
	ended := r.tape.skipLine()
	if r.tape.err != nil {
		return record{}, r.tape.err
	}
	rec := record{line: r.lines + blank + 1, fields: fields, broken: broken, do: do, cut: !ended}
	r.lines += blank + 1
	r.restart()
	return rec, nil
}

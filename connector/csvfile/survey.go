package csvfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// verdict is what the survey found out about a file before any of its rows is
// handed out.
type verdict struct {
	layout     *layout
	rows       int
	complete   bool
	duplicates map[mark][]int // the lines of keys that occur more than once
	swapped    []bool         // by cell: most values are not of the property's type
	keyless    bool           // the key names so few rows that it is no key: no row can be attributed
	general    fault.Findings // about the file as a whole
	findings   int            // all there are, the general ones included
	examples   fault.Findings // the first few of them
	content    []byte         // hash of the bytes surveyed
}

// mark stands for a key: 16 bytes of its hash, so that the survey of a million
// rows needs 20 megabytes, whatever the keys' length.
type mark [16]byte

func markOf(key string) mark {
	sum := sha256.Sum256([]byte(key))
	return mark(sum[:16])
}

// seen is one row's key. Lines fit 32 bits: a file that long would not be read.
type seen struct {
	mark mark
	line uint32
}

// survey is the first walk over a file.
type survey struct {
	verdict
	scan    *scan
	keys    []seen
	filled  []int // by cell: values there are
	failed  []int // by cell: values of the wrong type
	unclear int   // rows that could be anybody's
}

// survey judges the whole file. Each row is shown to visit, if there is one.
func (f *file) survey(ctx context.Context, shape connector.Shape, visit func(*layout, row)) (verdict, error) {
	sc, err := f.scan()
	if err != nil {
		return verdict{}, err
	}
	l, err := newLayout(f.table, sc.header, f.comma, shape)
	if err != nil {
		return verdict{}, err
	}
	s := &survey{scan: sc, filled: make([]int, len(l.cells)), failed: make([]int, len(l.cells))}
	s.layout, s.swapped = l, make([]bool, len(l.cells))
	for {
		if s.rows%rowsPerLook == 0 && ctx.Err() != nil {
			return verdict{}, fault.Wrap(fault.Unavailable, "read csv", ctx.Err())
		}
		r, err := sc.next(l, false)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return verdict{}, err
		}
		if err := s.count(r); err != nil {
			return verdict{}, err
		}
		if visit != nil {
			visit(l, r)
		}
	}
	if err := f.unchanged(); err != nil {
		return verdict{}, err
	}
	s.content = sc.content.Sum(nil)
	s.judge()
	return s.verdict, nil
}

// next returns the next row; the last one is broken when it may have been cut.
func (sc *scan) next(l *layout, build bool) (row, error) {
	rec, err := sc.records.next()
	if errors.Is(err, io.EOF) {
		return row{}, io.EOF
	}
	if err != nil {
		return row{}, sc.unreadable(err)
	}
	if rec.cut && sc.finalNewline {
		rec.broken = "the file ends in the middle of this line: it was probably cut"
		rec.do = "export it again; if the program that writes it never ends the last line, set finalNewline: optional"
	}
	return l.read(rec, build), nil
}

// count takes a row into account; an error refuses the whole file.
func (s *survey) count(r row) error {
	s.rows++
	fields := r.fields
	if r.cut && s.scan.finalNewline && len(fields) > 0 {
		fields = fields[:len(fields)-1] // a character cut in half is not a wrong encoding
	}
	for i, field := range fields {
		column := ""
		if i < len(s.layout.names) {
			column = s.layout.names[i]
		}
		if finding, bad := s.scan.doubtful(field, r.line, column); bad {
			return fault.Findings{finding}
		}
	}
	if !r.attributed() {
		s.unclear++
	}
	if r.broken == "" {
		for i, c := range s.layout.cells {
			if strings.TrimSpace(r.fields[c.at]) != "" {
				s.filled[i]++
			}
		}
		for _, b := range r.bad {
			s.failed[b.cell]++
		}
		if r.key != "" {
			s.keys = append(s.keys, seen{markOf(r.key), uint32(r.line)}) // #nosec G115 -- half the space; a file of 2^32 lines holds more keys than memory does
		}
	}
	if r.sound() {
		return nil
	}
	of := s.layout.findings(r, s.swapped)
	s.findings += len(of)
	if room := examplesMax - len(s.examples); room > 0 {
		s.examples = append(s.examples, of[:min(room, len(of))]...)
	}
	return nil
}

// judge draws the conclusions once all rows are known.
func (s *survey) judge() {
	s.complete = s.unclear == 0 && !s.scan.cut
	if s.scan.cut {
		s.say("the file ends in the middle of its header", "export it again")
	}
	if s.rows == 0 {
		s.say("the file has a header and no row",
			"check the export: everything that was in the file before now counts as gone, as far as the thresholds let it")
	}
	for i := range s.layout.cells {
		if s.failed[i] > s.filled[i]/2 && s.filled[i] >= suspiciousRows {
			s.swapped[i] = true
			s.complete = false
			s.findings -= s.failed[i]
			s.say(fmt.Sprintf("column %s looks swapped or has another format: %d of %d values are not of type %s",
				cut(s.layout.name(i)), s.failed[i], s.filled[i], s.layout.cells[i].property.Type),
				"compare the header with the columns, and the format of the property "+s.layout.cells[i].property.Name)
		}
	}
	repeated := s.repeated()
	if len(s.keys) >= suspiciousRows && repeated > len(s.keys)/2 {
		// Whatever rows have a key of their own have it by chance.
		s.complete, s.keyless, s.duplicates = false, true, nil
		s.general, s.findings = nil, 0
		s.say(fmt.Sprintf("column %s looks swapped: as the key it should name each row, but %d of %d rows share theirs with another; no row is read",
			cut(s.layout.name(s.layout.key)), repeated, len(s.keys)), "compare the header with the columns, and see whether the file holds its rows twice")
	}
	s.keys = nil
}

// repeated finds the keys that occur more than once and returns the number of their rows.
func (s *survey) repeated() int {
	slices.SortFunc(s.keys, func(a, b seen) int {
		if c := bytes.Compare(a.mark[:], b.mark[:]); c != 0 {
			return c
		}
		return int(a.line) - int(b.line)
	})
	s.duplicates = map[mark][]int{}
	rows := 0
	for start := 0; start < len(s.keys); {
		end := start + 1
		for end < len(s.keys) && s.keys[end].mark == s.keys[start].mark {
			end++
		}
		if end-start > 1 {
			lines := make([]int, 0, min(end-start, linesNamedMax+1))
			for _, k := range s.keys[start:min(end, start+linesNamedMax+1)] {
				lines = append(lines, int(k.line))
			}
			s.duplicates[s.keys[start].mark] = lines
			s.findings++
			rows += end - start
		}
		start = end
	}
	return rows
}

func (s *survey) say(what, do string) {
	s.general = append(s.general, fault.Finding{File: s.scan.table, What: what, Do: do})
	s.findings++
}

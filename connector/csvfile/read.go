package csvfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// reading is the delivery of a surveyed file, page by page.
type reading struct {
	file    *file
	scan    *scan
	verdict verdict
	row     int // handed out or set aside so far
	shown   int // findings reported so far
	done    bool
}

// kept is a reading that waits for the request for its next page.
type kept struct {
	name    string
	reading *reading
}

// Read returns one page. The first one surveys the whole file.
func (s *system) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	if err := ctx.Err(); err != nil {
		return connector.ReadPage{}, fault.Wrap(fault.Unavailable, "read csv", err)
	}
	limit := req.Limit
	if limit <= 0 {
		limit = pageRows
	}
	r, err := s.resume(ctx, req)
	if err != nil {
		return connector.ReadPage{}, err
	}
	page, err := r.page(ctx, min(limit, pageRowsMax))
	if err != nil {
		r.close()
		return connector.ReadPage{}, err
	}
	if r.done {
		r.close()
		return page, nil
	}
	page.Cursor = r.cursor()
	s.keep(kept{readingName(req.Shape, page.Cursor), r})
	return page, nil
}

// readingName tells readings of different entity types apart that stand at the same row of one file.
func readingName(shape connector.Shape, cursor string) string {
	return fmt.Sprintf("%s %v", cursor, shape)
}

// resume takes up the reading that a cursor belongs to. When it is not kept,
// because the process or the page was repeated, the file is surveyed again and
// the rows before the cursor are passed over.
func (s *system) resume(ctx context.Context, req connector.ReadRequest) (*reading, error) {
	if req.Cursor != "" {
		if r := s.take(readingName(req.Shape, req.Cursor)); r != nil {
			return r, nil
		}
	}
	f, err := s.open(req.Shape.From[keyTable])
	if err != nil {
		return nil, err
	}
	r := &reading{file: f}
	if err := r.begin(ctx, req); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reading) begin(ctx context.Context, req connector.ReadRequest) error {
	rows := 0
	if req.Cursor != "" {
		count, of, _ := strings.Cut(req.Cursor, "@")
		var err error
		if rows, err = strconv.Atoi(count); err != nil || rows < 0 {
			return fault.New(fault.Invalid, "read csv", "%s is not a cursor of this package", quote(req.Cursor))
		}
		if of != r.fingerprint() {
			return r.file.changed()
		}
	}
	var err error
	if r.verdict, err = r.file.survey(ctx, req.Shape, nil); err != nil {
		return err
	}
	if r.scan, err = r.file.scan(); err != nil {
		return err
	}
	for r.row < rows && !r.done {
		if _, err := r.page(ctx, min(rows-r.row, pageRowsMax)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) close() { r.file.close() }

func (r *reading) cursor() string { return strconv.Itoa(r.row) + "@" + r.fingerprint() }

func (r *reading) fingerprint() string {
	return fmt.Sprintf("%d.%d", r.file.info.Size(), r.file.info.ModTime().UnixNano())
}

// page delivers the next rows.
func (r *reading) page(ctx context.Context, limit int) (connector.ReadPage, error) {
	var page connector.ReadPage
	if r.row == 0 {
		r.tell(&page, r.verdict.general)
	}
	for end := min(r.row+limit, r.verdict.rows); r.row < end; r.row++ {
		if r.row%rowsPerLook == 0 && ctx.Err() != nil {
			return page, fault.Wrap(fault.Unavailable, "read csv", ctx.Err())
		}
		next, err := r.scan.next(r.verdict.layout, true)
		if errors.Is(err, io.EOF) {
			return page, r.file.changed()
		}
		if err != nil {
			return page, err
		}
		r.deliver(&page, next)
	}
	if err := r.file.unchanged(); err != nil {
		return page, err
	}
	if r.row < r.verdict.rows {
		return page, nil
	}
	// The hash covers what the clock of the file system is too coarse to show.
	if _, err := r.scan.records.next(); !errors.Is(err, io.EOF) || !bytes.Equal(r.scan.content.Sum(nil), r.verdict.content) {
		return page, r.file.changed()
	}
	r.done = true
	page.Complete = r.verdict.complete
	if more := r.verdict.findings - r.shown; more > 0 {
		page.Findings = append(page.Findings, fault.Finding{File: r.file.table,
			What: fmt.Sprintf("%d more findings are not listed", more), Do: "correct those listed and read again"})
	}
	return page, nil
}

// deliver puts a row where it belongs: among the objects or aside. In a file with
// a swapped column the rows that look sound do so by chance: all go aside.
func (r *reading) deliver(page *connector.ReadPage, next row) {
	if r.verdict.keyless {
		return // the file as a whole was said
	}
	lines, twice := []int(nil), false
	if next.broken == "" && next.key != "" {
		lines, twice = r.verdict.duplicates[markOf(next.key)]
	}
	if next.sound() && !twice && !slices.Contains(r.verdict.swapped, true) {
		page.Objects = append(page.Objects, next.object)
		return
	}
	r.tell(page, r.verdict.layout.findings(next, r.verdict.swapped))
	if twice && next.line != lines[0] {
		return // said at its first line
	}
	if next.key != "" {
		page.SetAside = append(page.SetAside, strings.Clone(next.key))
	}
	if twice {
		r.tell(page, fault.Findings{r.verdict.layout.repeats(next, lines)})
	}
}

// tell reports findings up to the limit; one place is left for their number.
func (r *reading) tell(page *connector.ReadPage, findings fault.Findings) {
	for _, f := range findings {
		if r.shown < findingsMax-1 {
			page.Findings = append(page.Findings, f)
			r.shown++
		}
	}
}

func (l *layout) repeats(r row, lines []int) fault.Finding {
	named := make([]string, 0, linesNamedMax)
	for _, line := range lines[:min(len(lines), linesNamedMax)] {
		named = append(named, strconv.Itoa(line))
	}
	list := strings.Join(named, ", ")
	if len(lines) > linesNamedMax {
		list += " and more"
	}
	return fault.Finding{File: l.table, Line: r.line, Object: l.columnOf(l.key, r.key),
		What: "the key stands in lines " + list + "; all of them are set aside",
		Do:   "leave one of the rows; until then the object keeps the values it has"}
}

// take removes a reading from those that wait, so that nobody else continues it.
func (s *system) take(name string) *reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.readings {
		if k.name == name {
			s.readings = append(s.readings[:i], s.readings[i+1:]...)
			return k.reading
		}
	}
	return nil
}

// keep lets a reading wait; the one that waited longest makes room.
func (s *system) keep(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		k.reading.close()
		return
	}
	s.readings = append(s.readings, k)
	if len(s.readings) > readingsMax {
		s.readings[0].reading.close()
		s.readings = append(s.readings[:0], s.readings[1:]...)
	}
}

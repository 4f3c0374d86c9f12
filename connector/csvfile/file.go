package csvfile

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
)

// file is one open table. Its folder is a boundary: neither a table's name nor
// a link inside the folder leads out of it.
type file struct {
	*system
	table string
	on    *os.File
	info  fs.FileInfo // as it was when the file was opened
}

func (s *system) open(table string) (*file, error) {
	if table == "" {
		return nil, fault.Findings{{Object: keyTable, What: "no table is given",
			Do: "write from: {table: NAME.csv} at the entity type"}}
	}
	info, err := s.stat(table)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return nil, s.cannotOpen(table, err)
	}
	defer root.Close()
	on, err := root.Open(table)
	if err != nil {
		return nil, s.cannotOpen(table, err)
	}
	f := &file{system: s, table: table, on: on, info: info}
	if err := f.unchanged(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// stat looks before opening, because opening a pipe would wait for its writer.
func (s *system) stat(table string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return nil, s.cannotOpen(table, err)
	}
	defer root.Close()
	info, err := root.Stat(table)
	if err != nil {
		return nil, s.cannotOpen(table, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Findings{{File: table, What: "it is not an ordinary file",
			Do: "name a file in the folder " + s.folder}}
	}
	if info.Size() == 0 {
		return nil, fault.Findings{{File: table, What: "the file is empty, it has not even a header",
			Do: "let the program that writes it export again; nothing was read"}}
	}
	return info, nil
}

// cannotOpen never answers NotFound: a missing file says nothing about the objects in it.
func (s *system) cannotOpen(table string, err error) error {
	e := &fault.Error{Kind: fault.Unavailable, Op: "open csv", Err: err,
		Msg: "the file " + filepath.Join(s.folder, table) + " cannot be opened",
		Do:  "check the setting folder, the key table and the permissions of the file"}
	if errors.Is(err, fs.ErrNotExist) {
		e.Msg = "there is no file " + filepath.Join(s.folder, table)
		e.Do = "wait for the program that writes it, or correct the setting folder or the key table"
	}
	return e
}

// unchanged fails when the file is no longer the one that was opened, whether
// it was written to or replaced.
func (f *file) unchanged() error {
	held, err := f.on.Stat()
	if err != nil {
		return f.cannotOpen(f.table, err)
	}
	named, err := f.stat(f.table)
	if err != nil {
		return err
	}
	for _, now := range []fs.FileInfo{held, named} {
		if !os.SameFile(f.info, now) || now.Size() != f.info.Size() || !now.ModTime().Equal(f.info.ModTime()) {
			return f.changed()
		}
	}
	return nil
}

func (f *file) changed() error {
	return &fault.Error{Kind: fault.Conflict, Op: "read csv",
		Msg: f.table + " changed while it was read",
		Do:  "read again when the export is finished; let the program write under another name and rename at the end"}
}

func (f *file) close() { _ = f.on.Close() }

// scan is one walk over the file, from its header on.
type scan struct {
	*file
	records *records
	header  []string
	cut     bool      // no line end follows the header
	content hash.Hash // of the bytes as they lie in the file
}

func (f *file) scan() (*scan, error) {
	if _, err := f.on.Seek(0, io.SeekStart); err != nil {
		return nil, f.cannotOpen(f.table, err)
	}
	sc := &scan{file: f, content: sha256.New()}
	text, err := f.decode(bufio.NewReaderSize(io.TeeReader(f.on, sc.content), chunkBytes))
	if err != nil {
		return nil, err
	}
	sc.records = newRecords(text, f.comma)
	rec, err := sc.records.next()
	if errors.Is(err, io.EOF) {
		return nil, fault.Findings{{File: f.table, What: "the file has no header",
			Do: "let the program that writes it export again, with the columns' names in the first line"}}
	}
	if err != nil {
		return nil, f.unreadable(err)
	}
	if rec.broken != "" || len(rec.fields) > columnsMax {
		return nil, fault.Findings{{File: f.table, Line: rec.line, What: "the header cannot be read: " + rec.broken,
			Do: "check the header's quotes and the setting separator"}}
	}
	for _, name := range rec.fields {
		name = strings.TrimSpace(name)
		if finding, bad := f.doubtful(name, rec.line, name); bad {
			return nil, fault.Findings{finding}
		}
		sc.header = append(sc.header, name)
	}
	sc.cut = rec.cut && f.finalNewline
	sc.records.columns = len(sc.header)
	return sc, nil
}

// unreadable names the file in an error of a walk over it.
func (f *file) unreadable(err error) error {
	if errors.Is(err, errQuotes) {
		return fault.Findings{{File: f.table, What: err.Error(),
			Do: "let the program that writes the file put fields that contain quotes into quotes and double the quotes inside; nothing was read"}}
	}
	return &fault.Error{Kind: fault.Unavailable, Op: "read csv", Msg: f.table + " cannot be read", Err: err}
}

// tables lists the files of the folder that are named like tables.
func (s *system) tables() ([]string, error) {
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return nil, s.cannotOpen("", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, s.cannotOpen("", err)
	}
	var names []string
	for _, e := range entries {
		known := slices.Contains([]string{".csv", ".tsv", ".txt"}, strings.ToLower(filepath.Ext(e.Name())))
		if known && !e.IsDir() && len(names) < describedMax {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

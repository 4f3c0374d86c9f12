// Package csvfile reads tables from CSV files that another program leaves in a
// folder; in the configuration its name is csv. It only reads.
//
// It promises that a damaged file never looks like a complete one. A reading is
// Complete only when every row of the file was either handed out or set aside
// under its own key; what makes a row's key doubtful (a lost quote, a wrong
// number of fields, no key at all, a last line that is cut) makes the reading
// incomplete, and what makes the text of the whole file doubtful (the wrong
// encoding, missing columns, a file that changes meanwhile) makes it an error.
//
// Every reading goes over the file twice: a survey that judges all of it, then
// the delivery of its rows in pages. Memory grows with 20 bytes a row, for
// finding keys that occur twice.
//
// The engine opens one System for each connection. A crash leaves nothing
// behind: a cursor carries the file's size and time, so that a reading can be
// resumed by another process as long as the file is still the same.
package csvfile

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// The settings and keys, by name.
const (
	settingFolder       = "folder"
	settingSeparator    = "separator"
	settingEncoding     = "encoding"
	settingFinalNewline = "finalNewline"
	settingMojibake     = "mojibake"
	keyTable            = "table"
	keyMany             = "many"
)

// Limits, each with its reason.
const (
	pageRows        = 1_000     // in a page when the request names no limit
	pageRowsMax     = 10_000    // in a page: keeps its memory to some tens of megabytes
	recordBytesMax  = 1 << 20   // of one row: more is a quote that was never closed
	recordLinesMax  = 100       // of one row: an address has a few lines; more is a lost quote too
	quoteFaultsMax  = 1_000     // rows with broken quotes before the file is refused: each may be read twice
	columnsMax      = 2_000     // of a header: more is not a table
	findingsMax     = 100       // of one reading: nobody reads more; the last one counts the rest
	examplesMax     = 3         // findings quoted in an error
	linesNamedMax   = 10        // lines listed in one finding
	wordsShownBytes = 200       // of a value or header quoted in a finding
	readingsMax     = 16        // kept open between pages: entity types read at once on one connection
	describedMax    = 1_000     // files listed by Describe
	rowsPerLook     = 1_024     // rows between two looks at the context
	suspiciousRows  = 4         // values in a column before "most of them" means anything
	chunkBytes      = 32 * 1024 // decoded at a time
)

var (
	encodings = []string{utf8Name, windows1252Name, latin1Name, utf16Name}
	newlines  = []string{"required", "optional"}
	damaged   = []string{"refuse", "accept"}
)

// Package returns the connector package csv.
func Package() connector.Package {
	return connector.Package{
		Name:  "csv",
		About: "Reads tables from CSV files in a folder.",
		Class: connector.ReadOnly,
		Settings: []connector.Setting{
			{Name: settingFolder, Required: true, About: "The folder that holds the files; relative to the configuration."},
			{Name: settingSeparator, Default: ",", About: "The character between two fields, or tab."},
			{Name: settingEncoding, Default: utf8Name, OneOf: encodings, About: "How the files' text is encoded."},
			{Name: settingFinalNewline, Default: newlines[0], OneOf: newlines,
				About: "Whether a last line without line end is taken for a file that was cut (required) or for a row (optional)."},
			{Name: settingMojibake, Default: damaged[0], OneOf: damaged,
				About: "Whether text that was decoded wrongly before it was saved, such as Ã¼ for ü, is refused or accepted."},
		},
		From: []connector.Setting{
			{Name: keyTable, Required: true, About: "Entity types: the file's name inside the folder."},
			{Name: keyMany, Default: "|", About: "Links to many: what stands between two references in a field."},
		},
		Check: func(s connector.Settings) []fault.Finding {
			_, findings := readOptions(s)
			return findings
		},
		Open: open,
	}
}

// options are a connection's settings, understood.
type options struct {
	folder       string
	comma        rune
	encoding     string
	finalNewline bool // a last line must end
	mojibake     bool // damaged text is accepted
}

func readOptions(s connector.Settings) (options, []fault.Finding) {
	var findings []fault.Finding
	oneOf := func(name string, allowed []string) string {
		v := s.Get(name, allowed[0])
		if !slices.Contains(allowed, v) {
			findings = append(findings, fault.Finding{Object: name,
				What: quote(v) + " is not a value of " + name, Do: "write one of " + strings.Join(allowed, ", ")})
		}
		return v
	}
	o := options{
		folder:       s.Get(settingFolder, ""),
		encoding:     oneOf(settingEncoding, encodings),
		finalNewline: oneOf(settingFinalNewline, newlines) == newlines[0],
		mojibake:     oneOf(settingMojibake, damaged) == damaged[1],
	}
	if o.folder == "" {
		findings = append(findings, fault.Finding{Object: settingFolder,
			What: "no folder is given", Do: "write folder: and the path of the folder that holds the files"})
	} else if !filepath.IsAbs(o.folder) {
		o.folder = filepath.Join(s.Dir, o.folder)
	}
	separator := s.Get(settingSeparator, ",")
	if separator == "tab" {
		separator = "\t"
	}
	comma, size := utf8.DecodeRuneInString(separator)
	if size != len(separator) || comma == utf8.RuneError || strings.ContainsRune("\"\r\n\x00", comma) {
		findings = append(findings, fault.Finding{Object: settingSeparator,
			What: quote(separator) + " cannot separate fields",
			Do:   `write one character that is neither a quote nor a line end, such as ";", or tab`})
	}
	o.comma = comma
	return o, findings
}

// system is one folder of files.
type system struct {
	options
	mu       sync.Mutex
	readings []kept // between two pages; the one used longest ago comes first
	closed   bool
}

func open(_ context.Context, s connector.Settings) (connector.System, error) {
	o, findings := readOptions(s)
	if len(findings) > 0 {
		return nil, fault.Findings(findings)
	}
	return &system{options: o}, nil
}

// Describe lists the files of the folder with their columns.
func (s *system) Describe(ctx context.Context) (connector.Description, error) {
	d := connector.Description{Product: "CSV files", Can: connector.Abilities{Read: true, Lookup: true}}
	names, err := s.tables()
	if err != nil {
		return d, err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return d, fault.Wrap(fault.Unavailable, "describe csv", err)
		}
		// A file that cannot be read now is still one of the tables: it is listed without columns.
		columns, _ := s.header(name)
		d.Objects = append(d.Objects, connector.DescribedObject{Name: name, Columns: columns})
	}
	return d, nil
}

func (s *system) header(table string) ([]string, error) {
	f, err := s.open(table)
	if err != nil {
		return nil, err
	}
	defer f.close()
	sc, err := f.scan()
	if err != nil {
		return nil, err
	}
	return slices.Clone(sc.header), nil
}

// Apply refuses every item: the files belong to the program that writes them.
func (s *system) Apply(_ context.Context, change connector.Change) connector.Outcome {
	return connector.All(change, connector.ItemOutcome{
		Effect:    connector.None,
		Err:       "CSV files are only read: change the data in the system that writes them, or provision through another connection",
		Permanent: true,
	})
}

// Close gives up the readings that were not read to their end.
func (s *system) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.readings {
		k.reading.close()
	}
	s.readings, s.closed = nil, true
	return nil
}

// quote shows words of a file or a setting in a message, cut to a length that can be read.
func quote(words string) string { return `"` + cut(words) + `"` }

func cut(words string) string {
	words = strings.ToValidUTF8(words, "?")
	if len(words) <= wordsShownBytes {
		return words
	}
	end := wordsShownBytes
	for !utf8.RuneStart(words[end]) {
		end--
	}
	return words[:end] + "…"
}

package plan

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"time"

	"provisor.dev/provisor/fault"
)

// A Filed is a plan that somebody kept in a file, as it was made then.
type Filed struct {
	File    string
	At      time.Time // when it was kept
	Plan    Plan
	Sources []string // connectors that were read for it
	// Differences are the parts of the configuration that would change.
	Differences []FiledDifference
	// Unreadable says why the file is no plan; the rest is empty then.
	Unreadable string
}

// A FiledDifference is one part of the configuration that would change.
type FiledDifference struct {
	Object string `json:"object"`
	Change string `json:"change"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

const (
	// filedEnding is how the files of plans end.
	filedEnding = ".plan"
	// filedBytesMax is a plan of some hundred thousand orders; one beyond is not read on a page.
	filedBytesMax = 64 << 20
	// filedMost is more than a person keeps beside a folder.
	filedMost = 200
)

// InFolder lists the plans that were kept in a folder, the newest first.
func InFolder(folder fs.FS) ([]Filed, error) {
	names, err := fs.Glob(folder, "*"+filedEnding)
	if err != nil {
		return nil, err
	}
	var list []Filed
	for _, name := range names[:min(len(names), filedMost)] {
		info, err := fs.Stat(folder, name)
		if err != nil || info.IsDir() {
			continue // gone meanwhile
		}
		list = append(list, Filed{File: name, At: info.ModTime()})
	}
	slices.SortStableFunc(list, func(a, b Filed) int { return b.At.Compare(a.At) })
	for i := range list {
		list[i].read(folder)
	}
	return list, nil
}

// FromFolder reads one plan that was kept in a folder.
func FromFolder(folder fs.FS, name string) (Filed, error) {
	missing := &fault.Error{Kind: fault.NotFound, Msg: "no plan is kept as " + name, Do: "`provisor plan --out NAME.plan` keeps one."}
	if !strings.HasSuffix(name, filedEnding) || strings.ContainsAny(name, `/\`) || !fs.ValidPath(name) {
		return Filed{}, missing
	}
	info, err := fs.Stat(folder, name)
	if err != nil {
		return Filed{}, missing
	}
	f := Filed{File: name, At: info.ModTime()}
	f.read(folder)
	return f, nil
}

// read fills in the plan, or why there is none.
func (f *Filed) read(folder fs.FS) {
	if info, err := fs.Stat(folder, f.File); err != nil || info.Size() > filedBytesMax {
		f.Unreadable = "it is too large to be shown"
		return
	}
	text, err := fs.ReadFile(folder, f.File)
	if err != nil {
		f.Unreadable = "it cannot be read"
		return
	}
	var kept struct {
		Plan
		Sources     []string          `json:"sources"`
		Differences []FiledDifference `json:"configuration"`
	}
	if json.Unmarshal(text, &kept) != nil || kept.Name == "" {
		f.Unreadable = "it is not what `provisor plan --out` keeps"
		return
	}
	f.Plan, f.Sources, f.Differences = kept.Plan, kept.Sources, kept.Differences
}

// Package declare is the first stage of the path: it reads the configuration,
// checks it and explains what is wrong with it.
//
// It promises that a configuration either loads whole, with every reference
// resolved and every expression type-checked, or not at all, with every fault
// named at once: file, line, column, object, what is wrong and what to do.
// Nothing here connects to a system or resolves a secret. The command line and
// the server's deployment call it; it keeps nothing, so a crash leaves nothing.
package declare

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression"
)

// Limits of what is read.
const (
	// fileBytes holds some 40,000 roles, more than a person finds her way in.
	fileBytes = 8 << 20
	// allBytes keeps the tree of everything within memory.
	allBytes = 64 << 20
	// maxFiles stops a wrong folder, such as /, from being read.
	maxFiles = 2_000
)

// Files are the configuration's files by name.
type Files map[string][]byte

// A Configuration is what the files say, checked.
type Configuration struct {
	Files       Files
	Hash        string // of names and contents, line ends apart
	Model       *roles.Model
	Environment *expression.Environment
	// Programs hold every expression of the model, compiled.
	Programs expression.Programs
	Profiles []access.Profile   // the built-in ones first
	Provider *Provider          // where people sign in elsewhere; nil: nowhere
	Messages *messages.Settings // what people are told of; nil: of nothing
	// Schedules say when servers begin which jobs.
	Schedules []runs.Schedule

	document *document
}

// ReadDir reads the *.yaml and *.yml files of a folder and of the folders in
// it. What begins with a dot is left alone.
func ReadDir(dir string) (Files, error) {
	files, total := Files{}, 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)):
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := readFile(path)
		if err != nil {
			return err
		}
		if total += len(content); total > allBytes || len(files) >= maxFiles {
			return fault.New(fault.Invalid, "", "more than %d files or %d MiB", maxFiles, allBytes>>20)
		}
		files[filepath.ToSlash(name)] = content
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "read configuration "+dir, err)
	}
	if len(files) == 0 {
		return nil, &fault.Error{Kind: fault.NotFound, Op: "read configuration",
			Msg: "there is no *.yaml file in " + dir, Do: "name the folder that holds the configuration"}
	}
	return files, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- a file of the folder that the administrator names
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, fileBytes+1))
	if err == nil && len(content) > fileBytes {
		err = fault.New(fault.Invalid, "", "%s is larger than %d MiB: split it", path, fileBytes>>20)
	}
	return content, err
}

// Load checks the files and builds the model. The error is fault.Findings with
// everything that is wrong.
func Load(files Files, packages []connector.Package) (*Configuration, error) {
	doc, keys, findings, whole := merge(files)
	if !whole {
		// What a file that could not be read declares would be missed everywhere.
		findings.Sort()
		return nil, findings
	}
	b := newBuilder(doc, keys, packages)
	b.findings = findings
	b.build()
	if len(b.findings) > 0 {
		b.findings.Sort()
		return nil, slices.CompactFunc(b.findings, func(a, b fault.Finding) bool { return a == b })
	}
	return &Configuration{
		Files: files, Hash: hash(files), Model: b.model,
		Environment: b.environment, Programs: b.programs, Profiles: b.access, Provider: b.provider, Messages: b.messageSettings, Schedules: b.schedules, document: doc,
	}, nil
}

// hash names the files' contents; line ends do not count.
func hash(files Files) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, part := range [][]byte{[]byte(name), bytes.ReplaceAll(files[name], []byte("\r\n"), []byte("\n"))} {
			var length [8]byte
			binary.BigEndian.PutUint64(length[:], uint64(len(part)))
			sum.Write(length[:])
			sum.Write(part)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// merge reads every file and puts the sections together, entry by entry. The
// last result is false when a file could not be read as YAML.
func merge(files Files) (*document, map[string]schema.Position, fault.Findings, bool) {
	all, keys := &document{}, map[string]schema.Position{}
	var findings fault.Findings
	whole, total := true, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		if total += len(content); len(content) > fileBytes || total > allBytes {
			findings = append(findings, fault.Finding{File: name,
				What: fmt.Sprintf("the file is larger than %d MiB, or all files than %d MiB", fileBytes>>20, allBytes>>20)})
			return all, keys, findings, false
		}
		part, d, ok := decode[document](name, bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")))
		findings = append(findings, d.findings...)
		whole = whole && ok
		findings = append(findings, mergeInto(all, part, keys, d.keys)...)
	}
	return all, keys, findings, whole
}

// mergeInto adds the sections of one file. An identifier stands in one file only.
func mergeInto(all, part *document, keys, added map[string]schema.Position) fault.Findings {
	var findings fault.Findings
	twice := func(object string) {
		first, again := keys[object], added[object]
		findings = append(findings, fault.Finding{File: again.File, Line: again.Line, Column: again.Column, Object: object,
			What: fmt.Sprintf("it is declared a second time; first in %s:%d", first.File, first.Line),
			Do:   "keep one of the two, or rename one"})
	}
	into, from := reflect.ValueOf(all).Elem(), reflect.ValueOf(part).Elem()
	for _, f := range formOf(into.Type()).fields {
		to, section := into.FieldByIndex(f.index), from.FieldByIndex(f.index)
		if section.Kind() == reflect.Slice {
			to.Set(reflect.AppendSlice(to, section))
			continue
		}
		if whole, ok := to.Addr().Interface().(*messagesDoc); ok {
			findings = append(findings, whole.take(section.Interface().(messagesDoc), f.name)...)
			continue
		}
		if section.Kind() != reflect.Map {
			for _, name := range mergeReserved(to.Addr().Interface().(*reserved), section.Interface().(reserved)) {
				twice(join(f.name, name))
			}
			continue
		}
		for _, key := range section.MapKeys() {
			if to.IsNil() {
				to.Set(reflect.MakeMap(to.Type()))
			}
			if to.MapIndex(key).IsValid() {
				twice(join(f.name, key.String()))
				continue
			}
			to.SetMapIndex(key, section.MapIndex(key))
		}
	}
	for object, at := range added {
		if _, known := keys[object]; !known {
			keys[object] = at
		}
	}
	return findings
}

// mergeReserved joins maps and returns the keys that stand twice.
func mergeReserved(to *reserved, from reserved) (twice []string) {
	if from.node == nil {
		return nil
	}
	if to.node == nil {
		*to = from
		return nil
	}
	joined := *to.node
	joined.Content = slices.Clone(joined.Content)
	for pair := range slices.Chunk(from.node.Content, 2) {
		known := false
		for have := range slices.Chunk(to.node.Content, 2) {
			known = known || have[0].Value == pair[0].Value
		}
		if known {
			twice = append(twice, pair[0].Value)
			continue
		}
		joined.Content = append(joined.Content, pair...)
	}
	to.node = &joined
	return twice
}

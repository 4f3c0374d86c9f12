package csvfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

func TestAFileThatCannotBeTrustedAsAWholeIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		settings      []string
		words         []string // that the error must contain
	}{
		{"zero bytes", "", nil, []string{"employees.csv", "empty"}},
		{"only line ends", "\n\r\n\n", nil, []string{"no header"}},
		{"no header", ann + bob, nil, []string{"no column", "employee_id", "hired_on", "column:"}},
		{"missing column", "employee_id,name,email,HIRED_ON,dept,sites\n" + ann, nil, []string{`no column "hired_on"`, "the columns are employee_id, name", "column: HIRED_ON"}},
		{"header cut", "employee_id,name,ema", nil, []string{"no column"}},
		{"column twice", strings.Replace(header, "extra", "email", 1) + ann, nil, []string{"more than once"}},
		{"other separator", strings.ReplaceAll(header+ann, ",", ";"), nil, []string{`separator: ";"`}},
		{"header with a lost quote", "\"" + header + ann, nil, []string{"header"}},
		{"Latin-1 as UTF-8", header + ann + "E2,M\xfcller,,,,,\n", nil, []string{"employees.csv:3", "column name", "M?ller", "set encoding: windows-1252"}},
		{"Latin-1 in the header", strings.Replace(header, "extra", "Stra\xdfe", 1) + ann, nil, []string{"employees.csv:1", "set encoding: windows-1252"}},
		{"UTF-8 as windows-1252", header + ann + "E2,Müller,,,,,\n", []string{"encoding", "windows-1252"}, []string{"column name", "set encoding: utf-8"}},
		{"UTF-8 mark, other encoding", "\xef\xbb\xbf" + header, []string{"encoding", "windows-1252"}, []string{"set encoding: utf-8"}},
		{"windows-1252 as iso-8859-1", header + "E2,50 \x80,,,,,\n", []string{"encoding", "iso-8859-1"}, []string{"set encoding: windows-1252"}},
		{"UTF-16 as UTF-8", "\xff\xfe" + utf16(header+ann, 0), nil, []string{"UTF-16", "set encoding: utf-16"}},
		{"UTF-16 without mark as UTF-8", utf16(header+ann, 0), nil, []string{"set encoding: utf-16"}},
		{"UTF-8 as UTF-16", header + ann, []string{"encoding", "utf-16"}, []string{"not UTF-16"}},
		{"converted twice", header + ann + "E2,MÃ¼ller,,,,,\n", nil, []string{"employees.csv:3", "column name", "MÃ¼ller", "mojibake: accept"}},
		{"converted twice, é", header + "E2,RenÃ©,,,,,\n", nil, []string{"mojibake: accept"}},
		{"converted twice, dash", header + "E2,a â€“ b,,,,,\n", nil, []string{"mojibake: accept"}},
		{"converted twice, Polish", header + "E2,PaweÅ‚,,,,,\n", nil, []string{"mojibake: accept"}},
		{"destroyed", header + "E2,M\uFFFDller,,,,,\n", nil, []string{"mojibake: accept"}},
		{"damage in an unused column", header + "E2,,,,,,M\xfcller\n", nil, []string{"column extra"}},
		{"workbook", "PK\x03\x04" + header, nil, []string{"workbook", "save it as CSV"}},
		{"too many lost quotes", header + strings.Repeat("E1,6\" pipe,,,,,\n", 1_001), nil, []string{"broken quotes"}},
	} {
		r, err := read(t, tt.content, tt.settings...)
		if kind := fault.KindOf(err); err == nil || kind != fault.Invalid || len(r.objects) > 0 {
			t.Errorf("%s: %d objects, %v", tt.name, len(r.objects), err)
			continue
		}
		for _, words := range tt.words {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q does not say %q", tt.name, err, words)
			}
		}
	}
}

func TestDamagedTextIsReadWhenItIsAccepted(t *testing.T) {
	r, err := read(t, header+"E2,MÃ¼ller,,,,,\nE3,M\uFFFDller,,,,,\n", "mojibake", "accept")
	if err != nil || !r.complete || len(r.keys) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAMissingFileSaysNothingAboutWhoIsThere(t *testing.T) {
	s := folder(t, header+ann)
	if err := os.Remove(filepath.Join(s.Dir, s.Values["folder"], "employees.csv")); err != nil {
		t.Fatal(err)
	}
	_, err := readBy(t, opened(t, s), person, 10)
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("reading: %v", err)
	}
	if _, err := opened(t, s).Lookup(t.Context(), connector.LookupRequest{Shape: person, Key: "E1"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("looking up: %v", err)
	}
}

func TestWhatIsWrongWithSomeRowsIsSetAsideAndSaid(t *testing.T) {
	rest := bob + carl
	for _, tt := range []struct {
		name, content string
		keys, aside   string
		complete      bool
		words         string
	}{
		{"header only", header, "", "", true, "a header and no row"},
		{"too few fields", header + "E1,Ann,x\n" + rest, "E2 E3", "E1", false, "employees.csv:2: employee_id E1: the row has 3 fields, the header has 7"},
		{"too many fields", header + "E1,Ann,x,,,,,,\n" + rest, "E2 E3", "E1", false, "9 fields"},
		{"quote not closed", header + "E1,\"Ann,x,,,,\n" + rest, "E2 E3", "E1", false, "employees.csv:2"},
		{"quote not closed, to the end", header + "E1,Ann,\"x,,,,\n" + carl, "E3", "E1", false, "employees.csv:2"},
		{"quote in the middle", header + "E1,6\" pipe,,,,,\n" + rest, "E2 E3", "E1", false, "quotes"},
		{"quote closed by chance", header + "E1,\"Ann,,,,,\n" + carl + "E5,Eve,,,,,\n" + "E4,x\",,,,,\n" + bob, "E3 E5 E2", "E1 E4", false, "a quote is opened and not closed"},
		{"lines counted in quotes", header + "E0,\"a\nb\",,,,,\nE1,Ann\n" + rest, "E0 E2 E3", "E1", false, "employees.csv:4"},
		{"bad date", header + strings.Replace(ann, "2020-01-31", "2020-02-31", 1) + rest, "E2 E3", "E1", true, `employees.csv:2: employee_id E1: column hired_on: "2020-02-31"`},
		{"no key", header + ann + ",Bob,,,,,\n" + carl, "E1 E3", "", false, "employees.csv:3: column employee_id, the key, is empty"},
		{"header twice", header + header + ann + rest, "E1 E2 E3", "", false, "employees.csv:2: the line repeats the header"},
		{"empty row", header + ann + ",,,,,,\n" + carl, "E1 E3", "", true, "the row is empty"},
		{"key twice", header + ann + bob + carl + strings.Replace(ann, "Ann", "Anna", 1), "E2 E3", "E1", true, "employees.csv:2: employee_id E1: the key stands in lines 2, 5"},
		{"key twice, one of them bad", header + ann + bob + carl + "E1,,,x,,,\n", "E2 E3", "E1", true, "lines 2, 5"},
		{"cut in the last row", header + ann + "E2,Bob,bob@exa", "E1", "E2", false, "employees.csv:3: employee_id E2: the file ends in the middle"},
		{"cut in the last field", header + ann + "E2,Bob,bob@example.org,,,BER,yy", "E1", "E2", false, "finalNewline: optional"},
		{"cut in the key", header + ann + "E2", "E1", "", false, "cut"},
		{"cut in a character", header + ann + "E2,M\xc3", "E1", "E2", false, "cut"},
		{"cut in quotes", header + ann + "E2,\"Bob", "E1", "E2", false, "cut"},
		{"cut after the header", strings.TrimSuffix(header, "\n"), "", "", false, "in the middle of its header"},
	} {
		r, err := read(t, tt.content)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if keys := strings.Join(r.keys, " "); keys != tt.keys || strings.Join(r.aside, " ") != tt.aside || r.complete != tt.complete || !r.says(tt.words) {
			t.Errorf("%s: keys %s, aside %v, complete %v, findings:\n%s", tt.name, keys, r.aside, r.complete, r.findings)
		}
	}
}

func TestNoCutOfAFileReadsAsComplete(t *testing.T) {
	whole := header + ann + bob + carl + "E4,\"Dora\nDee\",dora@example.org,2022-01-01,IT,,\n"
	for size := range len(whole) {
		r, err := read(t, whole[:size])
		lineEnd := strings.HasSuffix(whole[:size], "\n") && !strings.HasSuffix(whole[:size], "\"Dora\n")
		if err == nil && r.complete && !lineEnd {
			t.Errorf("cut to %q it reads as complete", whole[:size])
		}
	}
}

func TestALostOrAddedQuoteNeverMakesSomebodyAbsent(t *testing.T) {
	row := func(n int) string { return fmt.Sprintf("\"E%d\",\"Name, %d\",\"\",\"\",\"\",\"\",\"\"\n", n, n) }
	whole := header
	for n := range 6 {
		whole += row(n)
	}
	broken := func(what, content string) {
		t.Helper()
		r, err := read(t, content)
		if err != nil || !r.complete {
			return
		}
		for n := range 6 {
			if key := fmt.Sprintf("E%d", n); !slices.Contains(r.keys, key) && !slices.Contains(r.aside, key) {
				t.Errorf("%s: complete, and %s is not there: %v", what, key, r.keys)
			}
		}
	}
	for i := len(header); i < len(whole); i++ {
		if whole[i] == '"' {
			broken(fmt.Sprintf("quote %d lost", i), whole[:i]+whole[i+1:])
		}
	}
}

func TestSwappedColumnsAreSaidOnceAndProveNothing(t *testing.T) {
	content := header
	for n := range 500 {
		content += fmt.Sprintf("E%d,n,2020-01-31,m%d@example.org,,,\n", n, n)
	}
	r, err := read(t, content)
	if err != nil || r.complete || len(r.keys) > 0 || len(r.findings) != 1 || !r.says("column hired_on looks swapped") || len(r.aside) != 500 {
		t.Errorf("complete %v, %d objects, %d aside, %v, %v", r.complete, len(r.keys), len(r.aside), r.findings, err)
	}
	content = header
	for n := range 500 { // the key and the department changed places
		content += fmt.Sprintf("D%d,n,,,E%d,,\n", n%7, n)
	}
	content += "ALONE,n,,,E500,,\n" // a key of its own, by chance
	r, err = read(t, content)
	if err != nil || r.complete || len(r.keys) > 0 || len(r.aside) > 0 || len(r.findings) != 1 || !r.says("column employee_id looks swapped") {
		t.Errorf("complete %v, keys %v, aside %v, %v, %v", r.complete, r.keys, r.aside, r.findings, err)
	}
}

func TestARowThatASwappedColumnLeavesSoundIsSetAside(t *testing.T) {
	content := header + "E9,n,,,,,\n" // both columns are empty in this row
	for n := range 9 {
		content += fmt.Sprintf("E%d,n,2020-01-31,m%d@example.org,,,\n", n, n)
	}
	r, err := read(t, content)
	if err != nil || r.complete || len(r.keys) > 0 || len(r.aside) != 10 {
		t.Errorf("complete %v, keys %v, aside %v, %v", r.complete, r.keys, r.aside, err)
	}
}

func TestFindingsAreCappedAndTheRestIsCounted(t *testing.T) {
	content := header
	for n := range 400 {
		date := "2020-01-31"
		if n%2 == 0 {
			date = "soon"
		}
		content += fmt.Sprintf("E%d,n,,%s,,,\n", n, date)
	}
	content += "E1,again,,,,,\n"
	r, err := read(t, content)
	if err != nil || len(r.findings) != 100 || !strings.Contains(r.findings[99].What, "102 more findings") || len(r.aside) != 201 || len(r.keys) != 199 {
		t.Errorf("%d findings, the last %v, %d aside, %d objects, %v", len(r.findings), r.findings[len(r.findings)-1], len(r.aside), len(r.keys), err)
	}
}

func TestAFileThatChangesBetweenPagesIsAnError(t *testing.T) {
	whole := header // large enough that the first page has not read all of it
	for n := range 10_000 {
		whole += fmt.Sprintf("P%d,Somebody,,,,,\n", n)
	}
	whole += ann + bob
	for name, edit := range map[string]func(path string) error{
		"grown":    func(path string) error { return os.WriteFile(path, []byte(whole+carl), 0o600) },
		"replaced": func(path string) error { return rename(path, whole) },
		"removed":  os.Remove,
		"replaced, same size and time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := rename(path, whole); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, info.ModTime())
		},
		"same size and time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(strings.Replace(whole, `E2,"Bob`, `E2,"Rob`, 1)), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, info.ModTime())
		},
	} {
		for _, resumed := range []bool{false, true} {
			if resumed && strings.HasSuffix(name, "same size and time") {
				continue // another process has nothing to compare with
			}
			s := folder(t, whole)
			system := opened(t, s)
			page, err := system.Read(t.Context(), connector.ReadRequest{Shape: person, Limit: 1})
			if err != nil || page.Cursor == "" {
				t.Fatalf("%+v, %v", page, err)
			}
			if err := edit(filepath.Join(s.Dir, s.Values["folder"], "employees.csv")); err != nil {
				t.Fatal(err)
			}
			if resumed {
				system = opened(t, s)
			}
			last := connector.ReadPage{Cursor: page.Cursor}
			for err == nil && last.Cursor != "" {
				last, err = system.Read(t.Context(), connector.ReadRequest{Shape: person, Cursor: last.Cursor, Limit: 10_000})
			}
			if err == nil || last.Complete || fault.KindOf(err) == fault.NotFound {
				t.Errorf("%s, resumed %v: complete %v, %v", name, resumed, last.Complete, err)
			}
		}
	}
}

func rename(path, content string) error {
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func TestAReadingIsResumedAfterACrashAndAfterARepeatedPage(t *testing.T) {
	s := folder(t, header+ann+bob+carl)
	system := opened(t, s)
	first, err := system.Read(t.Context(), connector.ReadRequest{Shape: person, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for n, again := range []connector.System{system, system, opened(t, s)} {
		page, err := again.Read(t.Context(), connector.ReadRequest{Shape: person, Cursor: first.Cursor, Limit: 10})
		if err != nil || len(page.Objects) != 2 || page.Objects[0].Key != "E2" || !page.Complete {
			t.Errorf("try %d: %+v, %v", n, page, err)
		}
	}
	for _, cursor := range []string{"x", "-1@", "1@2.3"} {
		if _, err := system.Read(t.Context(), connector.ReadRequest{Shape: person, Cursor: cursor}); err == nil {
			t.Errorf("the cursor %q is accepted", cursor)
		}
	}
}

func TestALookupNeverTakesABrokenRowForAnAbsentObject(t *testing.T) {
	email := func(s string) map[string]value.Value { return map[string]value.Value{"email": value.OfString(s)} }
	for _, tt := range []struct {
		name, content string
		key           string
		unique        map[string]value.Value
		want          fault.Kind
		found         string
	}{
		{"there", header + ann + bob, "E2", nil, "", "E2"},
		{"by a unique value", header + ann + bob, "", email("bob@example.org"), "", "E2"},
		{"other case", header + ann + bob, "e2", nil, fault.NotFound, ""},
		{"absent", header + ann, "E9", nil, fault.NotFound, ""},
		{"there beside a broken row", header + "E9\n" + ann, "E1", nil, "", "E1"},
		{"absent beside a broken row", header + "E9\n" + ann, "E8", nil, fault.Invalid, ""},
		{"absent in a cut file", header + ann + "E2,Bo", "E8", nil, fault.Invalid, ""},
		{"its row is bad", header + ann + "E2,,bob@example.org,soon,,,\n", "E2", nil, fault.Invalid, ""},
		{"its row is bad, by a unique value", header + ann + "E2,,bob@example.org,soon,,,\n", "", email("bob@example.org"), fault.Invalid, ""},
		{"key twice", header + ann + ann, "E1", nil, fault.Conflict, ""},
		{"unique value twice", header + ann + strings.Replace(ann, "E1", "E2", 1), "", email("ann@example.org"), fault.Conflict, ""},
		{"nothing asked", header + ann, "", nil, fault.Invalid, ""},
		{"unknown property", header + ann, "", map[string]value.Value{"x": value.OfInt(1)}, fault.Invalid, ""},
	} {
		o, err := opened(t, folder(t, tt.content)).Lookup(t.Context(), connector.LookupRequest{Shape: person, Key: tt.key, Unique: tt.unique})
		if o.Key != tt.found || (err == nil) != (tt.found != "") || (err != nil && fault.KindOf(err) != tt.want) {
			t.Errorf("%s: %+v, %v", tt.name, o, err)
		}
	}
}

func TestACancelledSurveyStops(t *testing.T) {
	system := opened(t, folder(t, header+ann))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := system.Lookup(ctx, connector.LookupRequest{Shape: person, Key: "E9"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

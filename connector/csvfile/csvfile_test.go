package csvfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest"
	"provisor.dev/provisor/connector/csvfile"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

var person = connector.Shape{
	Entity: "Person", From: map[string]string{"table": "employees.csv"}, Key: "employeeId", Identify: []string{"email"},
	Properties: []connector.Property{
		{Name: "employeeId", Column: "employee_id", Type: value.String},
		{Name: "name", Type: value.String},
		{Name: "email", Type: value.String},
		{Name: "startDate", Column: "hired_on", Type: value.Date},
		{Name: "department", Column: "dept", Link: "Department"},
		{Name: "sites", Column: "sites", Link: "Site", Many: true},
		{Name: "reports", Link: "Person", Many: true, Inverse: "manager"}, // stored elsewhere: needs no column
	},
}

const (
	header = "employee_id,name,email,hired_on,dept,sites,extra\n"
	ann    = "E1,Ann,ann@example.org,2020-01-31,FIN,BER|PAR,x\n"
	bob    = "E2,\"Bob \"\"B\"\", jr\",bob@example.org,2021-02-28,,BER,y\n"
	carl   = "E3,Carl,,,FIN,,z\n"
)

// folder holds one file, employees.csv, and returns the settings that lead to it.
func folder(t testing.TB, content string, settings ...string) connector.Settings {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "employees.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s := connector.Settings{Dir: filepath.Dir(dir), Values: map[string]string{"folder": filepath.Base(dir)}}
	for i := 0; i+1 < len(settings); i += 2 {
		s.Values[settings[i]] = settings[i+1]
	}
	return s
}

func opened(t testing.TB, s connector.Settings) connector.System {
	t.Helper()
	system, err := csvfile.Package().Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = system.Close() })
	return system
}

// result is everything that a reading said.
type result struct {
	keys     []string
	objects  []connector.Object
	aside    []string
	findings fault.Findings
	complete bool
	pages    int
}

func (r result) says(words string) bool { return strings.Contains(r.findings.Error(), words) }

func readBy(t testing.TB, system connector.System, shape connector.Shape, limit int) (result, error) {
	t.Helper()
	var r result
	req := connector.ReadRequest{Shape: shape, Limit: limit}
	for {
		page, err := system.Read(t.Context(), req)
		if err != nil {
			return r, err
		}
		r.pages++
		r.objects = append(r.objects, page.Objects...)
		for _, o := range page.Objects {
			r.keys = append(r.keys, o.Key)
		}
		r.aside = append(r.aside, page.SetAside...)
		r.findings = append(r.findings, page.Findings...)
		if page.Cursor == "" {
			r.complete = page.Complete
			return r, nil
		}
		req.Cursor = page.Cursor
	}
}

func read(t testing.TB, content string, settings ...string) (result, error) {
	t.Helper()
	return readBy(t, opened(t, folder(t, content, settings...)), person, 2)
}

func TestCSVFilesPassTheSuite(t *testing.T) {
	s := folder(t, header+ann+bob+carl+"E4,Dora,dora@example.org,2022-01-01,IT,,\nE5,Eve,eve@example.org,2022-01-01,IT,,\n")
	date := func(day string) value.Value { v, _ := value.Normalize(value.Date, "", day); return v }
	connectortest.Run(t, connectortest.Subject{
		Package: csvfile.Package(), Shape: person, AbsentKey: "E99",
		Open: func(t testing.TB) connector.System { return opened(t, s) },
		Holds: []connector.Object{
			{Key: "E1", Values: map[string]value.Value{"name": value.OfString("Ann"), "email": value.OfString("ann@example.org"), "startDate": date("2020-01-31")},
				Links: map[string][]string{"department": {"FIN"}, "sites": {"BER", "PAR"}}},
			{Key: "E2", Values: map[string]value.Value{"name": value.OfString(`Bob "B", jr`)}, Links: map[string][]string{"department": nil, "sites": {"BER"}}},
			{Key: "E3", Values: map[string]value.Value{"email": value.Null, "startDate": value.Null}, Links: map[string][]string{"sites": nil}},
			{Key: "E4"}, {Key: "E5"},
		},
		Broken: func(t testing.TB) connector.System {
			return opened(t, connector.Settings{Values: map[string]string{"folder": filepath.Join(t.TempDir(), "gone")}})
		},
	})
}

func TestASoundFileIsCompleteInEverySpelling(t *testing.T) {
	plain := header + ann + bob + carl
	latin := strings.Replace(plain, "Ann", "M\xfcller", 1)
	for _, tt := range []struct {
		name, content string
		settings      []string
	}{
		{"plain", plain, nil},
		{"with mark", "\xef\xbb\xbf" + plain, nil},
		{"CRLF", strings.ReplaceAll(plain, "\n", "\r\n"), nil},
		{"empty lines", strings.ReplaceAll(plain, "\n", "\n\n\r\n"), nil},
		{"semicolon", strings.ReplaceAll(header+ann+carl, ",", ";") + "E2;Bob;;;;;\n", []string{"separator", ";"}},
		{"tab", strings.ReplaceAll(header+ann+carl, ",", "\t") + "E2\tBob\t\t\t\t\t\n", []string{"separator", "tab"}},
		{"no last line end", strings.TrimSuffix(plain, "\n"), []string{"finalNewline", "optional"}},
		{"windows-1252", latin, []string{"encoding", "windows-1252"}},
		{"iso-8859-1", latin, []string{"encoding", "iso-8859-1"}},
		{"utf-16, little end first", "\xff\xfe" + utf16(plain, 0), []string{"encoding", "utf-16"}},
		{"utf-16, big end first", "\xfe\xff" + utf16(plain, 1), []string{"encoding", "utf-16"}},
		{"utf-16 without mark", utf16(plain, 0), []string{"encoding", "utf-16"}},
		{"names in many scripts", plain + "E4,Łukasz Ñandú É» Ωmega Иван,,,,,\n", nil},
		{"a field of two lines", plain + "E4,\"Dora\nDee\",,,,,\n", nil},
	} {
		r, err := read(t, tt.content, tt.settings...)
		if err != nil || !r.complete || len(r.findings) > 0 || len(r.aside) > 0 || len(r.keys) < 3 {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
	if r, err := read(t, latin, "encoding", "windows-1252"); err != nil || r.objects[0].Values["name"].Text() != "Müller" {
		t.Errorf("decoded as %v, %v", r.objects, err)
	}
}

// utf16 spells ASCII text in two bytes a character, the character at the given place.
func utf16(text string, at int) string {
	b := make([]byte, 2*len(text))
	for i := range len(text) {
		b[2*i+at] = text[i]
	}
	return string(b)
}

func TestWrongSettingsAreAllReportedAtOnce(t *testing.T) {
	wrong := connector.Settings{Values: map[string]string{"separator": ";;", "encoding": "ebcdic", "finalNewline": "maybe", "mojibake": "x"}}
	if findings := csvfile.Package().Check(wrong); len(findings) != 5 {
		t.Errorf("%v", findings)
	}
	if _, err := csvfile.Package().Open(t.Context(), wrong); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func TestDescribeListsTheTablesWithTheirColumns(t *testing.T) {
	s := folder(t, header+ann)
	dir := filepath.Join(s.Dir, s.Values["folder"])
	for _, name := range []string{"empty.csv", "picture.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := opened(t, s).Describe(t.Context())
	if err != nil || len(d.Objects) != 2 {
		t.Fatalf("%+v, %v", d, err)
	}
	if o := d.Objects[0]; o.Name != "employees.csv" || !slices.Equal(o.Columns[:2], []string{"employee_id", "name"}) || len(o.Columns) != 7 {
		t.Errorf("%+v", o)
	}
}

func TestATableCannotLeadOutOfItsFolder(t *testing.T) {
	s := folder(t, header+ann)
	dir := filepath.Join(s.Dir, s.Values["folder"])
	if err := os.Mkdir(filepath.Join(dir, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "employees.csv"), filepath.Join(dir, "inner", "link.csv")); err != nil {
		t.Fatal(err)
	}
	s.Values["folder"] += "/inner"
	for _, table := range []string{"../employees.csv", filepath.Join(dir, "employees.csv"), "link.csv", "", "."} {
		shape := person
		shape.From = map[string]string{"table": table}
		r, err := readBy(t, opened(t, s), shape, 10)
		if err == nil || fault.KindOf(err) == fault.NotFound || len(r.objects) > 0 {
			t.Errorf("%q: %+v, %v", table, r, err)
		}
	}
}

func TestNothingIsWritten(t *testing.T) {
	out := opened(t, folder(t, header+ann)).Apply(t.Context(), connector.Change{Items: []connector.Item{{ID: 3}}})
	if o := out.Items[3]; o.Effect != connector.None || !o.Permanent || !strings.Contains(o.Err, "only read") {
		t.Errorf("%+v", out)
	}
}

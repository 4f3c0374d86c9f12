package declare

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// packages are like the ones that Provisor brings, without their code.
func packages() []connector.Package {
	return []connector.Package{
		{Name: "csv", Class: connector.ReadOnly, Settings: []connector.Setting{
			{Name: "folder", Required: true, About: "The folder."}, {Name: "separator", Default: ","},
			{Name: "encoding", OneOf: []string{"utf-8", "windows-1252"}}, {Name: "finalNewline", OneOf: []string{"required", "optional"}},
		}, From: []connector.Setting{{Name: "table", Required: true, About: "The file."}, {Name: "many"}}},
		{Name: "sql", Class: connector.ReadsBack, Settings: []connector.Setting{
			{Name: "driver", Required: true, OneOf: []string{"sqlite", "postgres"}}, {Name: "file"}, {Name: "dsn"}, {Name: "schema"},
			{Name: "password", Secret: true},
		}, From: []connector.Setting{{Name: "table"}, {Name: "owner"}, {Name: "target"}, {Name: "reference"}}},
		{Name: "ldap", Class: connector.RefusesDuplicates, Settings: []connector.Setting{
			{Name: "url", Required: true}, {Name: "bindDN"}, {Name: "password", Secret: true}, {Name: "baseDN", Required: true},
			{Name: "groupPlaceholder"},
		}, From: []connector.Setting{{Name: "objects", Required: true}, {Name: "base"}, {Name: "filter"}, {Name: "scope", OneOf: []string{"sub", "one"}}},
			Check: func(s connector.Settings) []fault.Finding {
				if strings.HasPrefix(s.Values["url"], "ldap") {
					return nil
				}
				return []fault.Finding{{Object: "settings.url", What: "this is not an LDAP address", Do: "write ldaps://host"}}
			}},
		{Name: "manual", Class: connector.APerson, Manual: true},
		{Name: "repository", Class: connector.ReadOnly, Repository: true},
	}
}

const docs = "../../../docs/model/"

var fence = regexp.MustCompile("(?ms)^```yaml file=(\\S+)\n(.*?)^```$")

// example returns the files of the example company in docs/model.
func example(t testing.TB) Files {
	t.Helper()
	text, err := os.ReadFile(docs + "configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	files := Files{}
	for _, block := range fence.FindAllSubmatch(text, -1) {
		files[string(block[1])] = block[2]
	}
	if len(files) < 3 {
		t.Fatalf("the documentation shows %d files of the example", len(files))
	}
	return files
}

func load(t testing.TB, files Files) *Configuration {
	t.Helper()
	c, err := Load(files, packages())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNothingInTheExampleIsLeftToTheInterpreter(t *testing.T) {
	programs := load(t, example(t)).Programs
	if len(programs) < 15 {
		t.Fatalf("%d expressions in the example", len(programs))
	}
	for x, p := range programs {
		if !p.IsCompiled() {
			t.Errorf("%s is left to the interpreter", x.Text)
		}
	}
}

func TestTheExampleOfTheDocumentationLoadsWithoutAFinding(t *testing.T) {
	c := load(t, example(t))
	p := c.Model.ResourceTypes["PersonalAccount"].Provisioning
	if !p.Enabled || p.Review || !p.VerifyImmediately || p.Attempts != 5 || p.RemindAfter != 7*schema.Day ||
		p.TransmittedValidity != 3*schema.Day || p.Thresholds != (roles.Thresholds{AddPercent: 30, UpdatePercent: 30, DeletePercent: 30, Delete: 50}) {
		t.Errorf("provisioning = %+v", p)
	}
	account := c.Model.ResourceTypes["PersonalAccount"]
	if len(account.Links) != 2 || account.Links[1].Line.Role != "ledger-reader" || account.Links[1].Line.Object != "roles.ledger-reader.grants[0]" {
		t.Errorf("links = %+v", account.Links)
	}
	assign := c.Model.Roles["ledger-reader"].Assign
	if len(assign) != 2 || assign[1].Role != "accountant" || assign[0].Match["department"] != "FIN" || !c.Model.Roles["accountant"].Composite {
		t.Errorf("assign = %+v", assign)
	}
	if got := c.Model.Connectors["hr"].Thresholds; got != (schema.ReadingThresholds{Delete: 100, DeletePercent: 5, UpdatePercent: 30, LinkPercent: 30}) {
		t.Errorf("reading thresholds = %+v", got)
	}
	var shell []string
	for _, rule := range account.Values {
		if rule.Property == "loginShell" {
			shell = append(shell, rule.Object+"="+rule.Value.Text()+" "+string(rule.Period.Mode)+" "+rule.Period.To.String())
		}
	}
	want := "resourceTypes.PersonalAccount.values.loginShell[0]=/bin/bash default 0s;" +
		"resourceTypes.PersonalAccount.values.loginShell[1]=/usr/sbin/nologin after 4320h0m0s"
	if got := strings.Join(shell, ";"); got != want {
		t.Errorf("shell = %s", got)
	}
	for x, program := range c.Programs {
		if x.Position.Line == 0 || program == nil {
			t.Errorf("the expression %q has no place or no program", x.Text)
		}
	}
	if c.Programs[account.Provisioning.Arguments["ou"]] == nil {
		t.Error("an argument has no program")
	}
	if !c.Model.Connectors["directory"].Connections["tickets"].Manual {
		t.Error("the manual connection is not manual")
	}
}

func TestEveryBlockOfTheDocumentationIsWrittenInTheLanguage(t *testing.T) {
	text, err := os.ReadFile(docs + "configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("no further blocks")
	}
	for _, block := range blocks {
		if _, d, ok := decode[document]("block.yaml", block[1]); !ok || len(d.findings) > 0 {
			t.Errorf("%s\n%v", block[1], d.findings)
		}
	}
}

// forgetPlaces sets every Position to zero, so that models can be compared.
func forgetPlaces(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		if v.Type() == reflect.TypeFor[schema.Position]() {
			return out
		}
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(forgetPlaces(v.Field(i)))
			}
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMap(v.Type())
		for _, key := range v.MapKeys() {
			out.SetMapIndex(key, forgetPlaces(v.MapIndex(key)))
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(forgetPlaces(v.Index(i)))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(forgetPlaces(v.Elem()))
		return out
	}
	return v
}

// odd says what is written in unusual ways.
const odd = `
namingRules: {resourceType: Odd, property: groups, where: "cn != 'everyone'", role: "cn", name: "'Group ' + cn", category: finance, approval: one, by: dn}
jobs: {nightly: {run: synchronize, connector: hr, cron: "0 3 * * *", zone: UTC}}
resourceTypes:
  Odd:
    source: Person
    target: DirectoryUser
    comments: {decline: required, keep: optional}
    provisioning: {connection: tickets, transmittedValidity: "off", remindAfter: 1d12h, attempts: 5}
    values:
      sn:
        expression: |
          source.lastName == null
            ? 'x: "y" # z'
            : null
      cn: {value: "007"}
      mail: {value: null, period: {mode: before, from: -30d, to: 0d}}
      employeeNumber: [{value: "1", kind: required}, {value: "2", role: ledger-reader}]
    links: {property: groups, to: {dn: "CN=x, DC=y"}}
`

func TestTheExportLoadsToAnEqualModelAndIsItsOwnExport(t *testing.T) {
	files := example(t)
	files["odd.yaml"] = []byte(odd)
	first := load(t, files)
	text, err := Export(first)
	if err != nil {
		t.Fatal(err)
	}
	second := load(t, Files{"all.yaml": text})
	again, err := Export(second)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Errorf("the export of the export differs:\n%s\n%s", text, again)
	}
	a, b := forgetPlaces(reflect.ValueOf(first.Model)).Interface(), forgetPlaces(reflect.ValueOf(second.Model)).Interface()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the models differ; the export is\n%s", text)
	}
	for _, said := range []string{"kind: required", "attempts: 5", "enabled: false"} {
		if strings.Contains(string(text), said) {
			t.Errorf("the export says %s, which is the default", said)
		}
	}
	if differences := Compare(first, second); len(differences) > 0 {
		t.Errorf("differences: %v", differences)
	}
}

func TestCompareNamesWhatChanged(t *testing.T) {
	files := example(t)
	before := load(t, files)
	text := string(files["roles.yaml"])
	for _, edit := range [][2]string{
		{"approval: two", "approval: three"}, {"    maxDuration: 365d\n", ""}, {"name: Accountant", "name: Bookkeeper"},
	} {
		if !strings.Contains(text, edit[0]) {
			t.Fatalf("the example does not say %q", edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	files["roles.yaml"] = []byte(text)
	files["new.yaml"] = []byte("categories: {new: {name: New}}\ndimensions: {extra: {entity: Site}}\n")
	after := load(t, files)
	got := map[string]Difference{}
	for _, d := range Compare(before, after) {
		got[d.Object] = d
	}
	for object, want := range map[string]Difference{
		"roles.ledger-reader.approval":    {Change: Changed, Before: "two", After: "three"},
		"roles.ledger-reader.maxDuration": {Change: Removed, Before: "365d"},
		"compositeRoles.accountant.name":  {Change: Changed, Before: "Accountant", After: "Bookkeeper"},
		"categories.new":                  {Change: Added, After: "{name: New}"},
		"dimensions.extra":                {Change: Added, After: "{entity: Site}"},
	} {
		want.Object = object
		if got[object] != want {
			t.Errorf("%s: %+v, want %+v", object, got[object], want)
		}
		delete(got, object)
	}
	if len(got) > 0 {
		t.Errorf("further differences: %v", got)
	}
	if all := Compare(nil, before); len(all) < 10 {
		t.Errorf("against nothing: %v", all)
	}
}

func TestTheHashIsOfTheFilesWhateverTheirLineEnds(t *testing.T) {
	a := load(t, Files{"a.yaml": []byte("categories:\n  x: {}\n")})
	b := load(t, Files{"a.yaml": []byte("categories:\r\n  x: {}\r\n")})
	c := load(t, Files{"b.yaml": []byte("categories:\n  x: {}\n")})
	if a.Hash != b.Hash || a.Hash == c.Hash || len(a.Hash) != 64 {
		t.Errorf("%s %s %s", a.Hash, b.Hash, c.Hash)
	}
}

func TestAFolderIsReadWithItsFoldersAndWithoutWhatIsHidden(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml": "categories: {a: {}}", "more/b.yml": "categories: {b: {}}", ".git/c.yaml": "x", ".d.yaml": "x", "e.txt": "x",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := ReadDir(dir)
	if err != nil || len(files) != 2 || files["a.yaml"] == nil || files["more/b.yml"] == nil {
		t.Errorf("files = %v, %v", files, err)
	}
	var missing *fault.Error
	if _, err := ReadDir(t.TempDir()); !errors.As(err, &missing) || missing.Kind != fault.NotFound {
		t.Errorf("an empty folder gives %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big.yaml"), make([]byte, fileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDir(dir); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file gives %v", err)
	}
}

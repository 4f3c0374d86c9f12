package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"provisor.dev/provisor/internal/process/company"
)

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func laidDown(t testing.TB, people int, seed int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	if _, err := Lay(dir, company.Options{People: people, Seed: seed, At: march}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sums maps every file of a folder to the sum of its bytes.
func sums(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		sum := sha256.Sum256(data)
		out[strings.TrimPrefix(path, dir)] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b map[string]string) bool {
	for name := range b {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestTheSameOptionsLayTheSameFolder(t *testing.T) {
	a, b := sums(t, laidDown(t, 300, 4)), sums(t, laidDown(t, 300, 4))
	if !same(a, b) {
		t.Errorf("two folders differ:\n%v\n%v", a, b)
	}
	for _, name := range []string{"/demo.json", "/README.md", "/config/crm.yaml", "/config/people.yaml", "/config/roles.yaml", "/hr/employees.csv",
		"/hr/departments.csv", "/hr/sites.csv", "/systems/crm.sqlite", "/systems/ledger.sqlite", "/systems/badges.txt"} {
		if a[name] == "" {
			t.Errorf("%s is missing; there are %v", name, a)
		}
	}
	if a["/"+layingFile] != "" {
		t.Error("the mark of an unfinished folder is left behind")
	}
}

func TestLayingAgainKeepsWhatIsThere(t *testing.T) {
	dir := laidDown(t, 50, 4)
	if err := WriteBadge(dir, "E00001", "Somebody", "BER", BadgeActive); err != nil {
		t.Fatal(err)
	}
	before := sums(t, dir)
	again, err := Lay(dir, company.Options{})
	if err != nil || !again.Kept || again.Company != (company.Options{People: 50, Seed: 4, At: march}) {
		t.Errorf("laying again: %+v, %v", again, err)
	}
	if _, err := Lay(dir, company.Options{People: 60}); err == nil || !strings.Contains(err.Error(), "50 people") {
		t.Errorf("other options for the same folder: %v", err)
	}
	if !same(before, sums(t, dir)) {
		t.Error("laying again changed the folder")
	}
}

func TestAFolderThatHoldsSomethingElseIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Lay(dir, company.Options{At: march})
	if err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("a folder in use: %v", err)
	}
	if got := sums(t, dir); len(got) != 1 {
		t.Errorf("the refused folder holds %v", got)
	}
}

func TestLayingThatWasCutShortStartsAfresh(t *testing.T) {
	whole := sums(t, laidDown(t, 50, 4))
	dir := laidDown(t, 80, 9)
	for name, text := range map[string]string{layingFile: "", crmFile: "half a file"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, settingsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Lay(dir, company.Options{People: 50, Seed: 4, At: march}); err != nil {
		t.Fatal(err)
	}
	if got := sums(t, dir); !same(got, whole) {
		t.Errorf("after a fresh start: %v, want %v", got, whole)
	}
}

func TestAPathWithSpecialCharactersIsAFolderLikeAnyOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "what? 100% #1")
	if _, err := Lay(dir, company.Options{People: 20, Seed: 1, At: march}); err != nil {
		t.Fatal(err)
	}
	if crm, err := ReadCRM(dir); err != nil || len(crm.Accounts) == 0 {
		t.Errorf("the CRM reads %v, %v", crm, err)
	}
}

func TestDefaultsAreTwoHundredPeopleToday(t *testing.T) {
	l, err := Lay(t.TempDir(), company.Options{})
	if err != nil || l.Kept || l.Company.People != DefaultPeople || l.Company.Seed != DefaultSeed || !l.Company.At.Equal(company.Day(l.Company.At)) {
		t.Errorf("defaults: %+v, %v", l, err)
	}
}

// The teams of the rules, the prose and the configuration are the same ones.
func TestConfigurationAndProseNameTheSameTeams(t *testing.T) {
	var roles struct {
		Roles map[string]struct {
			Grants []struct {
				To map[string]string `yaml:"to"`
			} `yaml:"grants"`
		} `yaml:"roles"`
	}
	data, err := laid.ReadFile("laid/config/roles.yaml")
	if err == nil {
		err = yaml.Unmarshal(data, &roles)
	}
	if err != nil {
		t.Fatal(err)
	}
	readme, err := laid.ReadFile("laid/README.md")
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]bool{rightRead: false, rightPost: false}
	for _, team := range teams {
		granted[team.code] = false
		if !strings.Contains(string(readme), "`"+team.code+"`") {
			t.Errorf("the README does not explain the team %s", team.code)
		}
	}
	for id, role := range roles.Roles {
		for _, grant := range role.Grants {
			if seen, known := granted[grant.To["code"]]; seen || !known {
				t.Errorf("role %s gives %q, which is unknown or given by another role", id, grant.To["code"])
			}
			granted[grant.To["code"]] = true
		}
	}
	for code, given := range granted {
		if !given {
			t.Errorf("no role gives %s", code)
		}
	}
}

func BenchmarkLay100kPeople(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		laidDown(b, 100_000, 7)
	}
}

package company

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Separator stands between two fields of the files.
const Separator = ';'

// The names of the files.
const (
	EmployeesFile   = "employees.csv"
	DepartmentsFile = "departments.csv"
	SitesFile       = "sites.csv"
)

// WriteFiles writes the three files into a folder that exists.
func (c *Company) WriteFiles(dir string) error {
	for name, write := range map[string]func(io.Writer) error{
		EmployeesFile: c.WriteEmployees, DepartmentsFile: c.WriteDepartments, SitesFile: c.WriteSites,
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return fmt.Errorf("company: write %s: %w", name, err)
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path) // #nosec G304 -- a file of the demonstration, in the folder that was asked for
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// WriteEmployees writes everybody, one row each, in the order of their numbers.
func (c *Company) WriteEmployees(w io.Writer) error {
	out := table(w)
	err := out.Write([]string{"employee_id", "first_name", "last_name", "email", "hired_on", "left_on", "dept", "site", "manager_id", "title"})
	for p := range c.People() {
		if err != nil {
			return err
		}
		err = out.Write([]string{p.ID, p.FirstName, p.LastName, p.Email, spell(p.HiredOn), spell(p.LeftOn), p.Dept, p.Site, p.Manager, p.Title})
	}
	return finish(out, err)
}

// WriteDepartments writes the department tree.
func (c *Company) WriteDepartments(w io.Writer) error {
	out := table(w)
	err := out.Write([]string{"code", "name", "parent_code"})
	for _, d := range departments {
		if err == nil {
			err = out.Write([]string{d.Code, d.Name, d.Parent})
		}
	}
	return finish(out, err)
}

// WriteSites writes the sites.
func (c *Company) WriteSites(w io.Writer) error {
	out := table(w)
	err := out.Write([]string{"code", "city"})
	for _, s := range sites {
		if err == nil {
			err = out.Write([]string{s.Code, s.City})
		}
	}
	return finish(out, err)
}

func table(w io.Writer) *csv.Writer {
	out := csv.NewWriter(w)
	out.Comma = Separator
	return out
}

func finish(out *csv.Writer, err error) error {
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func spell(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}

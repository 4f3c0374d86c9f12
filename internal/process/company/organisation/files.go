package organisation

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// separator stands between two fields of the files.
const separator = ';'

func (g *Organisation) writePeople(ctx context.Context, w io.Writer, written func(int)) error {
	return table(w, []string{
		"employee_id", "first_name", "last_name", "email", "login", "hired_on", "left_on", "department", "site", "manager",
		"title", "grade", "employment", "moved_on", "previous_department",
	}, func(row func(...string) error) error {
		for p := range g.People() {
			if err := row(p.ID, p.FirstName, p.LastName, p.Email, p.Login, spell(p.HiredOn), spell(p.LeftOn), p.Dept, p.Site, p.Manager,
				p.Title, strconv.Itoa(p.Grade), p.Employment(), spell(p.MovedOn), p.Previous); err != nil {
				return err
			}
			if p.number%progressEvery == 0 {
				written(p.number)
				if err := ctx.Err(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (g *Organisation) writeDepartments(w io.Writer) error {
	return table(w, []string{"code", "name", "parent_code", "cost_center"}, func(row func(...string) error) error {
		for _, d := range g.tree {
			if err := row(d.Code, d.Name, d.Parent, d.CostCenter); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *Organisation) writeSites(w io.Writer) error {
	return table(w, []string{"code", "city", "country", "language", "time_zone", "address"}, func(row func(...string) error) error {
		for _, s := range g.sites {
			if err := row(s.Code, s.City, s.Country, s.Language, s.TimeZone, s.Address); err != nil {
				return err
			}
		}
		return nil
	})
}

func table(w io.Writer, header []string, fill func(row func(...string) error) error) error {
	out := csv.NewWriter(w)
	out.Comma = separator
	if err := out.Write(header); err != nil {
		return err
	}
	if err := fill(func(fields ...string) error { return out.Write(fields) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func spell(on time.Time) string {
	if on.IsZero() {
		return ""
	}
	return on.Format(time.DateOnly)
}

// writeFile makes a file with the folders above it.
func writeFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // #nosec G301 -- made-up people, for whoever looks
		return err
	}
	f, err := os.Create(path) // #nosec G304 -- a file of a made-up organisation, in the folder that was asked for
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

package sqldb

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	driver "modernc.org/sqlite"
	result "modernc.org/sqlite/lib"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// sqliteBusyMilliseconds is how long a writer waits for another application
// that holds the file; longer than any decent transaction, shorter than a lease.
const sqliteBusyMilliseconds = 5000

// sqlite reads and writes a file that another application may have open.
// Its journal mode is that application's business and is left alone.
var sqlite = &dialect{
	name:    "sqlite",
	product: "SQLite",
	version: "SELECT sqlite_version()",
	needs:   []string{setFile},
	example: "finance.db",
	check:   func(connector.Settings) []fault.Finding { return nil },
	open: func(settings connector.Settings) (*sql.DB, error) {
		path := settings.Values[setFile]
		if !filepath.IsAbs(path) {
			path = filepath.Join(settings.Dir, path)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		slashed := filepath.ToSlash(path)
		if !strings.HasPrefix(slashed, "/") {
			slashed = "/" + slashed // a drive letter
		}
		// mode=rw: a file that is not there is an error, not an empty database.
		return sql.Open("sqlite", "file://"+(&url.URL{Path: slashed}).EscapedPath()+
			"?mode=rw&_txlock=immediate&_pragma=foreign_keys(1)&_pragma=busy_timeout("+strconv.Itoa(sqliteBusyMilliseconds)+")")
	},
	catalogue: `SELECT m.name, x.name, x.type, x.type, x."notnull", 0
		FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x
		WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND ?1 = '' AND (?2 = '' OR m.name = ?2 COLLATE NOCASE) AND x.hidden <> 1
		ORDER BY m.name, x.cid LIMIT ?3`,
	class:   sqliteClass,
	anyCase: true,
	// Backticks: a name in double quotes that is no column becomes a string,
	// and a dropped column would read as its own name.
	quote: func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
	bind:  func(n int) string { return "?" + strconv.Itoa(n) },
	// The sign makes the column an expression, which the driver hands over as it
	// is stored instead of guessing at dates from the declared type.
	read: func(quoted string, _ column) string { return "+" + quoted },
	// A key column that ignores case would hide one of two rows at a page's end.
	ordered: func(quoted string, _ column) string { return quoted + " COLLATE BINARY" },
	matched: func(quoted string, c column) string {
		if c.class == loose {
			// Nothing converts the key's text to the number that is stored.
			return "CAST(" + quoted + " AS TEXT) COLLATE BINARY"
		}
		return quoted + " COLLATE BINARY"
	},
	encode:  sqliteEncode,
	explain: sqliteExplain,
	undone: func(err error) bool {
		code, ok := sqliteCode(err)
		// The driver rolls back what a COMMIT left open.
		return ok && (code == result.SQLITE_BUSY || code == result.SQLITE_CONSTRAINT)
	},
}

// sqliteClass follows SQLite's own rules for the affinity of a declared type.
func sqliteClass(declared string) class {
	declared = strings.ToUpper(declared)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(declared, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return numeric
	case has("CHAR", "CLOB", "TEXT"):
		return textual
	case declared == "" || has("BLOB") || declared == "ANY":
		return loose
	}
	return numeric
}

func sqliteEncode(c column, p connector.Property, v value.Value) (any, error) {
	switch v.Type() {
	case "":
		return nil, nil
	case value.Binary:
		if c.class == textual {
			return value.Spell(p.Format, v), nil
		}
		return base64.StdEncoding.DecodeString(v.Text())
	case value.Bool:
		if p.Format == "" && v.Bool() {
			return int64(1), nil
		}
		if p.Format == "" {
			return int64(0), nil
		}
	case value.Int:
		return v.Int(), nil
	case value.Float:
		if c.class != textual { // as a number, a text column would keep 15 digits of it
			return v.Float(), nil
		}
	}
	return value.Spell(p.Format, v), nil
}

func sqliteCode(err error) (int, bool) {
	var e *driver.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code() & 0xff, true
}

// sqliteColumns finds "accounts.login, accounts.name" at the end of an error.
var sqliteColumns = regexp.MustCompile(`(?:UNIQUE|NOT NULL) constraint failed: (.*?)(?: \(\d+\))?$`)

// sqliteStrict finds the column of a strict table that refused a value.
var sqliteStrict = regexp.MustCompile(`cannot store \w+ value in \w+ column [^.]*\.(.*?)(?: \(\d+\))?$`)

func sqliteExplain(err error) verdict {
	v := verdict{kind: fault.Unavailable, text: err.Error()}
	code, ok := sqliteCode(err)
	if !ok {
		return v
	}
	v.undone = true // a statement that SQLite reports as failed was rolled back
	switch code {
	case result.SQLITE_CONSTRAINT:
		v.kind, v.permanent = fault.Conflict, true
		if found := sqliteColumns.FindStringSubmatch(v.text); found != nil {
			v.duplicate = strings.Contains(v.text, "UNIQUE constraint failed")
			for _, name := range strings.Split(found[1], ", ") {
				if _, column, ok := strings.Cut(name, "."); ok {
					v.columns = append(v.columns, column)
				}
			}
		}
		if found := sqliteStrict.FindStringSubmatch(v.text); found != nil {
			v.kind, v.badValue, v.columns = fault.Invalid, true, []string{found[1]}
		}
	case result.SQLITE_ERROR, result.SQLITE_MISMATCH, result.SQLITE_TOOBIG, result.SQLITE_RANGE:
		v.kind, v.permanent = fault.Invalid, true
		v.stale = strings.Contains(v.text, "no such") || strings.Contains(v.text, "has no column")
	case result.SQLITE_CANTOPEN, result.SQLITE_NOTADB, result.SQLITE_CORRUPT, result.SQLITE_READONLY,
		result.SQLITE_PERM, result.SQLITE_AUTH, result.SQLITE_FULL:
		v.down = true
	case result.SQLITE_IOERR:
		v.down, v.undone = true, false
	}
	return v
}

package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// postgresConnectLimit ends an attempt to connect to a machine that is silent.
const postgresConnectLimit = 10 * time.Second

// postgres needs PostgreSQL 11 or later.
var postgres = &dialect{
	name:    "postgres",
	product: "PostgreSQL",
	version: "SELECT current_setting('server_version')",
	needs:   []string{setDSN},
	takes:   []string{setPassword, setSchema},
	example: "postgres://provisor@db.example.org/finance",
	check:   postgresCheck,
	open: func(settings connector.Settings) (*sql.DB, error) {
		config, err := pgx.ParseConfig(settings.Values[setDSN])
		if err != nil {
			return nil, errors.New("the dsn is not understood")
		}
		if password := settings.Secrets[setPassword]; !password.IsZero() {
			config.Password = password.Reveal()
		}
		if config.ConnectTimeout == 0 {
			config.ConnectTimeout = postgresConnectLimit
		}
		// Days and instants come back in one spelling, whatever the server's habit.
		config.RuntimeParams["timezone"] = "UTC"
		config.RuntimeParams["datestyle"] = "ISO, YMD"
		if config.RuntimeParams["application_name"] == "" {
			config.RuntimeParams["application_name"] = "provisor"
		}
		return stdlib.OpenDB(*config), nil
	},
	catalogue: `SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), b.typname::text, a.attnotnull,
		EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
			AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type t ON t.oid = a.atttypid
		JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND CASE $1::text WHEN '' THEN pg_table_is_visible(c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
			ELSE n.nspname = $1::text END
		AND ($2::text = '' OR c.relname = $2::text)
		ORDER BY c.relname, a.attnum LIMIT $3::int`,
	culprits: `SELECT a.attname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE n.nspname = $1::text AND c.relname = $2::text AND (
			EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = $3::text AND a.attnum = ANY (k.conkey))
			OR EXISTS (SELECT 1 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
				WHERE i.indrelid = c.oid AND x.relname = $3::text AND a.attnum = ANY (i.indkey)))
		ORDER BY a.attnum`,
	class: func(baseType string) class {
		switch baseType {
		case "bool":
			return boolean
		case "int2", "int4", "int8", "float4", "float8", "numeric":
			return numeric
		case "date":
			return day
		case "timestamp":
			return instant
		case "timestamptz":
			return zoned
		case "bytea":
			return binary
		}
		return textual
	},
	quote: func(name string) string { return pgx.Identifier{name}.Sanitize() },
	bind:  func(n int) string { return "$" + strconv.Itoa(n) },
	read: func(quoted string, c column) string {
		if c.class == binary {
			return quoted
		}
		return quoted + "::text" // the server's spelling is exact, and drops the padding of char(n)
	},
	ordered:    func(quoted string, _ column) string { return quoted },
	matched:    func(quoted string, _ column) string { return quoted },
	encode:     postgresEncode,
	autocommit: true,
	explain:    postgresExplain,
	undone: func(err error) bool {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			// Only what COMMIT itself checks is known to have rolled back.
			return e.Severity == "ERROR" && e.Code != "40003" && (e.Code[:2] == "23" || e.Code[:2] == "40")
		}
		return errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, sql.ErrTxDone)
	},
}

// postgresPassword finds a password among the words of a dsn.
var postgresPassword = regexp.MustCompile(`(?i)(^|[\s?&])password\s*=`)

func postgresCheck(settings connector.Settings) []fault.Finding {
	dsn := settings.Values[setDSN]
	inURL := false
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		_, inURL = u.User.Password()
	}
	// The dsn is not shown: what cannot be parsed may hold a password anywhere.
	if inURL || postgresPassword.MatchString(dsn) {
		return []fault.Finding{{Object: "settings." + setDSN,
			What: "the dsn contains a password", Do: "take it out and write password: secret:env/NAME"}}
	}
	if _, err := pgx.ParseConfig(dsn); err != nil {
		return []fault.Finding{{Object: "settings." + setDSN,
			What: "the dsn is not understood", Do: "write it as postgres://user@host:5432/database?sslmode=verify-full"}}
	}
	return nil
}

// postgresEncode sends texts: the server reads them with the input function of
// the column's own type, so every type it knows can be written.
func postgresEncode(c column, p connector.Property, v value.Value) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case c.class == binary && v.Type() == value.Binary:
		return base64.StdEncoding.DecodeString(v.Text())
	case c.class == binary:
		return []byte(v.Text()), nil
	case c.class.native():
		return v.Text(), nil
	case c.class == numeric && v.Type() == value.Bool && p.Format == "":
		if v.Bool() {
			return "1", nil
		}
		return "0", nil
	}
	return value.Spell(p.Format, v), nil
}

func postgresExplain(err error) verdict {
	v := verdict{kind: fault.Unavailable, text: err.Error()}
	var answer *pgconn.PgError
	var dial *pgconn.ConnectError
	switch {
	case errors.As(err, &dial):
		v.down, v.undone = true, true
		return v
	case errors.As(err, &answer):
	case errors.Is(err, driver.ErrBadConn):
		// The driver says this only when nothing was sent.
		v.text, v.down, v.undone = "the connection to the database broke before anything was sent", true, true
		return v
	default:
		v.undone = pgconn.SafeToRetry(err)
		return v
	}
	v.text = answer.Message + " (SQLSTATE " + answer.Code + ")"
	// A session that is being ended may have committed before; a statement that
	// failed has not.
	v.undone = answer.Severity == "ERROR" && answer.Code != "40003"
	if answer.ConstraintName != "" {
		v.constraint = [3]string{answer.SchemaName, answer.TableName, answer.ConstraintName}
	}
	if answer.ColumnName != "" {
		v.columns = []string{answer.ColumnName}
	}
	postgresKind(&v, answer.Code)
	return v
}

// postgresKind sorts the codes that the server's manual lists in its appendix A.
func postgresKind(v *verdict, code string) {
	switch code {
	case "23505":
		v.duplicate = true
	case "25006", "53300", "53100", "57P01", "57P02", "57P03":
		v.down = true // read-only, no room for sessions, no room on the disk, shutting down or starting up
		return
	case "42703", "42P01", "3F000", "42804", "42883":
		v.stale = true // no such column, table, schema; types that do not go together any more
	case "55P03", "0A000": // a lock that is held; a plan that a changed table has spoilt
		v.stale = true
		return
	}
	switch code[:2] {
	case "08", "28", "3D":
		v.down = true
	case "22":
		v.kind, v.permanent, v.badValue = fault.Invalid, true, true
	case "23", "44":
		v.kind, v.permanent = fault.Conflict, true
	case "42":
		v.kind, v.permanent = fault.Invalid, true
		if code == "42501" {
			v.kind = fault.Denied
		}
	case "P0", "21", "27", "2F", "38", "3F":
		v.kind, v.permanent = fault.Invalid, true // a trigger, a rule, a function said no
	}
}

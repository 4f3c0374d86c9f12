package sqldb

import (
	"database/sql"
	"strings"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

const (
	// maxConnections to one database: enough to keep a group commit busy, few
	// enough for a server whose own limit is 100 by default.
	maxConnections = 16
	// idleConnectionLimit gives connections back between runs.
	idleConnectionLimit = 5 * time.Minute
)

// A dialect is everything in which one database product differs from another.
type dialect struct {
	name    string   // the word after driver:
	product string   // its name for people
	version string   // the query that returns its version
	needs   []string // settings that it cannot do without
	takes   []string // settings that it may be given
	example string   // of the setting that it needs

	check func(connector.Settings) []fault.Finding
	open  func(connector.Settings) (*sql.DB, error)

	// catalogue lists table, column, type, base type, whether the column
	// refuses null and whether it alone is unique, in the order of the columns.
	// Its parameters are the schema ("" for the usual one), the table ("" for
	// all) and how many rows at most.
	catalogue string
	// culprits lists the columns of a constraint or unique index. Its parameters
	// are schema, table and constraint; "" when errors name the columns themselves.
	culprits string
	class    func(baseType string) class
	// anyCase says that names of tables and columns are the same in upper and lower case.
	anyCase bool

	quote func(name string) string
	bind  func(n int) string
	// read returns the expression that yields a column as the package wants it:
	// as text wherever the driver's own conversion would lose something.
	read func(quoted string, c column) string
	// ordered returns the expression under which keys are compared when paging
	// and matching. Two keys that differ must differ under it.
	ordered func(quoted string, c column) string
	// matched returns the expression to compare with the text of a key.
	matched func(quoted string, c column) string
	encode  func(c column, p connector.Property, v value.Value) (any, error)

	// autocommit says that a change of one statement goes out without BEGIN and
	// COMMIT around it, which saves two of three round trips.
	autocommit bool

	explain func(error) verdict
	// undone reports whether a COMMIT that failed with this error certainly
	// left nothing behind.
	undone func(error) bool
}

// class is what the package must know about a column's type.
type class uint8

const (
	textual class = iota // and everything that is written and read as text
	loose                // no type: what is stored is what was given
	numeric              // numbers
	boolean              // truth values; formats do not apply
	day                  // days; formats do not apply
	instant              // instants; formats do not apply
	zoned                // instants with a time zone; formats do not apply
	binary               // bytes; formats do not apply
)

// native reports whether the database knows the type by itself, so that a
// format, which says how a value is spelled in a text, has nothing to say.
func (c class) native() bool {
	return c == boolean || c == day || c == instant || c == zoned || c == binary
}

// verdict is what an error of the database means.
type verdict struct {
	kind       fault.Kind
	text       string // the database's own words
	permanent  bool   // the same again would end the same
	down       bool   // the connection as a whole does not work
	undone     bool   // a statement that is its own transaction left nothing behind
	stale      bool   // a table or column is not what the catalogue said
	duplicate  bool   // a unique key is taken
	badValue   bool   // a value does not fit its column's type
	columns    []string
	constraint [3]string // schema, table, constraint, when the columns must be looked up
}

// statement collects the text of an SQL statement. Names reach it through
// ident and values through arg only, so neither can become syntax.
type statement struct {
	d    *dialect
	text strings.Builder
	args []any
}

func (d *dialect) say(words string) *statement {
	st := &statement{d: d}
	return st.say(words)
}

func (st *statement) say(words string) *statement {
	st.text.WriteString(words)
	return st
}

func (st *statement) ident(name string) *statement { return st.say(st.d.quote(name)) }

func (st *statement) table(t *table) *statement {
	if t.schema != "" {
		st.ident(t.schema).say(".")
	}
	return st.ident(t.name)
}

func (st *statement) arg(v any) *statement {
	st.args = append(st.args, v)
	return st.say(st.d.bind(len(st.args)))
}

// list writes n parts with commas between them.
func (st *statement) list(n int, part func(i int)) *statement {
	for i := range n {
		if i > 0 {
			st.say(", ")
		}
		part(i)
	}
	return st
}

// key writes the condition that a column holds the key.
func (st *statement) key(c column, key string) *statement {
	return st.say(st.d.matched(st.d.quote(c.name), c)).say(" = ").arg(key)
}

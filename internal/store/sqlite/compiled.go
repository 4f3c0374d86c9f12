package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
)

// compiledMost bounds the statements that a connection keeps compiled. The
// store has about a hundred; a statement takes some kilobytes.
const compiledMost = 200

// A compiler opens connections that keep their statements compiled. To compile
// one takes SQLite longer than to run it, as short as the store's are.
type compiler struct {
	driver.Connector
	beforeAct func() error // see Options.BeforeAct; may be nil
}

// Connect opens a connection.
func (c compiler) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := opened.(innerConn)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: the driver's connections do not do what database/sql may ask"), opened.Close())
	}
	return &compiledConn{innerConn: inner, idle: map[string]innerStmt{}, beforeAct: c.beforeAct}, nil
}

// innerConn and innerStmt are what is used of the driver.
type innerConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// A compiledConn is one connection. It has no way to run a text directly, so
// that database/sql prepares every statement here. One goroutine uses it at a time.
type compiledConn struct {
	innerConn
	idle      map[string]innerStmt // compiled, and not running now
	beforeAct func() error
}

// BeginTx begins a transaction.
func (c *compiledConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if c.beforeAct != nil && !o.ReadOnly {
		if err := c.beforeAct(); err != nil {
			return nil, err
		}
	}
	return c.innerConn.BeginTx(ctx, o)
}

// PrepareContext returns the statement, compiled before or now. One that is
// running is compiled a second time: its rows are still being read.
func (c *compiledConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return &compiledStmt{innerStmt: s, conn: c, query: query}, nil
	}
	prepared, err := c.innerConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(innerStmt)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: the driver's statements do not do what database/sql may ask"), prepared.Close())
	}
	return &compiledStmt{innerStmt: s, conn: c, query: query}, nil
}

// Prepare is PrepareContext without a context.
func (c *compiledConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Close ends the statements and the connection.
func (c *compiledConn) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.innerConn.Close())...)
}

// A compiledStmt is a statement on loan.
type compiledStmt struct {
	innerStmt
	conn  *compiledConn
	query string
}

// Close gives the statement back.
func (s *compiledStmt) Close() error {
	if _, taken := s.conn.idle[s.query]; taken || len(s.conn.idle) >= compiledMost {
		return s.innerStmt.Close()
	}
	s.conn.idle[s.query] = s.innerStmt
	return nil
}

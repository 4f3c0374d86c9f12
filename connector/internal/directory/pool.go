package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const goodbyeTimeout = time.Second // a server that does not take a goodbye is not worth waiting for

// A Pool hands out signed-in connections, each to one user at a time, and opens
// no more than the configuration allows. Broken ones are thrown away.
type Pool struct {
	config Config
	slots  chan struct{} // one for each connection handed out

	mu     sync.Mutex
	idle   []*Conn
	closed bool
}

// NewPool returns a pool that has not connected yet.
func NewPool(config Config) *Pool {
	return &Pool{config: config, slots: make(chan struct{}, config.Connections)}
}

// Unreachable says that no signed-in connection could be had: nothing was sent,
// and no request is to blame.
type Unreachable struct{ Err error }

func (e *Unreachable) Error() string { return "the directory cannot be used: " + e.Err.Error() }
func (e *Unreachable) Unwrap() error { return e.Err }

// Lost says that a request got no answer.
type Lost struct {
	Sent bool // it may have left this process, and may have been carried out
	Err  error
}

func (e *Lost) Error() string {
	if e.Sent {
		return "no answer came: " + e.Err.Error()
	}
	return "the request was not sent: " + e.Err.Error()
}
func (e *Lost) Unwrap() error { return e.Err }

var errClosed = errors.New("the connection was given up")

// Take returns a connection that is the caller's until Give. It waits for a
// free one. Its error is an *Unreachable, or a *Lost when ctx ended first.
func (p *Pool) Take(ctx context.Context) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Lost{Err: err}
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &Lost{Err: context.Cause(ctx)}
	}
	conn, err := p.reuse()
	if conn == nil && err == nil {
		conn, err = p.dial(ctx)
	}
	if err != nil {
		<-p.slots
		return nil, err
	}
	conn.slot = true
	return conn, nil
}

// reuse returns the idle connection used last, nil when none is alive.
func (p *Pool) reuse() (*Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, &Unreachable{errClosed}
	}
	for len(p.idle) > 0 {
		conn := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !conn.ldap.IsClosing() {
			return conn, nil
		}
		conn.cut()
	}
	return nil, nil
}

// Close gives up the idle connections; those handed out follow when given back.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, conn := range idle {
		conn.hangUp()
	}
}

// dial connects, secures the connection and signs in, all within one timeout.
func (p *Pool) dial(ctx context.Context) (*Conn, error) {
	c := p.config
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("it took longer than %s", c.Timeout))
	defer cancel()
	failed := func(what string, err error) error {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &Unreachable{errors.New(c.Mask(fmt.Sprintf("%s %s: %s", what, c.Address, Words(err))))}
	}
	raw, err := new(net.Dialer).DialContext(ctx, c.Network, c.Address)
	if err != nil {
		return nil, failed("connecting to", err)
	}
	conn := &Conn{pool: p, wire: &wire{Conn: raw}}
	stop := context.AfterFunc(ctx, conn.cut)
	defer stop()
	if c.LDAPS {
		secure := tls.Client(conn.wire, c.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.cut()
			return nil, failed("securing the connection to", certificate(err))
		}
		conn.ldap = ldap.NewConn(secure, true)
	} else {
		conn.ldap = ldap.NewConn(conn.wire, false)
	}
	conn.ldap.SetTimeout(2 * c.Timeout) // the library's own limit, for when cutting the socket should not be enough
	conn.ldap.Start()
	if c.StartTLS {
		if err := conn.ldap.StartTLS(c.TLS); err != nil {
			conn.cut()
			return nil, failed("securing the connection to", certificate(err))
		}
	}
	if c.BindDN != "" {
		if err := conn.ldap.Bind(c.BindDN, c.Password.Reveal()); err != nil {
			conn.hangUp()
			return nil, failed("signing in as "+c.BindDN+" at", err)
		}
	}
	if !stop() {
		conn.cut()
		return nil, failed("connecting to", errClosed)
	}
	return conn, nil
}

// certificate adds what to do when the server's certificate is the reason.
func certificate(err error) error {
	return fmt.Errorf("%w (check caFile, and that the certificate names the host of the url)", err)
}

// wire is where bytes leave the process. It notices that some did, and can be
// cut while a request waits: the LDAP library knows neither.
type wire struct {
	net.Conn
	sent atomic.Bool
}

func (w *wire) Write(b []byte) (int, error) {
	w.sent.Store(true) // before the write: half a request counts as sent
	return w.Conn.Write(b)
}

// A Conn is one signed-in connection. One goroutine uses it at a time.
type Conn struct {
	pool   *Pool
	wire   *wire
	ldap   *ldap.Conn
	broken bool
	slot   bool // it counts against the pool's limit
}

// cut closes the socket at once: whoever waits for an answer stops waiting.
func (c *Conn) cut() { _ = c.wire.Conn.Close() }

// hangUp says goodbye first, for as long as the other side listens.
func (c *Conn) hangUp() {
	late := time.AfterFunc(goodbyeTimeout, c.cut)
	defer late.Stop()
	_ = c.ldap.Unbind()
	c.cut()
}

// Do sends one request and waits for its answer. The error is nil, the server's
// own *ldap.Error, or a *Lost. After a *Lost the connection sends nothing more.
func (c *Conn) Do(ctx context.Context, request func(*ldap.Conn) error) error {
	if c.broken {
		return &Lost{Err: errors.New("the connection broke during an earlier request")}
	}
	if err := ctx.Err(); err != nil {
		return &Lost{Err: err}
	}
	timeout := c.pool.config.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("nothing within %s", timeout))
	defer cancel()
	c.wire.sent.Store(false)
	stop := context.AfterFunc(ctx, c.cut)
	err := request(c.ldap)
	if !stop() {
		c.broken = true
	}
	if err == nil || answered(err) {
		return err
	}
	c.broken = true
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &Lost{Sent: c.wire.sent.Load(), Err: err}
}

// Search sends one search and returns the whole answer. A reference to another
// server is an error: what lies there was not read.
func (c *Conn) Search(ctx context.Context, request *ldap.SearchRequest) (*ldap.SearchResult, error) {
	var result *ldap.SearchResult
	err := c.Do(ctx, func(conn *ldap.Conn) (err error) {
		result, err = conn.Search(request)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(result.Referrals) > 0 {
		return nil, ldap.NewError(ldap.LDAPResultReferral,
			fmt.Errorf("a part lies on another server, %s; choose a base without it", result.Referrals[0]))
	}
	return result, nil
}

// Give returns the connection to its pool, or closes it when it is of no more
// use. One that a reading detached is closed: the pool would grow by it.
func (c *Conn) Give() {
	slot := c.slot
	c.slot = false
	c.pool.mu.Lock()
	keep := slot && !c.broken && !c.ldap.IsClosing() && !c.pool.closed
	if keep {
		c.pool.idle = append(c.pool.idle, c)
	}
	c.pool.mu.Unlock()
	switch {
	case keep:
	case c.broken:
		c.cut()
	default:
		c.hangUp()
	}
	if slot {
		<-c.pool.slots
	}
}

// detach takes the connection out of the pool's count: a reading that goes on
// keeps it, and must not starve those who write.
func (c *Conn) detach() {
	if c.slot {
		c.slot = false
		<-c.pool.slots
	}
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"sync"
)

// locks are files beside the database. The operating system holds the lock as
// long as the file is open, so a process that dies lets go of it.
type locks struct {
	path string
	mu   sync.Mutex
	held map[string]*os.File // nil for a store in memory, which no other process can see
}

func (l *locks) take(_ context.Context, _ *sql.DB, name string) (release func() error, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.held[name]; taken {
		return nil, false, nil
	}
	var file *os.File
	if l.path != Memory {
		if file, err = os.OpenFile(l.path+"."+url.PathEscape(name)+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return nil, false, err
		}
		if ok, err := lockFile(file); err != nil || !ok {
			return nil, false, errors.Join(err, file.Close())
		}
	}
	if l.held == nil {
		l.held = map[string]*os.File{}
	}
	l.held[name] = file
	return func() error { return l.release(name) }, true, nil
}

func (l *locks) release(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	file := l.held[name]
	delete(l.held, name)
	if file == nil {
		return nil
	}
	return file.Close()
}

// releaseAll lets go of what is still held when the store is closed.
func (l *locks) releaseAll() error {
	l.mu.Lock()
	names := make([]string, 0, len(l.held))
	for name := range l.held {
		names = append(names, name)
	}
	l.mu.Unlock()
	var errs []error
	for _, name := range names {
		errs = append(errs, l.release(name))
	}
	return errors.Join(errs...)
}

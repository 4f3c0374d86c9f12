package postgresql

import (
	"context"
	"sync"
	"testing"
)

var forTest struct {
	once   sync.Once
	server *Server
	err    error
}

// ForTest returns the one server of a test binary, starting it at the first
// call. It does not wait for the disk, since a test's data need not survive the
// machine. However the binary ends, the guard then stops it and removes its folder.
func ForTest(t testing.TB) *Server {
	t.Helper()
	forTest.once.Do(func() {
		forTest.server, forTest.err = Start(context.Background(), Options{
			Settings: map[string]string{"fsync": "off", "full_page_writes": "off"},
		})
	})
	if forTest.err != nil {
		t.Fatal(forTest.err)
	}
	return forTest.server
}

package openldap

import "testing"

// ForTest starts a server that lives as long as the test, in a folder of the
// test's own unless one is given.
func ForTest(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	server, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

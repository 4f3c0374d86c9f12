// Package planted holds faults that the checker must find, and one that is explained.
package planted

import (
	"crypto/md5" // want G501
	"crypto/tls"
	"math/rand"
	"os"
)

func weak(name string, n int64) (int32, *tls.Config) {
	_ = md5.Sum(nil)                  // want G401
	_, _ = os.ReadFile(name)          // want G304
	_ = os.WriteFile("x", nil, 0o666) // want G306
	_ = rand.Int()                    // want G404
	_ = rand.Int()                    // #nosec G404 -- so that one that is explained is seen, too
	return int32(n),                  // want G115
		&tls.Config{InsecureSkipVerify: true} // want G402
}

package behaviour

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBehaviours plays every script of testdata.
func TestBehaviours(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts in testdata (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			report(t, file, playFile(t, content))
		})
	}
}

package simulate

import (
	"path/filepath"
	"testing"
)

// The scenarios of testdata/sharing, each of which says in its assertions what a way to
// share GPUs must show, show it.
func TestSharingScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "sharing", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario in testdata/sharing: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, _, err := run(t, "simulate", file); err != nil {
				t.Error(err)
			}
		})
	}
}

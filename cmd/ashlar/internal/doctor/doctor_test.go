package doctor

import (
	"errors"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// What doctor prints of two snapshots: one in which nothing is wrong, and one with a node in which GPUs are
// offered twice and pods that nobody will place.
func TestDoctor(t *testing.T) {
	for name, tc := range map[string]struct {
		snapshot string
		format   string
		trouble  bool
	}{
		"healthy.txt":         {"../whatif/testdata/whatif-cluster.json", "table", false},
		"broken.txt":          {"testdata/broken.yaml", "table", true},
		"broken.yaml-out.txt": {"testdata/broken.yaml", "yaml", true},
		"broken-names.txt":    {"testdata/broken.yaml", "name", true},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := clitest.RunCommand(t, NewCommand(), "doctor", "--snapshot", tc.snapshot, "-o", tc.format)
			if errors.As(err, &cli.FoundTrouble{}) != tc.trouble || err != nil && !tc.trouble {
				t.Errorf("error %v", err)
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

package whatif

import (
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// Nodes of several drivers: GPUs beside adapters, administrators, links that nobody published,
// and a GPU that two drivers publish.
func TestWhatifOnNodesOfSeveralDrivers(t *testing.T) {
	out, _, err := run(t, "whatif", "--snapshot", "testdata/whatif-drivers-cluster.yaml", "-f", "testdata/whatif-drivers.yaml")
	if cli.ExitCode(err) != cli.ExitNothingFits {
		t.Errorf("error %v", err)
	}
	clitest.CompareGolden(t, "whatif-drivers-refused.txt", out)
}

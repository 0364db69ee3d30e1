package whatif

import (
	"errors"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// More nodes let more pods fit, and of several alternatives the one with which most fit comes first, then the
// cheapest.
func TestWhatifAdd(t *testing.T) {
	out, _, err := run(t, "whatif", "--snapshot", recorded, "-f", "testdata/whatif-pairs.yaml", "--copies", "40",
		"--add", "4xA30-pcie=1", "--add", "dgx-h100=8,4xA30-pcie=1", "--add", "dgx-h100=8")
	if err != nil && !errors.As(err, &cli.NothingFits{}) {
		t.Fatal(err)
	}
	clitest.CompareGolden(t, "whatif-add.txt", out)
}

func TestWhatifAddMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"dgx-h10=1": "the nearest is dgx-h100", "dgx-h100=0": "want MACHINE=N", "dgx-h100=x": "want MACHINE=N",
		"dgx-h100=2000": "want MACHINE=N", "8xpcie-pix-pairs=1": "write 8xpcie-pix-pairs/MODEL",
	} {
		_, _, err := run(t, "whatif", "--snapshot", recorded, "--waiting", "--add", text)
		if cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("--add %s: %v, want %q", text, err, want)
		}
	}
}

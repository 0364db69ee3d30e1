package capture_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// A matrix that shows no NVLink where there must be one is noted; cards whose bridges are
// optional are not, unless the legend shows that NVLink was not asked for.
func TestLinkNotes(t *testing.T) {
	const (
		pcie        = "GPU0 GPU1 GPU2\nGPU0 X NODE SYS\nGPU1 NODE X SYS\nGPU2 SYS SYS X\n"
		bridge      = "GPU0 GPU1 GPU2\nGPU0 X NV4 SYS\nGPU1 NV4 X SYS\nGPU2 SYS SYS X\n"
		matrix      = "\nLegend:\n\n  X = Self\n  SYS = a\n  NODE = b\n  PIX = c\n  NV# = d\n"
		matrixOfPCI = "\nLegend:\n\n  X = Self\n  SYS = a\n  NODE = b\n  PIX = c\n"
		wantNVLink  = "has NVLink, and no two of the 3 GPUs here are connected by it: nvidia-smi topo -mp shows PCIe alone"
	)
	tests := map[string]struct{ gpu, text, note string }{
		"a board without":        {"H100-SXM5-80GB", pcie, "topo.txt:1: H100-SXM5-80GB " + wantNVLink},
		"an older board without": {"V100-SXM2-16GB", pcie, wantNVLink},
		"a board by name":        {"B200", pcie, wantNVLink},
		"a board without, NV#":   {"A100-SXM4-80GB", pcie + matrix, wantNVLink},
		"a board, one alone":     {"A100-SXM4-80GB", bridge, "topo.txt:1: A100-SXM4-80GB has NVLink, and GPU2 here has none"},
		"a board of one":         {"H100-SXM5-80GB", "GPU0\nGPU0 X\n", ""},
		"cards without bridges":  {"A100-PCIe-80GB", pcie, ""},
		"cards without, NV#":     {"A30-24GB", pcie + matrix, ""},
		"cards, some bridged":    {"H200-NVL-141GB", bridge + matrix, ""},
		"cards, no NV# in legend": {"H100-NVL-94GB", pcie + matrixOfPCI,
			"topo.txt:1: H100-NVL-94GB may have NVLink bridges, and the legend lacks NV#"},
		"without NVLink": {"L40S", pcie + matrixOfPCI, ""},
		"directions differ": {"A100-PCIe-80GB", "GPU0 GPU1\nGPU0 X NV12\nGPU1 SYS X\n",
			"topo.txt:3: GPU1 to GPU0 is SYS, and NV12 on line 2: the worse one counts, check the capture"},
		"several directions differ": {"L4", "GPU0 GPU1 GPU2\nGPU0 X SYS PIX\nGPU1 PIX X SYS\nGPU2 SYS SYS X\n",
			"topo.txt:3: GPU1 to GPU0 is PIX, and SYS on line 2: the worse one counts, check the capture; 1 more pair(s) differ likewise"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			model, err := catalogue.Default().Model(tc.gpu)
			if err != nil {
				t.Fatal(err)
			}
			c, err := capture.MachineFrom("box", capture.Texts{Topology: capture.Text{File: "topo.txt", Content: tc.text}},
				capture.Facts{GPU: model, NUMA: make([]int64, strings.Count(tc.text, "\nGPU")), Source: "a test"})
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(c.Notes, "\n")
			if tc.note == "" && notes != "" || !strings.Contains(notes, tc.note) {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

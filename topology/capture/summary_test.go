package capture_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// summaryOf460 has names of at most 18 columns.
const summaryOf460 = `$ nvidia-smi
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 460.91.03    Driver Version: 460.91.03    CUDA Version: 11.2     |
|-------------------------------+----------------------+----------------------+
| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
|                               |                      |               MIG M. |
|===============================+======================+======================|
|   0  Tesla V100-SXM2...  On   | 00000000:18:00.0 Off |                    0 |
| N/A   32C    P0    41W / 300W |      0MiB / 32510MiB |      0%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+
|   1  Tesla V100-SXM2...  On   | 00000000:3B:00.0 Off |                    0 |
| N/A   33C    P0    42W / 300W |  16384MiB / 32510MiB |      0%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+

+-----------------------------------------------------------------------------+
| Processes:                                                                  |
|    1   N/A  N/A      4242      C   python                          16381MiB |
+-----------------------------------------------------------------------------+
`

// summaryOf570 shows a GPU in MIG mode, with MIG devices of their own memory.
const summaryOf570 = `
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 570.133.20             Driver Version: 570.133.20     CUDA Version: 12.8     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
|   0  NVIDIA H100 80GB HBM3          On  |   00000000:1B:00.0 Off |                   On |
| N/A   30C    P0             71W /  700W |      87MiB /  81559MiB |     N/A      Default |
|                                         |                        |              Enabled |
+-----------------------------------------+------------------------+----------------------+
+-----------------------------------------------------------------------------------------+
| MIG devices:                                                                            |
+------------------+----------------------------------+-----------+-----------------------+
| GPU  GI  CI  MIG |              Shared Memory-Usage |        Vol|        Shared         |
|==================+==================================+===========+=======================|
|  0    9   0   0  |              44MiB / 40448MiB    | 60    N/A |  3   0    3    0    3 |
|                  |                 0MiB / 65535MiB  |           |                       |
+------------------+----------------------------------+-----------+-----------------------+
`

func TestSummary(t *testing.T) {
	tests := map[string]struct {
		text              string
		gpus              int
		want, note, given string
		err               string
	}{
		"cut-off names, told apart by memory": {text: summaryOf460, gpus: 2, want: "V100-SXM2-32GB",
			note: `query.txt:9: GPU is "Tesla V100-SXM2...", a name that is cut off: taken as V100-SXM2-32GB by its memory`},
		"the smaller one": {text: strings.ReplaceAll(summaryOf460, "32510MiB", "16160MiB"), gpus: 2, want: "V100-SXM2-16GB"},
		"a name after NVIDIA": {
			text: strings.NewReplacer("Tesla V100-SXM2...", "NVIDIA A100-SXM...", "32510MiB", "81251MiB").Replace(summaryOf460),
			gpus: 2, want: "A100-SXM4-80GB",
		},
		"MIG devices": {text: summaryOf570, gpus: 1, want: "H100-SXM5-80GB"},
		"quoted":      {text: "> " + strings.ReplaceAll(summaryOf570, "\n", "\n> "), gpus: 1, want: "H100-SXM5-80GB"},
		"less memory than any": {text: strings.ReplaceAll(summaryOf460, "32510MiB", "4301MiB"), gpus: 2,
			err: `query.txt:9: GPU is "Tesla V100-SXM2...", a name that is cut off and no GPU of the catalogue with its memory`},
		"no figure in the name": {text: strings.ReplaceAll(summaryOf460, "Tesla V100-SXM2...", "NVIDIA GeForce ..."), gpus: 2,
			err: `query.txt:9: Product Name is "NVIDIA GeForce ..."`},
		"no figure in the name, model given": {text: strings.ReplaceAll(summaryOf460, "Tesla V100-SXM2...", "NVIDIA GeForce ..."), gpus: 2,
			given: "RTX-5090", want: "RTX-5090"},
		"other model given": {text: summaryOf460, gpus: 2, given: "L40S", err: `Product Name is "Tesla V100-SXM2...", L40S was given`},
		"unknown GPU": {text: strings.ReplaceAll(summaryOf570, "NVIDIA H100 80GB HBM3", "NVIDIA X1           "), gpus: 1,
			err: "query.txt:9: Product Brand of NVIDIA X1 is missing, capture nvidia-smi -q"},
		"a GPU left out": {text: strings.ReplaceAll(summaryOf460, "|   1  Tesla", "|   2  Tesla"), gpus: 2,
			err: "query.txt:13: GPU 2 follows 1 others, the table is cut off or shows some GPUs alone"},
		"fewer than the topology": {text: summaryOf570, gpus: 2, err: "1 GPUs here, 2 in topo.txt"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			facts := capture.Facts{Models: catalogue.Default().Models(), Source: "a test"}
			if tc.given != "" {
				var err error
				if facts.GPU, err = catalogue.Default().Model(tc.given); err != nil {
					t.Fatal(err)
				}
			}
			c, err := capture.MachineFrom("box",
				capture.Texts{Topology: nodesText(tc.gpus), Query: capture.Text{File: "query.txt", Content: tc.text}}, facts)
			if tc.err != "" {
				wantError(t, err, tc.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Machine.Node.GPUs[0]; got.Model.Name != tc.want || got.BusID == "" {
				t.Errorf("GPU0 is %s at %q, want %s", got.Model.Name, got.BusID, tc.want)
			}
			if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, tc.note) {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

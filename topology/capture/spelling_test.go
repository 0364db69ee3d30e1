package capture_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
)

// linksText prints the links of a matrix, the GPUs' rows and then the NICs'.
func linksText(m *capture.Matrix) string {
	var rows []string
	line := func(links []topology.Link) {
		var words []string
		for _, link := range links {
			words = append(words, link.String())
		}
		rows = append(rows, strings.Join(words, " "))
	}
	for _, links := range m.Links {
		line(links)
	}
	for _, nic := range m.NICs {
		line(nic.Links)
	}
	return strings.Join(rows, ", ")
}

// Links that earlier drivers print, and entries that ran together, are read where there
// is one way to read them.
func TestLinkSpellings(t *testing.T) {
	tests := map[string]struct {
		text, want string
		numa       []int64
	}{
		"SOC of driver 361": {
			text: "\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tSOC\t0-5\nGPU1\tSOC\t X \t6-11\n\nLegend:\n\n  X   = Self\n  SOC = Path\n",
			want: "X SYS, SYS X", numa: []int64{-1, -1},
		},
		"PSB of a board with two GPUs": {
			text: "GPU0 GPU1 GPU2\nGPU0 X PSB SOC\nGPU1 PSB X SOC\nGPU2 SOC SOC X\n",
			want: "X PIX SYS, PIX X SYS, SYS SYS X", numa: []int64{-1, -1, -1},
		},
		"two entries": {
			text: "GPU0 GPU1 NIC0 NIC1\nGPU0 X NV4 NODEPHB\nGPU1 NV4 X NODE SYS\nNIC0 NODENODE X NODE\nNIC1 PHB SYSNODEX\n",
			want: "X NV4, NV4 X, NODE NODE, PHB SYS", numa: []int64{-1, -1},
		},
		"a whole row": {
			text: "GPU0 GPU1 GPU2 GPU3\nGPU0XNV12SOCPXB\nGPU1NV12XSYSPIX\nGPU2 SYSSYSXNV4\nGPU3 PXBPIX NV4X\n",
			want: "X NV12 SYS PXB, NV12 X SYS PIX, SYS SYS X NV4, PXB PIX NV4 X", numa: []int64{-1, -1, -1, -1},
		},
		"names of columns": {
			text: "GPU0GPU1NIC0 NIC1NIC2CPU AffinityNUMA AffinityGPU NUMA ID\n" +
				"GPU0 X SYS PIX PXB NODE 0-7 0 N/A\nGPU1 SYS X SYS SYS SYS 8-15 1 N/A\n" +
				"NIC0 PIX SYS X PHB PHB\nNIC1 PXB SYS PHB X PHB\nNIC2 NODE SYS PHB PHB X\n",
			want: "X SYS, SYS X, PIX SYS, PXB SYS, NODE SYS", numa: []int64{0, 1},
		},
		"names of NICs by device": {
			text: "GPU0 mlx5_0mlx5_10\nGPU0 X PIX NODE\nmlx5_0 PIX X NODE\nmlx5_10 NODE NODE X\n",
			want: "X, PIX, NODE", numa: []int64{-1},
		},
		"the last link and the CPUs": {
			text: "GPU0 GPU1 CPU Affinity NUMA Affinity\nGPU0 X SYS0-7,16-23 0\nGPU1 SYS X8-15 1\n",
			want: "X SYS, SYS X", numa: []int64{0, 1},
		},
		"NUMA node and N/A": {
			text: "GPU0 GPU1 CPU Affinity NUMA Affinity GPU NUMA ID\nGPU0 X PHB 0-7 0N/A\nGPU1 PHB X 8-15 N/AN/A\n",
			want: "X PHB, PHB X", numa: []int64{0, -1},
		},
		"CPUs and NUMA node": { // where one ends cannot be told: it stays unknown
			text: "GPU0 GPU1 CPU Affinity NUMA Affinity\nGPU0 X PHB 0-70\nGPU1 PHB X 8-15 1\n",
			want: "X PHB, PHB X", numa: []int64{-1, 1},
		},
		"all of it": {
			text: "GPU0GPU1NIC0CPU AffinityNUMA Affinity\nGPU0XNV4PIX0-70\nGPU1NV4XSYS8-151\nNIC0PIXSYSX\n",
			want: "X NV4, NV4 X, PIX SYS", numa: []int64{-1, -1},
		},
		"a column of NUMA ids": {
			text: "GPU0 GPU1 CPU Affinity NUMA Affinity NUMA ID\nGPU0 X PHB 0-7 1 N/A\nGPU1 PHB X 8-15 -1 [N/A]\n",
			want: "X PHB, PHB X", numa: []int64{1, -1},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := capture.ParseMatrix(capture.Text{File: "topo.txt", Content: tc.text})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, linksText(m)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.numa, m.NUMA); diff != "" {
				t.Errorf("NUMA nodes (-want +got):\n%s", diff)
			}
		})
	}
}

// One table, pasted in the ways in which people do.
func TestPastedMatrices(t *testing.T) {
	const (
		header = "\tGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID"
		rows   = "GPU0\t X \tNV4\tPIX\t0-7\t0\t\tN/A\nGPU1\tNV4\t X \tSYS\t8-15\t1\t\tN/A\nNIC0\tPIX\tSYS\t X \t\t\t\t\n"
		legend = "\nLegend:\n\n  X    = Self\n  NV#  = Connection traversing a bonded set of # NVLinks\n\nNIC Legend:\n\n  NIC0: mlx5_2\n"
		plain  = header + "\n" + rows + legend
	)
	eachLine := func(text string, change func(string) string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(change(strings.TrimSuffix(line, "\n")) + "\n")
		}
		return b.String()
	}
	tests := map[string]string{
		"as it is":                 plain,
		"underlined":               "\x1b[4m" + header + "\x1b[0m\n" + rows + legend,
		"underlined, escapes lost": "[4m" + header + "[0m\n" + rows + legend,
		"underlined, as cat -v":    "^[[4m" + header + "^[[0m\n" + rows + legend,
		"underlined, as in C":      `\033[4m` + header + `\x1b[0m` + "\n" + rows + legend,
		"underlined, as in JSON":   `\u001b[4m` + header + `\u001B[0m` + "\n" + rows + legend,
		"underlined, as a symbol":  "\u241b[4m" + header + "\u241b[0m\n" + rows + legend,
		"under a window title":     "\x1b]0;root@node\x07# nvidia-smi topo -m\n" + plain,
		"tabs turned to spaces":    strings.ReplaceAll(plain, "\t", "        "),
		"no-break spaces":          strings.ReplaceAll(plain, "\t", "\u00a0\u00a0"),
		"carriage returns alone":   strings.ReplaceAll(plain, "\n", "\r"),
		"carriage returns, BOM":    "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n"),
		"fenced":                   "Here it is:\n```text\n$ nvidia-smi topo -m\n" + plain + "```\nThanks.\n",
		"quoted":                   eachLine(plain, func(line string) string { return "> " + line }),
		"quoted twice and fenced":  eachLine("```\n"+plain+"```\n", func(line string) string { return ">> " + line }),
		"between prompts":          "root@node:~# nvidia-smi topo -m\n" + plain + "root@node:~# exit\n",
		"as a Markdown table": "| | GPU0 | GPU1 | NIC0 | CPU Affinity | NUMA Affinity | GPU NUMA ID |\n|---|:---:|---:|---|---|---|---|\n" +
			"| **GPU0** | X | NV4 | PIX | 0-7 | 0 | N/A |\n| **GPU1** | NV4 | X | `SYS` | 8-15 | 1 | N/A |\n| NIC0 | PIX | SYS | X | | | |\n" +
			"\n* NIC0: mlx5_2\n",
		"logs with timestamps":      eachLine(plain, func(line string) string { return "2026-11-28T18:46:46.123456789Z " + line }),
		"logs with prefixes":        eachLine(plain, func(line string) string { return "[pod/topo/nvidia-smi] " + line }),
		"a comment of YAML":         eachLine(plain, func(line string) string { return "  # " + line }),
		"a patch":                   eachLine(plain, func(line string) string { return strings.TrimRight("+ "+line, " ") }),
		"legend as a list":          header + "\n" + rows + "\nNIC Legend:\n- NIC0: mlx5_2\n",
		"legend with the interface": header + "\n" + rows + "\nNIC Legend:\n  NIC0: mlx5_2 (ens4f0np0)\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := capture.ParseMatrix(capture.Text{File: "topo.txt", Content: text})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("X NV4, NV4 X, PIX SYS", linksText(m)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int64{0, 1}, m.NUMA); diff != "" {
				t.Errorf("NUMA nodes (-want +got):\n%s", diff)
			}
			if m.NICs[0].Name != "mlx5_2" {
				t.Errorf("NIC %q, want mlx5_2", m.NICs[0].Name)
			}
		})
	}
}

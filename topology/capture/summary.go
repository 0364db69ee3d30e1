package capture

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// Rows of the table that nvidia-smi prints without options. A GPU takes two or three of
// them: index, name, persistence mode or driver model, and bus id; then memory; then,
// since driver 450, MIG mode.
var (
	summaryGPU = regexp.MustCompile(
		`^\|\s+([0-9]+)\s+(\S.*?)\s+(?:On|Off|N/A|TCC|WDDM|MCDM)\s*\|\s*([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])\s+\S+\s*\|`)
	summaryMemory = regexp.MustCompile(`^\|[^|]*\|\s*[0-9]+\s*MiB\s*/\s*([0-9]+)\s*MiB\s*\|`)
	summaryMIG    = regexp.MustCompile(`^\|\s*\|\s*\|\s*(Enabled|Disabled|N/A)\*?\s*\|$`)
)

// readSummary reads that table: less than nvidia-smi -q shows, and enough to know a GPU
// of the catalogue by. It returns nil for a text without such rows.
func readSummary(all []captureLine) ([]GPU, error) {
	var gpus []GPU
	for _, l := range all {
		text := strings.TrimSpace(l.text)
		if match := summaryGPU.FindStringSubmatch(text); match != nil {
			if len(gpus) == topology.MaxGPUs {
				return nil, l.lineErrorf("more than %d GPUs, capture one node", int64(topology.MaxGPUs))
			}
			if match[1] != strconv.Itoa(len(gpus)) {
				return nil, l.lineErrorf("GPU %s follows %d others, the table is cut off or shows some GPUs alone: paste all of it, "+
					"or capture nvidia-smi -q", match[1], len(gpus))
			}
			gpus = append(gpus, GPU{
				BusID: sysfsBusID(match[3]), Product: match[2], at: l,
				fields: map[string]blockEntry{pathProduct: {match[2], l}, pathBus: {match[3], l}},
			})
			continue
		}
		if len(gpus) == 0 {
			continue
		}
		// The table of MIG devices follows, whose memory is in rows of the same form.
		if gpu := &gpus[len(gpus)-1]; gpu.Memory == 0 {
			if match := summaryMemory.FindStringSubmatch(text); match != nil {
				mib, err := l.wholeNumber("memory", match[1], maxMemoryMiB)
				if err != nil {
					return nil, err
				}
				gpu.Memory, gpu.fields[pathMemory] = topology.Bytes(mib)*topology.MiB, blockEntry{match[1] + " MiB", l}
			}
		} else if match := summaryMIG.FindStringSubmatch(text); match != nil && gpu.MIG == "" {
			gpu.MIG = match[1]
		}
	}
	return gpus, nil
}

// cutMark ends a name that the summary has no room for.
const cutMark = "..."

// isCutNameOf reports whether a GPU's name is the cut-off beginning of a model's product
// name, and its memory the model's. A beginning without a figure says too little.
func (g *GPU) isCutNameOf(m *topology.Model) bool {
	beginning, cut := strings.CutSuffix(g.Product, cutMark)
	if !cut || !strings.ContainsAny(beginning, "0123456789") || !g.hasMemoryOf(m) || g.Memory == 0 {
		return false
	}
	return slices.ContainsFunc([]string{m.Product, strings.TrimPrefix(m.Product, "NVIDIA ")}, func(product string) bool {
		return strings.HasPrefix(product, beginning)
	})
}

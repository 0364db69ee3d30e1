package capture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// boards are the models without SXM in their names that exist only on boards with
// NVLink between all their GPUs (NVIDIA's datasheets of HGX and of GB200 and GB300
// NVL72). Cards for PCIe slots may have bridges and may not.
var boards = []string{"H20", "B200", "B300", "GB200", "GB300"}

// isOnBoard reports whether GPUs of a model are always connected by NVLink.
func isOnBoard(m *topology.Model) bool {
	return slices.Contains(boards, m.Name) || strings.Contains(m.Name, "SXM") || strings.Contains(m.Product, "SXM")
}

// linkNotes says where a matrix contradicts itself or the NVLinks that its GPUs have. The
// captures are taken as they are: links may be off, or hidden in a virtual machine.
func linkNotes(matrix *Matrix, gpus []GPU, model *topology.Model) []string {
	notes := directionNotes(matrix)
	if len(matrix.Links) < 2 || slices.ContainsFunc(gpus, func(gpu GPU) bool { return gpu.isVirtual() }) {
		return notes
	}
	var alone []string
	for i, row := range matrix.Links {
		if !slices.ContainsFunc(row, func(link topology.Link) bool { return link.Kind == topology.NVLink }) {
			alone = append(alone, gpuName(i))
		}
	}
	const remedy = "where that shows the same, nvidia-smi nvlink -s says which links are off; as it stands PCIe counts"
	switch {
	case len(alone) == len(matrix.Links) && isOnBoard(model):
		notes = append(notes, matrix.at.lineNotef("%s has NVLink, and no two of the %d GPUs here are connected by it: "+
			"nvidia-smi topo -mp shows PCIe alone, capture nvidia-smi topo -m; %s", model.Name, len(alone), remedy))
	case len(alone) == len(matrix.Links) && model.LaneGBps > 0 && matrix.pcieOnly:
		notes = append(notes, matrix.at.lineNotef("%s may have NVLink bridges, and the legend lacks NV#: "+
			"nvidia-smi topo -mp shows PCIe alone, capture nvidia-smi topo -m", model.Name))
	case len(alone) > 0 && len(alone) < len(matrix.Links) && isOnBoard(model):
		notes = append(notes, matrix.at.lineNotef("%s has NVLink, and %s here has none: capture again with nvidia-smi topo -m; %s",
			model.Name, strings.Join(alone, ", "), remedy))
	}
	return notes
}

// directionNotes names pairs of GPUs whose two entries differ.
func directionNotes(matrix *Matrix) []string {
	var notes []string
	for i, row := range matrix.Links {
		for j := range i {
			if there, back := row[j], matrix.Links[j][i]; there != back {
				notes = append(notes, matrix.rows[i].lineNotef("%s to %s is %s, and %s on line %d: the worse one counts, check the capture",
					gpuName(i), gpuName(j), there, back, matrix.rows[j].number))
			}
		}
	}
	if len(notes) > 1 {
		return []string{fmt.Sprintf("%s; %d more pair(s) differ likewise", notes[0], len(notes)-1)}
	}
	return notes
}

// firstNVLink finds the first two GPUs that are connected by NVLink.
func firstNVLink(matrix *Matrix) (i, j int, found bool) {
	for i, row := range matrix.Links {
		for j, link := range row {
			if link.Kind == topology.NVLink {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

package machines

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// machineDrawing is what topology show prints: its JSON form is stable.
type machineDrawing struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Model       modelRow `json:"gpuModel"`
	GPUs        []gpuRow `json:"gpus"`
	// Links[i][j] is how GPU i reaches GPU j, as nvidia-smi topo -m prints it.
	Links [][]string `json:"links"`
	NICs  []nicRow   `json:"nics"`
	// Islands are sets of GPUs that all have NVLink to one another.
	Islands [][]int `json:"nvlinkIslands"`
	// Rings are the best sets of some sizes on the empty machine.
	Rings      []gpuRing `json:"bestRings"`
	Confidence string    `json:"confidence"`
	Sources    []string  `json:"sources"`
}

type gpuRow struct {
	Index int `json:"index"`
	// NUMA is absent if cli.Unknown, as are the texts.
	NUMA     *int64 `json:"numaNode,omitempty"`
	PCIeRoot string `json:"pcieRoot,omitempty"`
	BusID    string `json:"pciBusID,omitempty"`
	Clique   string `json:"clique,omitempty"`
}

type nicRow struct {
	Name  string   `json:"name"`
	NUMA  *int64   `json:"numaNode,omitempty"`
	Links []string `json:"links"`
}

// gpuRing is a set of GPUs and its bandwidth: the slowest link of its best ring, per
// direction.
type gpuRing struct {
	GPUs      []int `json:"gpus"`
	Bandwidth int64 `json:"bandwidthGBps"`
}

// ringSizes are the sizes of jobs whose best rings are shown.
var ringSizes = []int{2, 4, 8}

func drawingOf(machine *topology.MachineType) (*machineDrawing, error) {
	node := machine.Node
	d := &machineDrawing{
		Name: machine.Name, Description: machine.Description, Model: modelRowOf(node.GPUs[0].Model),
		NICs: []nicRow{}, Islands: [][]int{}, Rings: []gpuRing{}, Confidence: machine.Confidence, Sources: machine.Sources,
	}
	byIsland := map[int64]int{}
	islands := node.Islands()
	for i, gpu := range node.GPUs {
		d.GPUs = append(d.GPUs, gpuRow{Index: i, NUMA: knownNUMA(gpu.NUMA), PCIeRoot: gpu.PCIeRoot, BusID: gpu.BusID, Clique: gpu.Clique})
		d.Links = append(d.Links, linkWords(node.Links[i]))
		if islands[i] == topology.NoIsland {
			continue
		}
		at, found := byIsland[islands[i]]
		if !found {
			at = len(d.Islands)
			byIsland[islands[i]] = at
			d.Islands = append(d.Islands, nil)
		}
		d.Islands[at] = append(d.Islands[at], i)
	}
	for _, nic := range node.NICs {
		d.NICs = append(d.NICs, nicRow{Name: nic.Name, NUMA: knownNUMA(nic.NUMA), Links: linkWords(nic.Links)})
	}
	inventory, err := wholeInventory(node)
	if err != nil {
		return nil, fmt.Errorf("machine %s: %w", machine.Name, err)
	}
	for _, size := range ringSizes {
		if size <= len(node.GPUs) {
			verdict := placement.Place(inventory, placement.NewGPUStates(inventory), wholeGPUs(inventory, size), placement.KeepPlaceable{})
			d.Rings = append(d.Rings, ringOf(inventory, verdict))
		}
	}
	return d, nil
}

func knownNUMA(numa int64) *int64 {
	if numa == topology.NoNUMA {
		return nil
	}
	return &numa
}

func linkWords(links []topology.Link) []string {
	words := make([]string, len(links))
	for i, link := range links {
		words[i] = link.String()
	}
	return words
}

func (d *machineDrawing) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	m := d.Model
	p.Printf("%s: %s\n\n", d.Name, d.Description)
	lane := "none"
	if m.LaneGBps > 0 {
		lane = fmt.Sprintf("%d GB/s per lane and direction", m.LaneGBps)
	}
	rows := [][]string{
		{"GPUs", fmt.Sprintf("%d x %s (%s, %s, compute capability %s)", len(d.GPUs), m.Product, m.Name, m.Architecture, m.ComputeCapability)},
		{"memory", fmt.Sprintf("%s each, %s usable", topology.Bytes(m.MemoryBytes), topology.Bytes(m.UsableBytes))},
		{"NVLink", lane},
		{"MIG table", cli.OrUnknown(m.MIG)},
		{"confidence", d.Confidence},
	}
	for _, source := range d.Sources {
		rows = append(rows, []string{"source", source})
	}
	p.PrintTable(rows)
	p.Printf("\n")
	p.PrintTable(d.linkMatrix())
	p.Printf("\n")
	p.PrintTable(d.numaNodes())
	p.Printf("\n")
	rows = [][]string{{"NVLINK ISLAND", "GPUS"}}
	for i, island := range d.Islands {
		rows = append(rows, []string{strconv.Itoa(i), cli.NumberRanges(island)})
	}
	if len(d.Islands) == 0 {
		rows = append(rows, []string{"none", ""})
	}
	p.PrintTable(rows)
	p.Printf("\n")
	rows = [][]string{{"BEST OF", "RING", "GPUS"}}
	for _, ring := range d.Rings {
		rows = append(rows, []string{strconv.Itoa(len(ring.GPUs)), bandwidthText(ring.Bandwidth), cli.NumberRanges(ring.GPUs)})
	}
	if len(d.Rings) > 0 {
		p.PrintTable(rows)
	}
	return p.Err()
}

// linkMatrix lays the links out as nvidia-smi topo -m does.
func (d *machineDrawing) linkMatrix() [][]string {
	header := []string{""}
	for i := range d.GPUs {
		header = append(header, "GPU"+strconv.Itoa(i))
	}
	rows := [][]string{append(header, "NUMA", "BUS ID")}
	for i, gpu := range d.GPUs {
		row := append([]string{"GPU" + strconv.Itoa(i)}, d.Links[i]...)
		rows = append(rows, append(row, numaWord(gpu.NUMA), cli.OrUnknown(gpu.BusID)))
	}
	for _, nic := range d.NICs {
		rows = append(rows, append(append([]string{nic.Name}, nic.Links...), numaWord(nic.NUMA), ""))
	}
	return rows
}

func numaWord(numa *int64) string {
	if numa == nil {
		return cli.Unknown
	}
	return strconv.FormatInt(*numa, 10)
}

// numaNodes lists each NUMA node with its GPUs and NICs, the unknown one last.
func (d *machineDrawing) numaNodes() [][]string {
	gpus, nics := map[string][]int{}, map[string][]string{}
	var nodes []int64
	unplaced := false
	note := func(numa *int64) string {
		if numa == nil {
			unplaced = true
		} else if !slices.Contains(nodes, *numa) {
			nodes = append(nodes, *numa)
		}
		return numaWord(numa)
	}
	for _, gpu := range d.GPUs {
		word := note(gpu.NUMA)
		gpus[word] = append(gpus[word], gpu.Index)
	}
	for _, nic := range d.NICs {
		word := note(nic.NUMA)
		nics[word] = append(nics[word], nic.Name)
	}
	slices.Sort(nodes)
	rows := [][]string{{"NUMA NODE", "GPUS", "NICS"}}
	for _, node := range nodes {
		word := strconv.FormatInt(node, 10)
		rows = append(rows, []string{word, cli.NumberRanges(gpus[word]), cli.OrUnknown(strings.Join(nics[word], " "))})
	}
	if unplaced {
		rows = append(rows, []string{"unknown", cli.NumberRanges(gpus[cli.Unknown]), cli.OrUnknown(strings.Join(nics[cli.Unknown], " "))})
	}
	return rows
}

// bandwidthText prints a bandwidth, "-" where there is none, as with a single GPU.
func bandwidthText(bandwidth int64) string {
	if bandwidth == 0 {
		return cli.Unknown
	}
	return fmt.Sprintf("%d GB/s", bandwidth)
}

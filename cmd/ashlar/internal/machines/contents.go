package machines

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// catalogueContents is what topology list prints: its JSON form is stable.
type catalogueContents struct {
	Machines []machineRow `json:"machines"`
	Models   []modelRow   `json:"gpuModels"`
}

type machineRow struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	GPUs        int    `json:"gpus"`
	// Model is "" for a machine that is used as NAME/MODEL.
	Model string `json:"gpuModel"`
	// Links are the kinds between GPUs, from near to far.
	Links      []string `json:"links"`
	NUMANodes  int      `json:"numaNodes"`
	NICs       int      `json:"nics"`
	Confidence string   `json:"confidence"`
}

type modelRow struct {
	Name              string `json:"name"`
	Product           string `json:"product"`
	Architecture      string `json:"architecture"`
	ComputeCapability string `json:"computeCapability"`
	MemoryBytes       int64  `json:"memoryBytes"`
	UsableBytes       int64  `json:"usableBytes"`
	// LaneGBps is one NVLink per direction; 0 without NVLink.
	LaneGBps   int64  `json:"nvlinkLaneGBps"`
	P2P        bool   `json:"peerToPeer"`
	MIG        string `json:"migTable,omitempty"`
	Confidence string `json:"confidence"`
	Source     string `json:"source"`
}

func modelRowOf(model *topology.Model) modelRow {
	return modelRow{
		Name: model.Name, Product: model.Product, Architecture: model.Architecture, ComputeCapability: model.Compute.String(),
		MemoryBytes: int64(model.Memory), UsableBytes: int64(model.Usable()), LaneGBps: model.LaneGBps, P2P: model.P2P,
		MIG: model.MIG, Confidence: model.Confidence, Source: model.Source,
	}
}

func contentsOf(c *catalogue.Catalogue) (*catalogueContents, error) {
	all := &catalogueContents{}
	// A machine that names no model has links all the same: any model with NVLink
	// shows them.
	linked := ""
	for _, model := range c.Models() {
		all.Models = append(all.Models, modelRowOf(model))
		if model.LaneGBps > 0 {
			linked = model.Name
		}
	}
	for _, name := range c.Machines() {
		machine, err := c.Machine(name)
		model := ""
		if err == nil {
			model = machine.Node.GPUs[0].Model.Name
		} else if machine, err = c.Machine(name + "/" + linked); err != nil {
			return nil, err
		}
		row := machineRow{
			Name: name, Description: machine.Description, GPUs: len(machine.Node.GPUs), Model: model,
			Links: linkKinds(machine.Node), NICs: len(machine.Node.NICs), Confidence: machine.Confidence,
		}
		nodes := map[int64]bool{}
		for _, gpu := range machine.Node.GPUs {
			if gpu.NUMA != topology.NoNUMA {
				nodes[gpu.NUMA] = true
			}
		}
		row.NUMANodes = len(nodes)
		all.Machines = append(all.Machines, row)
	}
	return all, nil
}

// linkKinds lists the links between GPUs once each, from near to far.
func linkKinds(node *topology.Node) []string {
	var links []topology.Link
	for _, row := range node.Links {
		for _, link := range row {
			if link.Kind != topology.Self && !slices.Contains(links, link) {
				links = append(links, link)
			}
		}
	}
	slices.SortFunc(links, func(a, b topology.Link) int {
		if a.Kind != b.Kind {
			return int(b.Kind) - int(a.Kind)
		}
		return int(b.Lanes - a.Lanes)
	})
	return linkWords(links)
}

// machineNames are what MACHINE may be.
func (c *catalogueContents) machineNames() []string {
	names := make([]string, len(c.Machines))
	for i := range c.Machines {
		names[i] = c.Machines[i].Name
	}
	return names
}

func (c *catalogueContents) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	rows := [][]string{{"MACHINE", "GPUS", "MODEL", "LINKS", "NUMA NODES", "NICS", "DESCRIPTION"}}
	for _, m := range c.Machines {
		model := m.Model
		if model == "" {
			model = "any: " + m.Name + "/MODEL"
		}
		rows = append(rows, []string{
			m.Name, strconv.Itoa(m.GPUs), model, cli.OrUnknown(strings.Join(m.Links, " ")),
			strconv.Itoa(m.NUMANodes), strconv.Itoa(m.NICs), m.Description,
		})
	}
	p.PrintTable(rows)
	p.Printf("\n")
	rows = [][]string{{"MODEL", "PRODUCT", "ARCHITECTURE", "CC", "MEMORY", "USABLE", "NVLINK LANE", "MIG TABLE"}}
	for _, m := range c.Models {
		lane := cli.Unknown
		if m.LaneGBps > 0 {
			lane = fmt.Sprintf("%d GB/s", m.LaneGBps)
		}
		rows = append(rows, []string{
			m.Name, m.Product, m.Architecture, m.ComputeCapability, topology.Bytes(m.MemoryBytes).String(),
			topology.Bytes(m.UsableBytes).String(), lane, cli.OrUnknown(m.MIG),
		})
	}
	p.PrintTable(rows)
	return p.Err()
}

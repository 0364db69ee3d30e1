package capture

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// unknownFigure stands for a figure that no capture shows.
const unknownFigure = "-"

// writeFiles fills in Files.
func (c *Captured) writeFiles() {
	if c.Table != nil {
		c.Files = append(c.Files, File{"mig/" + c.Table.Name + ".txt", tableText(c.Table)})
	}
	if c.Model != nil {
		c.Files = append(c.Files, File{"models/" + c.Model.Name + ".txt", modelText(c.Model)})
	}
	c.Files = append(c.Files, File{"machines/" + c.Machine.Name + ".txt", machineText(c.Machine, c.Notes)})
}

func machineText(m *topology.MachineType, notes []string) string {
	var b strings.Builder
	node := m.Node
	settings := [][]string{
		{"machine", m.Name},
		{"description", m.Description},
		{"gpu", node.GPUs[0].Model.Name},
		{"confidence", m.Confidence},
	}
	for _, source := range m.Sources {
		settings = append(settings, []string{"source", source})
	}
	if clique := node.GPUs[0].Clique; clique != "" {
		settings = append(settings, []string{"clique", clique})
	}
	for _, note := range notes {
		settings = append(settings, []string{"note", note})
	}
	writeColumns(&b, settings)

	header := []string{""}
	for i := range node.GPUs {
		header = append(header, gpuName(i))
	}
	rows := [][]string{append(header, "NUMA", "PCIe-root", "Bus-id")}
	for i, gpu := range node.GPUs {
		row := append([]string{gpuName(i)}, linkWords(node.Links[i])...)
		rows = append(rows, append(row, numaText(gpu.NUMA), orUnknown(gpu.PCIeRoot), orUnknown(gpu.BusID)))
	}
	for _, nic := range node.NICs {
		rows = append(rows, append(append([]string{nic.Name}, linkWords(nic.Links)...), numaText(nic.NUMA)))
	}
	b.WriteByte('\n')
	writeColumns(&b, rows)
	return b.String()
}

func modelText(m *topology.Model) string {
	var b strings.Builder
	mebibytes := func(n topology.Bytes) string { return strconv.FormatInt(int64(n/topology.MiB), 10) }
	p2p, device := "no", unknownFigure
	if m.P2P {
		p2p = "yes"
	}
	if m.DeviceID != 0 {
		device = fmt.Sprintf("0x%08X", m.DeviceID)
	}
	writeColumns(&b, [][]string{
		{"# key", "product", "brand", "architecture", "cc", "MiB", "reserved", "GB/s", "P2P", "MIG", "device", "confidence", "source"},
		{
			m.Name, quoteText(m.Product), m.Brand, quoteText(m.Architecture), m.Compute.String(), mebibytes(m.Memory), mebibytes(m.Reserved),
			strconv.FormatInt(m.LaneGBps, 10), p2p, orUnknown(m.MIG), device, m.Confidence, quoteText(m.Source),
		},
	})
	return b.String()
}

func tableText(t *mig.Table) string {
	var b strings.Builder
	b.WriteString("# Media is the GPU's decoders, encoders, JPEG and OFA engines; starts are memory slices.\n")
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	media := func(m mig.Media) []string {
		return []string{number(m.Decoders), number(m.Encoders), number(m.JPEG), number(m.OFA)}
	}
	writeColumns(&b, [][]string{
		{"table", t.Name},
		{"compute-slices", number(t.ComputeSlices)},
		{"memory-slices", number(t.MemorySlices)},
		{"media", strings.Join(media(t.Media), " ")},
		{"confidence", t.Confidence},
		{"source", t.Source},
		{"note", "memory is rounded: nvidia-smi prints GiB with two decimals"},
	})
	b.WriteByte('\n')
	rows := [][]string{strings.Fields("#id name enum max MiB SM compute memory CE dec enc jpeg ofa starts")}
	for _, p := range t.Profiles {
		starts := make([]string, len(p.Placements))
		for i, pl := range p.Placements {
			starts[i] = number(pl.Start)
		}
		row := []string{
			number(int64(p.ID)), p.Name, number(p.Enum), number(p.Max), number(int64(p.Memory / topology.MiB)), number(p.SMs),
			number(p.ComputeSlices), number(p.MemorySlices), number(p.CopyEngines),
		}
		rows = append(rows, append(append(row, media(p.Media)...), strings.Join(starts, ",")))
	}
	writeColumns(&b, rows)
	return b.String()
}

// writeColumns writes rows whose cells line up, two spaces apart.
func writeColumns(b *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		var text strings.Builder
		for i, cell := range row {
			text.WriteString(cell)
			text.WriteString(strings.Repeat(" ", widths[i]-len(cell)+2))
		}
		b.WriteString(strings.TrimRight(text.String(), " "))
		b.WriteByte('\n')
	}
}

func linkWords(links []topology.Link) []string {
	words := make([]string, len(links))
	for i, link := range links {
		words[i] = link.String()
	}
	return words
}

func numaText(numa int64) string {
	if numa == topology.NoNUMA {
		return unknownFigure
	}
	return strconv.FormatInt(numa, 10)
}

func orUnknown(text string) string {
	if text == "" {
		return unknownFigure
	}
	return text
}

func quoteText(text string) string { return `"` + text + `"` }

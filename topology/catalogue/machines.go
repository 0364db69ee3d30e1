package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// machineFile is one file of machines/. Its GPUs have no model: with adds one.
type machineFile struct {
	topology.MachineType
	// standard is the machine with the model that its file names, nil if it names
	// none.
	standard *topology.MachineType
}

// Columns after the links in a GPU's row.
const (
	columnNUMA = "NUMA"
	columnRoot = "PCIe-root"
	columnBus  = "Bus-id"
)

// maxNUMA bounds NUMA node numbers; Linux allows 1024 (CONFIG_NODES_SHIFT=10).
const maxNUMA = 1023

var (
	pcieRoot = regexp.MustCompile(`^pci[0-9a-f]{4}:[0-9a-f]{2}$`)
	busID    = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
	cliqueID = regexp.MustCompile(`^[0-9a-fA-F-]+\.[0-9]+$`)
)

// parseMachine reads one file of machines/. Its key is the file's name, which the
// line "machine" repeats.
func (c *Catalogue) parseMachine(file, key, text string) (*machineFile, error) {
	m := &machineFile{}
	var modelAt fileLine
	var modelKey, clique string
	all := splitLines(file, text)
	for len(all) > 0 && !strings.HasPrefix(all[0].text, "GPU") {
		l := all[0]
		all = all[1:]
		name, value := l.headerSetting()
		if value == "" {
			return nil, l.fieldErrorf(name, "is empty")
		}
		switch name {
		case "machine":
			if value != key {
				return nil, l.fieldErrorf(name, "%q in a file named %s.txt: make them equal", value, key)
			}
			m.Name = value
		case "description":
			m.Description = value
		case "gpu":
			modelAt, modelKey = l, value
		case "confidence":
			m.Confidence = value
		case "source":
			m.Sources = append(m.Sources, value)
		case "clique":
			if !cliqueID.MatchString(value) {
				return nil, l.fieldErrorf(name, "%q, want <cluster UUID>.<clique id>", value)
			}
			clique = value
		case "addresses":
			if value != "captured" {
				return nil, l.fieldErrorf(name, "%q, want captured, or no such header where bus ids are made up", value)
			}
			m.Addressed = true
		case "kind", "note": // for the reader of the file
		default:
			return nil, l.fieldErrorf(name,
				"unknown header, want machine, description, gpu, kind, confidence, source, clique, addresses, note or the links")
		}
	}
	if len(all) == 0 {
		return nil, fileLine{file: file, number: 1}.fieldErrorf("links", "are missing: the table starts with a row GPU0 GPU1 ...")
	}
	for _, header := range []struct {
		name    string
		present bool
	}{
		{"machine", m.Name != ""},
		{"description", m.Description != ""},
		{"gpu", modelKey != ""},
		{"confidence", m.Confidence != ""},
		{"source", len(m.Sources) > 0},
	} {
		if !header.present {
			return nil, all[0].fieldErrorf(header.name, "is missing above the links")
		}
	}

	node, err := parseLinks(all, clique)
	if err != nil {
		return nil, err
	}
	m.Node = node
	if modelKey == unknownFigure {
		return m, nil
	}
	model, err := c.Model(modelKey)
	if err != nil {
		return nil, modelAt.fieldErrorf("gpu", "%w", err)
	}
	if m.standard, err = m.withModel(m.Name, model); err != nil {
		return nil, modelAt.fieldErrorf("gpu", "%w", err)
	}
	return m, nil
}

// parseLinks reads the link table: a row of column names, one row per GPU, one
// row per NIC. Rows need not be symmetric.
func parseLinks(rows []fileLine, clique string) (*topology.Node, error) {
	header := rows[0]
	columns := strings.Fields(header.text)
	gpus := 0
	for gpus < len(columns) && columns[gpus] == gpuName(gpus) {
		gpus++
	}
	if gpus == 0 || gpus > topology.MaxGPUs {
		return nil, header.fieldErrorf("links", "%d columns GPU0 GPU1 ..., want 1 to %d", gpus, int64(topology.MaxGPUs))
	}
	if want := []string{columnNUMA, columnRoot, columnBus}; !slices.Equal(columns[gpus:], want) {
		return nil, header.fieldErrorf("links", "%s, want GPU0 to GPU%d and then %s", header.text, gpus-1, strings.Join(want, " "))
	}

	node := &topology.Node{}
	for _, l := range rows[1:] {
		row := strings.Fields(l.text)
		name := row[0]
		if strings.HasPrefix(name, "GPU") {
			if want := gpuName(len(node.GPUs)); name != want || len(node.GPUs) == gpus {
				return nil, l.fieldErrorf(name, "GPUs are GPU0 to GPU%d, in order", gpus-1)
			}
			if len(node.NICs) > 0 {
				return nil, l.fieldErrorf(name, "comes after a NIC: GPUs come first")
			}
			if err := addGPU(node, l, row[1:], gpus, clique); err != nil {
				return nil, err
			}
			continue
		}
		if err := addNIC(node, l, name, row[1:], gpus); err != nil {
			return nil, err
		}
	}
	if len(node.GPUs) != gpus {
		return nil, rows[len(rows)-1].fieldErrorf("links", "%d GPU rows for %d GPU columns", len(node.GPUs), gpus)
	}
	return node, nil
}

func gpuName(index int) string { return "GPU" + strconv.Itoa(index) }

func addGPU(node *topology.Node, l fileLine, row []string, gpus int, clique string) error {
	index := len(node.GPUs)
	name := gpuName(index)
	if len(row) != gpus+3 {
		return l.fieldErrorf(name, "%d columns, want %d links and then %s, %s and %s", len(row), gpus, columnNUMA, columnRoot, columnBus)
	}
	links, err := parseRow(l, name, row[:gpus])
	if err != nil {
		return err
	}
	for j, link := range links {
		if (link.Kind == topology.Self) != (j == index) {
			return l.fieldErrorf(name, "%s to GPU%d: a GPU has X to itself alone", link, j)
		}
	}
	gpu := topology.GPU{Clique: clique}
	if gpu.NUMA, err = parseNUMA(l, name, row[gpus]); err != nil {
		return err
	}
	if root := row[gpus+1]; root != unknownFigure {
		if !pcieRoot.MatchString(root) {
			return l.fieldErrorf(name, "%s %q, want one like pci0000:18, or -", columnRoot, root)
		}
		gpu.PCIeRoot = root
	}
	if bus := row[gpus+2]; bus != unknownFigure {
		if !busID.MatchString(bus) {
			return l.fieldErrorf(name, "%s %q, want one like 0000:1b:00.0, or -", columnBus, bus)
		}
		for other := range node.GPUs {
			if node.GPUs[other].BusID == bus {
				return l.fieldErrorf(name, "%s %s is already GPU%d's", columnBus, bus, other)
			}
		}
		gpu.BusID = bus
	}
	node.GPUs = append(node.GPUs, gpu)
	node.Links = append(node.Links, links)
	return nil
}

func addNIC(node *topology.Node, l fileLine, name string, row []string, gpus int) error {
	if len(row) != gpus+1 {
		return l.fieldErrorf(name, "%d columns, want %d links and then %s", len(row), gpus, columnNUMA)
	}
	for i := range node.NICs {
		if node.NICs[i].Name == name {
			return l.fieldErrorf(name, "occurs twice")
		}
	}
	links, err := parseRow(l, name, row[:gpus])
	if err != nil {
		return err
	}
	for j, link := range links {
		if link.Kind == topology.Self || link.Kind == topology.NVLink {
			return l.fieldErrorf(name, "%s to GPU%d, a NIC has only PCIe", link, j)
		}
	}
	numa, err := parseNUMA(l, name, row[gpus])
	if err != nil {
		return err
	}
	node.NICs = append(node.NICs, topology.NIC{Name: name, NUMA: numa, Links: links})
	return nil
}

func parseRow(l fileLine, name string, words []string) ([]topology.Link, error) {
	links := make([]topology.Link, len(words))
	for i, word := range words {
		link, err := topology.ParseLink(word)
		if err != nil {
			return nil, l.fieldErrorf(name, "to GPU%d: %w", i, err)
		}
		links[i] = link
	}
	return links, nil
}

func parseNUMA(l fileLine, name, text string) (int64, error) {
	if text == unknownFigure {
		return topology.NoNUMA, nil
	}
	return l.wholeNumber(name+" "+columnNUMA, text, 0, maxNUMA)
}

// withModel returns the machine with every GPU of one model, under the given name.
func (m *machineFile) withModel(name string, model *topology.Model) (*topology.MachineType, error) {
	node := &topology.Node{GPUs: slices.Clone(m.Node.GPUs), Links: m.Node.Links, NICs: m.Node.NICs}
	for i := range node.GPUs {
		node.GPUs[i].Model = model
		for j, link := range node.Links[i] {
			if link.Kind == topology.NVLink && model.LaneGBps == 0 {
				return nil, fmt.Errorf("machine %s has %s between GPU%d and GPU%d, but %s has no NVLink: choose a model that has",
					m.Name, link, i, j, model.Name)
			}
		}
	}
	if err := node.Validate(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", name, err)
	}
	built := m.MachineType
	built.Name = name
	built.Node = node
	return &built, nil
}

package capture_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// layout is how a rendered matrix separates its columns.
type layout struct{ before, after, underline, end string }

var layouts = map[string]layout{
	"tabs and escapes": {"\t", " ", "\x1b[4m", "\x1b[0m"},
	"spaces":           {"    ", "  ", "", ""},
	"lost escapes":     {"\t", "", "[4m", "[0m"},
}

// topoText renders a node as `nvidia-smi topo -m` would.
func topoText(node *topology.Node, how layout) string {
	var b strings.Builder
	b.WriteString("$ nvidia-smi topo -m\n" + how.underline)
	names := []string{}
	for i := range node.GPUs {
		names = append(names, fmt.Sprintf("GPU%d", i))
	}
	for i := range node.NICs {
		names = append(names, fmt.Sprintf("NIC%d", i))
	}
	for _, name := range names {
		b.WriteString(how.before + name)
	}
	b.WriteString(how.before + "CPU Affinity" + how.before + "NUMA Affinity" + how.before + "GPU NUMA ID" + how.end + "\n")
	for i := range node.GPUs {
		b.WriteString(names[i])
		for _, link := range node.Links[i] {
			b.WriteString(how.before + link.String() + how.after)
		}
		for _, nic := range node.NICs {
			b.WriteString(how.before + nic.Links[i].String() + how.after)
		}
		numa := "N/A"
		if node.GPUs[i].NUMA != topology.NoNUMA {
			numa = fmt.Sprint(node.GPUs[i].NUMA)
		}
		b.WriteString(how.before + "0-47,96-143" + how.before + numa + how.before + how.before + "N/A\n")
	}
	for i, nic := range node.NICs {
		b.WriteString(names[len(node.GPUs)+i])
		for _, link := range nic.Links {
			b.WriteString(how.before + link.String() + how.after)
		}
		for j := range node.NICs {
			link := "SYS"
			if i == j {
				link = "X"
			}
			b.WriteString(how.before + link + how.after)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nLegend:\n\n  X    = Self\n  NV#  = Connection traversing a bonded set of # NVLinks\n")
	if len(node.NICs) > 0 {
		b.WriteString("\nNIC Legend:\n\n")
	}
	for i, nic := range node.NICs {
		fmt.Fprintf(&b, "  NIC%d: %s\n", i, nic.Name)
	}
	return b.String() + "\nuser@host:~$\n"
}

// queryText renders the GPUs of a node as `nvidia-smi -q` would.
func queryText(node *topology.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b,
		"\n==============NVSMI LOG==============\n\n"+
			"Driver Version                            : 570.86.15\n"+
			"Attached GPUs                             : %d\n",
		len(node.GPUs))
	for _, gpu := range node.GPUs {
		model := gpu.Model
		brand := map[string]string{"Nvidia": "NVIDIA", "NvidiaRTX": "NVIDIA RTX"}[model.Brand]
		if brand == "" {
			brand = model.Brand
		}
		mode := "N/A"
		if model.MIG != "" {
			mode = "Disabled"
		}
		fmt.Fprintf(&b,
			"GPU 0000%s\n"+
				"    Product Name                          : %s\n"+
				"    Product Brand                         : %s\n"+
				"    Product Architecture                  : %s\n",
			strings.ToUpper(gpu.BusID), model.Product, brand, model.Architecture)
		fmt.Fprintf(&b,
			"    MIG Mode\n"+
				"        Current                           : %s\n"+
				"        Pending                           : %s\n",
			mode, mode)
		fmt.Fprintf(&b,
			"    PCI\n"+
				"        Bus                               : 0x18\n"+
				"        Device Id                         : 0x%08X\n"+
				"        Bus Id                            : 0000%s\n",
			model.DeviceID, strings.ToUpper(gpu.BusID))
		fmt.Fprintf(&b,
			"    FB Memory Usage\n"+
				"        Total                             : %d MiB\n"+
				"        Reserved                          : %d MiB\n"+
				"        Used                              : 4 MiB\n",
			model.Memory/topology.MiB, model.Reserved/topology.MiB)
		b.WriteString(
			"    BAR1 Memory Usage\n" +
				"        Total                             : 131072 MiB\n" +
				"    Processes                             : None\n\n")
	}
	return b.String()
}

// migTexts renders a table as `nvidia-smi mig -lgip` and -lgipp would, for two GPUs.
func migTexts(t *mig.Table) (profiles, placements string) {
	var b, l strings.Builder
	b.WriteString(
		"+-----+\n" +
			"| GPU instance profiles: |\n" +
			"| GPU   Name             ID    Instances   Memory     P2P    SM    DEC   ENC  |\n" +
			"|                              Free/Total   GiB              CE    JPEG  OFA  |\n" +
			"|=============================================================================|\n")
	for gpu := range 2 {
		for _, p := range t.Profiles {
			fmt.Fprintf(&b, "|  %2d  MIG %-14s %2d     0/%d        %.2f      No     %d     %d     %d   |\n",
				gpu, p.Name, p.ID, p.Max, float64(p.Memory)/float64(topology.GiB), p.SMs, p.Media.Decoders, p.Media.Encoders)
			fmt.Fprintf(&b, "|                                                            %d     %d     %d   |\n+----+\n",
				p.CopyEngines, p.Media.JPEG, p.Media.OFA)
			starts := []string{}
			for _, pl := range p.Placements {
				starts = append(starts, fmt.Sprint(pl.Start))
			}
			word := "Placements:"
			if len(starts) == 1 {
				word = "Placement :"
			}
			fmt.Fprintf(&l, "GPU  %d Profile ID %2d %s {%s}:%d\n", gpu, p.ID, word, strings.Join(starts, ","), p.MemorySlices)
		}
	}
	return b.String(), l.String()
}

// extra turns captured files into files for the catalogue.
func extra(files []capture.File) []catalogue.File {
	var all []catalogue.File
	for _, file := range files {
		all = append(all, catalogue.File(file))
	}
	return all
}

// knowing is a catalogue lookup for Facts.
func knowing() func(string) (*topology.Model, bool) { return catalogue.Default().ModelByProduct }

// importNode captures a node of the catalogue again and loads the result.
func importNode(t *testing.T, node *topology.Node, how layout) (*capture.Captured, *topology.Node) {
	t.Helper()
	captured, err := capture.MachineFrom("imported", capture.Texts{
		Topology: capture.Text{File: "topo.txt", Content: topoText(node, how)},
		Query:    capture.Text{File: "query.txt", Content: queryText(node)},
	}, capture.Facts{Models: catalogue.Default().Models(), Source: "rack 7, captured by hand"})
	if err != nil {
		t.Fatal(err)
	}
	grown, err := catalogue.Default().With(extra(captured.Files)...)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := grown.Machine("imported")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded, captured.Machine) {
		t.Fatalf("the written file loads as %+v, want %+v", loaded, captured.Machine)
	}
	return captured, loaded.Node
}

// visible is what captures show of a node: no PCIe roots, no NUMA nodes of NICs.
func visible(node *topology.Node) *topology.Node {
	seen := &topology.Node{GPUs: slices.Clone(node.GPUs), Links: node.Links, NICs: slices.Clone(node.NICs)}
	for i := range seen.GPUs {
		seen.GPUs[i].PCIeRoot, seen.GPUs[i].Clique = "", ""
	}
	for i := range seen.NICs {
		seen.NICs[i].NUMA = topology.NoNUMA
	}
	return seen
}

// Every machine of the catalogue, rendered as captures and imported, is the same
// machine as far as captures show it.
func TestCatalogueMachinesRoundTrip(t *testing.T) {
	for _, name := range catalogue.Default().Machines() {
		for how, rendering := range layouts {
			t.Run(name+"/"+how, func(t *testing.T) {
				machine, err := catalogue.Default().Machine(name)
				if err != nil {
					if machine, err = catalogue.Default().Machine(name + "/L40S"); err != nil {
						t.Fatal(err)
					}
				}
				if _, got := importNode(t, machine.Node, rendering); !reflect.DeepEqual(got, visible(machine.Node)) {
					t.Errorf("got  %+v\nwant %+v", got, visible(machine.Node))
				}
			})
		}
	}
}

// The captured matrices that the catalogue was written from lie beside the
// repository and are not part of it.
func TestCapturedMatricesRoundTrip(t *testing.T) {
	var captures struct {
		Machines []struct {
			Key    string
			NUMA   []int64             `json:"gpu_numa"`
			Matrix [][]string          `json:"gpu_matrix"`
			NICs   map[string][]string `json:"nic_to_gpu"`
		}
	}
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "topologies.json"))
	if err != nil {
		t.Skipf("no captured matrices beside the repository: %v", err)
	}
	if err := json.Unmarshal(content, &captures); err != nil {
		t.Fatal(err)
	}
	parse := func(t *testing.T, row []string) []topology.Link {
		links := make([]topology.Link, len(row))
		for i, word := range row {
			if links[i], err = topology.ParseLink(word); err != nil {
				t.Fatal(err)
			}
		}
		return links
	}
	for _, machine := range captures.Machines {
		t.Run(machine.Key, func(t *testing.T) {
			node := &topology.Node{}
			for i, row := range machine.Matrix {
				node.GPUs = append(node.GPUs, topology.GPU{NUMA: machine.NUMA[i]})
				node.Links = append(node.Links, parse(t, row))
			}
			for name, row := range machine.NICs {
				node.NICs = append(node.NICs, topology.NIC{Name: name, NUMA: topology.NoNUMA, Links: parse(t, row)})
			}
			for how, rendering := range layouts {
				got, err := capture.ParseMatrix(capture.Text{File: how, Content: topoText(node, rendering)})
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got.Links, node.Links) || !slices.Equal(got.NUMA, machine.NUMA) || !reflect.DeepEqual(got.NICs, node.NICs) {
					t.Errorf("%s: got %+v, want %+v", how, got, node)
				}
			}
		})
	}
}

// A GPU that the catalogue does not know needs facts and gets a model and a table
// of its own. Every table of the catalogue survives.
func TestUnknownGPURoundTrip(t *testing.T) {
	for _, model := range catalogue.Default().Models() {
		t.Run(model.Name, func(t *testing.T) {
			node := nodeOf(model)
			texts := capture.Texts{
				Topology: capture.Text{File: "topo.txt", Content: topoText(node, layouts["tabs and escapes"])},
				Query:    capture.Text{File: "query.txt", Content: strings.ReplaceAll(queryText(node), model.Product, "NVIDIA X1 of "+model.Name)},
			}
			var want *mig.Table
			if model.MIG != "" {
				known, err := catalogue.Default().MIG(model.MIG)
				if err != nil {
					t.Fatal(err)
				}
				if complete(known) {
					lgip, lgipp := migTexts(known)
					texts.Profiles = capture.Text{File: "lgip.txt", Content: lgip}
					texts.Placements = capture.Text{File: "lgipp.txt", Content: lgipp}
					want = known
				}
			}
			p2p := map[bool]string{true: "yes", false: "no"}[model.P2P]
			captured, err := capture.MachineFrom("box", texts, capture.Facts{
				Models: catalogue.Default().Models(), Compute: &model.Compute, LaneGBps: model.LaneGBps, P2P: p2p, Source: "a rack; #7",
			})
			if err != nil {
				t.Fatal(err)
			}
			grown, err := catalogue.Default().With(extra(captured.Files)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, captured.Files)
			}
			loaded, err := grown.Machine("box")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(loaded, captured.Machine) {
				t.Errorf("the written files load as %+v, want %+v", loaded, captured.Machine)
			}
			got := *captured.Model
			if got.Memory != model.Memory || got.Reserved != model.Reserved || got.Brand != model.Brand || got.Compute != model.Compute ||
				got.LaneGBps != model.LaneGBps || got.P2P != model.P2P || got.DeviceID != model.DeviceID || got.Architecture != model.Architecture {
				t.Errorf("got %+v, want the figures of %+v", got, *model)
			}
			if want == nil {
				return
			}
			table, err := grown.Geometry("x1-OF-" + model.Name)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(table, captured.Table) {
				t.Errorf("the written table loads as %+v, want %+v", table, captured.Table)
			}
			compare := *table
			compare.Profiles = slices.Clone(table.Profiles)
			for i := range compare.Profiles {
				// GiB with two decimals are exact to 1024 MiB * 0.005.
				if memory := &compare.Profiles[i].Memory; max(*memory-want.Profiles[i].Memory, want.Profiles[i].Memory-*memory) <= 5*topology.MiB {
					*memory = want.Profiles[i].Memory
				}
			}
			compare.Name, compare.Confidence, compare.Source = want.Name, want.Confidence, want.Source
			if !reflect.DeepEqual(&compare, want) {
				t.Errorf("got  %+v\nwant %+v", compare, *want)
			}
		})
	}
}

// nodeOf is a node of two GPUs, with NVLink if the model has any.
func nodeOf(model *topology.Model) *topology.Node {
	link := topology.Link{Kind: topology.NODE}
	if model.LaneGBps > 0 {
		link = topology.Link{Kind: topology.NVLink, Lanes: 4}
	}
	self := topology.Link{Kind: topology.Self}
	return &topology.Node{
		GPUs:  []topology.GPU{{Model: model, NUMA: 1, BusID: "0000:17:00.0"}, {Model: model, BusID: "0001:1b:00.0"}},
		Links: [][]topology.Link{{self, link}, {link, self}},
	}
}

// complete reports whether a table has every figure that nvidia-smi prints.
func complete(t *mig.Table) bool {
	return !slices.ContainsFunc(t.Profiles, func(p mig.Profile) bool { return p.SMs == 0 || p.Memory == 0 })
}

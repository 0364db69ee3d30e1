package capture_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
)

// Whatever is pasted, the parser ends, and what it accepts is a sound link table
// that survives being printed and parsed again.
func FuzzParseMatrix(f *testing.F) {
	for _, name := range []string{"hgx-h100.topo.txt", "gb200-tray.topo.txt", "a30-box.topo.txt"} {
		f.Add(sample(f, name).Content)
	}
	f.Add("GPU0 NIC0 CPU Affinity NUMA Affinity\nGPU0 X PIX 0-7 0,2\nNIC0 PIX X\nNIC Legend:\n NIC0: efa0(10:1b)\n")
	f.Add("GPU0GPU1 NIC0NIC1CPU AffinityNUMA Affinity\nGPU0XSOC NODEPSB0-7,9 0N/A\nGPU1 SYSXPXBPHB8-15 1\nNIC0 NODEPXBXPIX\nNIC1PSBPHBPIXX\n")
	f.Add("> ^[[4m GPU0 GPU1 CPU Affinity^[[0m\n> GPU0 X NV180-7\n> GPU1 NV4 X 8-15\n")
	f.Add("# GPU0 CPU Affinity NUMA Affinity GPU NUMA ID\n# GPU0X[N/A]N/A0-7N/A\n")
	f.Add("| | GPU0 | GPU1 |\n|---|---|---|\n| **GPU0** | X | NS |\n| GPU1 | `OK` | X |\n")
	f.Fuzz(func(t *testing.T, content string) {
		m, err := capture.ParseMatrix(capture.Text{File: "topo.txt", Content: content})
		if err != nil {
			return
		}
		node := &topology.Node{Links: m.Links, NICs: m.NICs}
		model := &topology.Model{Name: "any", LaneGBps: 1}
		for _, numa := range m.NUMA {
			node.GPUs = append(node.GPUs, topology.GPU{Model: model, NUMA: numa})
		}
		if err := node.Validate(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		again, err := capture.ParseMatrix(capture.Text{File: "again.txt", Content: topoText(node, layouts["spaces"])})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again.Links, m.Links) || !reflect.DeepEqual(again.NUMA, m.NUMA) || !reflect.DeepEqual(again.NICs, m.NICs) {
			t.Fatalf("got  %+v\nwant %+v", again, m)
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	for _, name := range []string{"hgx-h100.query.txt", "gb200-tray.query.txt", "a30-box.query.txt"} {
		f.Add(sample(f, name).Content)
	}
	f.Add(summaryOf460)
	f.Add(summaryOf570)
	for _, driver := range driverQueries {
		f.Add(driver.text)
		f.Add(strings.ReplaceAll(driver.text, "    ", ""))
	}
	f.Fuzz(func(t *testing.T, content string) {
		gpus, err := capture.ParseQuery(capture.Text{File: "query.txt", Content: content})
		if err != nil {
			return
		}
		for _, gpu := range gpus {
			if gpu.BusID == "" || gpu.Memory < 0 || gpu.Memory > 0 && gpu.Reserved >= gpu.Memory {
				t.Fatalf("accepted %+v", gpu)
			}
		}
	})
}

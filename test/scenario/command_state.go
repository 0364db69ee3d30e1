package scenario

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// drawState shows who holds what, GPU by GPU. A GPU that is split by
// MIG is drawn as its memory slices, a shared one as tenths of its memory.
//
// Example:
//
//	state nodes=(h-0, h-1)
func (e *Environment) drawState(args *commandArguments, _ []string) (string, error) {
	nodes, err := e.nodeNumbers(args.valueList("nodes"))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, node := range nodes {
		fmt.Fprintln(&out, e.nodeHead(node))
		state := e.snapshot.NodeState(node)
		var same []int // neighbours that are drawn alike
		for gpu := range state.GPUs() {
			same = append(same, gpu)
			drawn := e.drawGPU(node, gpu)
			if gpu+1 < len(state.GPUs()) && drawn == e.drawGPU(node, gpu+1) && !strings.Contains(drawn, "[") {
				continue
			}
			if drawn == "" {
				drawn = "free\n"
			}
			for text := range strings.Lines(drawn) {
				head := "  " + gpuNumbers(same) + ": "
				if strings.HasPrefix(text, " ") {
					head = ""
				}
				out.WriteString(head + text)
			}
			same = nil
		}
		for _, a := range state.Allocations() {
			if len(a.Devices) == 0 {
				fmt.Fprintf(&out, "  no GPU: %s for %s\n", hostWords(a.Host), podHolder{a.Holder, a.Priority, a.Pinned})
			}
		}
	}
	return out.String(), nil
}

// nodeHead is a node's name and what is said of all of it.
func (e *Environment) nodeHead(i int) string {
	node := e.snapshot.Node(i)
	words := []string{node.Name}
	if m := e.machineOf(i); m != nil {
		words = append(words, m.name)
	} else {
		words = append(words, "no GPUs")
	}
	if node.Domain != cluster.NoDomain {
		words = append(words, fmt.Sprintf("domain %d", node.Domain))
	}
	if node.Host != (topology.HostResources{}) {
		words = append(words, fmt.Sprintf("%s left", hostWords(e.snapshot.FreeHost(i))))
	}
	if !e.snapshot.Schedulable(i) {
		words = append(words, "cordoned")
	}
	return strings.Join(words, " | ")
}

// hostWords is an amount of CPU and memory.
func hostWords(h topology.HostResources) string {
	words := fmt.Sprintf("%g cores", float64(h.CPU)/1000)
	if h.CPU == 1000 {
		words = "1 core"
	}
	if h.Memory != 0 {
		words += ", " + h.Memory.String()
	}
	return words
}

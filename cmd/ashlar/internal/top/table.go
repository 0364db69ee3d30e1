package top

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/topology"
)

// writeTable prints the report; width is the terminal's, 0 for any.
func (r *GPUReport) writeTable(w io.Writer, wide bool, width int) error {
	p := cli.NewPage(w)
	if len(r.Nodes) == 0 {
		p.Printf(
			"no node has GPUs that are known: no ResourceSlices of gpu.ashlar.dev or gpu.nvidia.com, and no nvidia.com/gpu of a device plugin\n",
		)
	} else {
		r.writeNodes(p, wide, width)
		r.writeUsage(p, width)
	}
	if len(r.Pods) > 0 {
		p.Printf("\n")
		r.writePods(p)
	}
	if len(r.Waiting) > 0 {
		text := fmt.Sprintf(
			"%s for GPUs",
			map[bool]string{true: "1 pod waits", false: fmt.Sprintf("%d pods wait", len(r.Waiting))}[len(r.Waiting) == 1],
		)
		cause := r.CommonestCause
		if cause == "" {
			cause = "no scheduler has said why"
		}
		if r.CommonestCount < len(r.Waiting) {
			text += fmt.Sprintf("; %d of them", r.CommonestCount)
		}
		p.Printf("\n")
		writeLines(p, text+": "+cause)
		first := r.Waiting[0]
		p.Printf("ashlar explain %s -n %s says more of the one that waits longest\n", cli.PlainText(first.Name), cli.PlainText(first.Namespace))
	}
	for _, note := range r.Notes {
		writeLines(p, "note: "+note)
	}
	return p.Err()
}

func writeLines(p *cli.Page, text string) {
	for i, line := range cli.WrapText(cli.PlainText(text), cli.PageWidth-2) {
		if i > 0 {
			line = "  " + line
		}
		p.Printf("%s\n", line)
	}
}

func (r *GPUReport) writeNodes(p *cli.Page, wide bool, width int) {
	rows := [][]string{{"NODE AND MODEL", "GPUS", "ALLOCATED", "FREE", "MEMORY", "FREE MEMORY", "LARGEST SLICE", "STRANDED"}}
	if wide {
		rows[0] = append(rows[0], "SOURCE", "STATE")
	}
	add := func(name string, sum clustermap.Totals, free int, largest string, more ...string) {
		row := []string{
			cli.PlainText(name), strconv.Itoa(sum.GPUs), strconv.Itoa(sum.Allocated), strconv.Itoa(free),
			sizeText(sum.Memory), sizeText(sum.FreeMemory), cli.OrUnknown(cli.PlainText(largest)), sizeText(sum.Stranded),
		}
		if wide {
			row = append(row, append(more, "", "")[:2]...)
		}
		rows = append(rows, row)
	}
	for i := range r.Nodes {
		node := &r.Nodes[i]
		var all modelSum
		sums := r.sums[node.Name]
		for _, sum := range sums {
			all.Totals, all.free = all.Totals.Plus(sum.Totals), all.free+sum.free
			if sum.slice > all.slice {
				all.largest, all.slice = sum.largest, sum.slice
			}
		}
		name := node.Name
		if !wide && nodeState(node, all.Unhealthy) != "ready" {
			name += " (" + nodeState(node, all.Unhealthy) + ")"
		}
		add(name, all.Totals, all.free, all.largest, node.Source, nodeState(node, all.Unhealthy))
		for k, sum := range sums {
			branch := "├─ "
			if k == len(sums)-1 {
				branch = "└─ "
			}
			add(branch+strings.TrimPrefix(sum.product, "NVIDIA "), sum.Totals, sum.free, sum.largest)
		}
	}
	if len(r.Nodes) > 1 {
		add("total", r.Totals, r.Free, "")
	}
	p.PrintTable(dropColumns(rows, width))
}

// nodeState is why a node's GPUs are not all to be had, "ready" if they are.
func nodeState(node *clustermap.Node, unhealthy int) string {
	var words []string
	if !node.Ready {
		words = append(words, "not ready")
	}
	if node.Cordoned {
		words = append(words, "cordoned")
	}
	if unhealthy > 0 {
		words = append(words, fmt.Sprintf("%d unhealthy", unhealthy))
	}
	if len(words) == 0 {
		return "ready"
	}
	return strings.Join(words, ", ")
}

func (r *GPUReport) writePods(p *cli.Page) {
	rows := [][]string{{"NAMESPACE", "POD", "NODE", "MODEL", "GPU", "HOLDS", "MEMORY"}}
	for i := range r.Pods {
		held := &r.Pods[i]
		name := held.Pod
		if name == "" {
			name = "(claim " + held.Claim + ")"
		}
		numbers := make([]int, len(held.GPUs))
		for k, gpu := range held.GPUs {
			numbers[k] = int(gpu)
		}
		what := held.Form
		if held.Profile != "" {
			what = held.Profile
		}
		rows = append(rows, []string{
			cli.PlainText(held.Namespace), cli.PlainText(name), cli.PlainText(held.Node),
			cli.PlainText(strings.TrimPrefix(held.Product, "NVIDIA ")), cli.NumberRanges(numbers), cli.PlainText(what), sizeText(held.Bytes),
		})
	}
	p.PrintTable(rows)
}

// sizeText is an amount of memory, "-" for none.
func sizeText(bytes int64) string {
	if bytes <= 0 {
		return cli.Unknown
	}
	return topology.Bytes(bytes).String()
}

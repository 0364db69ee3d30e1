package top

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// GPUReport is what top prints.
type GPUReport struct {
	clustermap.Map
	// Free are the GPUs that nobody holds and somebody may be given.
	Free int `json:"freeGPUs"`
	// CommonestCause is why most of the waiting pods wait, CommonestCount of them.
	CommonestCause string `json:"commonestCause,omitempty"`
	CommonestCount int    `json:"commonestCount,omitempty"`
	// Used is what runs on the GPUs, of all nodes and of each, if a Prometheus was asked.
	Used   *usedSum           `json:"used,omitempty"`
	UsedBy map[string]usedSum `json:"usedByNode,omitempty"`
	// Pods are listed if they are asked for.
	Pods []heldGPUs `json:"pods,omitempty"`

	sums map[string][]modelSum
}

// modelSum is the sum over a node's GPUs of one model.
type modelSum struct {
	product string
	clustermap.Totals
	free    int
	largest string
	// slice is the largest slice's part of a GPU.
	slice int64
}

// heldGPUs is what a pod has of one node in one form.
type heldGPUs struct {
	Namespace string  `json:"namespace"`
	Pod       string  `json:"pod,omitempty"`
	Claim     string  `json:"claim,omitempty"`
	Node      string  `json:"node"`
	Product   string  `json:"product"`
	GPUs      []int64 `json:"gpus"`
	Form      string  `json:"form"`
	Profile   string  `json:"profile,omitempty"`
	Bytes     int64   `json:"bytes"`
}

// newReport draws the cluster. nodes are those to show, all if there are none; namespace is whose pods, all
// for "". The error names a node that there is not.
func newReport(ctx context.Context, objects *dryrun.ClusterObjects, nodes []string, namespace string) (*GPUReport, error) {
	drawn, err := clustermap.Draw(ctx, objects)
	if err != nil {
		return nil, err
	}
	r := &GPUReport{Map: *drawn, sums: map[string][]modelSum{}}
	if len(nodes) > 0 {
		if err := r.keepNodes(objects, nodes); err != nil {
			return nil, err
		}
	}
	if namespace != "" {
		r.Waiting = slices.DeleteFunc(r.Waiting, func(pod clustermap.WaitingPod) bool { return pod.Namespace != namespace })
	}
	r.Totals = clustermap.Totals{}
	for i := range r.Nodes {
		node := &r.Nodes[i]
		r.Totals = r.Totals.Plus(clustermap.SumGPUs(node.GPUs))
		r.sums[node.Name] = sumModels(node)
		for _, sum := range r.sums[node.Name] {
			r.Free += sum.free
		}
		if namespace != "" {
			for g := range node.GPUs {
				node.GPUs[g].Holders = slices.DeleteFunc(node.GPUs[g].Holders, func(h clustermap.Holder) bool { return h.Namespace != namespace })
			}
		}
		r.Pods = append(r.Pods, listHolders(node)...)
	}
	slices.SortStableFunc(r.Pods, func(a, b heldGPUs) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Claim, b.Claim))
	})
	r.countCauses()
	return r, nil
}

// keepNodes leaves out all other nodes.
func (r *GPUReport) keepNodes(objects *dryrun.ClusterObjects, names []string) error {
	var all []string
	for _, node := range objects.Nodes {
		all = append(all, node.Name)
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			text := fmt.Sprintf("there is no node %s: the cluster has %s", name, cli.CountNoun(len(all), "node"))
			if near := nearest.Names(name, all); len(near) > 0 {
				text += ", the nearest in name " + strings.Join(near, ", ")
			}
			return cli.UsageErrorf("%s", text)
		}
	}
	r.Nodes = slices.DeleteFunc(r.Nodes, func(node clustermap.Node) bool { return !slices.Contains(names, node.Name) })
	return nil
}

// sumModels adds up a node's GPUs by their model.
func sumModels(node *clustermap.Node) []modelSum {
	byProduct := map[string]*modelSum{}
	for i := range node.GPUs {
		gpu := &node.GPUs[i]
		sum := byProduct[gpu.Product]
		if sum == nil {
			sum = &modelSum{product: gpu.Product}
			byProduct[gpu.Product] = sum
		}
		sum.Totals = sum.Totals.Plus(clustermap.SumGPUs(node.GPUs[i : i+1]))
		if !node.IsOffered(gpu) {
			continue
		}
		if node.IsFree(gpu) {
			sum.free++
		}
		if size := profileSize(gpu.LargestSlice); gpu.LargestSlice != "" && size > sum.slice {
			sum.largest, sum.slice = gpu.LargestSlice, size
		}
	}
	var sums []modelSum
	for _, product := range slices.Sorted(maps.Keys(byProduct)) {
		sums = append(sums, *byProduct[product])
	}
	return sums
}

var profileName = regexp.MustCompile(`^(\d+)g\.(\d+)gb`)

// profileSize orders the profiles of a model by their memory, then by their compute.
func profileSize(profile string) int64 {
	parts := profileName.FindStringSubmatch(profile)
	if parts == nil {
		return 1
	}
	compute, _ := strconv.ParseInt(parts[1], 10, 32) // digits, of which too many are the largest there is
	memory, _ := strconv.ParseInt(parts[2], 10, 32)
	return memory<<8 + compute
}

// listHolders is who holds what of a node.
func listHolders(node *clustermap.Node) []heldGPUs {
	var list []heldGPUs
	for i := range node.GPUs {
		gpu := &node.GPUs[i]
		for _, holder := range gpu.Holders {
			at := slices.IndexFunc(list, func(h heldGPUs) bool {
				return h.Namespace == holder.Namespace && h.Pod == holder.Pod && h.Claim == holder.Claim && h.Form == holder.Form &&
					h.Profile == holder.Profile && h.Product == gpu.Product
			})
			if at < 0 {
				at = len(list)
				list = append(list, heldGPUs{Namespace: holder.Namespace, Pod: holder.Pod, Claim: holder.Claim, Node: node.Name,
					Product: gpu.Product, Form: holder.Form, Profile: holder.Profile})
			}
			list[at].GPUs = append(list[at].GPUs, gpu.Index)
			list[at].Bytes += holder.Bytes
		}
	}
	return list
}

var nodeCount = regexp.MustCompile(`^\d+/\d+ nodes are available: `)

// countCauses finds why most of the waiting pods wait.
func (r *GPUReport) countCauses() {
	counts := map[string]int{}
	for i := range r.Waiting {
		cause, _, _ := strings.Cut(nodeCount.ReplaceAllString(r.Waiting[i].Reason, ""), ". ")
		counts[strings.TrimSuffix(cause, ".")]++
	}
	for _, cause := range slices.Sorted(maps.Keys(counts)) {
		if counts[cause] > r.CommonestCount {
			r.CommonestCause, r.CommonestCount = cause, counts[cause]
		}
	}
}

func (r *GPUReport) nodeNames() []string {
	var names []string
	for i := range r.Nodes {
		names = append(names, "node/"+r.Nodes[i].Name)
	}
	return names
}

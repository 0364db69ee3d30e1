package clustermap

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// Draw draws a cluster. What of a node cannot be understood is a note and leaves the rest as it is; the
// error is that of the context.
func Draw(ctx context.Context, objects *dryrun.ClusterObjects) (*Map, error) {
	nodes := slices.Clone(objects.Nodes)
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	own := splitByNode(objects)
	draw := &mapDrawer{reader: objects.PoolCache()}
	drawn, notes := make([]*Node, len(nodes)), make([][]string, len(nodes))
	var workers sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				drawn[i], notes[i] = draw.drawNode(nodes[i], own[nodes[i].Name])
			}
		})
	}
	for i := range nodes {
		if own[nodes[i].Name] == nil {
			own[nodes[i].Name] = &dryrun.ClusterObjects{}
		}
	}
	for i := range nodes {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	m := &Map{Nodes: []Node{}, Waiting: ListWaiting(objects.Pods)}
	counted := false
	for i, node := range drawn {
		m.Notes = append(m.Notes, notes[i]...)
		if len(node.GPUs) > 0 {
			m.Nodes = append(m.Nodes, *node)
			m.Totals = m.Totals.Plus(SumGPUs(node.GPUs))
			counted = counted || node.Source == DevicePlugin
		}
	}
	if counted {
		m.Notes = append(m.Notes, "Which GPU of a device plugin's node a pod has is the kubelet's choice, which it tells nobody: "+
			"GPUs are filled in the order of the pods' names.")
	}
	return m, nil
}

// mapDrawer draws nodes, any number at once.
type mapDrawer struct {
	reader resourceslices.PoolReader
	blanks sync.Map // of *resourceslices.PoolReading, *blankPool
}

func (d *mapDrawer) blankOf(reading *resourceslices.PoolReading) *blankPool {
	if known, found := d.blanks.Load(reading); found {
		return known.(*blankPool)
	}
	known, _ := d.blanks.LoadOrStore(reading, newBlankPool(reading))
	return known.(*blankPool)
}

// splitByNode has the pods and slices of each node, and the claims on devices of its pools, in the order
// of their names.
func splitByNode(objects *dryrun.ClusterObjects) map[string]*dryrun.ClusterObjects {
	own := map[string]*dryrun.ClusterObjects{}
	of := func(node string) *dryrun.ClusterObjects {
		if own[node] == nil {
			own[node] = &dryrun.ClusterObjects{Classes: objects.Classes}
		}
		return own[node]
	}
	poolNodes := map[resourceslices.PoolKey]string{}
	for _, slice := range objects.Slices {
		if slice.Spec.NodeName == nil || *slice.Spec.NodeName == "" {
			continue
		}
		node := *slice.Spec.NodeName
		of(node).Slices = append(of(node).Slices, slice)
		poolNodes[resourceslices.PoolKey{Driver: slice.Spec.Driver, Pool: slice.Spec.Pool.Name}] = node
	}
	for _, pod := range objects.Pods {
		if pod.Spec.NodeName != "" {
			of(pod.Spec.NodeName).Pods = append(of(pod.Spec.NodeName).Pods, pod)
		}
	}
	for _, claim := range objects.Claims {
		if claim.Status.Allocation == nil {
			continue
		}
		var seen []string
		for i := range claim.Status.Allocation.Devices.Results {
			result := &claim.Status.Allocation.Devices.Results[i]
			node := poolNodes[resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}]
			if node != "" && !slices.Contains(seen, node) {
				seen = append(seen, node)
				of(node).Claims = append(of(node).Claims, claim)
			}
		}
	}
	for _, one := range own {
		slices.SortFunc(one.Pods, func(a, b *corev1.Pod) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
		slices.SortFunc(one.Claims, func(a, b *resourceapi.ResourceClaim) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	return own
}

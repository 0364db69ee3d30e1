package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// checkSlices looks for pools that nobody can allocate from, and for what was left behind.
func checkSlices(e *Evidence) checkOutcome {
	nodes := map[string]bool{}
	for _, node := range e.Nodes {
		nodes[node.Name] = true
	}
	groups := resourceslices.GroupByPool(e.Slices)
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b resourceslices.PoolKey) int {
		return cmp.Or(cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.Pool, b.Pool))
	})
	var o checkOutcome
	for _, key := range keys {
		if f, found := troubleOfPool(key, groups[key], nodes); found {
			o.findings = append(o.findings, f)
		}
	}
	o.well = fmt.Sprintf("%d in %d pools, all of them complete and of nodes that are there", len(e.Slices), len(keys))
	if len(keys) == 0 {
		o.well = "none: no driver publishes devices"
	}
	return o
}

// troubleOfPool is the first thing that is wrong with a pool.
func troubleOfPool(key resourceslices.PoolKey, group []*resourceapi.ResourceSlice, nodes map[string]bool) (ClusterFinding, bool) {
	pool := resourceslices.NewestGeneration(key, group)
	f := ClusterFinding{Severity: Broken, Object: objectName("ResourceSlice", "", pool.Slices[0].Name)}
	restart := fmt.Sprintf(
		"kubectl get resourceslices --field-selector spec.driver=%s, then restart the driver's pod on that node",
		key.Driver,
	)
	wanted := pool.Slices[0].Spec.Pool.ResourceSliceCount
	switch {
	case pool.Node != "" && !nodes[pool.Node]:
		f.Severity = Warning
		f.Cause = fmt.Sprintf("pool %s of %s has %d slices of node %s, which is gone", key.Pool, key.Driver, len(group), pool.Node)
		f.Remedy = fmt.Sprintf("kubectl delete resourceslices --field-selector spec.nodeName=%s", pool.Node)
	case int64(len(pool.Slices)) != wanted:
		f.Cause = fmt.Sprintf("pool %s of %s has %d of %d slices of generation %d: nothing of it is allocated until all are there",
			key.Pool, key.Driver, len(pool.Slices), wanted, pool.Generation)
		f.Remedy = restart
	case len(group) > len(pool.Slices):
		f.Severity = Warning
		f.Cause = fmt.Sprintf("pool %s of %s still has %d slices of generations before %d, which count for nothing",
			key.Pool, key.Driver, len(group)-len(pool.Slices), pool.Generation)
		f.Remedy = restart
	default:
		err := pool.Allocatable()
		if err == nil || pool.Node == "" {
			return ClusterFinding{}, false
		}
		f.Cause = fmt.Sprintf("pool %s of %s cannot be allocated from: %v", key.Pool, key.Driver, err)
		f.Remedy = restart
	}
	return f, true
}

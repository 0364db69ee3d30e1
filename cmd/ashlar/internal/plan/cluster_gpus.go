package plan

import (
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// clusterFlags say whose GPUs are looked at instead of all of the catalogue.
type clusterFlags struct {
	clustersource.Source
	enabled bool
}

func (f *clusterFlags) addTo(command *cobra.Command) {
	command.Flags().BoolVar(&f.enabled, "cluster", false, "look only at the GPUs of the cluster, and say how many are free now")
	f.AddSnapshotTo(command, "kube-context") // --context is of a model
}

// modelCount is how many GPUs of a product a cluster has: on its largest node, in all, and used by nobody.
type modelCount struct{ most, all, free int64 }

// countGPUs counts by product, from the slices of drivers and from the labels of nodes with a device plugin.
func countGPUs(objects *dryrun.ClusterObjects) map[string]modelCount {
	used := usedIndexes(objects)
	counts := map[string]modelCount{}
	add := func(product string, all, free int64) {
		c := counts[product]
		counts[product] = modelCount{max(c.most, all), c.all + all, c.free + max(0, free)}
	}
	for key, group := range resourceslices.GroupByPool(objects.Slices) {
		pool := resourceslices.NewestGeneration(key, group)
		reading, err := resourceslices.ReadPool(key.Driver, pool.Devices)
		if err != nil || reading.Node == nil {
			continue
		}
		all, free := map[string]int64{}, map[string]int64{}
		for i := range reading.Node.GPUs {
			product := reading.Node.GPUs[i].Model.Product
			all[product]++
			if !used[pool.Node][int64(i)] {
				free[product]++
			}
		}
		for product := range all {
			add(product, all[product], free[product])
		}
	}
	for _, node := range objects.Nodes {
		plugin := deviceplugin.ReadNode(node)
		if plugin == nil {
			continue
		}
		for i := range plugin.Resources {
			r := &plugin.Resources[i]
			if r.Model == nil || r.Profile != "" {
				continue
			}
			each := max(1, r.Replicas)
			held := requestedOn(objects.BoundPods(), node.Name, r.Name)
			add(r.Model.Product, r.Count/each, (r.Count-held)/each)
		}
	}
	return counts
}

// usedIndexes are the GPUs of each node of which a claim has something.
func usedIndexes(objects *dryrun.ClusterObjects) map[string]map[int64]bool {
	published, claims := make([]resourceapi.ResourceSlice, 0, len(objects.Slices)), make([]resourceapi.ResourceClaim, 0, len(objects.Claims))
	for _, slice := range objects.Slices {
		published = append(published, *slice)
	}
	for _, claim := range objects.Claims {
		claims = append(claims, *claim)
	}
	used := map[string]map[int64]bool{}
	allocations, _ := resourceslices.ClaimAllocations(published, claims) // pools that are not understood offer nothing here
	for i := range allocations {
		if used[allocations[i].Node] == nil {
			used[allocations[i].Node] = map[int64]bool{}
		}
		for k := range allocations[i].Devices {
			if device := &allocations[i].Devices[k]; !device.AdminAccess {
				used[allocations[i].Node][int64(device.Device.GPU)] = true
			}
		}
	}
	return used
}

// requestedOn is how many of a resource the pods of a node ask for.
func requestedOn(pods []*corev1.Pod, node string, name corev1.ResourceName) int64 {
	total := int64(0)
	for _, pod := range pods {
		if pod.Spec.NodeName != node {
			continue
		}
		for i := range pod.Spec.Containers {
			amount := pod.Spec.Containers[i].Resources.Requests[name]
			if limit, limited := pod.Spec.Containers[i].Resources.Limits[name]; limited {
				amount = limit
			}
			total += amount.Value()
		}
	}
	return total
}

// keepOffers keeps the offers of GPUs that the cluster has, as many on a node as its largest has.
func keepOffers(offers []memoryplan.Offer, counts map[string]modelCount) ([]memoryplan.Offer, error) {
	var kept []memoryplan.Offer
	for _, offer := range offers {
		count, there := counts[offer.Hardware.Product]
		if !there {
			continue
		}
		if offer.Profile == "" {
			offer.Most = count.most
		}
		kept = append(kept, offer)
	}
	if len(kept) == 0 {
		return nil, cli.UsageErrorf("the cluster has no GPU that the catalogue knows: its nodes publish no ResourceSlices, and no label " +
			"nvidia.com/gpu.product names one; ashlar doctor says why")
	}
	return kept, nil
}

// withFree adds to rows of planColumns how many GPUs of each model are free now.
func withFree(rows [][]string, options []*memoryplan.Option, counts map[string]modelCount) [][]string {
	if counts == nil {
		return rows
	}
	for i := range rows {
		cell := "FREE NOW"
		if i > 0 {
			count := counts[options[i-1].Offer.Hardware.Product]
			cell = strconv.FormatInt(count.free, 10) + " of " + strconv.FormatInt(count.all, 10)
		}
		rows[i] = slices.Insert(slices.Clone(rows[i]), 2, cell)
	}
	return rows
}

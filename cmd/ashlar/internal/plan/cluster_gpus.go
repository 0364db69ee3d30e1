package plan

import (
	"context"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
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

// countGPUs counts by product what ashlar top shows: GPUs of drivers, and of device plugins whose model is known. Those
// that are unhealthy, or of nodes that are cordoned or not ready, are not free.
func countGPUs(ctx context.Context, objects *dryrun.ClusterObjects) (map[string]modelCount, error) {
	drawn, err := clustermap.Draw(ctx, objects)
	if err != nil {
		return nil, err
	}
	counts := map[string]modelCount{}
	for i := range drawn.Nodes {
		own := map[string]modelCount{}
		for g := range drawn.Nodes[i].GPUs {
			gpu := &drawn.Nodes[i].GPUs[g]
			c := own[gpu.Product]
			c.all++
			if drawn.Nodes[i].IsFree(gpu) {
				c.free++
			}
			own[gpu.Product] = c
		}
		for product, c := range own {
			sum := counts[product]
			counts[product] = modelCount{max(sum.most, c.all), sum.all + c.all, sum.free + c.free}
		}
	}
	return counts, nil
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

package metrics

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

var (
	gpusDesc = metrics.NewDesc("ashlar_gpus",
		"GPUs in the ledger of the scheduler by product and state: free, or handed out whole, in mig instances or in shares (share).",
		[]string{"product", "state"}, nil, metrics.ALPHA, "")
	memoryDesc = metrics.NewDesc("ashlar_gpu_memory_bytes",
		"Memory of GPUs by product and state: held whole, in mig instances or in shares (share); free; or stranded: free, and out of reach of "+
			"every device that is still free.",
		[]string{"product", "state"}, nil, metrics.ALPHA, "")
	compactableDesc = metrics.NewDesc("ashlar_gpus_compactable",
		"Most GPUs that packing slices and shares more tightly could free, by product.", []string{"product"}, nil, metrics.ALPHA, "")
)

// usageCollector measures when it is asked.
type usageCollector struct {
	metrics.BaseStableCollector
	measure func() (map[string]*cluster.ProductUsage, error)
}

var registerUsage sync.Once

// RegisterUsage registers the metrics of how GPUs are used, which are measured when somebody
// asks. Of several profiles of a scheduler the first measures: all have the same cluster.
func RegisterUsage(measure func() (map[string]*cluster.ProductUsage, error)) {
	registerUsage.Do(func() { legacyregistry.CustomMustRegister(&usageCollector{measure: measure}) })
}

// DescribeWithStability implements metrics.StableCollector.
func (*usageCollector) DescribeWithStability(to chan<- *metrics.Desc) {
	to <- gpusDesc
	to <- memoryDesc
	to <- compactableDesc
}

// CollectWithStability implements metrics.StableCollector. What cannot be measured is left out.
func (c *usageCollector) CollectWithStability(to chan<- metrics.Metric) {
	usage, err := c.measure()
	if err != nil {
		klog.Background().Error(err, "Measuring how GPUs are used")
		return
	}
	gauge := func(desc *metrics.Desc, value int64, labels ...string) {
		to <- metrics.NewLazyConstMetric(desc, metrics.GaugeValue, float64(value), labels...)
	}
	for _, product := range slices.Sorted(maps.Keys(usage)) {
		u := usage[product]
		gauge(gpusDesc, u.FreeGPUs, product, "free")
		gauge(memoryDesc, int64(u.FreeBytes), product, "free")
		gauge(memoryDesc, int64(u.StrandedBytes), product, "stranded")
		for _, form := range []placement.Form{placement.Whole, placement.MIG, placement.Share} {
			gauge(gpusDesc, u.Held[form].GPUs, product, form.String())
			gauge(memoryDesc, int64(u.Held[form].Bytes), product, form.String())
		}
		gauge(compactableDesc, u.CompactableGPUs(), product)
	}
}

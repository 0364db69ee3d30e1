package metrics

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestUsageCollector(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	var fails error
	registry.CustomMustRegister(&usageCollector{measure: func() (map[string]*cluster.ProductUsage, error) {
		return map[string]*cluster.ProductUsage{"NVIDIA A30": {
			FreeGPUs: 3, FreeBytes: 300, StrandedBytes: 7, Held: [3]cluster.FormUsage{placement.MIG: {GPUs: 2, Bytes: 40}},
		}}, fails
	}})
	const want = `
# HELP ashlar_gpu_memory_bytes [ALPHA] Memory of GPUs by product and state: held whole, in mig instances or in shares (share); free; or stranded: free, and out of reach of every device that is still free.
# TYPE ashlar_gpu_memory_bytes gauge
ashlar_gpu_memory_bytes{product="NVIDIA A30",state="free"} 300
ashlar_gpu_memory_bytes{product="NVIDIA A30",state="mig"} 40
ashlar_gpu_memory_bytes{product="NVIDIA A30",state="share"} 0
ashlar_gpu_memory_bytes{product="NVIDIA A30",state="stranded"} 7
ashlar_gpu_memory_bytes{product="NVIDIA A30",state="whole"} 0
# HELP ashlar_gpus [ALPHA] GPUs in the ledger of the scheduler by product and state: free, or handed out whole, in mig instances or in shares (share).
# TYPE ashlar_gpus gauge
ashlar_gpus{product="NVIDIA A30",state="free"} 3
ashlar_gpus{product="NVIDIA A30",state="mig"} 2
ashlar_gpus{product="NVIDIA A30",state="share"} 0
ashlar_gpus{product="NVIDIA A30",state="whole"} 0
# HELP ashlar_gpus_compactable [ALPHA] Most GPUs that packing slices and shares more tightly could free, by product.
# TYPE ashlar_gpus_compactable gauge
ashlar_gpus_compactable{product="NVIDIA A30"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	fails = errors.New("the cache is not there yet")
	if err := testutil.GatherAndCompare(registry, strings.NewReader("")); err != nil {
		t.Errorf("of what cannot be measured: %v", err)
	}
}

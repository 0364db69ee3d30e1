package deviceplacement

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A meter follows claims beside the scheduling cycle, which keeps its own snapshot.
func TestMeter(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, publish("a", fourGPUs()...), held("a", newClaim("one", gpuClass, 1), "gpu-0"))
	meter := s.source.NewMeter(t.Context())
	check := func(meter *dra.UsageMeter) {
		t.Helper()
		usage, err := meter.MeasureUsage()
		if err != nil {
			t.Fatal(err)
		}
		if len(usage) != 1 {
			t.Fatalf("%d products, want 1", len(usage))
		}
		for product, u := range usage {
			if u.FreeGPUs != 3 || u.Held[placement.Whole].GPUs != 1 || u.StrandedBytes != 0 {
				t.Errorf("%s: %+v, want 3 GPUs free and 1 held whole", product, u)
			}
		}
	}
	check(meter)
	check(meter)
}

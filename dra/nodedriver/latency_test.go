package nodedriver

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// How long preparing takes for eight claims at a time, each on a GPU of its own, with the
// checkpoint and the CDI specs on disk. Creating a GPU instance and a compute instance takes
// simulatedTime each.
func BenchmarkPrepare(b *testing.B) {
	const simulatedTime = 100 * time.Millisecond
	for name, device := range map[string]string{"gpu": "gpu-%d", "slice": "gpu-%d-mig-3g40gb-9-4"} {
		b.Run(name, func(b *testing.B) {
			d := openCrashing(b, b.TempDir())
			defer d.close(b)
			ctx := klog.NewContext(b.Context(), klog.Logger{})
			for i := range d.node.GPUs {
				for _, kind := range []simulated.CallKind{simulated.CallCreateInstance, simulated.CallCreateCompute} {
					if err := d.library.Control().SetLatency(i, kind, simulatedTime); err != nil {
						b.Fatal(err)
					}
				}
			}
			var mutex sync.Mutex
			var took []time.Duration
			for round := 0; b.Loop(); round++ {
				var group sync.WaitGroup
				for i := range d.node.GPUs {
					group.Go(func() {
						claim := claimOf(fmt.Sprintf("%d-%d", round, i), fmt.Sprintf(device, i))
						start := time.Now()
						_, err := d.manager.Prepare(ctx, claim)
						duration := time.Since(start)
						if err == nil {
							err = d.manager.Unprepare(ctx, claim.UID)
						}
						mutex.Lock()
						defer mutex.Unlock()
						if took = append(took, duration); err != nil {
							b.Error(err)
						}
					})
				}
				group.Wait()
			}
			slices.Sort(took)
			for _, part := range []int{50, 99} {
				b.ReportMetric(float64(took[(len(took)-1)*part/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", part))
			}
		})
	}
}

func claimOf(name, device string) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)}}
	claim.Status.Allocation = &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{
		Results: []resourceapi.DeviceRequestAllocationResult{{Request: "gpu", Driver: deviceapi.Driver, Pool: "node", Device: device}},
	}}
	return claim
}

package prepare

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
)

// instanceTime is how long the fake takes to create or to destroy a MIG instance.
const instanceTime = 100 * time.Millisecond

// BenchmarkPrepare prepares eight claims on eight GPUs at the same time. The checkpoint is
// synced to the disk; the hardware is a fake that answers at once, but for MIG instances,
// which take instanceTime to create.
func BenchmarkPrepare(b *testing.B) {
	for name, device := range map[string]string{"gpu": "gpu-%d", "slice": "gpu-%d-mig-3g40gb-9-0"} {
		b.Run(name, func(b *testing.B) {
			node, err := newFakeNode("", 8)
			if err != nil {
				b.Fatal(err)
			}
			node.takes["CreateInstance"] = instanceTime
			node.takes["DestroyInstance"] = 0
			store, _, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: filepath.Join(b.TempDir(), "checkpoint"), BootID: "b"})
			if err != nil {
				b.Fatal(err)
			}
			m, ctx := newTestManager(node, store, nil), quietContext(b)
			var mu sync.Mutex
			var took []time.Duration
			for b.Loop() {
				var group sync.WaitGroup
				for i := range 8 {
					group.Go(func() {
						claim := newClaim(fmt.Sprint(i), allocated(fmt.Sprintf(device, i)))
						start := time.Now()
						_, err := m.Prepare(ctx, claim)
						duration := time.Since(start)
						if err == nil {
							err = m.Unprepare(ctx, claim.UID)
						}
						mu.Lock()
						defer mu.Unlock()
						took = append(took, duration)
						if err != nil {
							b.Error(err)
						}
					})
				}
				group.Wait()
			}
			slices.Sort(took)
			report := func(part int, unit string) {
				b.ReportMetric(float64(took[(len(took)-1)*part/100].Microseconds())/1000, unit)
			}
			report(50, "p50-ms")
			report(99, "p99-ms")
		})
	}
}

package placement

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/google/go-cmp/cmp"
)

func TestDiagnoseSaysWhyOfEveryGPU(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	s := NewGPUStates(inv)
	s[0].Whole = true
	s[1].MIG = mig.Occupancy{Slices: mig.Placement{Start: 0, Size: 4}.Slices()}
	s[2] = GPUState{Shared: 70 * topology.GiB, Sharers: 3}
	all := int64(inv.Node.GPUs[0].Model.Usable() / topology.MiB)
	for name, tc := range map[string]struct {
		part Part
		want []Obstacle
		open []int64
	}{
		"a whole GPU": {
			wholeGPUs(inv, 1).Parts[0],
			[]Obstacle{HeldWhole, HeldInSlices, HeldInShares, NoObstacle}, []int64{0, 0, 0, 1},
		},
		"a slice of 3g": {
			slicesOf(inv, profile3g, 1).Parts[0],
			[]Obstacle{HeldWhole, NoObstacle, HeldInShares, NoObstacle}, []int64{0, 1, 0, 2},
		},
		"a share, not of GPU 3": {
			Part{Count: 1, Bytes: 20 * topology.GiB, Accepts: inv.SelectDevices(func(o *Device) bool { return o.Form == Share && o.GPU != 3 })},
			[]Obstacle{HeldWhole, HeldInSlices, HeldInShares, NotAccepted}, []int64{0, 0, 0, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for gpu, d := range DiagnoseGPUs(inv, s, &tc.part) {
				if d.GPU != gpu {
					t.Fatalf("d.GPU = %v, want %v", d.GPU, gpu)
				}
				if d.Obstacle != tc.want[gpu] {
					t.Fatalf("GPU %d: d.Obstacle = %q, want %q", gpu, d.Obstacle, tc.want[gpu])
				}
				if d.Open != tc.open[gpu] {
					t.Fatalf("GPU %d: d.Open = %v, want %v", gpu, d.Open, tc.open[gpu])
				}
			}
			if diff := cmp.Diff([]int64{0, all / 2, all - 70*1024, all}, []int64{
				DiagnoseGPUs(inv, s, &tc.part)[0].LeftMiB, DiagnoseGPUs(inv, s, &tc.part)[1].LeftMiB,
				DiagnoseGPUs(inv, s, &tc.part)[2].LeftMiB, DiagnoseGPUs(inv, s, &tc.part)[3].LeftMiB,
			}); diff != "" {
				t.Fatalf("got (-want +got):\n%s", diff)
			}
		})
	}
}

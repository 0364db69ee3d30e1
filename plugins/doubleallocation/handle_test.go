package doubleallocation

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// emptyTracker takes every device for free.
type emptyTracker struct{ fwk.ResourceClaimTracker }

func (emptyTracker) GatherAllocatedState() (*structured.AllocatedState, error) {
	return &structured.AllocatedState{AllocatedDevices: sets.New[structured.DeviceID]()}, nil
}

func (emptyTracker) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	return sets.New[structured.DeviceID](), nil
}

// When one of two holders gives a device back it is not free before the other has, too.
func TestDeviceOfTwoHoldersIsFreeAfterBoth(t *testing.T) {
	ledger := testLedger(t)
	tracker := &claimTracker{ResourceClaimTracker: emptyTracker{}, ledger: ledger}
	check := func(what string, want ...string) {
		t.Helper()
		state, err := tracker.GatherAllocatedState()
		if err != nil {
			t.Fatal(err)
		}
		listed, err := tracker.ListAllAllocatedDevices()
		if err != nil {
			t.Fatal(err)
		}
		for _, devices := range []sets.Set[structured.DeviceID]{state.AllocatedDevices, listed} {
			var got []string
			for id := range devices {
				got = append(got, id.String())
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
	}
	ledger.noteClaim(claimOf("a", 5, "half-0"))
	ledger.noteClaim(claimOf("b", 6, "half-0", "half-1"))
	check("held twice: the scheduler's own cache knows")
	ledger.noteClaim(claimOf("b", 7))
	check("given back by one", "gpu.example.com/pool/half-0")
	ledger.noteClaim(claimOf("a", 8))
	check("given back by both")
}

package doubleallocation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"
)

// publishedLedger follows what the driver publishes of a machine.
func publishedLedger(t testing.TB, machine string) (*Ledger, poolID) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "dra", "publish", "testdata", machine+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{poolIndex: indexPools})
	var id poolID
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		slice := &resourceapi.ResourceSlice{}
		if err := yaml.Unmarshal([]byte(document), slice); err != nil {
			t.Fatal(err)
		}
		if slice.Spec.Driver == "" {
			continue
		}
		id = poolID{slice.Spec.Driver, slice.Spec.Pool.Name}
		slice.Name = fmt.Sprintf("slice-%d", len(slices.List()))
		if err := slices.Add(slice); err != nil {
			t.Fatal(err)
		}
	}
	return newLedger(slices, cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{podIndex: indexOwners})), id
}

// allocatedOf is a claim that has a device of a published pool, or a share of it.
func allocatedOf(id poolID, name string, version int, device string, shared bool) *resourceapi.ResourceClaim {
	result := resourceapi.DeviceRequestAllocationResult{Driver: id.driver, Pool: id.pool, Device: device}
	uid := types.UID(name)
	if shared {
		result.ShareID = &uid
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, UID: uid, ResourceVersion: fmt.Sprint(version)}}
	claim.Status.Allocation = &resourceapi.AllocationResult{}
	claim.Status.Allocation.Devices.Results = []resourceapi.DeviceRequestAllocationResult{result}
	return claim
}

// What the driver publishes of a GPU excludes a share beside the whole of it, in either order.
func TestPublishedGPUWholeAndShared(t *testing.T) {
	for name, tc := range map[string]struct {
		earlier, later string
		want           bool
	}{
		"a share of a GPU in use":      {"gpu-0", "gpu-0-share", true},
		"the whole of a shared GPU":    {"gpu-0-share", "gpu-0", true},
		"a share of another GPU":       {"gpu-0", "gpu-1-share", false},
		"the whole of a GPU twice":     {"gpu-0", "gpu-0", true},
		"a share beside another share": {"gpu-0-share", "gpu-0-share", false},
	} {
		t.Run(name, func(t *testing.T) {
			ledger, id := publishedLedger(t, "8xL40S-2socket-node")
			noteAllocation(ledger, allocatedOf(id, "earlier", 5, tc.earlier, strings.HasSuffix(tc.earlier, "share")))
			noteAllocation(ledger, allocatedOf(id, "later", 6, tc.later, strings.HasSuffix(tc.later, "share")))
			found, err := ledger.clashOf(ledger.holderOf("later"), true)
			if err != nil || (found != nil) != tc.want {
				t.Errorf("clash %v, %v, want one: %t", found, err, tc.want)
			}
		})
	}
}

// What the guard costs a pod on a node of 216 devices whose other seven GPUs are in use.
func BenchmarkClashOf(b *testing.B) {
	ledger, id := publishedLedger(b, "dgx-h100")
	for gpu := range 8 {
		noteAllocation(ledger, allocatedOf(id, fmt.Sprintf("claim-%d", gpu), 5+gpu, fmt.Sprintf("gpu-%d", gpu), false))
	}
	h := ledger.holderOf("claim-7")
	for b.Loop() {
		if found, err := ledger.clashOf(h, false); err != nil || found != nil {
			b.Fatal(found, err)
		}
	}
}

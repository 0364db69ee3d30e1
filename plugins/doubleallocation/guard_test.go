package doubleallocation

import (
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
)

// fakeTracker has the claims that the scheduler wrote.
type fakeTracker struct {
	fwk.ResourceClaimTracker

	claims map[string]*resourceapi.ResourceClaim
}

func (f *fakeTracker) Get(_, name string) (*resourceapi.ResourceClaim, error) {
	return f.claims[name], nil
}

// A claim that came later gives its allocation back; one that came earlier goes on if the other has
// this guard, too.
func TestGuardConfirmsPod(t *testing.T) {
	reservedBy := func(claim *resourceapi.ResourceClaim, pods ...string) *resourceapi.ResourceClaim {
		for _, pod := range pods {
			claim.Status.ReservedFor = append(claim.Status.ReservedFor,
				resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod, UID: types.UID(pod)})
		}
		return claim
	}
	writtenBy := func(claim *resourceapi.ResourceClaim, manager string) *resourceapi.ResourceClaim {
		claim.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: manager, Subresource: "status", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:status":{"f:allocation":{}}}`)},
		}}
		return claim
	}
	onNode := func(claim *resourceapi.ResourceClaim, node string) *resourceapi.ResourceClaim {
		claim.Status.Allocation.NodeSelector = &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
			MatchFields: []v1.NodeSelectorRequirement{{Key: "metadata.name", Operator: v1.NodeSelectorOpIn, Values: []string{node}}},
		}}}
		return claim
	}
	for name, tc := range map[string]struct {
		mine, rival *resourceapi.ResourceClaim
		found       bool   // the rival had its allocation when it was first seen
		want        string // in the error, "" for none
		givenBack   bool
	}{
		"alone":          {mine: claimOf("mine", 5, "half-0")},
		"no devices":     {mine: claimOf("mine", 5)},
		"beside another": {mine: claimOf("mine", 6, "half-0"), rival: claimOf("rival", 5, "half-1")},
		"later": {
			mine: reservedBy(claimOf("mine", 6, "half-0"), "pod"), rival: claimOf("rival", 5, "half-0"),
			want: "claim ns/mine and was to ns/rival; its allocation was given back, and the pod tries again", givenBack: true,
		},
		"earlier, the other gives way": {
			mine: claimOf("mine", 5, "half-0"), rival: writtenBy(claimOf("rival", 6, "half-0"), "guarded"),
		},
		"whether it is earlier is not known": {
			mine: claimOf("mine", 5, "half-0"), rival: writtenBy(claimOf("rival", 6, "half-0"), "guarded"), found: true,
			want: "its allocation was given back", givenBack: true,
		},
		"earlier, the other never gives way": {
			mine: claimOf("mine", 5, "half-0"), rival: writtenBy(claimOf("rival", 6, "half-0"), "kube-scheduler"),
			want: "its allocation was given back", givenBack: true,
		},
		"on this node": {mine: onNode(claimOf("mine", 5, "half-0"), "n")},
		"on another node": {
			mine: onNode(claimOf("mine", 5, "half-0"), "far"),
			want: "claim ns/mine has its devices on another node than n, which was chosen for the pod; the pod tries again",
		},
		"in use by another pod": {
			mine: reservedBy(claimOf("mine", 6, "half-0"), "pod", "running"), rival: claimOf("rival", 5, "half-0"),
			want: "not bound: its allocation stays, since pods running has reserved the claim as well: delete the pods of one of the claims",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ledger, client := testLedger(t), fake.NewClientset(tc.mine)
			noteAllocation(ledger, tc.mine)
			if tc.rival != nil {
				if tc.found {
					ledger.noteClaim(tc.rival)
				} else {
					noteAllocation(ledger, tc.rival)
				}
				if err := client.Tracker().Add(tc.rival); err != nil {
					t.Fatal(err)
				}
			}
			given := 0
			nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
			if err := nodes.Add(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}); err != nil {
				t.Fatal(err)
			}
			tracker := &fakeTracker{claims: map[string]*resourceapi.ResourceClaim{"mine": tc.mine}}
			guard := NewGuard(ledger, client, corelisters.NewNodeLister(nodes), tracker, func() { given++ })
			guard.manager = "guarded"
			pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pod", UID: "pod"}}
			pod.Spec.ResourceClaims = []v1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &tc.mine.Name}}
			err := guard.ConfirmPod(t.Context(), pod, "n")
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			now, err := client.ResourceV1().ResourceClaims("ns").Get(t.Context(), "mine", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wasAllocated := tc.mine.Status.Allocation != nil
			if back := wasAllocated && now.Status.Allocation == nil; back != tc.givenBack || (given == 1) != tc.givenBack {
				t.Errorf("given back: %t, counted %d, want %t", back, given, tc.givenBack)
			}
		})
	}
}

package placement

import (
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var mixedDemand = Demand{
	GPUs: map[int]int64{1: 2, 4: 1}, Divided: 50,
	Profiles: map[mig.ProfileID]int64{profile1g: 2, profile4g: 1}, Shares: map[topology.Bytes]int64{20 * topology.GiB: 1},
}

// Policies only rank: under every policy the same requests fit, nothing is given
// twice, and the same question has the same answer.
func TestEveryPolicyServesTheSameRequests(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for n := range 2_000 {
		inv := inventoryOf(t, machines[n%len(machines)])
		s := randomState(inv, random)
		var request *Request
		switch random.Intn(3) {
		case 0:
			request = wholeGPUs(inv, 1+random.Intn(5))
		case 1:
			request = slicesOf(inv, []mig.ProfileID{profile1g, profile2g, profile3g, 5, 14}[random.Intn(5)], 1)
		case 2:
			request = sharesOf(inv, topology.Bytes(1+random.Int63n(60))*topology.GiB)
		}
		want := Place(inv, s, request, FirstFit{}).Outcome
		for _, policy := range Policies(mixedDemand, 7) {
			before := slices.Clone(s)
			verdict := Place(inv, s, request, policy)
			if verdict.Outcome != want {
				t.Fatalf("%v: verdict.Outcome = %v, want %v", policy.Name(), verdict.Outcome, want)
			}
			if diff := cmp.Diff(before, s); diff != "" {
				t.Fatalf("%s changed the state: s (-want +got):\n%s", policy.Name(), diff)
			}
			if diff := cmp.Diff(verdict, Place(inv, s, request, policy)); diff != "" {
				t.Fatalf("%s answers differently the second time:\n%s", policy.Name(), diff)
			}
			for _, grant := range verdict.Devices {
				if err := inv.TakeDevice(before, grant.Device, grant.ShareSize); err != nil {
					t.Fatalf("%v: %v", policy.Name(), err)
				}
			}
		}
	}
}

// What each policy is for, on one example: GPU 0 of an otherwise free machine has a
// share of 10 GiB, GPU 1 one of 30 GiB; where does a share of 8 GiB go?
func TestPoliciesDiffer(t *testing.T) {
	inv := inventoryOf(t, "8xL40S-2socket-node")
	s := NewGPUStates(inv)
	s[0] = GPUState{Shared: 10 * topology.GiB, Sharers: 1}
	s[1] = GPUState{Shared: 30 * topology.GiB, Sharers: 1}
	request := sharesOf(inv, 8*topology.GiB)
	want := map[string]int{
		"keep-placeable": 1, // the fullest that has room
		"first-fit":      0,
		"best-fit":       1,
		"packing":        0, // in use, lowest index
		"spread":         2, // the first free one
		"dot-product":    1, // where the least is left
		"clustering":     0,
		"fragmentation":  1, // 8 of its 14 GiB were of no use to shares of 20 GiB anyway
	}
	for _, policy := range Policies(mixedDemand, 1) {
		verdict := Place(inv, s, request, policy)
		if gpu, known := want[policy.Name()]; known {
			if diff := cmp.Diff([]int{gpu}, gpusOf(inv, verdict)); diff != "" {
				t.Fatalf("%v: gpusOf(inv, verdict) (-want +got):\n%s", policy.Name(), diff)
			}
		}
	}
	_, err := PolicyNamed("beste-fit", mixedDemand, 1)
	if err == nil || !strings.Contains(err.Error(), `unknown policy "beste-fit": want one of keep-placeable, first-fit`) {
		t.Fatalf("error %v, want %q", err, `unknown policy "beste-fit": want one of keep-placeable, first-fit`)
	}
}

func TestDemandIsChecked(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	for want, demand := range map[string]Demand{
		"101 percent in parts":       {Divided: 101},
		"weight 1 for jobs on 0 GPU": {GPUs: map[int]int64{0: 1}},
		"weight -1 for profile 19":   {Profiles: map[mig.ProfileID]int64{19: -1}},
		"weight 1 for shares of -1B": {Shares: map[topology.Bytes]int64{-1: 1}},
	} {
		_, err := NewInventory(inv.Node, inv.Devices, demand)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
	}
}

package placement

import (
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/google/go-cmp/cmp"
)

// machines cover what the algorithms tell apart: mesh, uniform NVSwitch, bridges
// across NUMA nodes and odd indexes, islands, PCIe only, and small MIG tables.
var machines = []string{
	"dgx1-v100", "dgx-h100", "dgx-a100", "azure-nc96ads-a100", "8xA100-pcie-oddpairs", "2xNVL4-h200",
	"4gpu-mixed-bridge", "8xL40S-2socket-node", "4xA30-pcie", "8xrtxpro6000-g7e",
}

// permutations calls visit with every order of items.
func permutations(items []int, visit func([]int)) {
	var recurse func(int)
	recurse = func(k int) {
		if k == len(items) {
			visit(items)
			return
		}
		for i := k; i < len(items); i++ {
			items[k], items[i] = items[i], items[k]
			recurse(k + 1)
			items[k], items[i] = items[i], items[k]
		}
	}
	recurse(0)
}

// simpleRing is the best ring by trying every order of the GPUs.
func simpleRing(node *topology.Node, gpus []int) int64 {
	if len(gpus) < 2 {
		return 0
	}
	best := int64(0)
	permutations(slices.Clone(gpus), func(order []int) {
		slowest := node.Bandwidth(order[len(order)-1], order[0])
		for i := 1; i < len(order); i++ {
			slowest = min(slowest, node.Bandwidth(order[i-1], order[i]))
		}
		best = max(best, slowest)
	})
	return best
}

func TestRingsEqualBruteForce(t *testing.T) {
	for _, machine := range machines {
		inv := inventoryOf(t, machine)
		n := len(inv.Node.GPUs)
		for set := GPUSet(1); set < 1<<n; set++ {
			var gpus []int
			for rest := set; rest != 0; rest &= rest - 1 {
				gpus = append(gpus, rest.lowestGPU())
			}
			if len(gpus) > 6 {
				continue // 8! orders of the full machine add nothing but minutes
			}
			if got, want := inv.RingBandwidth(set), simpleRing(inv.Node, gpus); got != want {
				t.Fatalf("%s, GPUs %v: inv.RingBandwidth(set) = %v, want %v", machine, gpus, got, want)
			}
		}
	}
}

// simpleChoice is the best choice of count devices by trying every combination in
// order, with the rating of the whole as Rate gives it.
func simpleChoice(inv *Inventory, s GPUStates, part *Part, policy Policy) (best Rating, found bool) {
	var recurse func(from, left int, state GPUStates, grants []DeviceAllocation)
	recurse = func(from, left int, state GPUStates, grants []DeviceAllocation) {
		if left == 0 {
			rating := RateAllocation(inv, s, grants, policy)
			if !found || rating.Better(best) {
				best, found = rating, true
			}
			return
		}
		for i := from; i < len(inv.Devices); i++ {
			if !part.Accepts.Has(i) || !inv.DeviceFits(state, i, part.shareSize()) {
				continue
			}
			after := slices.Clone(state)
			inv.HoldDevice(after, i, part.shareSize())
			recurse(i+1, left-1, after, append(slices.Clone(grants), DeviceAllocation{Device: i, ShareSize: part.shareSize()}))
		}
	}
	recurse(0, part.Count, s, nil)
	return best, found
}

// oracleStates is how many random states and requests of each form are compared
// with brute force; `make oracle` compares 100,000.
var oracleStates = flag.Int("oracle-states", 10_000, "random states per form to compare with brute force")

// The choice for a request of one part is the best there is: the same rating as
// the best of all combinations, and a refusal only where none exists.
func TestChoiceEqualsBruteForce(t *testing.T) {
	states := *oracleStates
	for name, request := range map[string]func(*Inventory, *rand.Rand) Part{
		"whole": func(inv *Inventory, random *rand.Rand) Part {
			return wholeGPUs(inv, 1+random.Intn(4)).Parts[0]
		},
		"mig": func(inv *Inventory, random *rand.Rand) Part {
			ids := []mig.ProfileID{0, 5, 9, 14, 15, 19, 20}
			return slicesOf(inv, ids[random.Intn(len(ids))], 1).Parts[0]
		},
		"share": func(inv *Inventory, random *rand.Rand) Part {
			return sharePart(inv, topology.Bytes(1+random.Int63n(40))*topology.GiB)
		},
		"any form": func(inv *Inventory, random *rand.Rand) Part {
			least := topology.Bytes(1+random.Int63n(40)) * topology.GiB
			return Part{Count: 1, Bytes: least, Accepts: inv.SelectDevices(func(o *Device) bool { return o.Memory >= least })}
		},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewSource(1))
			inventories := make([]*Inventory, len(machines))
			for i, machine := range machines {
				inventories[i] = inventoryOf(t, machine)
			}
			fitted := 0
			for n := range states {
				inv := inventories[n%len(inventories)]
				s := randomState(inv, random)
				part := request(inv, random)
				want, fits := simpleChoice(inv, s, &part, KeepPlaceable{})
				got := Place(inv, s, &Request{Parts: []Part{part}}, KeepPlaceable{})
				describe := func() string { return fmt.Sprintf("%s, state %+v, part %+v", machines[n%len(machines)], s, part) }
				if !fits {
					if got.Outcome != Refused {
						t.Fatalf("%v: got.Outcome = %v, want %v", describe(), got.Outcome, Refused)
					}
					if len(got.Reasons) == 0 {
						t.Fatalf("%v: no got.Reasons", describe())
					}
					continue
				}
				fitted++
				if got.Outcome != Fits {
					t.Fatalf("%v: got.Outcome = %v, want %v", describe(), got.Outcome, Fits)
				}
				if diff := cmp.Diff(want, got.Rating); diff != "" {
					t.Fatalf("%v: got.Rating (-want +got):\n%s", describe(), diff)
				}
				if diff := cmp.Diff(want, RateAllocation(inv, s, got.Devices, KeepPlaceable{})); diff != "" {
					t.Fatalf("%v: RateAllocation(inv, s, got.Devices, KeepPlaceable{}) (-want +got):\n%s", describe(), diff)
				}
			}
			if fitted <= states/10 {
				t.Fatalf("too few requests fit for this to mean anything: fitted = %v, want more than %v", fitted, states/10)
			}
		})
	}
}

// sixteen is a node of 16 GPUs without a uniform fabric: two DGX-1 meshes, with
// nothing but the sockets' interconnect between them.
func sixteen(t *testing.T) *Inventory {
	t.Helper()
	mesh := inventoryOf(t, "dgx1-v100").Node
	n := len(mesh.GPUs)
	node := &topology.Node{GPUs: append(slices.Clone(mesh.GPUs), mesh.GPUs...)}
	for i := range 2 * n {
		row := make([]topology.Link, 2*n) // SYS
		copy(row[i/n*n:], mesh.Links[i%n])
		node.Links = append(node.Links, row)
	}
	inv, err := NewInventory(node, NodeDevices(node, make([]*mig.Table, 2*n)), PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// Sixteen GPUs are the most that a node may have; sets of them are still all looked at.
func TestSixteenGPUsEqualBruteForce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, inv := range []*Inventory{sixteen(t), inventoryOf(t, "dgx2-v100")} {
		for range max(20, *oracleStates/100) {
			s := NewGPUStates(inv)
			for gpu := range s {
				s[gpu].Whole = random.Intn(3) == 0
			}
			part := wholeGPUs(inv, 1+random.Intn(4)).Parts[0]
			want, fits := simpleChoice(inv, s, &part, KeepPlaceable{})
			got := Place(inv, s, &Request{Parts: []Part{part}}, KeepPlaceable{})
			if got.Outcome == Fits != fits {
				t.Fatalf("got.Outcome == Fits = %v, want %v", got.Outcome == Fits, fits)
			}
			if diff := cmp.Diff(want, got.Rating); diff != "" {
				t.Fatalf("got.Rating (-want +got):\n%s", diff)
			}
		}
	}
}

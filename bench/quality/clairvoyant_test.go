package main

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// oneH100 is a GPU of the benchmark.
func oneH100(t *testing.T) *placement.Inventory {
	t.Helper()
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	table, err := catalogue.Default().MIG(machine.Node.GPUs[0].Model.MIG)
	if err != nil {
		t.Fatal(err)
	}
	node := &topology.Node{GPUs: machine.Node.GPUs[:1], Links: [][]topology.Link{machine.Node.Links[0][:1]}}
	demand := placement.Demand{Profiles: map[mig.ProfileID]int64{}, Divided: 100}
	for _, kind := range migMix {
		demand.Profiles[kind.id] = int64(kind.weight)
	}
	inv, err := placement.NewInventory(node, placement.NodeDevices(node, []*mig.Table{table}), demand)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// The exact solver finds what trying everything finds.
func TestMostServedIsTheBestOfAllWays(t *testing.T) {
	inv, mix := oneH100(t), migKinds()
	for seed := range int64(30) {
		jobs := knownJobs(drawArrivals(rand.New(rand.NewSource(seed)), mix, 7, 1.5, 7))
		want := tryEverything(inv, jobs, mix, 0, make([]placement.DeviceAllocation, len(jobs)), make([]bool, len(jobs)))
		if got := mostServed(inv, jobs, mix); got != want {
			t.Errorf("seed %d: serves %g slices, trying everything %g", seed, got, want)
		}
	}
}

// tryEverything serves or turns away one job after the other, in every way.
func tryEverything(
	inv *placement.Inventory, jobs []knownJob, mix []kindOfJob, at int, given []placement.DeviceAllocation, served []bool,
) float64 {
	if at == len(jobs) {
		return 0
	}
	best := tryEverything(inv, jobs, mix, at+1, given, served)
	state := placement.NewGPUStates(inv)
	for other := range at {
		if served[other] && jobs[other].end > at {
			inv.HoldDevice(state, given[other].Device, placement.ShareSize{})
		}
	}
	for i := range inv.Devices {
		if device := &inv.Devices[i]; device.Form != placement.MIG || device.Profile != migMix[jobs[at].kind].id ||
			!inv.DeviceFits(state, i, placement.ShareSize{}) {
			continue
		}
		given[at], served[at] = placement.DeviceAllocation{Device: i}, true
		best = max(best, mix[jobs[at].kind].size+tryEverything(inv, jobs, mix, at+1, given, served))
		served[at] = false
	}
	return best
}

// No policy serves more than who knows all, and that no more than the bound says.
func TestBoundsAreAbovePolicies(t *testing.T) {
	inv := oneH100(t)
	for seed := range int64(3) {
		exact, bound := solveClairvoyant(inv, 150, seed)[0], boundClairvoyant(1, 150, seed)[0]
		var shares []float64
		for _, policy := range []placement.Policy{placement.KeepPlaceable{}, placement.FirstFit{}} {
			shares = append(shares, playMIG(inv, policy, 150, seed)[0])
		}
		if slices.Max(shares) > exact || exact > bound+1e-9 || bound > 1 {
			t.Errorf("seed %d: policies serve %.3f, who knows all %.3f, bound %.3f", seed, shares, exact, bound)
		}
	}
}

package simulator

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A thousand jobs that arrive one by one get the node and the devices that Place and
// Rate say, by the rule of plugins/deviceplacement/score.go: of the nodes that have
// room, the best rating, and the lowest name among equals.
func TestNodeAndDevicesAreThoseOfPlacement(t *testing.T) {
	var nodes []Node
	for i, machine := range []string{"dgx-a100", "4xA30-pcie", "dgx1-v100", "8xA100-pcie-oddpairs", "dgx-h100"} {
		inv := inventoryOf(t, machine)
		for k := range 12 {
			nodes = append(nodes, Node{
				Name: fmt.Sprintf("%c-%02d", 'a'+(i*7+k)%26, i*12+k), Inventory: inv, Domain: cluster.NoDomain,
				Host: Host{CPU: 40_000, Memory: 512 * topology.GiB},
			})
		}
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	templates := []*PodTemplate{
		wholes(1), wholes(2), wholes(4), share(5 * topology.GiB), share(10 * topology.GiB),
		instance(9 * topology.GiB), instance(19 * topology.GiB),
	}
	for _, policy := range placement.Policies(placement.PriorDemand(), 7) {
		random := rand.New(rand.NewPCG(1, 1))
		in := &Input{Nodes: nodes, Policy: policy, Preemption: PreemptNever}
		for i := range 1000 {
			j := job(fmt.Sprintf("job-%04d", i), Time(i), MaxTime, templates[random.IntN(len(templates))])
			j.Host = Host{CPU: MilliCPU(1000 + random.Int64N(7000)), Memory: topology.GiB}
			in.Jobs = append(in.Jobs, j)
		}
		in.Horizon = 1000
		_, log := runLog(t, in)
		got := map[string]logPlace{}
		for _, l := range linesOf(log) {
			if l.Event == "placed" {
				got[l.Job] = l.On[0]
			}
		}
		want := map[string]logPlace{}
		states, free := make([]*nodeState, len(nodes)), make([]Host, len(nodes))
		held := make([]placement.GPUStates, len(nodes))
		for i := range nodes {
			states[i], free[i], held[i] = newNodeState(&nodes[i]), nodes[i].Host, placement.NewGPUStates(nodes[i].Inventory)
		}
		for i := range in.Jobs {
			j := &in.Jobs[i]
			best, rating, grants := -1, placement.Rating{}, []placement.DeviceAllocation(nil)
			for n := range nodes {
				if !j.Host.Within(free[n]) {
					continue
				}
				inv := nodes[n].Inventory
				verdict := placement.Place(inv, held[n], j.Template.For(inv).Request, policy)
				if verdict.Outcome != placement.Fits {
					continue
				}
				rated := placement.RateAllocation(inv, held[n], verdict.Devices, policy)
				if diff := cmp.Diff(verdict.Rating, rated); diff != "" {
					t.Fatalf("rated (-want +got):\n%s", diff)
				}
				if best < 0 || rated.Better(rating) {
					best, rating, grants = n, rated, slices.Clone(verdict.Devices)
				}
			}
			if best < 0 {
				continue
			}
			p := logPlace{Node: nodes[best].Name}
			for k := range grants {
				if err := nodes[best].Inventory.TakeDevice(held[best], grants[k].Device, grants[k].ShareSize); err != nil {
					t.Fatal(err)
				}
				p.Devices = append(p.Devices, states[best].deviceText(&grants[k]))
			}
			free[best] = free[best].Minus(j.Host)
			want[j.Name] = p
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v: got (-want +got):\n%s", policy.Name(), diff)
		}
		if len(got) <= 200 {
			t.Fatalf("len(got) = %v, want more than %v", len(got), 200)
		}
	}
}

// Looking for jobs to end, for a job or a gang, teaches the forecast nothing: it knows
// every job once for each time that it was really started.
func TestProbingForVictimsLeavesTheForecastAsItIs(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	var nodes []Node
	for i := range 12 {
		nodes = append(nodes, Node{
			Name: fmt.Sprintf("n-%02d", i), Inventory: inv, Domain: cluster.NoDomain, Host: Host{CPU: 400_000, Memory: 512 * topology.GiB},
		})
	}
	in := &Input{Nodes: nodes, Policy: placement.KeepPlaceable{}, Ranking: RankByForecast, Horizon: MaxTime}
	sizes := []topology.Bytes{5 * topology.GiB, 15 * topology.GiB}
	for i := range 64 { // enough for the forecast to expect something
		j := job(fmt.Sprintf("low-%02d", i), 0, MaxTime, share(sizes[i%2]))
		j.Host = Host{CPU: MilliCPU(1000 + 100*(i%2))}
		in.Jobs = append(in.Jobs, j)
	}
	gang := job("gang", 1, MaxTime, wholes(4))
	gang.Members, gang.Priority = 3, 9
	in.Jobs = append(in.Jobs, gang)
	e, err := newEngine(in, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		if err := e.jobArrives(i); err != nil {
			t.Fatal(err)
		}
	}
	costs := func() []int64 {
		var costs []int64
		for i, n := range e.cluster.nodes {
			for _, size := range sizes {
				shares := e.cluster.placer.Place(inv, placement.NewGPUStates(inv), share(size).For(inv).Request, placement.KeepPlaceable{}).Devices
				costs = append(costs, e.cluster.forecast.OpportunityCost(n.Name, 200_000, e.cluster.snapshot.NodeState(i).GPUs(), 1000, shares))
			}
		}
		return costs
	}
	before := costs()
	if reflect.DeepEqual(make([]int64, len(before)), before) {
		t.Fatalf("the forecast has nothing to say: the test says little: before = %+v, want anything else", before)
	}
	preemptor := &cluster.Preemptor{Ranking: e.cluster.requestOf(gang.Template).NodeRanking, Priority: 9, Victims: e.jobsToEnd(9)}
	for range 50 {
		if got := e.cluster.snapshot.SelectGroupVictims(preemptor, func() bool { return e.cluster.placeJob(&in.Jobs[64]) != nil }); got == nil {
			t.Fatal("no got")
		}
		if got := e.cluster.snapshot.SelectVictims(preemptor); got == nil {
			t.Fatal("no e.cluster.snapshot.SelectVictims(preemptor)")
		}
	}
	if diff := cmp.Diff(before, costs()); diff != "" {
		t.Fatalf("costs() (-want +got):\n%s", diff)
	}
}

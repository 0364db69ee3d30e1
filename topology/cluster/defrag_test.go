package cluster

import (
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Profile 7g is the largest of an A100.
const profile7g mig.ProfileID = 0

// fragmented is a cluster with holders of MIG slices and whole GPUs at random places.
type fragmented struct {
	*Snapshot
	rankings []*NodeRanking
	defrag   Defragmentation
}

var defragRequests = []requestFor{
	sliceFor(profile1g), sliceFor(profile2g), sliceFor(profile3g), gpusFor(1), gpusFor(2), sliceFor(profile7g),
}

// fragmentedCluster places pods at random and takes some of them away again.
func fragmentedCluster(t testing.TB, random *rand.Rand, machine string, nodes, pods int) *fragmented {
	t.Helper()
	inv := inventoryOf(t, machine)
	s := NewSnapshot(nil)
	for n := range nodes {
		s.AddNode(Node{Name: fmt.Sprintf("n%d", n), Inventory: inv, Host: topology.HostResources{CPU: 64000}, Domain: NoDomain})
	}
	f := &fragmented{Snapshot: s}
	var spread []*NodeRanking
	for _, request := range defragRequests {
		f.rankings = append(f.rankings, s.Rank(s.ByInventory(request), placement.KeepPlaceable{}))
		spread = append(spread, s.Rank(s.ByInventory(request), placement.Random{Seed: random.Uint64()}))
	}
	f.defrag.Budgets = []int{0, 1, 2}
	type placed struct {
		node   int
		holder placement.HolderID
	}
	var all []placed
	for i := range pods {
		kind := random.Intn(4)
		host := topology.HostResources{CPU: topology.MilliCPU(1000 * random.Intn(3))}
		best, found := spread[kind].Best(host, nil)
		if !found {
			continue
		}
		if random.Intn(2) == 0 { // any node, not the best
			for node := range nodes {
				if at := (node + i) % nodes; spread[kind].FitsOn(at) {
					best.Node = at
					best.Devices = slices.Clone(spread[kind].placeOn(at).Devices)
					break
				}
			}
		}
		holder := placement.HolderID(strconv.Itoa(i))
		a := placement.Allocation{Holder: holder, Priority: int64(i % 3), Pinned: random.Intn(8) == 0, Host: host, Devices: best.Devices}
		if err := s.Allocate(best.Node, a); err != nil {
			continue
		}
		all = append(all, placed{best.Node, holder})
		movable := MovableHolder{Holder: holder, Ranking: f.rankings[kind], Host: host, Cost: int64(random.Intn(6))}
		if random.Intn(3) == 0 {
			movable.Budgets = []int{random.Intn(3)}
		}
		f.defrag.Holders = append(f.defrag.Holders, movable)
	}
	for _, p := range all {
		if random.Intn(3) == 0 {
			s.ReleaseHolder(p.node, p.holder)
		}
	}
	return f
}

// stateText is all that is held, to compare snapshots.
func stateText(s *Snapshot) string {
	text := ""
	for node := range s.Len() {
		text += fmt.Sprintln(node, s.NodeState(node).Allocations(), s.NodeState(node).GPUs(), s.FreeHost(node))
	}
	return text
}

// carryOut makes the moves on the snapshot in order, each into what is free before its holder
// goes, or behind it, and gives back what is thereby reached.
func (f *fragmented) carryOut(t *testing.T, plan *DefragPlan, then func()) {
	t.Helper()
	f.Fork()
	defer f.Revert()
	for i, move := range plan.Moves {
		holder := &f.defrag.Holders[slices.IndexFunc(f.defrag.Holders, func(h MovableHolder) bool { return h.Holder == move.Holder })]
		released := f.ReleaseHolder(move.From, move.Holder)
		f.SetSchedulable(move.From, !move.Closes)
		if len(released) != 1 || released[0].Pinned {
			t.Fatalf("move %d is of %s, which node %d has %d times", i, move.Holder, move.From, len(released))
		}
		best, found := holder.Ranking.Best(holder.Host, nil)
		if !found || best.Node != move.To || !sameDevices(best.Devices, move.Takes) {
			t.Fatalf("move %d: placed again, %s goes to node %d %v, want node %d %v", i, move.Holder, best.Node, best.Devices, move.To, move.Takes)
		}
		f.SetSchedulable(move.From, true)
		released[0].Devices = move.Takes
		if err := f.Allocate(move.To, released[0]); err != nil {
			t.Fatalf("move %d: %v", i, err)
		}
		for _, b := range holder.Budgets {
			if f.defrag.Budgets[b] == 0 {
				t.Fatalf("move %d is of %s, whose budget allows none", i, move.Holder)
			}
		}
	}
	then()
}

// bruteForce calls visit after every sequence of moves, without leaving out any.
func bruteForce(d *defragSearch, moves []DefragMove, visit func([]DefragMove)) {
	visit(moves)
	if len(moves) == d.maxMoves {
		return
	}
	for _, action := range d.possibleActions() {
		mark := len(d.snapshot.undo.changes)
		if move, ok := d.moveHolder(action); ok {
			bruteForce(d, append(slices.Clip(moves), move), visit)
			d.takeBack(mark, []DefragMove{move})
		}
	}
}

func TestPlanRoomIsTheCheapest(t *testing.T) {
	planned, none := 0, 0
	for seed := range int64(200) {
		f := fragmentedCluster(t, rand.New(rand.NewSource(seed)), "4xA30-pcie", 2, 10)
		if seed%2 == 0 {
			f = fragmentedCluster(t, rand.New(rand.NewSource(seed)), "azure-nc96ads-a100", 2, 12)
		}
		f.defrag.MaxMoves, f.defrag.MayClose = 3, seed%3 != 0
		pod, copies := GroupMember{Ranking: f.rankings[2+seed%4]}, 1+int(seed%2)
		before := stateText(f.Snapshot)
		plan, found := f.PlanRoom(&f.defrag, pod, copies)
		if after := stateText(f.Snapshot); after != before {
			t.Fatalf("seed %d: the snapshot changed (-want +got):\n%s", seed, cmp.Diff(before, after))
		}
		if !plan.Complete {
			t.Fatalf("seed %d: the search is not complete", seed)
		}
		search := newDefragSearch(f.Snapshot, &f.defrag)
		search.rival, search.copies = &pod, copies
		wantCost, wantMoves := int64(-1), 0
		f.Fork()
		bruteForce(search, nil, func(moves []DefragMove) {
			cost := costOf(moves)
			if wantCost >= 0 && (cost > wantCost || cost == wantCost && len(moves) >= wantMoves) {
				return
			}
			if search.placeCopies(copies) != nil {
				wantCost, wantMoves = cost, len(moves)
			}
		})
		f.Revert()
		if found != (wantCost >= 0) || found && (plan.Cost != wantCost || len(plan.Moves) != wantMoves) {
			t.Fatalf("seed %d: got %d moves for %d (%t), want %d for %d", seed, len(plan.Moves), plan.Cost, found, wantMoves, wantCost)
		}
		if !found {
			none++
			continue
		}
		if len(plan.Moves) > 0 {
			planned++
		}
		f.carryOut(t, plan, func() {
			for range copies {
				best, fits := pod.Ranking.Best(pod.Host, nil)
				if !fits {
					t.Fatalf("seed %d: the request does not fit after the moves", seed)
				}
				if err := f.Allocate(best.Node, placement.Allocation{Devices: best.Devices}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if planned < 10 || none < 3 {
		t.Errorf("%d plans with moves, %d requests that no moves help: too few to tell", planned, none)
	}
}

func TestPlanCompactionGainsMost(t *testing.T) {
	gained := 0
	for seed := range int64(60) {
		f := fragmentedCluster(t, rand.New(rand.NewSource(seed)), "4xA30-pcie", 2, 8)
		if seed%2 == 0 {
			f = fragmentedCluster(t, rand.New(rand.NewSource(seed)), "azure-nc96ads-a100", 1, 10)
		}
		f.defrag.MaxMoves, f.defrag.MayClose = 2, seed%3 != 0
		mix := []ExpectedRequest{{Ranking: f.rankings[2], Weight: 3}, {Ranking: f.rankings[3], Weight: 8}, {Ranking: f.rankings[4], Weight: 20}}
		worth := func(counts []int64) int64 {
			sum := int64(0)
			for i, count := range counts {
				sum += count * mix[i].Weight
			}
			return sum
		}
		before := stateText(f.Snapshot)
		plan := f.PlanCompaction(&f.defrag, mix)
		if after := stateText(f.Snapshot); after != before {
			t.Fatalf("seed %d: the snapshot changed (-want +got):\n%s", seed, cmp.Diff(before, after))
		}
		search := newDefragSearch(f.Snapshot, &f.defrag)
		most, least := worth(f.CountPlaceable(mix)), int64(0)
		first := most
		f.Fork()
		bruteForce(search, nil, func(moves []DefragMove) {
			if now := worth(f.CountPlaceable(mix)); now > most || now == most && costOf(moves) < least {
				most, least = now, costOf(moves)
			}
		})
		f.Revert()
		if !plan.Complete || worth(plan.Before) != first || worth(plan.After) != most || plan.Cost != least {
			t.Fatalf("seed %d: got %d -> %d for %d (complete %t), want %d -> %d for %d",
				seed, worth(plan.Before), worth(plan.After), plan.Cost, plan.Complete, first, most, least)
		}
		f.carryOut(t, plan, func() {
			if diff := cmp.Diff(plan.After, f.CountPlaceable(mix)); diff != "" {
				t.Fatalf("seed %d: what fits after the moves (-want +got):\n%s", seed, diff)
			}
		})
		if most > first {
			gained++
		}
	}
	if gained < 5 {
		t.Errorf("%d plans gain something: too few to tell", gained)
	}
}

// Holders that have to stay do, and the budget says what waits for what.
func TestDefragmentationOfTwoHalfEmptyNodes(t *testing.T) {
	// Two GPUs of each node are held one by one, so that four in one node take two moves.
	holders := []held{{0, "a", 1, false, 1}, {0, "b", 1, false, 1}, {1, "c", 1, false, 1}, {1, "d", 1, false, 1}}
	for name, tc := range map[string]struct {
		pinned  placement.HolderID
		costs   map[placement.HolderID]int64
		budgets map[placement.HolderID][]int
		want    []DefragMove
	}{
		"the cheaper node": {
			costs: map[placement.HolderID]int64{"a": 5, "b": 5, "c": 3, "d": 3},
			want:  []DefragMove{{Holder: "c", From: 1, To: 0, Cost: 3}, {Holder: "d", From: 1, To: 0, Cost: 3}},
		},
		"the node of which nobody is pinned": {
			pinned: "c", costs: map[placement.HolderID]int64{"a": 5, "b": 5},
			want: []DefragMove{{Holder: "a", From: 0, To: 1, Cost: 5}, {Holder: "b", From: 0, To: 1, Cost: 5}},
		},
		"one at a time of a budget": {
			pinned: "c", budgets: map[placement.HolderID][]int{"a": {1}, "b": {1}},
			want: []DefragMove{{Holder: "a", From: 0, To: 1}, {Holder: "b", From: 0, To: 1, Awaits: 1}},
		},
		"none where the budgets allow none": {
			pinned: "c", budgets: map[placement.HolderID][]int{"b": {0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := slices.Clone(holders)
			for i := range all {
				all[i].pinned = all[i].holder == tc.pinned
			}
			s := snapshotWith(t, 2, all...)
			one := s.Rank(s.ByInventory(gpusFor(1)), placement.KeepPlaceable{})
			d := &Defragmentation{Budgets: []int{0, 1}, MayClose: true}
			for _, h := range all {
				d.Holders = append(d.Holders, MovableHolder{Holder: h.holder, Ranking: one, Cost: tc.costs[h.holder], Budgets: tc.budgets[h.holder]})
			}
			plan, found := s.PlanRoom(d, GroupMember{Ranking: s.Rank(s.ByInventory(gpusFor(4)), placement.KeepPlaceable{})}, 1)
			if found != (tc.want != nil) {
				t.Fatalf("found %t", found)
			}
			for i := range plan.Moves {
				plan.Moves[i].Leaves, plan.Moves[i].Takes, plan.Moves[i].Priority = nil, nil, 0
				if !plan.Moves[i].Closes {
					t.Errorf("%s would come back to a node that stays open", plan.Moves[i].Holder)
				}
				plan.Moves[i].Closes = false
			}
			if diff := cmp.Diff(tc.want, plan.Moves); diff != "" {
				t.Errorf("moves (-want +got):\n%s", diff)
			}
		})
	}
}

// BenchmarkDefragmentation plans on 1,000 nodes of eight GPUs, half of them sliced.
func BenchmarkDefragmentation(b *testing.B) {
	f := fragmentedCluster(b, rand.New(rand.NewSource(1)), "dgx-a100", 1000, 12000)
	all := gpusFor(8)
	eight := f.Rank(f.ByInventory(all), placement.KeepPlaceable{})
	b.Run("room", func(b *testing.B) {
		for range b.N {
			plan, found := f.PlanRoom(&f.defrag, GroupMember{Ranking: eight}, 1)
			b.ReportMetric(float64(len(plan.Moves)), "moves")
			if !found {
				b.Log("no plan")
			}
		}
	})
	b.Run("compaction", func(b *testing.B) {
		for range b.N {
			plan := f.PlanCompaction(&f.defrag, []ExpectedRequest{{Ranking: f.rankings[2], Weight: 3}, {Ranking: eight, Weight: 64}})
			b.ReportMetric(float64(len(plan.Moves)), "moves")
		}
	})
}

package cluster

import (
	"cmp"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// held is a victim with whole GPUs on one node, as one holder named name.
type held struct {
	node     int
	name     string
	priority int64
	gpus     int
	change   func(*Victim)
}

func lasting(cost int64) func(*Victim) { return func(v *Victim) { v.Cost = cost } }
func within(budgets ...int) func(*Victim) {
	return func(v *Victim) { v.Budgets = budgets }
}
func inGang(name string) func(*Victim) { return func(v *Victim) { v.Group = name } }
func pinned(v *Victim)                 { v.Pinned = true }

// sharing is another user of a holder.
func sharing(name string, priority int64) Victim {
	return Victim{Holders: []placement.HolderID{placement.HolderID(name)}, Priority: priority}
}

// snapshotWith is nodes of four A30 with holders of whole GPUs, and their victims.
func snapshotWith(t testing.TB, nodes int, holders ...held) (*Snapshot, []Victim) {
	t.Helper()
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(slices.Repeat([]Node{{Inventory: inv}}, nodes))
	var victims []Victim
	for _, h := range holders {
		verdict := placement.Place(inv, s.NodeState(h.node).GPUs(), gpusFor(h.gpus)(inv), placement.FirstFit{})
		holder := placement.HolderID(h.name)
		if err := s.Allocate(h.node, placement.Allocation{Holder: holder, Devices: verdict.Devices}); err != nil {
			t.Fatal(err)
		}
		victim := Victim{Holders: []placement.HolderID{holder}, Priority: h.priority}
		if h.change != nil {
			h.change(&victim)
		}
		victims = append(victims, victim)
	}
	return s, victims
}

// namesOf names the holders of the victims of a choice.
func namesOf(p *Preemptor, choice *VictimChoice) []string {
	if choice == nil {
		return nil
	}
	var names []string
	for _, v := range choice.Victims {
		names = append(names, string(p.Victims[v].Holders[0]))
	}
	return names
}

func TestSelectVictims(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes    int
		holders  []held
		others   []Victim
		budgets  []int
		keep     bool
		gpus     int
		want     []string
		exceeded int
	}{
		"one pod that has enough, not several": {
			nodes: 2, holders: []held{{0, "a", 1, 1, nil}, {0, "b", 1, 1, nil}, {0, "c", 1, 2, nil}, {1, "d", 1, 4, nil}}, gpus: 4,
			want: []string{"d"},
		},
		"two that are enough": {
			nodes: 1, holders: []held{{0, "a", 1, 1, nil}, {0, "b", 1, 1, lasting(1)}, {0, "c", 1, 2, nil}}, gpus: 3, want: []string{"a", "c"},
		},
		"only those below":          {nodes: 1, holders: []held{{0, "a", 9, 2, nil}, {0, "b", 1, 2, nil}}, gpus: 2, want: []string{"b"}},
		"none of the same priority": {nodes: 1, holders: []held{{0, "a", 5, 4, nil}}, gpus: 1},
		"none that is pinned":       {nodes: 1, holders: []held{{0, "a", 1, 2, pinned}, {0, "b", 1, 2, nil}}, gpus: 2, want: []string{"b"}},
		"none if it is no use":      {nodes: 1, holders: []held{{0, "a", 9, 2, nil}, {0, "b", 1, 2, nil}}, gpus: 4},
		"four of the lowest priority rather than one above": {
			nodes: 2, holders: []held{
				{0, "a", 2, 4, nil}, {1, "b", 1, 1, lasting(9)}, {1, "c", 1, 1, nil}, {1, "d", 1, 1, nil}, {1, "e", 1, 1, nil},
			},
			gpus: 4, want: []string{"b", "c", "d", "e"},
		},
		"least GPU time, not fewest pods": {
			nodes: 2, holders: []held{{0, "a", 1, 4, lasting(100)}, {1, "b", 1, 2, lasting(30)}, {1, "c", 1, 2, lasting(30)}}, gpus: 4,
			want: []string{"b", "c"},
		},
		"a small one that ran long stays": {
			nodes: 1, holders: []held{{0, "a", 1, 1, lasting(50)}, {0, "b", 1, 1, lasting(20)}, {0, "c", 1, 2, lasting(60)}}, gpus: 2,
			want: []string{"c"},
		},
		"budgets before priorities": {
			nodes: 2, holders: []held{{0, "a", 1, 4, within(0)}, {1, "b", 3, 4, nil}}, budgets: []int{0}, gpus: 4, want: []string{"b"},
		},
		"a budget for one of two": {
			nodes: 2, holders: []held{{0, "a", 1, 2, within(0)}, {0, "b", 1, 2, within(0)}, {1, "c", 3, 4, nil}}, budgets: []int{1}, gpus: 4,
			want: []string{"c"},
		},
		"budgets exceeded if nothing else helps": {
			nodes: 1, holders: []held{{0, "a", 1, 2, within(0)}, {0, "b", 1, 2, within(0)}}, budgets: []int{1}, gpus: 4,
			want: []string{"a", "b"}, exceeded: 1,
		},
		"unless they are to be kept": {
			nodes: 1, holders: []held{{0, "a", 1, 4, within(0)}}, budgets: []int{0}, keep: true, gpus: 4,
		},
		"a gang as one": {
			nodes: 2, holders: []held{{0, "a", 1, 1, inGang("g")}, {1, "b", 1, 4, inGang("g")}, {0, "c", 2, 3, nil}}, gpus: 1,
			want: []string{"a", "b"},
		},
		"a gang has its highest priority": {
			nodes: 2, holders: []held{{0, "a", 1, 1, inGang("g")}, {1, "b", 3, 4, inGang("g")}, {0, "c", 2, 3, nil}}, gpus: 1,
			want: []string{"c"},
		},
		"none of a gang of which one is above": {
			nodes: 2, holders: []held{{0, "a", 1, 4, inGang("g")}, {1, "b", 7, 4, inGang("g")}}, gpus: 1,
		},
		"who shares a claim goes with it": {
			nodes: 1, holders: []held{{0, "a", 1, 4, nil}}, others: []Victim{sharing("a", 2)}, gpus: 1, want: []string{"a", "a"},
		},
		"a claim that one above shares stays": {
			nodes: 1, holders: []held{{0, "a", 1, 2, nil}, {0, "b", 2, 2, nil}}, others: []Victim{sharing("a", 9)}, gpus: 1, want: []string{"b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, victims := snapshotWith(t, tc.nodes, tc.holders...)
			before := stateOf(s)
			p := &Preemptor{
				Ranking:  s.Rank(s.ByInventory(gpusFor(tc.gpus)), placement.FirstFit{}),
				Priority: 5, Victims: append(victims, tc.others...), Budgets: tc.budgets, KeepBudgets: tc.keep,
			}
			choice := s.SelectVictims(p)
			if diff := gocmp.Diff(tc.want, namesOf(p, choice)); diff != "" {
				t.Errorf("victims (-want +got):\n%s", diff)
			}
			if choice != nil && choice.Exceeded != tc.exceeded {
				t.Errorf("budgets exceeded by %d, want %d", choice.Exceeded, tc.exceeded)
			}
			if diff := gocmp.Diff(before, stateOf(s)); diff != "" {
				t.Errorf("looking for victims changed the snapshot (-before +after):\n%s", diff)
			}
		})
	}
}

// randomVictims is three nodes of four GPUs full of victims of all kinds.
func randomVictims(t *testing.T, random *rand.Rand) (*Snapshot, *Preemptor) {
	var holders []held
	for node := range 3 {
		for free := 4; free > 0; {
			gpus := 1 + random.Intn(min(2, free))
			h := held{node: node, name: strconv.Itoa(len(holders)), priority: int64(random.Intn(7)), gpus: gpus}
			kind, cost, budget := random.Intn(12), int64(random.Intn(5)), random.Intn(4)
			h.change = func(v *Victim) {
				v.Cost = cost
				switch kind {
				case 0:
					v.Pinned = true
				case 1, 2:
					v.Group = fmt.Sprint("gang-", cost%2)
				}
				if budget < 2 {
					v.Budgets = []int{budget}
				}
			}
			holders = append(holders, h)
			free -= gpus
		}
	}
	s, victims := snapshotWith(t, 3, holders...)
	if random.Intn(2) == 0 {
		victims = append(victims, sharing(strconv.Itoa(random.Intn(len(holders))), int64(random.Intn(8))))
	}
	return s, &Preemptor{Priority: 5, Victims: victims, Budgets: []int{random.Intn(2), random.Intn(3)}, KeepBudgets: random.Intn(4) == 0}
}

// compareChoices is the order of choices, written down once more: budgets, then each priority
// from the highest on with its GPU time and pods.
func compareChoices(p *Preemptor, a, b *VictimChoice) int {
	if c := cmp.Compare(a.Exceeded, b.Exceeded); c != 0 {
		return c
	}
	priorities := map[string]int64{}
	for _, v := range p.Victims {
		if v.Group != "" {
			priorities[v.Group] = max(priorities[v.Group], v.Priority)
		}
	}
	sums := func(choice *VictimChoice, priority int64) (present int, cost int64, pods int) {
		for _, number := range choice.Victims {
			v := &p.Victims[number]
			own := v.Priority
			if v.Group != "" {
				own = priorities[v.Group]
			}
			if own == priority {
				present, cost, pods = 1, cost+v.Cost, pods+max(1, v.Pods)
			}
		}
		return present, cost, pods
	}
	for priority := int64(10); priority >= 0; priority-- {
		presentA, costA, podsA := sums(a, priority)
		presentB, costB, podsB := sums(b, priority)
		if c := cmp.Or(cmp.Compare(presentA, presentB), cmp.Compare(costA, costB), cmp.Compare(podsA, podsB)); c != 0 {
			return c
		}
	}
	return 0
}

// bestOfAll tries every set of victims.
func bestOfAll(s *Snapshot, p *Preemptor, fits func() bool) *VictimChoice {
	var best *VictimChoice
	for set := range 1 << len(p.Victims) {
		if choice := allowedChoice(p, set); choice != nil && (best == nil || compareChoices(p, choice, best) < 0) {
			s.Fork()
			users := map[placement.HolderID]int{}
			for i := range p.Victims {
				users[p.Victims[i].Holders[0]] += 1 - set>>i&1
			}
			for holder, left := range users {
				for node := 0; left == 0 && node < s.Len(); node++ {
					s.ReleaseHolder(node, holder)
				}
			}
			if fits() {
				best = choice
			}
			s.Revert()
		}
	}
	return best
}

// allowedChoice is a set of victims as a choice, nil if it must not end.
func allowedChoice(p *Preemptor, set int) *VictimChoice {
	choice := &VictimChoice{}
	spent := make([]int, len(p.Budgets))
	for i := range p.Victims {
		if set>>i&1 == 0 {
			continue
		}
		v := &p.Victims[i]
		if v.Pinned || v.Priority >= p.Priority {
			return nil
		}
		for j := range p.Victims {
			if v.Group != "" && p.Victims[j].Group == v.Group && set>>j&1 == 0 {
				return nil
			}
		}
		choice.Victims = append(choice.Victims, i)
		for _, budget := range v.Budgets {
			if spent[budget]++; spent[budget] > p.Budgets[budget] {
				choice.Exceeded++
			}
		}
	}
	if choice.Exceeded > 0 && p.KeepBudgets {
		return nil
	}
	return choice
}

// The choice is as good as the best of all sets of victims.
func TestVictimsAreTheBestOfAllSets(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	random := rand.New(rand.NewSource(1))
	found := 0
	for round := range rounds {
		s, p := randomVictims(t, random)
		gpus := 1 + random.Intn(4)
		p.Ranking = s.Rank(s.ByInventory(gpusFor(gpus)), placement.FirstFit{})
		fitsOne := func() bool { return p.Ranking.FitsOn(0) || p.Ranking.FitsOn(1) || p.Ranking.FitsOn(2) }
		group := groupOf(s, gpusFor(gpus), gpusFor(gpus))
		fitsGroup := func() bool { _, outcome := s.PlaceGroup(group); return outcome == placement.Fits }
		for _, one := range []struct {
			got, want *VictimChoice
		}{
			{s.SelectVictims(p), bestOfAll(s, p, fitsOne)},
			{s.SelectGroupVictims(p, fitsGroup), bestOfAll(s, p, fitsGroup)},
		} {
			if (one.got == nil) != (one.want == nil) {
				t.Fatalf("round %d: got %v, want %v", round, one.got, one.want)
			}
			if one.got == nil {
				continue
			}
			found++
			if compareChoices(p, one.got, one.want) != 0 {
				t.Fatalf("round %d: got %+v, want %+v of %+v, budgets %v", round, one.got, one.want, p.Victims, p.Budgets)
			}
		}
	}
	if found < rounds {
		t.Errorf("victims only %d times in %d clusters: the test says little", found, rounds)
	}
}

func TestSelectGroupVictims(t *testing.T) {
	s, victims := snapshotWith(t, 2, held{0, "a", 1, 4, inGang("a")}, held{1, "a2", 1, 1, inGang("a")}, held{1, "b", 2, 3, nil})
	group := groupOf(s, gpusFor(4), gpusFor(1))
	p := &Preemptor{Priority: 5, Victims: victims}
	fits := func() bool {
		_, outcome := s.PlaceGroup(group)
		return outcome == placement.Fits
	}
	// One gang has something of both nodes: ending it makes room on both.
	if diff := gocmp.Diff([]string{"a", "a2"}, namesOf(p, s.SelectGroupVictims(p, fits))); diff != "" {
		t.Errorf("victims (-want +got):\n%s", diff)
	}
	group = groupOf(s, gpusFor(4), gpusFor(4), gpusFor(1))
	if choice := s.SelectGroupVictims(p, fits); choice != nil {
		t.Errorf("nine GPUs on eight by ending %v", namesOf(p, choice))
	}
}

// BenchmarkSelectVictims finds the victims of a pod for a whole node of 5,000 full ones.
func BenchmarkSelectVictims(b *testing.B) {
	random := rand.New(rand.NewSource(1))
	var holders []held
	for node := range 5000 {
		for gpu := range 4 {
			holders = append(holders, held{node, fmt.Sprint(node, "/", gpu), int64(random.Intn(3)), 1, lasting(random.Int63n(1 << 30))})
		}
	}
	s, victims := snapshotWith(b, 5000, holders...)
	for _, gpus := range []int{1, 4} {
		p := &Preemptor{Ranking: s.Rank(s.ByInventory(gpusFor(gpus)), placement.FirstFit{}), Priority: 5, Victims: victims}
		b.Run(fmt.Sprint("gpus=", gpus), func(b *testing.B) {
			for b.Loop() {
				if s.SelectVictims(p) == nil {
					b.Fatal("no victims")
				}
			}
		})
	}
}

package cluster

import (
	"fmt"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// BenchmarkGroup places groups on fleets of two kinds of nodes, a third of which is in use:
// members that are alike, two kinds of them, in racks, and a group that does not fit.
func BenchmarkGroup(b *testing.B) {
	h100, a100 := inventoryOf(b, "dgx-h100"), inventoryOf(b, "dgx-a100")
	for _, nodes := range []int{1_000, 5_000} {
		s := NewSnapshot(nil)
		for n := range nodes {
			inv := h100
			if n%2 == 1 {
				inv = a100
			}
			node := s.AddNode(Node{Inventory: inv, Host: cores(256), Domain: int64(n / 16)})
			if n%3 == 0 {
				verdict := placement.Place(inv, s.NodeState(node).GPUs(), gpusFor(1+n%7)(inv), placement.KeepPlaceable{})
				s.RecordAllocation(node, placement.Allocation{Holder: "before", Host: cores(4), Devices: verdict.Devices})
			}
		}
		alike := GroupMember{Host: cores(8)}
		member := func(request requestFor) GroupMember {
			m := alike
			m.Ranking = s.Rank(s.ByInventory(request), placement.KeepPlaceable{})
			return m
		}
		gang := func(members int, kinds ...GroupMember) *Group {
			group := &Group{SameModel: Preferred}
			for i := range members {
				group.Members = append(group.Members, kinds[i%len(kinds)])
			}
			return group
		}
		any, fast := member(gpusFor(1)), member(onlyOn(h100, gpusFor(1)))
		racks := gang(512, any)
		racks.Levels = []GroupLevel{s.NVLinkLevel(Preferred)}
		for _, c := range []struct {
			name  string
			group *Group
			want  placement.Outcome
		}{
			{"alike", gang(512, any), placement.Fits},
			{"two-kinds", gang(512, any, fast), placement.Fits},
			{"fewest-domains", racks, placement.Fits},
			{"too-large", gang(8*nodes, member(gpusFor(2))), placement.Refused},
		} {
			b.Run(fmt.Sprintf("%s/nodes=%d", c.name, nodes), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, outcome := s.PlaceGroup(c.group); outcome != c.want {
						b.Fatalf("%s, want %s", outcome, c.want)
					}
				}
			})
		}
	}
}

package deviceplacement

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// groupLevels are the levels of a group's constraints. placed are the nodes of members that
// have one: what is required of all is required of those to come. because is why no node can
// satisfy a level.
func (m *groupMembers) groupLevels(constraints *groupcycle.Constraints, placed []int) (levels []cluster.GroupLevel, because string) {
	for i := range constraints.Levels {
		level := &constraints.Levels[i]
		domains := m.domainsOf(level)
		mode := cluster.Preferred
		if level.Required {
			mode = cluster.Required
			if !hasDomain(domains) {
				return nil, fmt.Sprintf("no node with GPUs has label %s, which %s: %s goes by",
					level.Label(), groupcycle.RequiredTopologyAnnotation, level.Name)
			}
			if len(placed) > 0 {
				keepDomain(domains, domains[placed[0]])
			}
		}
		levels = append(levels, cluster.GroupLevel{Name: level.Name, Mode: mode, DomainOf: func(node int) int64 { return domains[node] }})
	}
	return levels, ""
}

// domainsOf numbers the domains of the snapshot's nodes at a level.
func (m *groupMembers) domainsOf(level *groupcycle.Level) []int64 {
	snapshot := m.cycle.Snapshot()
	numbers := map[string]int64{}
	domains := make([]int64, snapshot.Len())
	for i := range domains {
		domains[i] = cluster.NoDomain
		node := m.found.node(i)
		if node == nil {
			continue
		}
		value := node.Node().Labels[level.Label()]
		if value == "" && level.Name == groupcycle.Clique {
			value = snapshot.CliqueOf(i)
		}
		if value == "" {
			continue
		}
		number, known := numbers[value]
		if !known {
			number = int64(len(numbers))
			numbers[value] = number
		}
		domains[i] = number
	}
	return domains
}

func hasDomain(domains []int64) bool {
	for _, domain := range domains {
		if domain != cluster.NoDomain {
			return true
		}
	}
	return false
}

// keepDomain leaves nodes in one domain only.
func keepDomain(domains []int64, kept int64) {
	for i := range domains {
		if domains[i] != kept {
			domains[i] = cluster.NoDomain
		}
	}
}

// nodesOfMembers are the nodes of members that have one, as far as they have GPUs.
func (m *groupMembers) nodesOfMembers(assigned []*v1.Pod) []int {
	if len(assigned) == 0 {
		return nil
	}
	wanted := sets.New[types.UID]()
	for _, pod := range assigned {
		wanted.Insert(pod.UID)
	}
	var placed []int
	for i := range m.cycle.Snapshot().Len() {
		node := m.found.node(i)
		if node == nil {
			continue
		}
		for _, info := range node.GetPods() {
			if wanted.Has(info.GetPod().UID) {
				placed = append(placed, i)
				break
			}
		}
	}
	return placed
}

// sameModel says whether the GPUs of the members must be of one product: by default that is
// preferred where all ask alike.
func sameModel(constraints *groupcycle.Constraints, alike bool) cluster.ConstraintMode {
	switch {
	case constraints.Product == groupcycle.ProductRequired:
		return cluster.Required
	case constraints.Product == groupcycle.ProductByDefault && alike:
		return cluster.Preferred
	}
	return cluster.Indifferent
}

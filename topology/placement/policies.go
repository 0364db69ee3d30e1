package placement

import (
	"fmt"
	"strings"
)

// Policies lists every policy, the default first. demand is what Fragmentation
// descends by, seed what Random draws from.
func Policies(demand Demand, seed uint64) []Policy {
	return []Policy{
		KeepPlaceable{}, FirstFit{}, BestFit{}, Packing{}, Spread{}, DotProduct{}, Clustering{}, NewFragmentation(demand), Random{Seed: seed},
	}
}

// PolicyNamed finds a policy by its name.
func PolicyNamed(name string, demand Demand, seed uint64) (Policy, error) {
	var names []string
	for _, policy := range Policies(demand, seed) {
		if policy.Name() == name {
			return policy, nil
		}
		names = append(names, policy.Name())
	}
	return nil, fmt.Errorf("unknown policy %q: want one of %s", name, strings.Join(names, ", "))
}

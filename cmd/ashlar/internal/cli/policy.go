package cli

import "github.com/ashlar-dev/ashlar/topology/placement"

// PolicySeed makes the random policy choose the same every time.
const PolicySeed = 1

// PolicyNames are what --policy takes where devices of a node are chosen.
func PolicyNames() []string {
	var names []string
	for _, policy := range placement.Policies(placement.PriorDemand(), PolicySeed) {
		names = append(names, policy.Name())
	}
	return names
}

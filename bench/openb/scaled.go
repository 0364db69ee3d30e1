package main

import (
	"fmt"
	"math/rand"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// scaledCluster is a cluster made of the trace's nodes over and over, with pods of the trace
// that arrive at random.
type scaledCluster struct {
	cluster  *policy.ClusterState
	selector policy.NodeSelector
	pods     []policy.TracePod
	rng      *rand.Rand
	grants   []policy.PodAllocation
}

func newScaledCluster(t *traceSet, trace string, chosen policy.NodePolicy, nodes int) (*scaledCluster, error) {
	s := &scaledCluster{pods: t.pods[trace], rng: rand.New(rand.NewSource(42))}
	list := make([]policy.NodeCapacity, nodes)
	for i, at := range s.rng.Perm(nodes) {
		list[i] = t.nodes[at%len(t.nodes)]
		list[i].Name = fmt.Sprintf("node-%05d", i)
	}
	var err error
	if s.cluster, err = policy.NewClusterState(list); err != nil {
		return nil, err
	}
	classes := make([]forecast.PodClass, len(s.pods))
	for i := range s.pods {
		classes[i] = s.pods[i].PodClass
	}
	s.selector = chosen.Selector(s.cluster, forecast.NewClassDemand(classes), 42)
	return s, nil
}

// arriveOne lets one random pod arrive; not placed if it fits nowhere.
func (s *scaledCluster) arriveOne() (placed bool, err error) {
	pod := s.pods[s.rng.Intn(len(s.pods))]
	at, found := s.selector.SelectNode(pod)
	if !found {
		return false, nil
	}
	grant, err := s.cluster.Place(pod, at)
	s.grants = append(s.grants, grant)
	return true, err
}

// leaveOne lets one random pod go.
func (s *scaledCluster) leaveOne() {
	i := s.rng.Intn(len(s.grants))
	s.cluster.Release(s.grants[i])
	s.grants[i] = s.grants[len(s.grants)-1]
	s.grants = s.grants[:len(s.grants)-1]
}

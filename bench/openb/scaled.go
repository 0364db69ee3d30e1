package main

import (
	"fmt"
	"math/rand"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// scaled is a cluster made of the trace's nodes over and over, with pods of the trace
// that arrive at random.
type scaled struct {
	cluster  *policy.ClusterState
	selector policy.NodeSelector
	pods     []policy.TracePod
	rng      *rand.Rand
	grants   []policy.PodAllocation
}

func newScaled(t *traces, trace string, chosen policy.NodePolicy, nodes int) (*scaled, error) {
	s := &scaled{pods: t.pods[trace], rng: rand.New(rand.NewSource(42))}
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

// arrive lets one random pod arrive; not placed if it fits nowhere.
func (s *scaled) arrive() (placed bool, err error) {
	pod := s.pods[s.rng.Intn(len(s.pods))]
	at, found := s.selector.SelectNode(pod)
	if !found {
		return false, nil
	}
	grant, err := s.cluster.Place(pod, at)
	s.grants = append(s.grants, grant)
	return true, err
}

// leave lets one random pod go.
func (s *scaled) leave() {
	i := s.rng.Intn(len(s.grants))
	s.cluster.Release(s.grants[i])
	s.grants[i] = s.grants[len(s.grants)-1]
	s.grants = s.grants[:len(s.grants)-1]
}

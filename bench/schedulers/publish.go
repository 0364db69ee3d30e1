package main

import (
	"context"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// publishNodes adds the session's nodes and their slices.
func (s *benchmarkSession) publishNodes(ctx context.Context) error {
	maker, err := workload.NewNodeMaker(s.size)
	if err != nil {
		return err
	}
	var specs []cluster.NodeSpec
	for i := range s.size.Nodes {
		specs = append(specs, cluster.NodeSpec{Name: workload.NodeName(i)})
	}
	if err := s.cluster.AddNodes(ctx, specs); err != nil {
		return err
	}
	return workload.PublishSlices(ctx, s.cluster.RESTConfig(), 0, s.size.Nodes, maker.MakeSlices)
}

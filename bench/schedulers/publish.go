package main

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// publishers is how many nodes are published at a time. What a node publishes is made when
// its turn comes, so that no more than these are in memory.
var publishers = 8 * runtime.NumCPU()

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
	// Slices are large, and JSON costs the API server several times as much.
	config := s.cluster.RESTConfig()
	config.ContentType = k8sruntime.ContentTypeProtobuf
	config.AcceptContentTypes = k8sruntime.ContentTypeProtobuf + "," + k8sruntime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(publishers)
	for i := range s.size.Nodes {
		group.Go(func() error { return publishNode(groupCtx, client, maker, i) })
	}
	return group.Wait()
}

func publishNode(ctx context.Context, client kubernetes.Interface, maker *workload.NodeMaker, number int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	slices, err := maker.MakeSlices(number)
	if err != nil {
		return err
	}
	for _, slice := range slices {
		if _, err := client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating a slice of %s: %w", workload.NodeName(number), err)
		}
	}
	return nil
}

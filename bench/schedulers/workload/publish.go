package workload

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// publishers is how many nodes are published at a time. What a node publishes is made when
// its turn comes, so that no more than these are in memory.
var publishers = 8 * runtime.NumCPU()

// PublishSlices creates the slices of so many nodes, the first of which has the given number, as makeSlices
// makes them.
func PublishSlices(
	ctx context.Context, connection *rest.Config, first, nodes int, makeSlices func(number int) ([]*resourceapi.ResourceSlice, error),
) error {
	// Slices are large, and JSON costs the API server several times as much.
	config := rest.CopyConfig(connection)
	config.ContentType = k8sruntime.ContentTypeProtobuf
	config.AcceptContentTypes = k8sruntime.ContentTypeProtobuf + "," + k8sruntime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(publishers)
	for i := range nodes {
		group.Go(func() error { return publishNode(groupCtx, client, first+i, makeSlices) })
	}
	return group.Wait()
}

func publishNode(
	ctx context.Context, client kubernetes.Interface, number int, makeSlices func(number int) ([]*resourceapi.ResourceSlice, error),
) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	slices, err := makeSlices(number)
	if err != nil {
		return err
	}
	for _, slice := range slices {
		if _, err := client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating a slice of %s: %w", NodeName(number), err)
		}
	}
	return nil
}

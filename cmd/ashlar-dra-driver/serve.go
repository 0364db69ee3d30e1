package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra/publish"
)

// runDriver does what the flags say. Nothing is written before everything is known to
// be in order.
func (o *driverOptions) runDriver(ctx context.Context, stdout io.Writer) error {
	var nodes []publishedNode
	var err error
	names := []string{o.nodeName}
	if o.dryRun || !o.preparesClaims() {
		if nodes, err = o.discoverNodes(ctx); err != nil {
			return err
		}
		names = namesOf(nodes)
	}
	if o.dryRun {
		return printSlices(stdout, o.output, nodes)
	}
	client, err := o.newClient()
	if err != nil {
		return err
	}
	if err := publish.CheckCluster(ctx, client, names); err != nil {
		return err
	}
	var ready atomic.Bool
	if o.healthz != "" {
		if _, err := serveReadiness(ctx, o.healthz, &ready); err != nil {
			return err
		}
	}
	if o.preparesClaims() {
		return o.runNode(ctx, client, &ready)
	}
	return serveNodes(ctx, client, nodes, &ready)
}

func namesOf(nodes []publishedNode) []string {
	names := make([]string, len(nodes))
	for i, node := range nodes {
		names[i] = node.name
	}
	return names
}

// newClient connects to the API server. One process may serve hundreds of nodes,
// so the limits are far above client-go's 5 requests per second, and slices
// travel as protobuf, which takes a fraction of the time that JSON does.
func (o *driverOptions) newClient() (kubernetes.Interface, error) {
	var config *rest.Config
	var err error
	if o.kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	} else {
		config, err = rest.InClusterConfig()
	}
	if errors.Is(err, rest.ErrNotInCluster) {
		return nil, errors.New("not in a pod of a cluster: --kubeconfig is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address and credentials: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.UserAgent = rest.DefaultKubernetesUserAgent()
	return kubernetes.NewForConfig(config)
}

// serveNodes publishes all nodes and keeps them published until ctx ends, but for those
// whose GPUs somebody else hands out. The slices stay when it returns.
func serveNodes(asked context.Context, client kubernetes.Interface, nodes []publishedNode, ready *atomic.Bool) error {
	const parallel = 64 // each node first waits a second or so for its informer
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	watch, err := publish.WatchRivals(ctx, client, namesOf(nodes))
	if err != nil {
		return err
	}
	stops := make([]func(), len(nodes))
	// Not a group's context: slices are kept up to date until the end, past the group's.
	var publishing errgroup.Group
	publishing.SetLimit(parallel)
	for i, node := range nodes {
		publishing.Go(func() error {
			sink := publish.NewControllerSink(client, node.name)
			publication, err := publish.PublishSlices(ctx, client, watch, sink, node.name, node.resources)
			if err != nil {
				cancel(err)
			}
			stops[i] = func() {
				if publication != nil {
					publication.Stop()
				}
				sink.Stop()
			}
			nodes[i].resources = resourceslice.DriverResources{} // the publisher has its own copy
			return err
		})
	}
	if err := publishing.Wait(); err == nil && ctx.Err() == nil {
		ready.Store(true)
		klog.FromContext(ctx).Info("all nodes are served", "nodes", len(nodes))
	}
	<-ctx.Done()
	for _, stop := range stops {
		if stop != nil {
			stop()
		}
	}
	if asked.Err() != nil {
		return nil // by a signal
	}
	return context.Cause(ctx)
}

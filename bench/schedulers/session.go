package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// manifestFolder is what is applied: the scheduler's and the driver's base, and Ashlar's
// devices behind nvidia.com/gpu.
const manifestFolder = "manifests/overlays/extended-resources"

// benchmarkSession is one control plane.
type benchmarkSession struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	root    string // of the repository
	say     func(string)
	size    workload.Size
	peaks   memoryPeaks
	// runs numbers the runs, whose pods have it in their names.
	runs int
	// publishing is how long the nodes and slices took.
	publishing time.Duration
}

// startSession starts a control plane. Kubelets that send no heartbeats and no other
// scheduler: next to nothing but the one that is measured uses the processor.
func startSession(ctx context.Context, binaries *cluster.Binaries, say func(string)) (*benchmarkSession, error) {
	c, err := cluster.Start(ctx, cluster.Options{
		Binaries: binaries, Kubelets: cluster.SilentKubelets, Scheduler: cluster.NoScheduler, Progress: say,
	})
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		_ = c.Stop()
		return nil, err
	}
	root := filepath.Dir(filepath.Dir(binaries.Dir()))
	return &benchmarkSession{cluster: c, client: client, root: root, say: say, peaks: memoryPeaks{}}, nil
}

// endSession notes the memory of the control plane and ends it.
func (s *benchmarkSession) endSession() error {
	for _, process := range s.cluster.Processes() {
		if process.Name() != string(stockScheduler) && process.Name() != string(ashlarScheduler) {
			if err := s.peaks.notePeak(process); err != nil {
				return err
			}
		}
	}
	return s.cluster.Stop()
}

// prepareNodes applies the manifests and publishes nodes.
func (s *benchmarkSession) prepareNodes(ctx context.Context, size workload.Size) error {
	s.size = size
	if err := s.applyManifests(ctx, filepath.FromSlash(manifestFolder)); err != nil {
		return err
	}
	if err := install.EnsureNamespace(ctx, s.cluster, s.client, workload.Namespace); err != nil {
		return err
	}
	start := time.Now()
	s.say(fmt.Sprintf("adding %d nodes and publishing %d devices of each", size.Nodes, size.Devices))
	if err := s.publishNodes(ctx); err != nil {
		return fmt.Errorf("publishing %s: %w", size, err)
	}
	s.publishing = time.Since(start)
	s.say(fmt.Sprintf("published in %.0f s", s.publishing.Seconds()))
	return nil
}

// applyManifests applies a folder of the repository that has the PodGroups' definition in it.
func (s *benchmarkSession) applyManifests(ctx context.Context, folder string) error {
	if _, err := s.cluster.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(s.root, folder)); err != nil {
		return err
	}
	_, err := s.cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd/podgroups.scheduling.x-k8s.io")
	return err
}

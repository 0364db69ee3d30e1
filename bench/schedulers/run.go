package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/bench/readme"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// benchmarkSize is how large the benchmark is.
type benchmarkSize struct {
	nodes, stockPods, ashlarPods int
	pluginNodes, pluginPods      int
}

// schedulerResult is one scheduler's figure.
type schedulerResult struct {
	scheduler string
	pods      int
	took      time.Duration
}

func (r schedulerResult) podsPerSecond() float64 { return float64(r.pods) / r.took.Seconds() }

// The commands that write the tables of the README.
const (
	claimCommand  = "go run ./bench/schedulers --readme README.md"
	pluginCommand = "go run ./bench/schedulers --device-plugin --readme README.md"
)

func runBenchmark(ctx context.Context, size benchmarkSize, devicePlugin bool, file string) error {
	start := time.Now()
	say := func(what string) { fmt.Fprintf(os.Stderr, "[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if err := binaries.Ensure(ctx, say, install.Commands...); err != nil {
		return err
	}
	// Kubelets that send no heartbeats and no other scheduler: next to nothing but
	// the one that is measured uses the processor.
	c, err := cluster.Start(ctx, cluster.Options{
		Binaries: binaries, Kubelets: cluster.SilentKubelets, Scheduler: cluster.NoScheduler, Progress: say,
	})
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop() }()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(binaries.Dir()))
	b := &schedulerBenchmark{cluster: c, client: client, root: root, say: say}
	table, command := "", claimCommand
	if devicePlugin {
		command = pluginCommand
		table, err = b.runDevicePlugin(ctx, size.pluginNodes, size.pluginPods)
	} else {
		table, err = b.runClaims(ctx, size)
	}
	if err != nil {
		return err
	}
	fmt.Println(table)
	if file == "" {
		return nil
	}
	return readme.Write(file, command, table)
}

// runClaims measures pods with a claim each.
func (b *schedulerBenchmark) runClaims(ctx context.Context, size benchmarkSize) (string, error) {
	devices, err := b.setUp(ctx, size.nodes)
	if err != nil {
		return "", err
	}
	var results []schedulerResult
	for _, subject := range []struct {
		scheduler string
		pods      int
		start     func(context.Context) (*cluster.Process, error)
	}{
		{"kube-scheduler " + cluster.KubernetesVersion, size.stockPods, b.startStock},
		{"ashlar-scheduler", size.ashlarPods, b.startAshlar},
	} {
		took, err := b.measureScheduler(ctx, subject.pods, subject.start)
		if err != nil {
			return "", fmt.Errorf("%s: %w", subject.scheduler, err)
		}
		results = append(results, schedulerResult{subject.scheduler, subject.pods, took})
		b.say(fmt.Sprintf("%s bound %d pods in %s", subject.scheduler, subject.pods, took.Round(time.Millisecond)))
	}
	return tableOf(results, size.nodes, devices), nil
}

func tableOf(results []schedulerResult, nodes, devices int) string {
	text := fmt.Sprintf(
		"%d nodes x %d devices, one pod per claim, one GPU per claim; %d cores shared with etcd and the API server, %s, %s\n\n",
		nodes, devices, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly))
	text += "| scheduler | pods | time | pods/s |\n| --- | ---: | ---: | ---: |\n"
	for _, r := range results {
		text += fmt.Sprintf("| %s | %d | %.1f s | %.2f |\n", r.scheduler, r.pods, r.took.Seconds(), r.podsPerSecond())
	}
	return text + fmt.Sprintf("\nratio: %.1f", results[1].podsPerSecond()/results[0].podsPerSecond())
}

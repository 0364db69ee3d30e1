package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

func main() {
	kubernetes := flag.String("kubernetes", cluster.KubernetesVersion,
		"version of the API server, controller-manager and kube-scheduler: this or "+cluster.EarlierKubernetesVersion)
	node := flag.Bool("node", false, "build what a real node needs, too, if one can run here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepareAll(ctx, *kubernetes, *node); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func prepareAll(ctx context.Context, kubernetes string, node bool) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if binaries, err = binaries.ForKubernetes(kubernetes); err != nil {
		return err
	}
	start := time.Now()
	progress := func(what string) { fmt.Printf("[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	if err := binaries.Ensure(ctx, progress, install.Commands...); err != nil {
		return err
	}
	if err := binaries.EnsureHelm(ctx, progress); err != nil || !node {
		return err
	}
	if reason, err := binaries.MissingNodeSupport(ctx); err != nil || reason != "" {
		if err == nil {
			progress("no real node can run here: " + reason)
		}
		return err
	}
	return binaries.EnsureNode(ctx, progress)
}

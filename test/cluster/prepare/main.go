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
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepareAll(ctx, *kubernetes); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func prepareAll(ctx context.Context, kubernetes string) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if binaries, err = binaries.ForKubernetes(kubernetes); err != nil {
		return err
	}
	start := time.Now()
	return binaries.Ensure(ctx, func(what string) {
		fmt.Printf("[%5.1fs] %s\n", time.Since(start).Seconds(), what)
	}, install.Commands...)
}

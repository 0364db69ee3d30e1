package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// nodeName is the real node of all tests.
const nodeName = "real-0"

// world is what all tests share. Where skip is set, there is nothing else in it.
var world struct {
	skip    string
	cluster *cluster.Cluster
	client  kubernetes.Interface
	node    *cluster.Node
}

func TestMain(m *testing.M) {
	if os.Getenv(driverVariable) != "" {
		if err := runTestDriver(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(ownerVariable); dir != "" {
		if err := ownNode(dir); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if testing.Short() {
		fmt.Println("end-to-end tests need a real node: skipped in short mode")
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute) // the first time all is built
	defer cancel()
	start := time.Now()
	say := func(what string) { fmt.Printf("[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	defer func() {
		if world.cluster == nil {
			return
		}
		if err := errors.Join(world.cluster.Err(), world.cluster.Stop()); err != nil {
			fmt.Fprintln(os.Stderr, "the cluster:", err)
			code = 1
		}
	}()
	if err := setUp(ctx, say); err != nil {
		fmt.Fprintln(os.Stderr, "setting up:", err)
		return 1
	}
	return m.Run()
}

func setUp(ctx context.Context, say func(string)) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if world.skip, err = binaries.MissingNodeSupport(ctx); err != nil || world.skip != "" {
		return err
	}
	if err := binaries.EnsureNode(ctx, say); err != nil {
		return err
	}
	if world.cluster, err = cluster.Start(ctx, cluster.Options{
		Binaries: binaries, Kubelets: cluster.NoKubelets, Progress: say, Keep: os.Getenv("KEEP") != "",
	}); err != nil {
		return err
	}
	if world.client, err = kubernetes.NewForConfig(world.cluster.RESTConfig()); err != nil {
		return err
	}
	world.node, err = world.cluster.StartNode(ctx, cluster.NodeOptions{Name: nodeName})
	return err
}

// needsNode skips a test where no real node can run.
func needsNode(t *testing.T) {
	t.Helper()
	if world.skip != "" {
		t.Skip(world.skip)
	}
}

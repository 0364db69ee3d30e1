package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
	if part := partOf(); part != nil {
		if err := part(); err != nil {
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

// partOf returns what this process is if it is not the tests': they start themselves
// again as programs on the node, and as an owner of a cluster that is killed.
func partOf() func() error {
	switch {
	case os.Getenv(driverVariable) != "":
		return func() error { return runTestDriver(os.Args[1:]) }
	case os.Getenv(pluginVariable) != "":
		return runTestPlugin
	case os.Getenv(mpsVariable) != "" && filepath.Base(os.Args[0]) == mpsProgram:
		return func() error { return runTestMPS(os.Args[1:]) }
	case os.Getenv(ownerVariable) != "":
		return func() error { return ownNode(os.Getenv(ownerVariable)) }
	}
	return nil
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

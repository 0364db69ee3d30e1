package webhook

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// nodes are GPUs of two sizes.
var nodes = []install.Node{
	{Name: "of-24gb", Machine: "4xA30-pcie"},
	{Name: "of-48gb", Machine: "8xL40S-2socket-node"},
}

// world is the cluster that all tests share; nil in short mode.
var world struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	webhook *replicas
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("tests of the webhook need a control plane: skipped in short mode")
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	say := func(what string) { fmt.Printf("[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	code := 1
	err := setUp(ctx, say)
	if err != nil {
		fmt.Fprintln(os.Stderr, "setting up:", err)
	} else {
		code = m.Run()
	}
	if world.cluster == nil {
		return code
	}
	if err := world.cluster.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "a process ended during the tests:", err)
		code = 1
	}
	if err := world.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the cluster:", err)
		code = 1
	}
	return code
}

func setUp(ctx context.Context, say func(string)) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if err := binaries.Ensure(ctx, say, append([]string{program}, install.Commands...)...); err != nil {
		return err
	}
	world.cluster, err = cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say})
	if err != nil {
		return err
	}
	if world.client, err = kubernetes.NewForConfig(world.cluster.RESTConfig()); err != nil {
		return err
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	if _, err := install.Install(ctx, world.cluster, root, nodes, say); err != nil {
		return err
	}
	say("starting the webhook")
	world.webhook, err = startReplicas(ctx)
	return err
}

package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// nodes are the nodes of every test, named after it.
var nodes = []install.Node{
	{Name: "choice-intree", Machine: "8xA100-pcie-oddpairs"},
	{Name: "choice-ashlar", Machine: "8xA100-pcie-oddpairs"},
	{Name: "pair-intree", Machine: "azure-nc96ads-a100"},
	{Name: "pair-ashlar", Machine: "azure-nc96ads-a100"},
	{Name: "exclusion", Machine: "4xA30-pcie"},
	{Name: "extended", Machine: "8xL40S-2socket-node"},
	{Name: "gang-fits", Machine: "dgx-a100"},
	{Name: "gang-waits", Machine: "dgx-a100"},
	{Name: "gang-turns", Machine: "dgx-a100"},
	{Name: "gang-small", Machine: "4xA30-pcie"},
	{Name: "gang-large", Machine: "azure-nc96ads-a100"},
	{Name: "gang-never", Machine: "4xA30-pcie"},
	{Name: "gang-spare", Machine: "4xA30-pcie"},
	{Name: "side-by-side", Machine: "4xA30-pcie"},
	{Name: "kept-eight", Machine: "8xL40S-2socket-node"},
	{Name: "whole-groups-a", Machine: "4xA30-pcie"},
	{Name: "whole-groups-b", Machine: "4xA30-pcie"},
	{Name: "apart-a", Machine: "4xA30-pcie"},
	{Name: "apart-b", Machine: "4xA30-pcie"},
	{Name: "apart-c", Machine: "4xA30-pcie"},
	{Name: "apart-d", Machine: "4xA30-pcie"},
	{Name: "apart-e", Machine: "4xA30-pcie"},
	{Name: "apart-f", Machine: "4xA30-pcie"},
	{Name: "topology-match", Machine: "4xA30-pcie"},
	{Name: "preemption", Machine: "4xA30-pcie"},
	{Name: "explain", Machine: "dgx1-v100"},
	{Name: "suggestion", Machine: "4gpu-mixed-bridge"},
	{Name: "overcommit-a", Machine: "4xA30-pcie"},
	{Name: "overcommit-b", Machine: "azure-nc96ads-a100"},
	{Name: "score-small", Machine: "4xA30-pcie"},
	{Name: "score-large", Machine: "dgx-h100"},
	{Name: "memory-small", Machine: "aws-p3.16xlarge"},
	{Name: "memory-large", Machine: "4xA30-pcie"},
	{Name: "beside-plugin", Machine: "4xA30-pcie"},
	{Name: "beside-nvidia", Machine: "4xA30-pcie"},
	{Name: "whatif-nvlink", Machine: "dgx1-v100"},
	{Name: "whatif-mig", Machine: "4xA30-pcie"},
	{Name: "whatif-share", Machine: "8xL40S-2socket-node"},
	{Name: "whatif-pairs", Machine: "8xA100-pcie-oddpairs"},
	{Name: "defrag-a", Machine: "4xA30-pcie"},
	{Name: "defrag-b", Machine: "4xA30-pcie"},
	{Name: wakingNode, Machine: "4xA30-pcie"},
}

// world is the cluster that all tests share; nil in short mode.
var world struct {
	cluster      *cluster.Cluster
	client       kubernetes.Interface
	installation *install.Installation
}

// kubernetesVersion is that of the API server, the controller-manager and the stock
// scheduler. Ashlar's own programs are the same beside each.
var kubernetesVersion = flag.String("kubernetes", cluster.KubernetesVersion,
	"version of Kubernetes to test with: this or "+cluster.EarlierKubernetesVersion)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("integration tests need a control plane: skipped in short mode")
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	start := time.Now()
	say := func(what string) { fmt.Printf("[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	if err := setUp(ctx, say); err != nil {
		fmt.Fprintln(os.Stderr, "setting up:", err)
		if world.cluster != nil {
			_ = world.cluster.Stop()
		}
		return 1
	}
	code := m.Run()
	if err := world.cluster.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "a process ended during the tests:", err)
		code = 1
	}
	if err := checkDenials(); err != nil {
		fmt.Fprintln(os.Stderr, "permissions:", err)
		code = 1
	}
	if err := world.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the cluster:", err)
		code = 1
	}
	return code
}

// checkDenials finds what a program of ours asked for during the tests and its account may not.
func checkDenials() error {
	calls, err := world.cluster.AuditedCalls()
	if err != nil {
		return err
	}
	denied := map[string]bool{}
	for _, call := range calls {
		if call.IsDenied() && strings.HasPrefix(call.User.Username, "system:serviceaccount:ashlar-system:ashlar-") {
			denied[fmt.Sprintf("%s may not %s %s", call.User.Username, call.Verb, call.RequestURI)] = true
		}
	}
	if len(denied) == 0 {
		return nil
	}
	return errors.New(strings.Join(slices.Sorted(maps.Keys(denied)), "\n"))
}

func setUp(ctx context.Context, say func(string)) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if binaries, err = binaries.ForKubernetes(*kubernetesVersion); err != nil {
		return err
	}
	if err := binaries.Ensure(ctx, say, install.Commands...); err != nil {
		return err
	}
	world.cluster, err = cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say, Audit: true})
	if err != nil {
		return err
	}
	if world.client, err = kubernetes.NewForConfig(world.cluster.RESTConfig()); err != nil {
		return err
	}
	server, err := world.client.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	if server.GitVersion != *kubernetesVersion {
		return fmt.Errorf("the API server is %s, want %s", server.GitVersion, *kubernetesVersion)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	world.installation, err = install.Install(ctx, world.cluster, root, nodes, say)
	return err
}

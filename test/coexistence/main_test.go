package coexistence

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

var (
	freezeRounds = flag.Int("freeze-rounds", 1, "how often a leader is frozen and woken")
	rivalPods    = flag.Int("rival-pods", 60, "pods of each of two schedulers")
	nodeCount    = flag.Int("nodes", 40, "nodes of eight GPUs")
	program      = flag.String("scheduler", "", "ashlar-scheduler to test, of another version; by default this checkout's")
)

// machine has eight GPUs that are handed out whole or in shares.
const machine = "8xL40S-2socket-node"

const namespace = "coexistence"

// world is the cluster that all tests share.
var world struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("coexistence tests need a control plane: skipped in short mode")
		os.Exit(0)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	err := setUp(ctx)
	cancel()
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "setting up:", err)
	}
	if world.cluster != nil {
		if err := world.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the cluster:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func setUp(ctx context.Context) error {
	say := func(what string) { fmt.Println(what) }
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if err := binaries.Ensure(ctx, say, scheduler); err != nil {
		return err
	}
	if world.cluster, err = cluster.Start(ctx, cluster.Options{
		Binaries: binaries, Progress: say, Kubelets: cluster.SilentKubelets,
	}); err != nil {
		return err
	}
	if world.client, err = kubernetes.NewForConfig(clientConfig()); err != nil {
		return err
	}
	if err := applyFolder(ctx, filepath.Join("manifests", "base")); err != nil {
		return err
	}
	if err := install.EnsureNamespace(ctx, world.cluster, world.client, namespace); err != nil {
		return err
	}
	return publishNodes(ctx)
}

// applyFolder applies a folder of the repository.
func applyFolder(ctx context.Context, folder string) error {
	_, err := world.cluster.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join("..", "..", folder))
	return err
}

// publishNodes adds the nodes and publishes their GPUs as the driver would.
func publishNodes(ctx context.Context) error {
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		return err
	}
	var specs []cluster.NodeSpec
	for i := range *nodeCount {
		specs = append(specs, cluster.NodeSpec{Name: fmt.Sprintf("node-%d", i)})
	}
	if err := world.cluster.AddNodes(ctx, specs); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, spec := range specs {
		node := simulated.Node{Name: spec.Name, Machine: machineType}
		inventory, err := node.Discover(catalogue.Default().MIG)
		if err != nil {
			return err
		}
		devices := inventory.ListDevices(discovery.DeviceOptions{AnyMode: true})
		for _, slice := range publish.ResourceSlices(spec.Name, publish.DriverResources(spec.Name, inventory, devices, nil)) {
			group.Go(func() error { return createSlice(groupCtx, slice) })
		}
	}
	return group.Wait()
}

func createSlice(ctx context.Context, slice *resourceapi.ResourceSlice) error {
	_, err := world.client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{})
	return err
}

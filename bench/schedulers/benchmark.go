package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
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

const (
	machine   = "dgx-h100"
	namespace = "bench"
	// writers is how many objects are created at a time.
	writers = 16
	// patience bounds one measurement.
	patience = 15 * time.Minute
)

type schedulerBenchmark struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	root    string
	say     func(string)
	runs    int
}

// setUp applies the device classes and publishes the nodes. It returns the number
// of devices of a node.
func (b *schedulerBenchmark) setUp(ctx context.Context, nodes int) (int, error) {
	if _, err := b.cluster.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(b.root, "manifests", "base")); err != nil {
		return 0, err
	}
	if err := install.EnsureNamespace(ctx, b.cluster, b.client, namespace); err != nil {
		return 0, err
	}
	b.say(fmt.Sprintf("adding %d nodes", nodes))
	var specs []cluster.NodeSpec
	for i := range nodes {
		specs = append(specs, cluster.NodeSpec{Name: fmt.Sprintf("node-%d", i)})
	}
	if err := b.cluster.AddNodes(ctx, specs); err != nil {
		return 0, err
	}
	b.say("publishing their devices")
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		return 0, err
	}
	devices := 0
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, spec := range specs {
		node := simulated.Node{Name: spec.Name, Machine: machineType}
		inventory, err := node.Discover(catalogue.Default().MIG)
		if err != nil {
			return 0, err
		}
		offered := inventory.ListDevices(discovery.DeviceOptions{AnyMode: true})
		slices := publish.ResourceSlices(spec.Name, publish.DriverResources(spec.Name, inventory, offered, nil))
		devices = withoutMedia(slices)
		for _, slice := range slices {
			group.Go(func() error {
				_, err := b.client.ResourceV1().ResourceSlices().Create(groupCtx, slice, metav1.CreateOptions{})
				return err
			})
		}
	}
	return devices, group.Wait()
}

// withoutMedia leaves out the +me placements, which are 7 of the 27 devices of a
// GPU, and returns how many devices are left.
func withoutMedia(slices []*resourceapi.ResourceSlice) int {
	count := 0
	for _, slice := range slices {
		var kept []resourceapi.Device
		for _, device := range slice.Spec.Devices {
			if profile := device.Attributes["profile"].StringValue; profile == nil || !strings.Contains(*profile, "+") {
				kept = append(kept, device)
			}
		}
		slice.Spec.Devices = kept
		count += len(kept)
	}
	return count
}

// measureScheduler creates pods, starts a scheduler, and returns the time from when it is
// ready until the last pod is bound. The first pod is not counted: it pays for
// filling caches.
func (b *schedulerBenchmark) measureScheduler(
	ctx context.Context,
	pods int,
	start func(context.Context) (*cluster.Process, error),
) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b.runs++
	scheduler, err := start(ctx)
	if err != nil {
		return 0, err
	}
	warm := fmt.Sprintf("warm-%d", b.runs)
	if err := b.bindPods(ctx, warm, 1); err != nil {
		return 0, err
	}
	before := time.Now()
	if err := b.bindPods(ctx, fmt.Sprintf("run-%d", b.runs), pods); err != nil {
		return 0, err
	}
	took := time.Since(before)
	if err := scheduler.Stop(); err != nil {
		return 0, err
	}
	return took, b.clearCluster(ctx)
}

// bindPods creates pods with a claim each and waits until all are bound.
func (b *schedulerBenchmark) bindPods(ctx context.Context, run string, pods int) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range pods {
		group.Go(func() error { return b.createPod(groupCtx, fmt.Sprintf("%s-%d", run, i), run) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.cluster.Until(ctx, fmt.Sprintf("%d pods to be bound", pods), func(ctx context.Context) error {
		list, err := b.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "run=" + run, FieldSelector: "spec.nodeName="})
		if err != nil {
			return err
		}
		if len(list.Items) > 0 {
			return fmt.Errorf("%d are not bound", len(list.Items))
		}
		return nil
	})
}

func (b *schedulerBenchmark) createPod(ctx context.Context, name, run string) error {
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{
		Name: "gpu",
		Exactly: &resourceapi.ExactDeviceRequest{
			DeviceClassName: "gpu.ashlar.dev", AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
			Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
				Expression: `device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("40Gi"))`,
			}}},
		},
	}}
	if _, err := b.client.ResourceV1().ResourceClaims(namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return err
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"run": run}},
		Spec: corev1.PodSpec{
			SchedulerName:  "measured",
			ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim.Name}},
			Containers: []corev1.Container{{
				Name: "c", Image: "example.com/none",
				Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpu"}}},
			}},
		},
	}
	_, err := b.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	return err
}

// clearCluster removes all pods and claims, so that the next scheduler finds the same
// cluster.
func (b *schedulerBenchmark) clearCluster(ctx context.Context) error {
	now := metav1.NewDeleteOptions(0)
	if err := b.client.CoreV1().Pods(namespace).DeleteCollection(ctx, *now, metav1.ListOptions{}); err != nil {
		return err
	}
	if err := b.client.ResourceV1().ResourceClaims(namespace).DeleteCollection(ctx, *now, metav1.ListOptions{}); err != nil {
		return err
	}
	return b.cluster.Until(ctx, "claims to be released", func(ctx context.Context) error {
		list, err := b.client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(list.Items) > 0 {
			return errors.New("some are left")
		}
		return nil
	})
}

// profiles differ in nothing but Ashlar's plugins.
const stockConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 2000, burst: 4000}
profiles:
- schedulerName: measured
`

const ashlarConfig = stockConfig + `  plugins:
    multiPoint:
      enabled:
      - {name: DevicePlacement}
      - {name: DevicePlacementScore, weight: 10}
      disabled:
      - {name: DynamicResources}
`

func (b *schedulerBenchmark) startStock(ctx context.Context) (*cluster.Process, error) {
	return b.startScheduler(ctx, "stock", stockConfig, b.cluster.Binaries().ControlPlane(), "kube-scheduler")
}

func (b *schedulerBenchmark) startAshlar(ctx context.Context) (*cluster.Process, error) {
	return b.startScheduler(ctx, "ashlar", ashlarConfig, b.cluster.Binaries().Command("ashlar-scheduler"))
}

func (b *schedulerBenchmark) startScheduler(ctx context.Context, name, config, command string, args ...string) (*cluster.Process, error) {
	kubeconfig := b.cluster.Kubeconfig()
	file := filepath.Join(b.cluster.Dir(), name+"-config.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, kubeconfig), 0o600); err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	return b.cluster.Run(ctx, name, command, append(args, "--config", file, "--authentication-kubeconfig", kubeconfig,
		"--authorization-kubeconfig", kubeconfig, "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(port),
		"--cert-dir", filepath.Join(b.cluster.Dir(), name+"-certs"))...)
}

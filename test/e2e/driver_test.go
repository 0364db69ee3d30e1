package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	gpuNode, gpuMachine = "gpus", "dgx-h100"
	driverProgram       = "ashlar-dra-driver"
	// gpuState is where the node's simulated GPUs keep their state, on the node.
	gpuState = "/var/lib/ashlar-gpus"
)

// Ashlar's scheduler chooses, its driver prepares on simulated GPUs beside a real kubelet, and
// each container sees what was allocated to it through CDI: a whole GPU, a MIG slice, a share
// of MPS. The driver is killed while all run, and a new one takes them back at the end.
func TestDriverPreparesWhatSchedulerChose(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := world.cluster.Binaries().Ensure(ctx, nil, install.Commands...); err != nil {
		t.Fatal(err)
	}
	if _, err := install.Install(ctx, world.cluster, filepath.Join("..", ".."), nil, func(what string) { t.Log(what) }); err != nil {
		t.Fatal(err)
	}
	node, err := world.cluster.StartNode(ctx, cluster.NodeOptions{Name: gpuNode})
	if err != nil {
		t.Fatal(err)
	}
	account := driverAccount(ctx, t, node)
	driver := startDriver(ctx, t, node, account)
	gpus := openGPUs(t, node)

	whole := claimed(ctx, t, "whole", "gpu.ashlar.dev", nil, "")
	slice := claimed(ctx, t, "slice", "mig-3g.40gb.gpu.ashlar.dev", nil, "")
	memory := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("20Gi")}
	share := claimed(
		ctx,
		t,
		"share",
		"share.gpu.ashlar.dev",
		memory,
		`{"apiVersion": "gpu.ashlar.dev/v1alpha1", "kind": "ShareConfig", "strategy": "MPS"}`,
	)

	for pod, want := range map[*claimedPod]map[string]string{
		whole: {"NVIDIA_VISIBLE_DEVICES": "void"},
		slice: {"NVIDIA_VISIBLE_DEVICES": "void"},
		share: {
			"NVIDIA_VISIBLE_DEVICES": "void", "ASHLAR_GPU_MEMORY_LIMIT": fmt.Sprint(20 << 30),
			"CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "0=20480M", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "25",
		},
	} {
		for name, value := range want {
			if got := pod.report.Env[name]; got != value {
				t.Errorf("pod %s: %s is %q, want %q", pod.name, name, got, value)
			}
		}
	}
	if pipes := share.report.Env["CUDA_MPS_PIPE_DIRECTORY"]; !slices.Contains(share.report.Mounts, pipes) {
		t.Errorf("pod share: the directory of its MPS control daemon, %q, is not among its mounts %v", pipes, share.report.Mounts)
	}
	instances := gpus.instances(ctx, t)
	if len(instances) != 1 || instances[0].Profile != 9 ||
		!strings.Contains(slice.device(ctx, t), fmt.Sprintf("-9-%d", instances[0].Placement.Start)) {
		t.Fatalf("MIG instances %+v, want one of profile 9 where %s is", instances, slice.device(ctx, t))
	}

	control, err := simulated.OpenControl(node.HostPath(gpuState))
	if err != nil {
		t.Fatal(err)
	}
	sick := whole.device(ctx, t)
	index, err := strconv.Atoi(strings.TrimPrefix(sick, "gpu-"))
	if err != nil {
		t.Fatal(err)
	}
	// An uncorrectable memory error, after which the GPU asks for a reset.
	err = errors.Join(control.ReportXID(index, 48, nil), control.SetRecovery(index, nvml.GPU_RECOVERY_ACTION_GPU_RESET))
	if err != nil {
		t.Fatal(err)
	}
	waitTaints(ctx, t, sick)
	whole.waitHealth(ctx, t, metav1.ConditionFalse, "Xid48")

	if err := driver.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := control.SetRecovery(index, nvml.GPU_RECOVERY_ACTION_NONE); err != nil {
		t.Fatal(err)
	}
	driver = startDriver(ctx, t, node, account)
	whole.waitHealth(ctx, t, metav1.ConditionTrue, "Healthy")
	for _, pod := range []*claimedPod{slice, share} {
		if devices := pod.status(ctx, t).Devices; len(devices) > 0 {
			t.Errorf("the status of claim %s, whose device never failed, has %+v", pod.name, devices)
		}
	}
	if after := gpus.instances(ctx, t); !slices.Equal(after, instances) {
		t.Errorf("MIG instances after the driver was killed and started again: %+v, want %+v", after, instances)
	}
	second := claimed(ctx, t, "after-the-kill", "mig-1g.10gb.gpu.ashlar.dev", nil, "")

	// An upgrade: the new driver stands by, and serves once the old one ends.
	next := runDriver(ctx, t, node, account)
	waitLog(ctx, t, next, "standing by")
	third := claimed(ctx, t, "before-the-handover", "mig-1g.10gb.gpu.ashlar.dev", nil, "")
	if err := driver.Stop(); err != nil {
		t.Fatal(err)
	}
	driver = next
	fourth := claimed(ctx, t, "after-the-handover", "mig-1g.10gb.gpu.ashlar.dev", nil, "")
	if found := gpus.instances(ctx, t); len(found) != 4 {
		t.Errorf("MIG instances after the upgrade: %+v, want 4", found)
	}
	for _, pod := range []*claimedPod{whole, slice, share, second, third, fourth} {
		deletePod(ctx, t, pod.name)
	}
	err = world.cluster.Until(ctx, "everything to be undone", func(ctx context.Context) error {
		left := gpus.instances(ctx, t)
		specs, err := filepath.Glob(filepath.Join(node.HostPath(cluster.CDIFolder), "*"))
		daemons, err2 := filepath.Glob(filepath.Join(node.HostPath("/run/ashlar/mps"), "*"))
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if len(left)+len(specs)+len(daemons) > 0 {
			return fmt.Errorf("there are MIG instances %+v, CDI specs %v, MPS control daemons %v", left, specs, daemons)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, stop := range []func() error{driver.Stop, node.Stop} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// driverAccount is the kubeconfig of the driver's own account, as its pod on the node has it:
// what the driver may do is what manifests/driver grants.
func driverAccount(ctx context.Context, t *testing.T, node *cluster.Node) string {
	t.Helper()
	pod := probePod(driverProgram)
	pod.Namespace = "ashlar-system"
	pod.Spec.NodeSelector, pod.Spec.NodeName, pod.Spec.ServiceAccountName = nil, node.Name(), driverProgram
	pod, err := world.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := world.cluster.KubeconfigOf(ctx, pod)
	if err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

// startDriver starts the driver on a node and waits until it serves the kubelet.
func startDriver(ctx context.Context, t *testing.T, node *cluster.Node, kubeconfig string) *cluster.Process {
	t.Helper()
	driver := runDriver(ctx, t, node, kubeconfig)
	waitLog(ctx, t, driver, "serving the kubelet")
	return driver
}

// runDriver starts the driver on a node.
func runDriver(ctx context.Context, t *testing.T, node *cluster.Node, kubeconfig string) *cluster.Process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	if err := os.Symlink(program, filepath.Join(path, mpsProgram)); err != nil {
		t.Fatal(err)
	}
	driverStarts++
	driver, err := node.Run(
		ctx,
		fmt.Sprintf("%s-%d", driverProgram, driverStarts),
		"/usr/bin/env",
		"PATH="+path+":"+os.Getenv(
			"PATH",
		),
		mpsVariable+"=yes",
		fmt.Sprintf("POD_UID=driver-%d", driverStarts),
		world.cluster.Binaries().Command(driverProgram),
		"--kubeconfig",
		kubeconfig,
		"--node-name",
		node.Name(),
		"--machine",
		gpuMachine,
		"--simulated-state",
		gpuState,
	)
	if err != nil {
		t.Fatal(err)
	}
	return driver
}

// waitTaints waits until all devices of one GPU are tainted, and sees that no others are.
func waitTaints(ctx context.Context, t *testing.T, gpu string) {
	t.Helper()
	err := world.cluster.Until(ctx, "taints on the devices of "+gpu, func(ctx context.Context) error {
		slices, err := world.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
			FieldSelector: resourceapi.ResourceSliceSelectorDriver + "=" + deviceapi.Driver,
		})
		if err != nil {
			return err
		}
		for _, slice := range slices.Items {
			for _, device := range slice.Spec.Devices {
				of := device.Name == gpu || strings.HasPrefix(device.Name, gpu+"-")
				if tainted := len(device.Taints) > 0; tainted != of {
					return fmt.Errorf("device %s has taints %v", device.Name, device.Taints)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// nodeGPUs are a node's simulated GPUs, seen from outside of the driver.
type nodeGPUs struct {
	nvml *hardware.NVML
	uuid []string
}

func openGPUs(t *testing.T, node *cluster.Node) *nodeGPUs {
	t.Helper()
	machine, err := catalogue.Default().Machine(gpuMachine)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New(node.Name(), machine, catalogue.Default().MIG, simulated.WithDirectory(node.HostPath(gpuState)))
	if err != nil {
		t.Fatal(err)
	}
	gpus := &nodeGPUs{}
	count, _ := library.DeviceGetCount()
	for i := range count {
		device, _ := library.DeviceGetHandleByIndex(i)
		uuid, ret := device.GetUUID()
		if ret != nvml.SUCCESS {
			t.Fatal(ret)
		}
		gpus.uuid = append(gpus.uuid, uuid)
	}
	if gpus.nvml, err = hardware.Open(library, hardware.Options{Proc: library.Proc(), Command: library.RunCommand}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gpus.nvml.Close(); err != nil {
			t.Error(err)
		}
	})
	return gpus
}

// instances are the MIG instances of all GPUs.
func (g *nodeGPUs) instances(ctx context.Context, t *testing.T) []hardware.Instance {
	t.Helper()
	var all []hardware.Instance
	for _, uuid := range g.uuid {
		if on, _, err := g.nvml.MIGMode(ctx, uuid); err != nil || !on {
			continue
		}
		found, err := g.nvml.Instances(ctx, uuid)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

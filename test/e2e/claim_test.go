package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// A pod with a claim is given the device's node, file and variable through CDI; when it
// is gone the driver takes them back.
func TestClaimReachesContainer(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	driver := startTestDriver(ctx, t)

	claim, pod := claimPod(ctx, t, "one-file")
	report := runProbe(ctx, t, pod)

	claim, err := world.client.ResourceV1().ResourceClaims("default").Get(ctx, claim.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := claim.Status.Allocation.Devices.Results[0].Device
	if got := report.Env[variable]; got != want {
		t.Errorf("%s is %q in the container, want %q", variable, got, want)
	}
	if !slices.Contains(report.Devices, deviceInPod) {
		t.Errorf("%s is not among the container's devices %v", deviceInPod, report.Devices)
	}
	if !slices.Contains(report.Mounts, fileInPod) {
		t.Errorf("%s is not among the container's mounts %v", fileInPod, report.Mounts)
	}
	if _, err := os.Stat(world.node.HostPath(specFile(claim.UID))); err != nil {
		t.Errorf("the node has no CDI specification while the pod runs: %v", err)
	}

	// A second look, by `kubectl exec`, sees the same.
	again, err := world.cluster.Kubectl(ctx, "exec", pod.Name, "--", "/program", "once")
	if err != nil {
		t.Fatal(err)
	}
	var second cluster.ProbeReport
	if err := json.Unmarshal([]byte(again), &second); err != nil || !slices.Equal(second.Devices, report.Devices) {
		t.Errorf("exec shows devices %v, want %v (%v)", second.Devices, report.Devices, err)
	}

	deletePod(ctx, t, pod.Name)
	waitUnprepared(ctx, t, driver, claim.UID)
	if _, err := os.Stat(world.node.HostPath(specFile(claim.UID))); !os.IsNotExist(err) {
		t.Errorf("the CDI specification is still there after the pod: %v", err)
	}
}

// A pod without a claim is given nothing of the driver's, on the same node.
func TestOtherContainersGetNothing(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	startTestDriver(ctx, t)
	pod := probePod("claims-nothing")
	report := runProbe(ctx, t, pod)
	if value, ok := report.Env[variable]; ok {
		t.Errorf("%s is %q in a container without a claim", variable, value)
	}
	if slices.Contains(report.Devices, deviceInPod) {
		t.Errorf("%s is in a container without a claim", deviceInPod)
	}
	deletePod(ctx, t, pod.Name)
}

// A driver that is killed while a pod has its device, and started again, is asked to take
// the device back when the pod ends.
func TestDriverReturns(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	driver := startTestDriver(ctx, t)
	claim, pod := claimPod(ctx, t, "survives")
	runProbe(ctx, t, pod)
	if err := driver.Kill(); err != nil {
		t.Fatal(err)
	}
	driver = startTestDriver(ctx, t)
	deletePod(ctx, t, pod.Name)
	waitUnprepared(ctx, t, driver, claim.UID)
}

// claimPod creates a claim for one device and returns it with a pod that has it.
func claimPod(ctx context.Context, t *testing.T, name string) (*resourceapi.ResourceClaim, *corev1.Pod) {
	t.Helper()
	claim, err := world.client.ResourceV1().ResourceClaims("default").Create(ctx, &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{Requests: []resourceapi.DeviceRequest{{
			Name:    "file",
			Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: driverName},
		}}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := probePod(name)
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "file", ResourceClaimName: &claim.Name}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "file"}}
	return claim, pod
}

// driverStarts counts the driver's starts: each has a log of its own.
var driverStarts int

// startTestDriver starts the driver on the node and waits until its devices are published
// and the kubelet knows it.
func startTestDriver(ctx context.Context, t *testing.T) *cluster.Process {
	t.Helper()
	class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: driverName}}
	class.Spec.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
		Expression: fmt.Sprintf("device.driver == %q", driverName),
	}}}
	_, err := world.client.ResourceV1().DeviceClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	driverStarts++
	driver, err := world.node.Run(ctx, fmt.Sprintf("test-driver-%d", driverStarts),
		"/usr/bin/env", driverVariable+"=yes", program, "-node", nodeName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := driver.Stop(); err != nil {
			t.Error(err)
		}
	})
	waitLog(ctx, t, driver, "registered\n")
	return driver
}

// probePod is a pod of the probe, on the real node.
func probePod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: corev1.PodSpec{
			NodeSelector:                  map[string]string{corev1.LabelHostname: nodeName},
			TerminationGracePeriodSeconds: ptr.To[int64](5),
			Containers:                    []corev1.Container{{Name: "probe", Image: cluster.ProbeImage}},
		},
	}
}

// runProbe creates a pod and returns what its container reports.
func runProbe(ctx context.Context, t *testing.T, pod *corev1.Pod) cluster.ProbeReport {
	t.Helper()
	pods := world.client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var report cluster.ProbeReport
	err := world.cluster.Until(ctx, "the report of pod "+pod.Name, func(ctx context.Context) error {
		now, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if now.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%s: %v", now.Status.Phase, now.Status.ContainerStatuses)
		}
		text, err := pods.GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &report)
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// deletePod deletes a pod and waits until it is gone.
func deletePod(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	pods := world.client.CoreV1().Pods("default")
	if err := pods.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	err := world.cluster.Until(ctx, "pod "+name+" to be gone", func(ctx context.Context) error {
		_, err := pods.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil {
			err = errors.New("it is still there")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waitUnprepared(ctx context.Context, t *testing.T, driver *cluster.Process, claim types.UID) {
	t.Helper()
	waitLog(ctx, t, driver, fmt.Sprintf("unprepared %s\n", claim))
}

// waitLog waits until a process has written a text.
func waitLog(ctx context.Context, t *testing.T, process *cluster.Process, want string) {
	t.Helper()
	err := process.Until(ctx, process.Name()+" to log "+strings.TrimSpace(want), func(context.Context) error {
		text, err := os.ReadFile(process.Logs())
		if err == nil && !strings.Contains(string(text), want) {
			err = errors.New("it has not yet")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

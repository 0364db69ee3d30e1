package e2e

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// claimedPod is a pod that runs with a claim of its own.
type claimedPod struct {
	name   string
	report cluster.ProbeReport
}

// claimed runs a pod with a claim for one device of a class.
func claimed(ctx context.Context, t *testing.T, name, class string, capacity corev1.ResourceList, config string) *claimedPod {
	t.Helper()
	request := resourceapi.ExactDeviceRequest{DeviceClassName: class}
	for key, quantity := range capacity {
		request.Capacity = &resourceapi.CapacityRequirements{
			Requests: map[resourceapi.QualifiedName]resource.Quantity{resourceapi.QualifiedName(key): quantity},
		}
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{Name: "gpu", Exactly: &request}}
	if config != "" {
		claim.Spec.Devices.Config = []resourceapi.DeviceClaimConfiguration{{DeviceConfiguration: resourceapi.DeviceConfiguration{
			Opaque: &resourceapi.OpaqueDeviceConfiguration{Driver: deviceapi.Driver, Parameters: runtime.RawExtension{Raw: []byte(config)}},
		}}}
	}
	if _, err := world.client.ResourceV1().ResourceClaims("default").Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := probePod(name)
	pod.Spec.NodeSelector, pod.Spec.SchedulerName = nil, "ashlar-scheduler"
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim.Name}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	return &claimedPod{name: name, report: runProbe(ctx, t, pod)}
}

// status is that of the pod's claim.
func (p *claimedPod) status(ctx context.Context, t *testing.T) resourceapi.ResourceClaimStatus {
	t.Helper()
	claim, err := world.client.ResourceV1().ResourceClaims("default").Get(ctx, p.name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return claim.Status
}

// device is what was allocated to the pod's claim.
func (p *claimedPod) device(ctx context.Context, t *testing.T) string {
	t.Helper()
	return p.status(ctx, t).Allocation.Devices.Results[0].Device
}

// waitHealth waits until the status of the pod's claim tells the health of its device, and of
// nothing else.
func (p *claimedPod) waitHealth(ctx context.Context, t *testing.T, want metav1.ConditionStatus, reason string) {
	t.Helper()
	err := world.cluster.Until(ctx, "health in the status of claim "+p.name, func(ctx context.Context) error {
		status := p.status(ctx, t)
		if len(status.Devices) == 1 && status.Devices[0].Device == status.Allocation.Devices.Results[0].Device {
			healthy := meta.FindStatusCondition(status.Devices[0].Conditions, health.HealthyCondition)
			if healthy != nil && healthy.Status == want && healthy.Reason == reason {
				return nil
			}
		}
		return fmt.Errorf("it has %+v", status.Devices)
	})
	if err != nil {
		t.Fatal(err)
	}
}

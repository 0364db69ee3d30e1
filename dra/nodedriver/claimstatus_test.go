package nodedriver

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// The health of devices is written once for each change, from the first time that one is
// unhealthy on; a write that fails is made up for.
func TestClaimStatusFollowsHealth(t *testing.T) {
	claims := []checkpoint.Claim{{
		UID: "uid", Namespace: "team", Name: "train", State: checkpoint.StatePrepareCompleted,
		Devices: []checkpoint.Device{{Name: "gpu-0", Form: dra.FormGPU, GPU: "GPU-0"}},
	}}
	client := fake.NewClientset(&resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "train", UID: "uid"}})
	writes, fails := 0, false
	client.PrependReactor("patch", "resourceclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
		if writes++; fails {
			return true, nil, errors.New("the API server is away")
		}
		return true, &resourceapi.ResourceClaim{}, nil
	})
	condition := metav1.ConditionUnknown
	status := &claimStatus{client: client, pool: "node", written: map[types.UID]string{}, conditions: func(device dra.Device) []metav1.Condition {
		if device.GPU.UUID != "GPU-0" || device.Form != dra.FormGPU {
			t.Errorf("asked about %+v", device)
		}
		return []metav1.Condition{{Type: health.HealthyCondition, Status: condition, Reason: "Because"}}
	}}
	for _, step := range []struct {
		what       string
		condition  metav1.ConditionStatus
		fails      bool
		wantWrites int
	}{
		{"nothing is known yet", metav1.ConditionUnknown, false, 0},
		{"healthy", metav1.ConditionTrue, false, 0},
		{"unhealthy, and the API server away", metav1.ConditionFalse, true, 1},
		{"the API server is back", metav1.ConditionFalse, false, 2},
		{"no news", metav1.ConditionFalse, false, 2},
		{"healthy again", metav1.ConditionTrue, false, 3},
		{"no news again", metav1.ConditionTrue, false, 3},
	} {
		condition, fails = step.condition, step.fails
		status.write(t.Context(), claims)
		if writes != step.wantWrites {
			t.Errorf("%s: %d writes so far, want %d", step.what, writes, step.wantWrites)
		}
	}
	status.write(t.Context(), nil)
	if len(status.written) > 0 {
		t.Errorf("of claims that are gone is kept %v", status.written)
	}
}

// A record gives back the device that it was made of.
func TestDeviceOf(t *testing.T) {
	for _, device := range []dra.Device{
		{Form: dra.FormGPU, GPU: dra.GPUIdentity{UUID: "GPU-3", Index: 3, Minor: 3}, Memory: 80 * topology.GiB},
		{Form: dra.FormShare, GPU: dra.GPUIdentity{UUID: "GPU-3", Index: 3, Minor: 3}, Memory: 80 * topology.GiB},
		{
			Form: dra.FormMIG, GPU: dra.GPUIdentity{UUID: "GPU-3", BusID: "0000:1b:00.0", Index: 3}, Memory: 10 * topology.GiB,
			Profile: &mig.Profile{ID: 19, Name: "1g.10gb"}, Placement: mig.Placement{Start: 6, Size: 1},
		},
	} {
		record := checkpoint.NewDevice(device)
		if diff := cmp.Diff(device, deviceOf(&record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", device.Name(), diff)
		}
	}
}

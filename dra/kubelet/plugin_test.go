package kubelet

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
)

var errBroken = errors.New("broken")

// fakeClaims prepares one share for each claim but "bad".
type fakeClaims struct{}

func (fakeClaims) Prepare(_ context.Context, claim *resourceapi.ResourceClaim) (checkpoint.Claim, error) {
	if claim.UID == "bad" {
		return checkpoint.Claim{}, errBroken
	}
	return checkpoint.Claim{UID: claim.UID, Devices: []checkpoint.Device{
		{Name: "gpu-0-share", Request: "r/s", ShareID: "x", CDI: []string{"k8s.gpu.ashlar.dev/claim=x"}},
		{Name: "gpu-1", Request: "q"},
	}}, nil
}

func (fakeClaims) Unprepare(_ context.Context, uid types.UID) error {
	if uid == "bad" {
		return errBroken
	}
	return nil
}

// One claim's error is its own: the others of the pod are answered.
func TestPrepareResourceClaims(t *testing.T) {
	p := NewPlugin(PluginOptions{Claims: fakeClaims{}, Pool: "node-1"})
	var claims []*resourceapi.ResourceClaim
	for _, uid := range []types.UID{"good", "bad"} {
		claims = append(claims, &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{UID: uid}})
	}
	got, err := p.PrepareResourceClaims(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	want := map[types.UID]kubeletplugin.PrepareResult{
		"bad": {Err: errBroken},
		"good": {Devices: []kubeletplugin.Device{
			{
				Requests: []string{"r/s"}, PoolName: "node-1", DeviceName: "gpu-0-share", ShareID: ptr.To(types.UID("x")),
				CDIDeviceIDs: []string{"k8s.gpu.ashlar.dev/claim=x"},
			},
			{Requests: []string{"q"}, PoolName: "node-1", DeviceName: "gpu-1"},
		}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	undone, err := p.UnprepareResourceClaims(t.Context(), []kubeletplugin.NamespacedObject{{UID: "good"}, {UID: "bad"}})
	if diff := cmp.Diff(map[types.UID]error{"good": nil, "bad": errBroken}, undone, cmpopts.EquateErrors()); diff != "" || err != nil {
		t.Errorf("UnprepareResourceClaims: error %v (-want +got):\n%s", err, diff)
	}
}

func TestHandleErrorStopsUnlessItPasses(t *testing.T) {
	var stopped []error
	p := NewPlugin(PluginOptions{Stop: func(err error) { stopped = append(stopped, err) }})
	p.HandleError(t.Context(), fmt.Errorf("publish: %w", kubeletplugin.ErrRecoverable), "publishing")
	p.HandleError(t.Context(), errBroken, "publishing")
	if diff := cmp.Diff([]error{errBroken}, stopped, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatchHealthStatus(t *testing.T) {
	p := NewPlugin(PluginOptions{})
	if err := p.WatchHealthStatus(t.Context(), nil); !errors.Is(err, kubeletplugin.ErrHealthNotSupported) {
		t.Errorf("without health: %v", err)
	}
	p = NewPlugin(PluginOptions{WatchHealth: func(context.Context, chan<- kubeletplugin.DeviceHealthReport) error { return errBroken }})
	if err := p.WatchHealthStatus(t.Context(), nil); !errors.Is(err, errBroken) {
		t.Errorf("with health: %v", err)
	}
}

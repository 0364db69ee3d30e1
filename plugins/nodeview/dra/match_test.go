package dra

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// The rounding is the API's, which in-tree allocation applies too
// (resource.k8s.io/v1, CapacityRequestPolicyRange).
func TestConsumedRoundsAsTheAPIDoes(t *testing.T) {
	mib := int64(1) << 20
	stepped := resourceapi.DeviceCapacity{RequestPolicy: &resourceapi.CapacityRequestPolicy{ValidRange: &resourceapi.CapacityRequestPolicyRange{
		Min: ptr.To(resource.MustParse("1Mi")), Step: ptr.To(resource.MustParse("1Mi")),
	}}}
	unstepped := resourceapi.DeviceCapacity{RequestPolicy: &resourceapi.CapacityRequestPolicy{ValidRange: &resourceapi.CapacityRequestPolicyRange{
		Min: ptr.To(resource.MustParse("4Mi")),
	}}}
	for name, tc := range map[string]struct {
		capacity     resourceapi.DeviceCapacity
		amount, want int64
	}{
		"no policy":        {resourceapi.DeviceCapacity{}, 5, 5},
		"below minimum":    {stepped, 1, mib},
		"on a step":        {stepped, 3 * mib, 3 * mib},
		"between steps":    {stepped, 3*mib + 1, 4 * mib},
		"minimum, no step": {unstepped, 1, 4 * mib},
		"above, no step":   {unstepped, 5*mib + 1, 5*mib + 1},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, consumedAmount(tc.capacity, tc.amount)) })
	}
}

func TestTolerated(t *testing.T) {
	device := &resourceapi.Device{Taints: []resourceapi.DeviceTaint{
		{Key: "gpu.ashlar.dev/xid", Value: "79", Effect: resourceapi.DeviceTaintEffectNoSchedule},
		{Key: "gpu.ashlar.dev/unmonitored", Effect: resourceapi.DeviceTaintEffectNone},
	}}
	require.False(t, toleratesTaints(device, nil))
	require.True(t, toleratesTaints(device, []resourceapi.DeviceToleration{{Key: "gpu.ashlar.dev/xid", Operator: resourceapi.DeviceTolerationOpExists}}))
	require.True(t, toleratesTaints(&resourceapi.Device{}, nil))
}

// An expression that fails on some devices selects none of those, and the failure
// is reported; results are remembered.
func TestMatchReportsErrors(t *testing.T) {
	gpus := poolOf(t, [2]string{"24Gi", "NVIDIA A30"}, [2]string{"80Gi", "NVIDIA H100"})
	found := gpus.matchSelectors(context.Background(), newExpressions(), []string{`device.attributes["gpu.ashlar.dev"].profile == "1g.10gb"`})
	require.True(t, found.devices.Empty())
	require.ErrorContains(t, found.err, "no such key: profile")

	found = gpus.matchSelectors(context.Background(), newExpressions(), []string{`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("50Gi"))`})
	require.NoError(t, found.err)
	require.False(t, found.devices.Has(0))
	require.True(t, found.devices.Has(1))
	require.Len(t, gpus.matches.entries, 2)
}

// showOnly keeps allocated devices visible, because their counters must stay
// accounted for, and puts the chosen ones first, each once.
func TestShowOnly(t *testing.T) {
	gpus := poolOf(t, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"})
	gpus.showOnly([]int{3, 1, 3}, []int{0, 3})
	var names []string
	for _, d := range gpus.placeholder.devices.Spec.Devices {
		names = append(names, d.Name)
	}
	require.Equal(t, []string{"gpu-3", "gpu-1", "gpu-0"}, names)
	gpus.hideDevices()
	require.Empty(t, gpus.placeholder.devices.Spec.Devices)
	gpus.showAll()
	require.Len(t, gpus.placeholder.devices.Spec.Devices, 4)
}

package dra

import (
	"context"
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
)

func TestToleratesTaints(t *testing.T) {
	device := &resourceapi.Device{Taints: []resourceapi.DeviceTaint{
		{Key: "gpu.ashlar.dev/xid", Value: "79", Effect: resourceapi.DeviceTaintEffectNoSchedule},
		{Key: "gpu.ashlar.dev/unmonitored", Effect: resourceapi.DeviceTaintEffectNone},
	}}
	toleration := []resourceapi.DeviceToleration{{Key: "gpu.ashlar.dev/xid", Operator: resourceapi.DeviceTolerationOpExists}}
	for name, tc := range map[string]struct {
		device      *resourceapi.Device
		tolerations []resourceapi.DeviceToleration
		want        bool
	}{
		"a taint":              {device, nil, false},
		"a tolerated taint":    {device, toleration, true},
		"no taint":             {&resourceapi.Device{}, nil, true},
		"no effect to heed":    {&resourceapi.Device{Taints: device.Taints[1:]}, nil, true},
		"tolerated in vain":    {&resourceapi.Device{}, toleration, true},
		"another is tolerated": {device, []resourceapi.DeviceToleration{{Key: "other", Operator: resourceapi.DeviceTolerationOpExists}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := toleratesTaints(tc.device, tc.tolerations); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

// An expression that fails on some devices selects none of those, and the failure
// is reported; results are remembered.
func TestMatchReportsErrors(t *testing.T) {
	gpus := poolOf(t, [2]string{"24Gi", "NVIDIA A30"}, [2]string{"80Gi", "NVIDIA H100"})
	ctx, expressions := context.Background(), newExpressions()
	found := gpus.matchSelectors(ctx, expressions, []string{`device.attributes["gpu.ashlar.dev"].profile == "1g.10gb"`})
	if !found.devices.Empty() || found.err == nil || !strings.Contains(found.err.Error(), "no such key: profile") {
		t.Errorf("devices %v, error %v; want none, because no such key: profile", found.devices, found.err)
	}
	found = gpus.matchSelectors(ctx, expressions, []string{`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("50Gi"))`})
	if found.err != nil || found.devices.Has(0) || !found.devices.Has(1) {
		t.Errorf("devices %v, error %v; want the second", found.devices, found.err)
	}
	if got := len(gpus.kind.matches.entries); got != 2 {
		t.Errorf("%d results are remembered, want 2", got)
	}
}

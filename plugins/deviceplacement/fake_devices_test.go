package deviceplacement

import (
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// defaultArgs are the arguments that a configuration without any has.
func defaultArgs() *config.DevicePlacementArgs {
	return &config.DevicePlacementArgs{
		Policy: "keep-placeable", ExplainTimeout: metav1.Duration{Duration: time.Second}, MaxExplainedNodes: 64, Forecast: true, ScoreSpan: 100,
		Candidates: 8,
	}
}

// askAllNodes are the default arguments but for what is asked of which nodes.
func askAllNodes() *config.DevicePlacementArgs {
	args := defaultArgs()
	args.Candidates = 0
	return args
}

// wideSlice is a 4g.40gb of a GPU, which can only be had while its half of the GPU is free.
func wideSlice(gpu, start int64) resourceapi.Device {
	d := migSlice(gpu, start)
	profile := "4g.40gb"
	d.Name = "gpu-0-mig-4g40gb-5-0"
	d.Attributes[deviceapi.Profile] = resourceapi.DeviceAttribute{StringValue: &profile}
	for name, value := range map[resourceapi.QualifiedName]int64{deviceapi.ProfileID: 5, deviceapi.PlacementSize: 4} {
		d.Attributes[name] = resourceapi.DeviceAttribute{IntValue: &value}
	}
	d.Capacity = map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: resource.MustParse("40448Mi")}}
	return d
}

// heldShare is a claim that has a share of a device.
func heldShare(node, name, device, amount string) *resourceapi.ResourceClaim {
	claim := held(node, newClaim(name, shareClass, 1, shareOf(amount)), device)
	id := "00000000-0000-0000-0000-0000000000aa"
	claim.Status.Allocation.Devices.Results[0].ShareID = ptr.To(types.UID(id))
	claim.Status.Allocation.Devices.Results[0].ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{
		deviceapi.Memory: resource.MustParse(amount),
	}
	return claim
}

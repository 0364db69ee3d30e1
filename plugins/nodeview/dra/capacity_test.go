package dra

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const mib = int64(topology.MiB)

func quantityOf(amount string) *resource.Quantity { return ptr.To(resource.MustParse(amount)) }

// The rounding is the API's, which in-tree allocation applies too
// (resource.k8s.io/v1, CapacityRequestPolicyRange).
func TestConsumedAmountRoundsAsTheAPIDoes(t *testing.T) {
	ranged := func(r resourceapi.CapacityRequestPolicyRange) resourceapi.DeviceCapacity {
		return resourceapi.DeviceCapacity{RequestPolicy: &resourceapi.CapacityRequestPolicy{ValidRange: &r}}
	}
	stepped := ranged(resourceapi.CapacityRequestPolicyRange{Min: quantityOf("1Mi"), Step: quantityOf("1Mi")})
	unstepped := ranged(resourceapi.CapacityRequestPolicyRange{Min: quantityOf("4Mi")})
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
		t.Run(name, func(t *testing.T) {
			if got := consumedAmount(tc.capacity, tc.amount); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// What a request does not mention is the driver's default, or all of it: NVIDIA's driver
// has a default of everything (--consumable-shares=memory) or of nothing (unlimited).
func TestShareOf(t *testing.T) {
	shared := func(standard *resource.Quantity) resourceslices.Device {
		policy := &resourceapi.CapacityRequestPolicy{Default: standard, ValidRange: &resourceapi.CapacityRequestPolicyRange{
			Min: quantityOf("0"), Step: quantityOf("1Mi"),
		}}
		return resourceslices.Device{Driver: deviceapi.NVIDIADriver, Device: &resourceapi.Device{
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{
				deviceapi.Memory: {Value: *quantityOf("80Gi"), RequestPolicy: policy},
			},
		}}
	}
	type amounts = map[resourceapi.QualifiedName]int64
	for name, tc := range map[string]struct {
		device                resourceslices.Device
		asked                 amounts
		wantBooked, wantLimit topology.Bytes
	}{
		"asked for":                       {shared(nil), amounts{"memory": 4096 * mib}, 4 * topology.GiB, 4 * topology.GiB},
		"asked for with its domain":       {shared(nil), amounts{"gpu.nvidia.com/memory": 4096*mib - 5}, 4 * topology.GiB, 4 * topology.GiB},
		"something else asked for":        {shared(nil), amounts{"shares": 1}, 0, 0},
		"nothing asked for":               {shared(nil), nil, 0, 0},
		"a default of everything":         {shared(quantityOf("80Gi")), nil, 0, 0},
		"a default of a part":             {shared(quantityOf("10Gi")), nil, 10 * topology.GiB, 10 * topology.GiB},
		"a default of nothing, no limit":  {shared(quantityOf("0")), nil, 1, 0},
		"a limit in spite of the default": {shared(quantityOf("0")), amounts{"memory": 1024 * mib}, topology.GiB, topology.GiB},
	} {
		t.Run(name, func(t *testing.T) {
			share := (&subRequest{capacity: tc.asked}).shareOf(tc.device)
			got := []topology.Bytes{share.bookedBytes(), share.memoryLimit()}
			if diff := cmp.Diff([]topology.Bytes{tc.wantBooked, tc.wantLimit}, got); diff != "" {
				t.Errorf("booked and limit (-want +got):\n%s", diff)
			}
		})
	}
}

package placement

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

func TestObservation(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	var seen Observation
	require.Equal(t, PriorDemand(), seen.Demand(), "nothing seen yet")

	grant := func(request *Request) []DeviceAllocation {
		return Place(inv, NewGPUStates(inv), request, KeepPlaceable{}).Devices
	}
	seen.Add(inv, grant(wholeGPUs(inv, 2)))
	seen.Add(inv, grant(wholeGPUs(inv, 1)))
	seen.Add(inv, grant(slicesOf(inv, profile3g, 1)))
	half := inv.Node.GPUs[0].Model.Usable() / 2
	seen.Add(inv, grant(&Request{Parts: []Part{{Count: 1, Bytes: half, Accepts: (&DeviceSelector{Forms: []Form{Share}}).AcceptedDevices(inv)}}}))

	demand := seen.Demand()
	require.Equal(t, map[int]int64{1: 1, 2: 2}, demand.GPUs)
	require.Equal(t, map[mig.ProfileID]int64{profile3g: 1}, demand.Profiles)
	require.Equal(t, map[topology.Bytes]int64{half: 1}, demand.Shares)
	require.InDelta(t, 25, demand.Divided, 1, "three GPUs whole, one in two halves")
	require.NoError(t, demand.validateDemand())
}

// Where every link is equal, what is left stays aligned: a single GPU and a pair
// leave a half of the machine and a quarter of the other half whole.
func TestUniformMachineKeepsAlignedBlocksWhole(t *testing.T) {
	for _, machine := range []string{"dgx-h100", "h100-vm-flat", "hgx-a100-2nic"} {
		inv := inventoryOf(t, machine)
		s := NewGPUStates(inv)
		for _, count := range []int{1, 2, 1} {
			verdict := Place(inv, s, wholeGPUs(inv, count), KeepPlaceable{})
			for _, grant := range verdict.Devices {
				require.NoError(t, inv.TakeDevice(s, grant.Device, grant.ShareSize))
			}
		}
		free := s.FreeGPUs()
		require.Contains(t, []GPUSet{0b1111, 0b11110000}, free, "%s: %08b are free", machine, free)
	}
}

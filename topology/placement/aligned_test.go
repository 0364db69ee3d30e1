package placement

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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

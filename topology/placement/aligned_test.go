package placement

import (
	"slices"
	"testing"
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
				if err := inv.TakeDevice(s, grant.Device, grant.ShareSize); err != nil {
					t.Fatal(err)
				}
			}
		}
		free := s.FreeGPUs()
		if got := []GPUSet{0b1111, 0b11110000}; !slices.Contains(got, free) {
			t.Fatalf("%s: %08b are free: %v does not contain %v", machine, free, got, free)
		}
	}
}

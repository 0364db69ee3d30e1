package placement

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// firstDevice is the first device of a form, of a profile if it is MIG.
func firstDevice(t *testing.T, inv *Inventory, form Form, profile mig.ProfileID) int {
	t.Helper()
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Form == form && (form != MIG || d.Profile == profile) {
			return i
		}
	}
	t.Fatalf("no device of form %s, profile %d", form, profile)
	return -1
}

func TestFraction(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	whole, share := firstDevice(t, inv, Whole, 0), firstDevice(t, inv, Share, 0)
	memory := inv.Devices[share].Memory
	// thousandths is a share as one that asks for them gets it.
	thousandths := func(n int64) ShareSize { return ShareSize{Bytes: memory / 1000 * topology.Bytes(n)} }
	tests := map[string]struct {
		device   int
		size     ShareSize
		wantDown topology.MilliGPU
		wantUp   topology.MilliGPU
	}{
		"whole GPU":                        {device: whole, wantDown: 1000, wantUp: 1000},
		"MIG, four of eight memory slices": {device: firstDevice(t, inv, MIG, profile3g), wantDown: 500, wantUp: 500},
		"share of half":                    {device: share, size: ShareSize{Bytes: memory / 2}, wantDown: 500, wantUp: 500},
		"share of a third":                 {device: share, size: ShareSize{Bytes: memory / 3}, wantDown: 333, wantUp: 334},
		"share of 350 thousandths":         {device: share, size: thousandths(350), wantDown: 349, wantUp: 350},
		"the same of the compute": {
			device: share, size: ShareSize{Bytes: thousandths(350).Bytes, Compute: 350}, wantDown: 350, wantUp: 350,
		},
		"more compute than memory": {device: share, size: ShareSize{Bytes: memory / 2, Compute: 700}, wantDown: 700, wantUp: 700},
		"less compute than memory": {device: share, size: ShareSize{Bytes: memory / 2, Compute: 300}, wantDown: 500, wantUp: 500},
		"one byte":                 {device: share, size: ShareSize{Bytes: 1}, wantDown: 0, wantUp: 1},
		"memory not stated is all": {device: share, wantDown: 1000, wantUp: 1000},
		"a byte above a half":      {device: share, size: ShareSize{Bytes: memory/2 + 1}, wantDown: 500, wantUp: 500},
		"a MiB above a half":       {device: share, size: ShareSize{Bytes: memory/2 + topology.MiB}, wantDown: 500, wantUp: 501},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := DeviceAllocation{Device: tc.device, ShareSize: tc.size}
			if got := inv.Fraction(a, RoundDown); got != tc.wantDown {
				t.Errorf("rounded down: got %d, want %d", got, tc.wantDown)
			}
			if got := inv.Fraction(a, RoundUp); got != tc.wantUp {
				t.Errorf("rounded up: got %d, want %d", got, tc.wantUp)
			}
		})
	}
}

// What is taken and what is left of a GPU are one GPU.
func TestFractionLeft(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	share := firstDevice(t, inv, Share, 0)
	for name, a := range map[string]DeviceAllocation{
		"whole GPU":        {Device: firstDevice(t, inv, Whole, 0)},
		"MIG instance":     {Device: firstDevice(t, inv, MIG, profile3g)},
		"share of a third": {Device: share, ShareSize: ShareSize{Bytes: inv.Devices[share].Memory / 3}},
		"share of all":     {Device: share},
	} {
		t.Run(name, func(t *testing.T) {
			states := NewGPUStates(inv)
			gpu := inv.Devices[a.Device].GPU
			if got := inv.FractionLeft(gpu, &states[gpu], RoundUp); got != topology.WholeGPU {
				t.Errorf("before: %d left, want %d", got, topology.WholeGPU)
			}
			inv.HoldDevice(states, a.Device, a.ShareSize)
			for _, rounding := range []Rounding{RoundDown, RoundUp} {
				got, want := inv.FractionLeft(gpu, &states[gpu], rounding), topology.WholeGPU-inv.Fraction(a, rounding)
				if got != want {
					t.Errorf("rounding %d: %d left, want %d", rounding, got, want)
				}
			}
		})
	}
}

func TestMemorySlices(t *testing.T) {
	for machine, want := range map[string]int64{"azure-nc96ads-a100": 8, "4xA30-pcie": 4, "aws-p3.16xlarge": 0} {
		if got := inventoryOf(t, machine).MemorySlices(0); got != want {
			t.Errorf("%s: got %d, want %d", machine, got, want)
		}
	}
}

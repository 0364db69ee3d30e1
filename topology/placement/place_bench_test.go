package placement

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

func BenchmarkPlace(b *testing.B) {
	h100 := inventoryOf(b, "dgx-h100")
	mesh := inventoryOf(b, "dgx1-v100")
	full := NewGPUStates(h100)
	for gpu := range full {
		full[gpu].Whole = true
	}
	shares := sharesOf(h100, 20*topology.GiB)
	for name, bc := range map[string]struct {
		inv     *Inventory
		state   GPUStates
		request *Request
	}{
		"gpus=4of8/machine=dgx-h100":  {h100, NewGPUStates(h100), wholeGPUs(h100, 4)},
		"gpus=4of8/machine=dgx1-v100": {mesh, NewGPUStates(mesh), wholeGPUs(mesh, 4)},
		"gpus=1of8/machine=dgx-h100":  {h100, NewGPUStates(h100), wholeGPUs(h100, 1)},
		"mig=1g/machine=dgx-h100":     {h100, NewGPUStates(h100), slicesOf(h100, profile1g, 1)},
		"share=20GiB/machine=dgx-h100": {
			h100, NewGPUStates(h100), shares,
		},
		"refused=4of8/machine=dgx-h100": {h100, full, wholeGPUs(h100, 4)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var placer Placer
			for b.Loop() {
				placer.Place(bc.inv, bc.state, bc.request, KeepPlaceable{})
			}
		})
	}
}

func BenchmarkNewInventory(b *testing.B) {
	for _, machine := range []string{"dgx-h100", "dgx2-v100"} {
		b.Run("machine="+machine, func(b *testing.B) {
			b.ReportAllocs()
			inv := inventoryOf(b, machine)
			for b.Loop() {
				if _, err := NewInventory(inv.Node, inv.Devices, PriorDemand()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

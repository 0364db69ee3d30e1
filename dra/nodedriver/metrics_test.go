package nodedriver

import (
	"testing"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

func TestMemoryOf(t *testing.T) {
	const gib = topology.GiB
	table, err := catalogue.Default().MIG("H100-80GB")
	if err != nil {
		t.Fatal(err)
	}
	slice := func(start, size int64, memory topology.Bytes) checkpoint.Device {
		return checkpoint.Device{Form: dra.FormMIG, GPU: "GPU-0", PlacementStart: start, PlacementSize: size, Bytes: memory}
	}
	for name, tc := range map[string]struct {
		held                    []checkpoint.Device
		wantTaken, wantStranded topology.Bytes
	}{
		"nothing":         {nil, 0, 0},
		"on another GPU":  {[]checkpoint.Device{{Form: dra.FormGPU, GPU: "GPU-1", Bytes: 80 * gib}}, 0, 0},
		"the whole GPU":   {[]checkpoint.Device{{Form: dra.FormGPU, GPU: "GPU-0", Bytes: 80 * gib}}, 80 * gib, 0},
		"two shares":      {[]checkpoint.Device{{Form: dra.FormShare, GPU: "GPU-0", Bytes: 8 * gib}, {Form: dra.FormShare, GPU: "GPU-0", Bytes: 2 * gib}}, 10 * gib, 0},
		"half of it":      {[]checkpoint.Device{slice(0, 4, 40*gib)}, 40 * gib, 0},
		"1g at the end":   {[]checkpoint.Device{slice(6, 1, 10*gib)}, 10 * gib, 10 * gib}, // nothing but 1g.20gb, 2g and more reach slice 7
		"all slices used": {[]checkpoint.Device{slice(0, 4, 40*gib), slice(4, 4, 40*gib)}, 80 * gib, 0},
	} {
		taken, stranded := memoryOf(table, 80*gib, "GPU-0", tc.held)
		if taken != tc.wantTaken || stranded != tc.wantStranded {
			t.Errorf("%s: %s allocated and %s stranded, want %s and %s", name, taken, stranded, tc.wantTaken, tc.wantStranded)
		}
	}
}

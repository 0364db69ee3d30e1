package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSizes(t *testing.T) {
	for name, tc := range map[string]struct {
		list string
		want []Size
		err  string
	}{
		"none":          {},
		"several":       {list: "500x160,5000x16", want: []Size{{500, 160}, {5000, 16}}},
		"no devices":    {list: "500", err: `size "500": want nodes and devices of each, for example 500x160`},
		"not a number":  {list: "500x160,x16", err: `size "x16": want nodes and devices of each, for example 500x160`},
		"no nodes":      {list: "0x16", err: `size "0x16": want nodes and devices of each, for example 500x160`},
		"unknown nodes": {list: "500x161", err: `size "500x161": nodes have 160 or 16 devices here`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSizes(tc.list)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tc.err {
				t.Errorf("error %q, want %q", text, tc.err)
			}
		})
	}
}

// A node publishes as many devices as its size says, in slices that all say how many there are.
func TestMakeSlices(t *testing.T) {
	for devices := range nodeKinds {
		maker, err := NewNodeMaker(Size{Nodes: 2, Devices: devices})
		if err != nil {
			t.Fatal(err)
		}
		slices, err := maker.MakeSlices(1)
		if err != nil {
			t.Fatal(err)
		}
		published, counters := 0, 0
		for _, slice := range slices {
			published += len(slice.Spec.Devices)
			counters += len(slice.Spec.SharedCounters)
			if *slice.Spec.NodeName != "node-1" || slice.Spec.Pool.ResourceSliceCount != int64(len(slices)) {
				t.Errorf("slice of node %s says that there are %d of %d", *slice.Spec.NodeName, slice.Spec.Pool.ResourceSliceCount, len(slices))
			}
		}
		if published != devices || counters != GPUs {
			t.Errorf("%d devices and %d counter sets, want %d and %d", published, counters, devices, GPUs)
		}
	}
}

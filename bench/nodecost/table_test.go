package main

import (
	"strings"
	"testing"
)

func TestDrawTable(t *testing.T) {
	got := drawTable([]nodeCost{
		{memory: map[string]int64{"kube-apiserver": 30 << 10, "etcd": -5}},
		{
			forms: []string{"whole", "share"}, devices: 16, json: 23 << 10, protobuf: 11 << 10, stored: 12<<10 + 600,
			memory: map[string]int64{"kube-apiserver": 300 << 10, ashlarScheduler: 80 << 10},
		},
	}, 100)
	for _, want := range []string{
		"what 100 nodes more add",
		"\n| no slices | 0 | 0 | 0 | 0 | 30 | 0 | 0 | 0 | 0 |\n",
		"\n| `whole,share` | 16 | 23 | 11 | 13 | 300 | 0 | 0 | 0 | 80 |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// Slices are made as the driver makes them.
func TestMeasureSlices(t *testing.T) {
	for _, forms := range formChoices {
		devices, asJSON, asProtobuf, err := measureSlices(forms)
		want := map[int]int{0: 0, 1: 8, 2: 16, 3: 216}[len(forms)]
		if err != nil || devices != want || asProtobuf > asJSON || (asJSON == 0) != (want == 0) {
			t.Errorf("%s: %d devices, %d bytes of JSON, %d of protobuf, %v; want %d devices",
				describeForms(forms), devices, asJSON, asProtobuf, err, want)
		}
	}
}

// Package resourceslices reads the GPUs that DRA drivers publish as ResourceSlices:
// Ashlar's own driver, and NVIDIA's, whose slices lack link tables.
package resourceslices

import (
	"fmt"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Read turns a pool's devices into the node that they are on and one offer for
// each device: offers[i] is devices[i]. It is an error, which names the device, if
// any of them is not a GPU that can be understood.
func Read(driver string, pool []resourceapi.Device) (*topology.Node, []placement.Device, error) {
	devices := make([]device, len(pool))
	byIndex := map[int64]device{}
	for i := range pool {
		d := device{Device: &pool[i], driver: driver}
		devices[i] = d
		index, err := d.index()
		if err != nil {
			return nil, nil, err
		}
		if d.text(deviceapi.Type) == deviceapi.TypeGPU {
			byIndex[index] = d
		}
	}
	indexes := slices.Sorted(maps.Keys(byIndex))
	if len(indexes) == 0 || len(indexes) > topology.MaxGPUs {
		return nil, nil, fmt.Errorf("%d whole GPUs", len(indexes))
	}
	position := make(map[int64]int, len(indexes))
	node := &topology.Node{}
	for at, index := range indexes {
		gpu, err := byIndex[index].gpu()
		if err != nil {
			return nil, nil, err
		}
		position[index] = at
		node.GPUs = append(node.GPUs, gpu)
	}
	for at, index := range indexes {
		node.Links = append(node.Links, byIndex[index].linkRow(node, at))
	}
	offers := make([]placement.Device, len(devices))
	for i, d := range devices {
		index, _ := d.index()
		at, known := position[index]
		if !known {
			return nil, nil, fmt.Errorf("device %s: its whole GPU is not published", d.Name)
		}
		offer, err := d.offer(at)
		if err != nil {
			return nil, nil, err
		}
		offers[i] = offer
	}
	return node, offers, nil
}

// ProfileName is the MIG profile that a device was published with, "" for others.
func ProfileName(driver string, d *resourceapi.Device) string {
	return device{Device: d, driver: driver}.text(deviceapi.Profile)
}

package resourceslices

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// maxSlices is the most memory slices that a GPU can have.
const maxSlices = 12

// migPlacement is where a MIG device lies, as far as it is known.
type migPlacement struct {
	profile, start, size             int64
	haveProfile, haveStart, haveSize bool
}

// readMIG fills in the profile, the placement and the media engines of a MIG device.
func (d Device) readMIG(device placement.Device) (placement.Device, error) {
	var at migPlacement
	at.profile, at.haveProfile = d.intAttribute(deviceapi.ProfileID)
	at.start, at.haveStart = d.intAttribute(deviceapi.PlacementStart)
	at.size, at.haveSize = d.intAttribute(deviceapi.PlacementSize)
	d.placementFromName(&at)
	counters := d.consumedCounters()
	if !at.haveSize {
		at.size = d.countSlices(counters)
		at.haveSize = at.size > 0
	}
	if !at.haveProfile || !at.haveStart || !at.haveSize {
		return device, fmt.Errorf("device %s: its MIG placement cannot be told", d.Name)
	}
	if at.start < 0 || at.size < 1 || at.start > maxSlices || at.size > maxSlices-at.start {
		return device, fmt.Errorf(
			"device %s: its MIG placement %d:%d is on no GPU, want memory slices within 0 to %d", d.Name, at.start, at.size, maxSlices-1,
		)
	}
	device.Profile = mig.ProfileID(at.profile)
	device.Placement = mig.Placement{Start: at.start, Size: at.size}
	device.Media = mig.Media{
		Decoders: counters[deviceapi.DecoderCounter], Encoders: counters[deviceapi.EncoderCounter],
		JPEG: counters[deviceapi.JPEGCounter], OFA: counters[deviceapi.OFACounter],
	}
	return device, nil
}

// placementFromName fills in what only the names of NVIDIA's driver say.
func (d Device) placementFromName(at *migPlacement) {
	if at.haveProfile || at.haveStart {
		return
	}
	match := nvidiaMIGName.FindStringSubmatch(d.Name)
	if match == nil {
		if match = nvidiaMIGShortName.FindStringSubmatch(d.Name); match == nil {
			return
		}
		at.size, _ = strconv.ParseInt(match[4], 10, 64)
		at.haveSize = true
	}
	at.profile, _ = strconv.ParseInt(match[2], 10, 64)
	at.start, _ = strconv.ParseInt(match[3], 10, 64)
	at.haveProfile, at.haveStart = true, true
}

// countSlices is how many memory slices the device takes: a counter for each where the
// driver partitions GPUs by itself, a capacity for each where instances are made
// beforehand.
func (d Device) countSlices(counters map[string]int64) int64 {
	slices := int64(0)
	for name := range counters {
		if strings.HasPrefix(name, deviceapi.SliceCounterPrefix) {
			slices++
		}
	}
	if slices > 0 {
		return slices
	}
	for name := range d.Capacity {
		if strings.HasPrefix(strings.TrimPrefix(string(name), d.Driver+"/"), deviceapi.SliceCapacityPrefix) {
			slices++
		}
	}
	return slices
}

// consumedCounters is what the device consumes of its GPU's counter set.
func (d Device) consumedCounters() map[string]int64 {
	values := map[string]int64{}
	for _, consumption := range d.ConsumesCounters {
		for name, counter := range consumption.Counters {
			values[name] = counter.Value.Value()
		}
	}
	return values
}

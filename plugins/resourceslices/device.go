package resourceslices

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/blang/semver/v4"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// device reads what a driver published. Drivers write attributes of their own
// domain with or without it.
type device struct {
	*resourceapi.Device
	driver string
}

func (d device) attribute(name string) (resourceapi.DeviceAttribute, bool) {
	if value, found := d.Attributes[resourceapi.QualifiedName(name)]; found {
		return value, true
	}
	value, found := d.Attributes[resourceapi.QualifiedName(d.driver+"/"+name)]
	return value, found
}

func (d device) text(name string) string {
	if value, found := d.attribute(name); found && value.StringValue != nil {
		return *value.StringValue
	}
	return ""
}

// number is false for an attribute that is missing or not a single integer.
func (d device) number(name string) (int64, bool) {
	if value, found := d.attribute(name); found && value.IntValue != nil {
		return *value.IntValue, true
	}
	return 0, false
}

func (d device) capacity(name string) int64 {
	for _, key := range []string{name, d.driver + "/" + name} {
		if value, found := d.Capacity[resourceapi.QualifiedName(key)]; found {
			return value.Value.Value()
		}
	}
	return 0
}

var (
	nvidiaGPU = regexp.MustCompile(`^gpu-(\d+)$`)
	nvidiaMIG = regexp.MustCompile(`^gpu-(\d+)-mig-.+-(\d+)-(\d+)$`)
)

// index is the NVML index of the device's GPU. NVIDIA's driver only writes it
// into the device's name.
func (d device) index() (int64, error) {
	if index, found := d.number(deviceapi.Index); found {
		return index, nil
	}
	for _, pattern := range []*regexp.Regexp{nvidiaGPU, nvidiaMIG} {
		if match := pattern.FindStringSubmatch(d.Name); match != nil {
			return strconv.ParseInt(match[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("device %s: its GPU cannot be told", d.Name)
}

func (d device) gpu() (topology.GPU, error) {
	model := &topology.Model{
		Name:         d.text(deviceapi.ProductName),
		Product:      d.text(deviceapi.ProductName),
		Architecture: d.text(deviceapi.Architecture),
		Memory:       topology.Bytes(d.capacity(deviceapi.Memory)),
	}
	if model.Memory < 0 {
		return topology.GPU{}, fmt.Errorf("device %s: negative memory", d.Name)
	}
	model.Compute = d.compute()
	model.LaneGBps, _ = d.number(deviceapi.NVLinkLaneBandwidth)
	// Who says nothing of peer-to-peer is taken to have it, as data centre GPUs do.
	p2p, said := d.attribute(deviceapi.P2P)
	model.P2P = !said || p2p.BoolValue == nil || *p2p.BoolValue
	gpu := topology.GPU{Model: model, NUMA: topology.NoNUMA, PCIeRoot: d.text(deviceapi.PCIeRoot), Clique: d.text(deviceapi.NVLinkClique)}
	if numa, found := d.number(deviceapi.NUMANode); found {
		gpu.NUMA = numa
	}
	return gpu, nil
}

// compute is the CUDA compute capability, zero if it is not published.
func (d device) compute() topology.ComputeCapability {
	value, found := d.attribute(deviceapi.ComputeCapability)
	if !found || value.VersionValue == nil {
		return topology.ComputeCapability{}
	}
	version, err := semver.Parse(*value.VersionValue)
	if err != nil || version.Major > 1000 || version.Minor > 1000 {
		return topology.ComputeCapability{}
	}
	return topology.ComputeCapability{Major: int64(version.Major), Minor: int64(version.Minor)}
}

// linkRow is the published row of the link table, or, from a driver that
// publishes none, what PCIe roots and NUMA nodes allow to say.
func (d device) linkRow(node *topology.Node, self int) []topology.Link {
	if row, err := deviceapi.DecodeLinks(d.text(deviceapi.Links), len(node.GPUs)); err == nil && row[self].Kind == topology.Self {
		return row
	}
	row := make([]topology.Link, len(node.GPUs))
	own := node.GPUs[self]
	for i, other := range node.GPUs {
		switch {
		case i == self:
			row[i].Kind = topology.Self
		case own.PCIeRoot != "" && own.PCIeRoot == other.PCIeRoot:
			row[i].Kind = topology.PHB
		case own.NUMA != topology.NoNUMA && own.NUMA == other.NUMA:
			row[i].Kind = topology.NODE
		default:
			row[i].Kind = topology.SYS
		}
	}
	return row
}

func (d device) offer(gpu int) (placement.Device, error) {
	offer := placement.Device{GPU: gpu, Memory: topology.Bytes(d.capacity(deviceapi.Memory))}
	multiple := d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations
	switch kind := d.text(deviceapi.Type); {
	case kind == deviceapi.TypeGPU && !multiple:
		offer.Form = placement.Whole
	case kind == deviceapi.TypeShare && multiple:
		offer.Form = placement.Share
	case kind == deviceapi.TypeMIG && !multiple:
		offer.Form = placement.MIG
		return d.migOffer(offer)
	default:
		return offer, fmt.Errorf("device %s: type %q is not understood", d.Name, kind)
	}
	return offer, nil
}

func (d device) migOffer(offer placement.Device) (placement.Device, error) {
	id, haveID := d.number(deviceapi.ProfileID)
	start, haveStart := d.number(deviceapi.PlacementStart)
	size, haveSize := d.number(deviceapi.PlacementSize)
	if match := nvidiaMIG.FindStringSubmatch(d.Name); match != nil && !haveID && !haveStart {
		id, _ = strconv.ParseInt(match[2], 10, 64)
		start, _ = strconv.ParseInt(match[3], 10, 64)
		haveID, haveStart = true, true
	}
	counters := d.counters()
	if !haveSize {
		for name := range counters {
			if strings.HasPrefix(name, deviceapi.SliceCounter(0)[:len(deviceapi.SliceCounter(0))-1]) {
				size++
			}
		}
		haveSize = size > 0
	}
	if !haveID || !haveStart || !haveSize {
		return offer, fmt.Errorf("device %s: its MIG placement cannot be told", d.Name)
	}
	offer.Profile = mig.ProfileID(id)
	offer.Placement = mig.Placement{Start: start, Size: size}
	offer.Media = mig.Media{
		Decoders: counters[deviceapi.DecoderCounter], Encoders: counters[deviceapi.EncoderCounter],
		JPEG: counters[deviceapi.JPEGCounter], OFA: counters[deviceapi.OFACounter],
	}
	return offer, nil
}

// counters is what the device consumes of its GPU's counter set.
func (d device) counters() map[string]int64 {
	values := map[string]int64{}
	for _, consumption := range d.ConsumesCounters {
		for name, counter := range consumption.Counters {
			values[name] = counter.Value.Value()
		}
	}
	return values
}

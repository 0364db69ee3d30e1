package deviceplacement

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
	"github.com/ashlar-dev/ashlar/topology/published"
)

// gpuPool is a pool whose devices are GPUs, MIG placements and shares.
// inventory.Offers[i] is the offer of the pool's device i.
type gpuPool struct {
	inventory *placement.Inventory
	byName    map[string]int // device name to index
	matches   matchCache
}

// newGPUPool reads a pool's devices; nil if any of them is not a GPU that can be
// understood, so that the pool passes through unchanged.
func newGPUPool(p *pool, known *inventories) *gpuPool {
	if p.driver != published.Driver && p.driver != published.NVIDIADriver {
		return nil
	}
	inventory, err := known.read(p)
	if err != nil {
		return nil
	}
	gpus := &gpuPool{inventory: inventory, byName: make(map[string]int, len(p.devices))}
	for i := range p.devices {
		gpus.byName[p.devices[i].Name] = i
	}
	return gpus
}

// inventories shares one Inventory between all pools of equal make.
type inventories struct {
	byMake map[string]*placement.Inventory
}

func (x *inventories) read(p *pool) (*placement.Inventory, error) {
	node, offers, err := readDevices(p)
	if err != nil {
		return nil, err
	}
	key := makeOf(node, offers)
	if known := x.byMake[key]; known != nil {
		return known, nil
	}
	inventory, err := placement.NewInventory(node, offers)
	if err != nil {
		return nil, err
	}
	if x.byMake == nil {
		x.byMake = make(map[string]*placement.Inventory)
	}
	x.byMake[key] = inventory
	return inventory, nil
}

// prune forgets inventories that no pool uses any more.
func (x *inventories) prune(inUse map[poolKey]*pool) {
	used := make(map[*placement.Inventory]bool)
	for _, p := range inUse {
		if p.gpus != nil {
			used[p.gpus.inventory] = true
		}
	}
	maps.DeleteFunc(x.byMake, func(_ string, inventory *placement.Inventory) bool { return !used[inventory] })
}

// makeOf spells out everything that placement looks at.
func makeOf(node *topology.Node, offers []placement.Offer) string {
	var text strings.Builder
	for i, gpu := range node.GPUs {
		fmt.Fprintf(&text, "%s %d %d %d %s %v\n", gpu.Model.Product, gpu.Model.Usable(), gpu.Model.LaneGBps, gpu.NUMA, gpu.PCIeRoot, node.Links[i])
	}
	for _, offer := range offers {
		fmt.Fprintf(&text, "%v\n", offer)
	}
	return text.String()
}

// readDevices turns devices into a node and one offer for each device.
func readDevices(p *pool) (*topology.Node, []placement.Offer, error) {
	devices := make([]device, len(p.devices))
	byIndex := map[int64]device{}
	for i := range p.devices {
		d := device{Device: &p.devices[i], driver: p.driver}
		devices[i] = d
		index, err := d.index()
		if err != nil {
			return nil, nil, err
		}
		if d.text(published.Type) == published.TypeGPU {
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
	offers := make([]placement.Offer, len(devices))
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
	if index, found := d.number(published.Index); found {
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
		Name:         d.text(published.ProductName),
		Product:      d.text(published.ProductName),
		Architecture: d.text(published.Architecture),
		Memory:       topology.Bytes(d.capacity(published.Memory)),
	}
	if model.Memory <= 0 {
		return topology.GPU{}, fmt.Errorf("device %s: no memory published", d.Name)
	}
	model.LaneGBps, _ = d.number(published.NVLinkLaneBandwidth)
	gpu := topology.GPU{Model: model, NUMA: topology.NoNUMA, PCIeRoot: d.text(published.PCIeRoot), Clique: d.text(published.NVLinkClique)}
	if numa, found := d.number(published.NUMANode); found {
		gpu.NUMA = numa
	}
	return gpu, nil
}

// linkRow is the published row of the link table, or, from a driver that
// publishes none, what PCIe roots and NUMA nodes allow to say.
func (d device) linkRow(node *topology.Node, self int) []topology.Link {
	if row, err := published.DecodeLinks(d.text(published.Links), len(node.GPUs)); err == nil && row[self].Kind == topology.Self {
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

func (d device) offer(gpu int) (placement.Offer, error) {
	offer := placement.Offer{GPU: gpu, Memory: topology.Bytes(d.capacity(published.Memory))}
	multiple := d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations
	switch kind := d.text(published.Type); {
	case kind == published.TypeGPU && !multiple:
		offer.Form = placement.Whole
	case kind == published.TypeShare && multiple:
		offer.Form = placement.Share
	case kind == published.TypeMIG && !multiple:
		offer.Form = placement.MIG
		return d.migOffer(offer)
	default:
		return offer, fmt.Errorf("device %s: type %q is not understood", d.Name, kind)
	}
	return offer, nil
}

func (d device) migOffer(offer placement.Offer) (placement.Offer, error) {
	id, haveID := d.number(published.ProfileID)
	start, haveStart := d.number(published.PlacementStart)
	size, haveSize := d.number(published.PlacementSize)
	if match := nvidiaMIG.FindStringSubmatch(d.Name); match != nil && !haveID && !haveStart {
		id, _ = strconv.ParseInt(match[2], 10, 64)
		start, _ = strconv.ParseInt(match[3], 10, 64)
		haveID, haveStart = true, true
	}
	counters := d.counters()
	if !haveSize {
		for name := range counters {
			if strings.HasPrefix(name, published.SliceCounter(0)[:len(published.SliceCounter(0))-1]) {
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
		Decoders: counters[published.DecoderCounter], Encoders: counters[published.EncoderCounter],
		JPEG: counters[published.JPEGCounter], OFA: counters[published.OFACounter],
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

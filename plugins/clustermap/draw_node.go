package clustermap

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// drawnPool is a pool of GPUs with what is held of it.
type drawnPool struct {
	*resourceslices.Pool
	reading   *resourceslices.Reading
	inventory *placement.Inventory
	state     placement.GPUStates
	tiles     []GPU
}

// DrawNode draws one node from its own objects. Notes say what of it is not understood.
func DrawNode(node *corev1.Node, objects *dryrun.ClusterObjects) (tile *Node, notes []string) {
	tile = &Node{Name: node.Name, Ready: isReady(node), Cordoned: node.Spec.Unschedulable, GPUs: []GPU{}}
	pods := map[string]*corev1.Pod{}
	for _, pod := range objects.Pods {
		pods[string(pod.UID)] = pod
	}
	groups := resourceslices.GroupByPool(objects.Slices)
	var best *drawnPool
	for _, key := range slices.SortedFunc(maps.Keys(groups), func(a, b resourceslices.PoolKey) int {
		return cmp.Or(cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.Pool, b.Pool))
	}) {
		if key.Driver != deviceapi.Driver && key.Driver != deviceapi.NVIDIADriver {
			continue
		}
		pool, err := readPool(key, groups[key])
		if err != nil {
			notes = append(notes, "node "+node.Name+": pool "+key.Pool+" of "+key.Driver+" is not shown: "+err.Error())
			continue
		}
		if pool == nil {
			continue
		}
		for _, claim := range objects.Claims {
			pool.holdClaim(claim, pods)
		}
		if best != nil {
			best.joinTwin(pool)
		}
		if best == nil || len(pool.tiles) > len(best.tiles) {
			best = pool
		}
	}
	if best == nil {
		drawCounted(tile, node, objects.Pods)
		return tile, notes
	}
	best.finish()
	tile.Source, tile.GPUs, tile.Links = best.Driver, best.tiles, linkWords(best.reading.Node)
	return tile, notes
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return true // nobody says otherwise, as of a node in a saved snapshot
}

// readPool reads the GPUs of a pool; nil if it has none.
func readPool(key resourceslices.PoolKey, published []*resourceapi.ResourceSlice) (*drawnPool, error) {
	pool := &drawnPool{Pool: resourceslices.NewestGeneration(key, published)}
	var err error
	if pool.reading, err = resourceslices.ReadPool(key.Driver, pool.Devices); err != nil {
		return nil, err
	}
	if pool.inventory, err = pool.reading.NewInventory(placement.PriorDemand()); err != nil || pool.inventory == nil {
		return nil, err
	}
	pool.state = placement.NewGPUStates(pool.inventory)
	islands := pool.reading.Node.Islands()
	for i := range pool.reading.Node.GPUs {
		gpu := &pool.reading.Node.GPUs[i]
		pool.tiles = append(pool.tiles, GPU{
			Index: int64(i), Product: gpu.Model.Product, Memory: int64(gpu.Model.Memory - gpu.Model.Reserved),
			Slices: pool.inventory.MemorySlices(i), Healthy: true, NUMA: gpu.NUMA, Island: islands[i],
		})
	}
	for i := range pool.reading.Devices {
		device, published := &pool.reading.Devices[i], pool.publishedAt(i)
		tile := &pool.tiles[device.GPU]
		for _, taint := range published.Taints {
			tile.Healthy = tile.Healthy && taint.Effect == resourceapi.DeviceTaintEffectNone
		}
		index := resourceslices.Device{Device: published, Driver: key.Driver}
		if attribute, found := index.FindAttribute(deviceapi.Index); found && attribute.IntValue != nil {
			tile.Index = *attribute.IntValue
		}
		if uuid, found := index.FindAttribute(deviceapi.UUID); found && uuid.StringValue != nil && device.Form == placement.Whole {
			tile.UUID = *uuid.StringValue
		}
		if device.Form == placement.MIG {
			if profile := resourceslices.ProfileName(key.Driver, published); !slices.Contains(tile.Profiles, profile) {
				tile.Profiles = append(tile.Profiles, profile)
			}
		}
	}
	return pool, nil
}

func (p *drawnPool) publishedAt(i int) *resourceapi.Device { return &p.Devices[p.reading.Published[i]] }

// holdClaim books what a claim has of the pool.
func (p *drawnPool) holdClaim(claim *resourceapi.ResourceClaim, pods map[string]*corev1.Pod) {
	if claim.Status.Allocation == nil {
		return
	}
	results := claim.Status.Allocation.Devices.Results
	for k := range results {
		result := &results[k]
		if result.Driver != p.Driver || result.Pool != p.Pool.Pool || result.AdminAccess != nil && *result.AdminAccess {
			continue
		}
		i := slices.IndexFunc(p.reading.Published, func(at int) bool { return p.Devices[at].Name == result.Device })
		if i < 0 {
			continue
		}
		device := &p.reading.Devices[i]
		size := placement.ShareSize{}
		holder := Holder{Namespace: claim.Namespace, Claim: claim.Name, Form: FormWhole, Bytes: int64(device.Memory)}
		switch device.Form {
		case placement.MIG:
			holder.Form, holder.Profile = FormMIG, resourceslices.ProfileName(p.Driver, p.publishedAt(i))
			holder.Start, holder.Size = int64(device.Placement.Start), int64(device.Placement.Size)
		case placement.Share:
			holder.Form = FormShare
			if memory, found := resourceslices.ConsumedAmount(result, deviceapi.Memory); found {
				size.Bytes, holder.Bytes = topology.Bytes(memory.Value()), memory.Value()
			}
		}
		for _, user := range claim.Status.ReservedFor {
			if user.Resource == "pods" {
				holder.Pod = user.Name
				if pod := pods[string(user.UID)]; pod != nil && pod.Spec.Priority != nil {
					holder.Priority = *pod.Spec.Priority
				}
				break
			}
		}
		p.inventory.HoldDevice(p.state, i, size)
		p.tiles[device.GPU].Holders = append(p.tiles[device.GPU].Holders, holder)
	}
}

// joinTwin shows what is held of another driver's pool at the same GPUs: a GPU that two drivers
// publish is one.
func (p *drawnPool) joinTwin(other *drawnPool) {
	larger, smaller := p, other
	if len(other.tiles) > len(p.tiles) {
		larger, smaller = other, p
	}
	for i := range smaller.tiles {
		for j := range larger.tiles {
			if smaller.tiles[i].Index == larger.tiles[j].Index {
				larger.tiles[j].Holders = append(larger.tiles[j].Holders, smaller.tiles[i].Holders...)
				larger.state[j].Whole = larger.state[j].Whole || len(smaller.tiles[i].Holders) > 0
			}
		}
	}
}

// finish says what is left of each GPU.
func (p *drawnPool) finish() {
	for gpu := range p.tiles {
		tile, state := &p.tiles[gpu], &p.state[gpu]
		slices.SortFunc(tile.Holders, func(a, b Holder) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod))
		})
		switch held := int64(bits.OnesCount16(uint16(state.MIG.Slices))); {
		case state.Whole:
		case held > 0 && tile.Slices > 0:
			tile.FreeMemory = tile.Memory * max(0, tile.Slices-held) / tile.Slices
		default:
			tile.FreeMemory = max(0, tile.Memory-int64(state.Shared))
		}
		rest := slices.Clone(p.state)
		taken := int64(0)
		for {
			i := p.largestSlice(rest, gpu)
			if i < 0 {
				break
			}
			if taken == 0 {
				tile.LargestSlice = resourceslices.ProfileName(p.Driver, p.publishedAt(i))
			}
			taken += int64(p.reading.Devices[i].Memory)
			p.inventory.HoldDevice(rest, i, placement.ShareSize{})
		}
		if state.MIG.Slices != 0 && !state.Whole {
			tile.Stranded = max(0, tile.FreeMemory-taken)
			if tile.Slices > 0 && tile.Stranded < tile.Memory/tile.Slices/2 { // slices are a little smaller than their part
				tile.Stranded = 0
			}
		}
	}
}

// largestSlice is the MIG device with the most memory that fits a GPU in a state, -1 if none does.
func (p *drawnPool) largestSlice(state placement.GPUStates, gpu int) int {
	best := -1
	for i := range p.reading.Devices {
		device := &p.reading.Devices[i]
		if device.GPU != gpu || device.Form != placement.MIG || !p.inventory.DeviceFits(state, i, placement.ShareSize{}) {
			continue
		}
		if best < 0 || device.Memory > p.reading.Devices[best].Memory {
			best = i
		}
	}
	return best
}

// linkWords are the links as nvidia-smi names them, nil if none is known.
func linkWords(node *topology.Node) [][]string {
	known := false
	var rows [][]string
	for i, row := range node.Links {
		var words []string
		for j, link := range row {
			known = known || i != j && !link.Assumed
			words = append(words, link.String())
		}
		rows = append(rows, words)
	}
	if !known {
		return nil
	}
	return rows
}

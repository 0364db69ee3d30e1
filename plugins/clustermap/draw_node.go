package clustermap

import (
	"cmp"
	"maps"
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
	*resourceslices.PublishedPool
	blank *blankPool
	state placement.GPUStates
	tiles []GPU
}

// DrawNode draws one node from its own objects, with the pools as reader reads them. Notes say what of it is not
// understood.
func DrawNode(node *corev1.Node, objects *dryrun.ClusterObjects, reader resourceslices.PoolReader) (tile *Node, notes []string) {
	return (&mapDrawer{reader: reader}).drawNode(node, objects)
}

func (d *mapDrawer) drawNode(node *corev1.Node, objects *dryrun.ClusterObjects) (tile *Node, notes []string) {
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
		if !resourceslices.HasGPUs(key.Driver) {
			continue
		}
		published := d.reader.ReadPool(key, groups[key])
		if err := published.Reading.Err; err != nil {
			notes = append(notes, "node "+node.Name+": pool "+key.Pool+" of "+key.Driver+" is not shown: "+err.Error())
			continue
		}
		if published.Reading.Inventory == nil {
			continue
		}
		pool := d.drawPool(published)
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
	tile.Source, tile.GPUs, tile.Links = best.Driver, best.tiles, best.blank.links
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

// drawPool draws the GPUs of a pool before anything of them is held.
func (d *mapDrawer) drawPool(published *resourceslices.PublishedPool) *drawnPool {
	reading := published.Reading
	pool := &drawnPool{PublishedPool: published, state: placement.NewGPUStates(reading.Inventory), blank: d.blankOf(reading)}
	pool.tiles = slices.Clone(pool.blank.tiles)
	for gpu := range pool.tiles {
		for _, i := range reading.OnGPU[gpu] {
			if reading.Devices[i].Form != placement.Whole {
				continue
			}
			device := resourceslices.Device{Device: &pool.Devices[reading.Published[i]], Driver: pool.Driver}
			if uuid, found := device.FindAttribute(deviceapi.UUID); found && uuid.StringValue != nil {
				pool.tiles[gpu].UUID = *uuid.StringValue
			}
		}
	}
	return pool
}

// blankPool is what all pools of a reading have in common. It does not change.
type blankPool struct {
	tiles []GPU
	links [][]string
}

func newBlankPool(reading *resourceslices.PoolReading) *blankPool {
	blank := &blankPool{links: linkWords(reading.Node)}
	islands := reading.Node.Islands()
	for i := range reading.Node.GPUs {
		gpu := &reading.Node.GPUs[i]
		blank.tiles = append(blank.tiles, GPU{
			Index: reading.Indexes[i], Product: gpu.Model.Product, Memory: int64(gpu.Model.Usable()),
			Slices: reading.Inventory.MemorySlices(i), Profiles: reading.GPUProfiles[i], Healthy: !reading.Tainted[i],
			NUMA: gpu.NUMA, Island: islands[i],
		})
	}
	return blank
}

// holdClaim books what a claim has of the pool.
func (p *drawnPool) holdClaim(claim *resourceapi.ResourceClaim, pods map[string]*corev1.Pod) {
	if claim.Status.Allocation == nil {
		return
	}
	results := claim.Status.Allocation.Devices.Results
	for k := range results {
		got, i, found := p.FindAllocated(&results[k])
		if !found || got.AdminAccess {
			continue
		}
		device := &got.Device
		size := placement.ShareSize{}
		holder := Holder{Namespace: claim.Namespace, Claim: claim.Name, Form: FormWhole, Bytes: int64(got.Bytes)}
		switch device.Form {
		case placement.Whole:
		case placement.MIG:
			holder.Form, holder.Profile = FormMIG, got.Profile
			holder.Start, holder.Size = int64(device.Placement.Start), int64(device.Placement.Size)
		case placement.Share:
			holder.Form, size.Bytes = FormShare, got.Bytes
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
		p.Reading.Inventory.HoldDevice(p.state, i, size)
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

// finish says what is left of each GPU. What of it is stranded is package placement's to say.
func (p *drawnPool) finish() {
	usage := p.Reading.Inventory.UsageOf(p.state)
	for gpu := range p.tiles {
		tile := &p.tiles[gpu]
		slices.SortFunc(tile.Holders, func(a, b Holder) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod))
		})
		tile.FreeMemory, tile.Stranded = int64(usage[gpu].Free+usage[gpu].Stranded), int64(usage[gpu].Stranded)
		if i := p.largestSlice(gpu); i >= 0 {
			tile.LargestSlice = p.Reading.Profiles[i]
		}
	}
}

// largestSlice is the MIG device with the most memory that fits a GPU as it is, -1 if none does.
func (p *drawnPool) largestSlice(gpu int) int {
	best := -1
	for _, i := range p.Reading.OnGPU[gpu] {
		device := &p.Reading.Devices[i]
		if device.Form == placement.MIG && p.Reading.Inventory.DeviceFits(p.state, i, placement.ShareSize{}) &&
			(best < 0 || device.Memory > p.Reading.Devices[best].Memory) {
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

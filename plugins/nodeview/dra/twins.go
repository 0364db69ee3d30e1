package dra

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Two drivers, or two device types of one driver, may publish one physical GPU: Ashlar's
// driver and NVIDIA's side by side, or a GPU and the same GPU for passthrough. Neither the
// API nor the in-tree code knows. Such devices are twins: what is held of one is not free
// in the other.

// twinDevice is a device that is on a physical GPU which is published more than once.
type twinDevice struct {
	pool   *Pool
	device int // an index into the pool's devices
}

// twinGPU is a physical GPU that is published more than once, by all devices on it.
type twinGPU struct{ devices []twinDevice }

// twinIndex finds the twins of devices.
type twinIndex struct {
	byNode map[string]*nodeTwins
	// notes are what cannot be told, said those of them that were given to somebody.
	notes []IdentityNote
	said  map[string]bool
}

// nodeTwins are the twins of one node. It does not change.
type nodeTwins struct {
	pools []*Pool // what it was read from
	// of[p][i] is the physical GPU of device i of a pool, nil if nothing else is on it. Pools
	// without twins are not in it.
	of   map[*Pool][]*twinGPU
	note string
}

// twinsOf is the physical GPU of a device, nil if nothing else publishes it.
func (x *twinIndex) twinsOf(p *Pool, device int) *twinGPU {
	if node := x.byNode[p.Node]; node != nil && node.of[p] != nil {
		return node.of[p][device]
	}
	return nil
}

// updateTwins reads the twins of nodes whose pools have changed.
func (x *twinIndex) updateTwins(pools *poolIndex) {
	before := x.byNode
	x.byNode = make(map[string]*nodeTwins, len(before))
	x.notes = nil
	for node := range pools.gpusByNode {
		all := pools.poolsOn(node)
		slices.SortFunc(all, comparePools)
		twins := before[node]
		if twins == nil || !slices.Equal(twins.pools, all) {
			twins = readTwins(all)
		}
		x.byNode[node] = twins
		if twins.note != "" {
			x.notes = append(x.notes, IdentityNote{[]string{node}, twins.note})
		}
	}
	x.notes = append(x.notes, notesOnMovedGPUs(pools.gpusByNode)...)
	slices.SortFunc(x.notes, compareNotes)
}

// publishedGPU is one GPU of a pool, or one other device that says which GPU it is.
type publishedGPU struct {
	pool *Pool
	// gpu is an index into the pool's inventory, -1 for a device that is not understood,
	// which is at index device of the pool.
	gpu, device int
	resourceslices.GPUIdentity
}

// listGPUs lists what pools publish of GPUs, understood or not.
func listGPUs(pools []*Pool) []publishedGPU {
	var all []publishedGPU
	for _, p := range pools {
		understood := make([]bool, len(p.Devices))
		if p.gpus != nil {
			for gpu, identity := range p.gpus.identities {
				all = append(all, publishedGPU{pool: p, gpu: gpu, GPUIdentity: identity})
			}
			for _, at := range p.gpus.published {
				understood[at] = true
			}
		}
		for i := range p.Devices {
			if understood[i] {
				continue
			}
			if identity := p.deviceAt(i).GPUIdentity(); identity != (resourceslices.GPUIdentity{}) {
				all = append(all, publishedGPU{pool: p, gpu: -1, device: i, GPUIdentity: identity})
			}
		}
	}
	return all
}

// readTwins compares what the pools of a node publish.
func readTwins(pools []*Pool) *nodeTwins {
	twins := &nodeTwins{pools: pools, note: noteOnIncomparable(pools)}
	all := listGPUs(pools)
	group := make([]int, len(all)) // the first that is the same GPU
	groups := map[string]int{}
	for i, published := range all {
		group[i] = i
		for _, key := range []string{"uuid " + published.UUID, "bus " + published.BusID} {
			if key == "uuid " || key == "bus " {
				continue
			}
			if other, known := groups[key]; known {
				mergeGroups(group[:i+1], group[i], group[other])
			} else {
				groups[key] = i
			}
		}
	}
	members := map[int][]publishedGPU{}
	for i := range all {
		members[group[i]] = append(members[group[i]], all[i])
	}
	for _, same := range members {
		if len(same) > 1 && slices.ContainsFunc(same, func(g publishedGPU) bool { return g.gpu >= 0 }) {
			twins.addTwins(same)
		}
	}
	return twins
}

// mergeGroups makes one group of two.
func mergeGroups(group []int, a, b int) {
	for i := range group {
		if group[i] == a || group[i] == b {
			group[i] = min(a, b)
		}
	}
}

// addTwins notes that some published GPUs are one.
func (t *nodeTwins) addTwins(same []publishedGPU) {
	twin := &twinGPU{}
	for _, published := range same {
		if published.gpu < 0 {
			twin.devices = append(twin.devices, twinDevice{published.pool, published.device})
			continue
		}
		gpus := published.pool.gpus
		for i := range gpus.inventory.Devices {
			if gpus.inventory.Devices[i].GPU == published.gpu {
				twin.devices = append(twin.devices, twinDevice{published.pool, gpus.published[i]})
			}
		}
	}
	for _, member := range twin.devices {
		if t.of == nil {
			t.of = map[*Pool][]*twinGPU{}
		}
		if t.of[member.pool] == nil {
			t.of[member.pool] = make([]*twinGPU, len(member.pool.Devices))
		}
		t.of[member.pool][member.device] = twin
	}
}

// eachTwin yields the twins of a device, with what holds them if the device is held: the
// device's driver, its pool, or the device. Devices of one pool have counters between them,
// but for GPUs that are passed through.
func (t *twinGPU) eachTwin(p *Pool, device int, yield func(other twinDevice, through string)) {
	for _, other := range t.devices {
		switch {
		case other.pool.Driver != p.Driver:
			yield(other, p.Driver)
		case other.pool != p:
			yield(other, "pool "+p.PoolKey.Pool)
		case p.deviceAt(device).IsPassthrough() != p.deviceAt(other.device).IsPassthrough():
			yield(other, "device "+p.Devices[device].Name)
		}
	}
}

// addTwinHolders adds to the state of a view who holds its GPUs through another driver or
// device. A GPU whose holder is not known has the holder "".
func (v *View) addTwinHolders(
	state *placement.NodeState, claimsOf func(*Pool) ([]*resourceapi.ResourceClaim, error),
) error {
	held := v.cycle.allocated.ofPool(v.pool).heldThrough
	if len(held) == 0 {
		return nil
	}
	known := map[int]bool{}
	for _, p := range v.cycle.source.pools.poolsOn(v.pool.Node) {
		claims, err := claimsOf(p)
		if err != nil {
			return err
		}
		for _, claim := range claims {
			for gpu := range v.gpusHeldThrough(p, claim) {
				known[gpu] = true
				state.RecordAllocation(placement.Allocation{Holder: placement.HolderID(claim.UID), Devices: v.pool.devicesFilling(gpu)})
			}
		}
	}
	for gpu := range held {
		if !known[gpu] {
			state.RecordAllocation(placement.Allocation{Devices: v.pool.devicesFilling(gpu)})
		}
	}
	return nil
}

// gpusHeldThrough are the view's GPUs that a claim holds through twins in a pool.
func (v *View) gpusHeldThrough(p *Pool, claim *resourceapi.ResourceClaim) map[int]bool {
	gpus := map[int]bool{}
	for k := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[k]
		at := slices.IndexFunc(p.Devices, func(d resourceapi.Device) bool { return d.Name == result.Device })
		if at < 0 || result.Driver != p.Driver || result.Pool != p.PoolKey.Pool || isAdminAccess(result) {
			continue
		}
		if twin := v.cycle.source.pools.twins.twinsOf(p, at); twin != nil {
			twin.eachTwin(p, at, func(other twinDevice, _ string) {
				if other.pool != v.pool {
					return
				}
				if gpu := v.pool.gpuOf(other.device); gpu >= 0 {
					gpus[gpu] = true
				}
			})
		}
	}
	return gpus
}

// HoldChosen notes in what is held of the view's GPUs that another view of the node gives
// away devices.
func (v *View) HoldChosen(gpus placement.GPUStates, other *View, chosen []placement.DeviceAllocation) {
	for _, device := range chosen {
		if other.pool == v.pool {
			v.pool.gpus.inventory.HoldDevice(gpus, device.Device, device.ShareSize)
			continue
		}
		at := other.pool.gpus.published[device.Device]
		twin := v.cycle.source.pools.twins.twinsOf(other.pool, at)
		if twin == nil {
			continue
		}
		twin.eachTwin(other.pool, at, func(own twinDevice, _ string) {
			if own.pool != v.pool || v.pool.gpuOf(own.device) < 0 {
				return
			}
			for _, fill := range v.pool.devicesFilling(v.pool.gpuOf(own.device)) {
				v.pool.gpus.inventory.HoldDevice(gpus, fill.Device, fill.ShareSize)
			}
		})
	}
}

// HeldThroughOthers says which GPUs are held through what else publishes them: "GPU 3 is held
// through gpu.nvidia.com"; "" for none.
func (v *View) HeldThroughOthers() string {
	held := v.cycle.allocated.ofPool(v.pool).heldThrough
	byDriver := map[string][]string{}
	for _, gpu := range slices.Sorted(maps.Keys(held)) {
		byDriver[held[gpu]] = append(byDriver[held[gpu]], strconv.Itoa(gpu))
	}
	var sentences []string
	for _, through := range slices.Sorted(maps.Keys(byDriver)) {
		what := "GPU " + byDriver[through][0] + " is"
		if len(byDriver[through]) > 1 {
			what = "GPUs " + strings.Join(byDriver[through], ",") + " are"
		}
		sentences = append(sentences, what+" held through "+through)
	}
	return strings.Join(sentences, ", ")
}

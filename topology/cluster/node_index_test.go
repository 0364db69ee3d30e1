package cluster

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// The index finds the node and the devices that a look at every node finds, on random
// clusters with links, MIG instances, whole GPUs and shares, while pods and gangs come and
// go, nodes close, change and join, hosts run full, forecasts learn and trials are reverted.
func TestIndexChoosesAsALookAtEveryNodeDoes(t *testing.T) {
	var inventories []*placement.Inventory
	for _, machine := range []string{"dgx-h100", "dgx-a100", "azure-nc96ads-a100", "4xA30-pcie", "dgx1-v100"} {
		inventories = append(inventories, inventoryOf(t, machine))
	}
	for seed := range int64(12) {
		t.Run(strconv.FormatInt(seed, 10), func(t *testing.T) {
			c := newRandomCluster(seed, inventories)
			for step := range 1_200 {
				c.changeAnything(t)
				pod := &c.pods[c.random.Intn(len(c.pods))]
				if got, want := c.askIndex(pod), c.askEveryNode(pod); !cmp.Equal(want, got) {
					t.Fatalf("step %d (-want +got):\n%s", step, cmp.Diff(want, got))
				}
			}
			if c.indexes() == 0 {
				t.Fatal("no ranking made an index: the test compared nothing")
			}
		})
	}
}

// randomCluster is a snapshot to which anything may happen.
type randomCluster struct {
	*Snapshot
	random      *rand.Rand
	inventories []*placement.Inventory
	pods        []askingPod
	held        []heldPlace
	holders     int
	// version is that of the forecast, by which costs differ.
	version int64
}

// askingPod is a kind of pod; priced says that a forecast has a say.
type askingPod struct {
	request requestFor
	ranking *NodeRanking
	host    topology.HostResources
	priced  bool
}

type heldPlace struct {
	node   int
	holder placement.HolderID
}

// nodeAnswer is what is compared.
type nodeAnswer struct {
	Found    bool
	Decision Decision
}

func newRandomCluster(seed int64, inventories []*placement.Inventory) *randomCluster {
	c := &randomCluster{Snapshot: NewSnapshot(nil), random: rand.New(rand.NewSource(seed)), inventories: inventories}
	for range 1 + c.random.Intn(60) {
		c.AddNode(c.drawNode())
	}
	policies := []placement.Policy{placement.KeepPlaceable{}, placement.FirstFit{}, placement.BestFit{}, placement.Random{Seed: 7}}
	policy := policies[seed%int64(len(policies))]
	requests := []requestFor{
		gpusFor(1), gpusFor(2), gpusFor(4), sliceFor(profile1g), sliceFor(profile3g), sliceFor(profile2g), shareFor(8), shareFor(20),
	}
	for _, request := range requests {
		ranking := c.Rank(c.ByInventory(request), policy)
		for _, cpu := range []topology.MilliCPU{0, 4_000, 16_000} {
			c.pods = append(c.pods, askingPod{
				request: request, ranking: ranking, priced: c.random.Intn(2) == 0,
				host: topology.HostResources{CPU: cpu, Memory: topology.Bytes(c.random.Intn(64)) * topology.GiB},
			})
		}
	}
	return c
}

// drawNode draws a node; some have no GPUs, and hosts are small enough to run full.
func (c *randomCluster) drawNode() Node {
	node := Node{Domain: NoDomain, Host: topology.HostResources{
		CPU: topology.MilliCPU(16_000 * (1 + c.random.Intn(6))), Memory: topology.Bytes(64*(1+c.random.Intn(8))) * topology.GiB,
	}}
	if c.random.Intn(12) > 0 {
		node.Inventory = c.inventories[c.random.Intn(len(c.inventories))]
	}
	return node
}

// changeAnything does one of the things that happen to a cluster.
func (c *randomCluster) changeAnything(t *testing.T) {
	pod := &c.pods[c.random.Intn(len(c.pods))]
	switch draw := c.random.Intn(40); {
	case draw < 16:
		c.startPod(t, pod)
	case draw < 26:
		c.endPod()
	case draw < 30:
		c.SetSchedulable(c.random.Intn(c.Len()), c.random.Intn(3) > 0)
	case draw < 32:
		c.Fork()
		for range 3 {
			c.startPod(t, &c.pods[c.random.Intn(len(c.pods))])
		}
		c.askIndex(pod)
		c.Revert()
		c.held = slices.DeleteFunc(c.held, func(h heldPlace) bool { return !c.holds(h) })
	case draw < 34:
		c.startGang(pod)
	case draw < 35:
		node := c.random.Intn(c.Len())
		c.SetNode(node, c.drawNode(), nil)
		c.held = slices.DeleteFunc(c.held, func(h heldPlace) bool { return h.node == node })
	case draw < 36:
		c.AddNode(c.drawNode())
	case draw < 37:
		c.renumberClasses()
	case draw < 38:
		c.version++
	case draw < 39:
		for range 4 * c.Len() { // more than the change log holds
			c.noteChanged(c.random.Intn(c.Len()))
		}
	}
}

func (c *randomCluster) holds(h heldPlace) bool {
	return slices.ContainsFunc(c.NodeState(h.node).Allocations(), func(a placement.Allocation) bool { return a.Holder == h.holder })
}

// startPod places a pod by the index.
func (c *randomCluster) startPod(t *testing.T, pod *askingPod) {
	answer := c.askIndex(pod)
	if !answer.Found {
		return
	}
	c.holders++
	h := heldPlace{answer.Decision.Node, placement.HolderID(strconv.Itoa(c.holders))}
	if err := c.Allocate(h.node, placement.Allocation{Holder: h.holder, Host: pod.host, Devices: answer.Decision.Devices}); err != nil {
		t.Fatal(err)
	}
	c.held = append(c.held, h)
}

func (c *randomCluster) endPod() {
	if len(c.held) == 0 {
		return
	}
	at := c.random.Intn(len(c.held))
	c.ReleaseHolder(c.held[at].node, c.held[at].holder)
	c.held = slices.Delete(c.held, at, at+1)
}

// startGang places three pods of a kind together.
func (c *randomCluster) startGang(pod *askingPod) {
	member := GroupMember{Ranking: pod.ranking, Host: pod.host}
	placed, _ := c.PlaceGroup(&Group{Members: []GroupMember{member, member, member}, SameModel: Preferred})
	for _, decision := range placed {
		c.holders++
		h := heldPlace{decision.Node, placement.HolderID(strconv.Itoa(c.holders))}
		c.RecordAllocation(h.node, placement.Allocation{Holder: h.holder, Host: pod.host, Devices: decision.Devices})
		c.held = append(c.held, h)
	}
}

// costFor is a forecast that looks at all that it may: what is left of the node, what the
// pod takes, its devices and the version.
func (c *randomCluster) costFor(pod *askingPod) ForecastCost {
	if !pod.priced {
		return nil
	}
	return func(node int, devices []placement.DeviceAllocation) int64 {
		left := c.FreeHost(node).CPU - pod.host.CPU
		return (int64(left/1000)*(c.version%3-1) + int64(devices[0].Device)) / 8
	}
}

func (c *randomCluster) askIndex(pod *askingPod) nodeAnswer {
	var answer nodeAnswer
	if cost := c.costFor(pod); cost != nil {
		answer.Decision, answer.Found = pod.ranking.BestPriced(pod.host, cost, c.version)
	} else {
		answer.Decision, answer.Found = pod.ranking.Best(pod.host, nil)
	}
	answer.Decision.Devices = slices.Clone(answer.Decision.Devices)
	return answer
}

// askEveryNode places the pod on each node anew, with nothing remembered.
func (c *randomCluster) askEveryNode(pod *askingPod) nodeAnswer {
	var best nodeAnswer
	cost := c.costFor(pod)
	for node := range c.Len() {
		inv := c.Node(node).Inventory
		if inv == nil || !c.Schedulable(node) || !pod.host.Within(c.FreeHost(node)) {
			continue
		}
		verdict := placement.Place(inv, c.NodeState(node).GPUs(), pod.request(inv), pod.ranking.policy)
		if verdict.Outcome != placement.Fits {
			continue
		}
		score := NodeScore{Rating: verdict.Rating}
		if cost != nil {
			score.ForecastCost = cost(node, verdict.Devices)
		}
		if !best.Found || CompareNodes(score, best.Decision.NodeScore) < 0 {
			best = nodeAnswer{true, Decision{Node: node, Devices: slices.Clone(verdict.Devices), NodeScore: score}}
		}
	}
	return best
}

// indexes is how many there are.
func (c *randomCluster) indexes() int {
	count := 0
	for i := range c.pods {
		count += len(c.pods[i].ranking.indexes.kept)
	}
	return count
}

// shareFor asks every node for a share of one GPU's memory, in GiB.
func shareFor(gib int) requestFor {
	return func(inv *placement.Inventory) *placement.Request {
		accepts := inv.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.Share })
		return &placement.Request{Parts: []placement.Part{{Name: "share", Count: 1, Accepts: accepts, Bytes: topology.Bytes(gib) * topology.GiB}}}
	}
}

// BenchmarkIndex is one MIG instance that comes and one that goes on full clusters: what
// it takes hardly depends on how many nodes there are.
func BenchmarkIndex(b *testing.B) {
	inv := inventoryOf(b, "dgx-a100")
	for _, nodes := range []int{100, 2_000, 10_000} {
		b.Run("nodes="+strconv.Itoa(nodes), func(b *testing.B) {
			s := NewSnapshot(slices.Repeat([]Node{{Inventory: inv, Domain: NoDomain}}, nodes))
			random := rand.New(rand.NewSource(1))
			var rankings []*NodeRanking
			for _, profile := range []mig.ProfileID{profile1g, profile2g, profile3g} {
				rankings = append(rankings, s.Rank(s.ByInventory(sliceFor(profile)), placement.KeepPlaceable{}))
			}
			var held []heldPlace
			started := 0
			start := func() bool {
				best, found := rankings[random.Intn(len(rankings))].Best(topology.HostResources{}, nil)
				if !found {
					return false
				}
				started++
				h := heldPlace{best.Node, placement.HolderID(strconv.Itoa(started))}
				s.RecordAllocation(h.node, placement.Allocation{Holder: h.holder, Devices: best.Devices})
				held = append(held, h)
				return true
			}
			for len(held) < 20*nodes && start() {
			}
			b.ReportAllocs()
			for b.Loop() {
				last := len(held) - 1
				at := random.Intn(last + 1)
				s.ReleaseHolder(held[at].node, held[at].holder)
				held[at], held = held[last], held[:last]
				start()
			}
		})
	}
}

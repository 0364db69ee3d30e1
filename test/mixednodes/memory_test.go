package mixednodes

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// checkBound looks at a pod that was bound: it has its claims, and its model server may
// start on what it has.
func (c *checker) checkBound(pod *podRecord) {
	facts := c.facts[pod.node]
	if facts == nil {
		c.report(claimsMissing, pod.node, "pod %s is bound there and there is no such node", pod.name)
		return
	}
	c.checkClaims(pod)
	if pod.hopeless != "" {
		c.report(serverMisled, pod.node, "pod %s, %s, is bound although it %s", pod.name, pod.request, pod.hopeless)
		return
	}
	if pod.server == nil && pod.stated == 0 {
		return
	}
	for name := range pod.asks {
		r := facts.resource(name)
		if r == nil || !r.told {
			c.unchecked++
			continue
		}
		gpu, share := facts.pluginDevice(r)
		c.checkServer(pod, gpu, share)
	}
	for _, name := range pod.claims {
		claim := c.claims[name]
		if claim == nil {
			continue // checkClaims says so
		}
		for _, held := range claim.devices {
			if device := facts.devices[held.deviceKey]; device != nil {
				gpu, share := facts.claimedDevice(device, &held)
				c.checkServer(pod, gpu, share)
			}
		}
	}
}

// resource is what the node's device plugin has of a name, nil if nothing.
func (n *fleetNode) resource(name corev1.ResourceName) *pluginResource {
	if n.plugin != nil {
		for i := range n.plugin.resources {
			if n.plugin.resources[i].name == name {
				return &n.plugin.resources[i]
			}
		}
	}
	return nil
}

// pluginDevice is a device of a resource, and the part of it that a pod is held to, 0 for
// all of it.
func (n *fleetNode) pluginDevice(r *pluginResource) (gpu memory.GPU, share topology.Bytes) {
	gpu = memory.WholeGPU(n.model())
	if r.profile != nil {
		gpu = memory.MIGSlice(n.model(), r.profile.Name, r.profile.Memory)
	}
	if r.mps {
		share = gpu.Total / topology.Bytes(r.replicas)
	}
	return gpu, share
}

// claimedDevice is the same for a device of a claim.
func (n *fleetNode) claimedDevice(device *publishedDevice, held *heldDevice) (gpu memory.GPU, share topology.Bytes) {
	switch {
	case device.kind == "mig":
		return memory.MIGSlice(n.model(), device.profile, topology.Bytes(device.capacity["memory"])), 0
	case device.shared:
		return memory.WholeGPU(n.model()), topology.Bytes(held.consumed["memory"])
	}
	return memory.WholeGPU(n.model()), 0
}

// verdictKey is a question about a server.
type verdictKey struct {
	server modelServer
	gpu    memory.GPU
	share  topology.Bytes
}

// checkServer holds that a pod's server may start on a GPU, by the account that `ashlar
// plan` gives.
func (c *checker) checkServer(pod *podRecord, gpu memory.GPU, share topology.Bytes) {
	c.checks[serverMisled]++
	if pod.stated > 0 {
		available := gpu.Total
		if share > 0 {
			available = share
		}
		if pod.stated > available {
			c.report(serverMisled, pod.node, "pod %s, %s, states %s and %s has %s for it", pod.name, pod.request, pod.stated, gpu.Name, available)
		}
		return
	}
	key := verdictKey{*pod.server, gpu, share}
	because, known := c.verdicts[key]
	if !known {
		because = pod.server.refusedOn(gpu, share)
		c.verdicts[key] = because
	}
	if because != "" {
		c.report(serverMisled, pod.node, "pod %s, %s, runs %+v: %s", pod.name, pod.request, *pod.server, because)
	}
}

// refusedOn says why no release of the server may start, "" if one may.
func (s *modelServer) refusedOn(gpu memory.GPU, share topology.Bytes) string {
	accounts, err := s.accounts()
	if err != nil {
		return err.Error()
	}
	because := ""
	for _, account := range accounts {
		e := account.On(gpu, memory.Demand{})
		switch {
		case !e.MayStart():
			because = e.Explain()
		case share > 0 && e.Claims() > share:
			because = fmt.Sprintf("%s: it takes %s and has %s", gpu.Name, e.Claims(), share)
		default:
			return ""
		}
	}
	return because
}

// takenOn is the least that the server takes of a GPU.
func (s *modelServer) takenOn(gpu memory.GPU) topology.Bytes {
	accounts, err := s.accounts()
	if err != nil {
		return 0
	}
	var all []topology.Bytes
	for _, account := range accounts {
		e := account.On(gpu, memory.Demand{})
		all = append(all, e.Claims())
	}
	return slices.Min(all)
}

// ledgerKey names a resource of a node.
type ledgerKey struct {
	node     string
	resource corev1.ResourceName
}

// ledger is who has the replicas of a node's shared devices.
type ledger struct {
	resource *pluginResource
	gpu      memory.GPU
	devices  []map[string]*tenant // by pod
}

// tenant is a pod on a device.
type tenant struct {
	replicas int64
	bytes    topology.Bytes
}

// hold gives a pod that was bound the devices that NVIDIA's device plugin would: each
// replica is of the device with the fewest in use. Among equals, of which the plugin takes
// any, it is the one with the most memory in use.
func (c *checker) hold(pod *podRecord) {
	facts := c.facts[pod.node]
	for name, count := range pod.asks {
		r := facts.resource(name)
		if r == nil || r.replicas == 1 || r.mps || !r.told {
			continue
		}
		key := ledgerKey{pod.node, name}
		l := c.ledgers[key]
		if l == nil {
			gpu, _ := facts.pluginDevice(r)
			l = &ledger{resource: r, gpu: gpu}
			for range r.devices {
				l.devices = append(l.devices, map[string]*tenant{})
			}
			c.ledgers[key] = l
		}
		for range count {
			l.give(pod)
		}
		for i := range l.devices {
			c.checks[memoryWrong]++
			if _, taken := l.used(i); taken > l.gpu.Total {
				c.report(memoryWrong, pod.node, "with pod %s, device %d of %s, %s, has %s for %s", pod.name, i, name, l.gpu.Name, l.gpu.Total,
					l.describe(i))
			}
		}
	}
}

// used is how many replicas of a device are in use, and how much memory.
func (l *ledger) used(device int) (replicas int64, taken topology.Bytes) {
	for _, t := range l.devices[device] {
		replicas, taken = replicas+t.replicas, taken+t.bytes
	}
	return replicas, taken
}

func (l *ledger) describe(device int) string {
	var text []string
	for name, t := range l.devices[device] {
		text = append(text, fmt.Sprintf("%s with %s", name, t.bytes))
	}
	slices.Sort(text)
	return fmt.Sprint(text)
}

func (l *ledger) give(pod *podRecord) {
	best, fewest, most := -1, int64(0), topology.Bytes(0)
	for i := range l.devices {
		replicas, taken := l.used(i)
		if replicas < l.resource.replicas && (best < 0 || replicas < fewest || replicas == fewest && taken > most) {
			best, fewest, most = i, replicas, taken
		}
	}
	if best < 0 {
		return // checkCounts says so
	}
	t := l.devices[best][pod.name]
	if t == nil {
		t = &tenant{}
		l.devices[best][pod.name] = t
	}
	t.replicas++
	switch {
	case pod.stated > 0:
		t.bytes = pod.stated
	case pod.server != nil:
		t.bytes = pod.server.takenOn(l.gpu)
	default: // its part, nothing else being known
		t.bytes += l.gpu.Total / topology.Bytes(l.resource.replicas)
	}
}

// release takes back what a pod has.
func (c *checker) release(pod *podRecord) {
	if pod.node == "" {
		return
	}
	for name := range pod.asks {
		if l := c.ledgers[ledgerKey{pod.node, name}]; l != nil {
			for _, device := range l.devices {
				delete(device, pod.name)
			}
		}
	}
}

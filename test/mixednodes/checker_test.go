package mixednodes

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
)

// What can be wrong.
const (
	countsWrong   = "device-plugin counts"
	slicesWrong   = "slices"
	offeredTwice  = "GPUs offered in two ways"
	memoryWrong   = "memory ledger"
	serverMisled  = "model servers that cannot start"
	claimsMissing = "claims of bound pods"
)

// checker follows what happens and looks for what must not be. It knows the nodes from the
// fleet and the API server, and pods and claims from the API server alone.
type checker struct {
	facts  map[string]*nodeFacts
	pods   map[string]*podRecord
	claims map[string]*claimRecord
	// podsOn and claimsOn are those of a node, by name.
	podsOn   map[string]map[string]*podRecord
	claimsOn map[string]map[string]*claimRecord
	ledgers  map[ledgerKey]*ledger
	verdicts map[verdictKey]string

	// found is what is wrong, each once, in order; checks counts what was looked at.
	found  []violation
	known  map[violation]bool
	checks map[string]int
	// unchecked counts model servers on GPUs of which the node tells nothing.
	unchecked int
}

type violation struct{ what, node, text string }

func (v violation) String() string { return fmt.Sprintf("%s: node %s: %s", v.what, v.node, v.text) }

func newChecker(facts map[string]*nodeFacts) *checker {
	return &checker{
		facts: facts, pods: map[string]*podRecord{}, claims: map[string]*claimRecord{}, podsOn: map[string]map[string]*podRecord{},
		claimsOn: map[string]map[string]*claimRecord{}, ledgers: map[ledgerKey]*ledger{}, verdicts: map[verdictKey]string{},
		known: map[violation]bool{}, checks: map[string]int{},
	}
}

func (c *checker) report(what, node, format string, args ...any) {
	v := violation{what, node, fmt.Sprintf(format, args...)}
	if !c.known[v] {
		c.known[v] = true
		c.found = append(c.found, v)
	}
}

// count is how many violations of a kind were found.
func (c *checker) count(what string) int {
	n := 0
	for _, v := range c.found {
		if v.what == what {
			n++
		}
	}
	return n
}

// replay follows a change and checks the nodes that it concerns.
func (c *checker) replay(next change) {
	var nodes []string
	if next.pod != nil {
		nodes = c.setPod(next.pod, next.gone)
	} else {
		nodes = c.setClaim(next.claim, next.gone)
	}
	for _, node := range nodes {
		c.checkNode(node)
	}
}

// setPod takes a pod's new version. What a pod needs is checked as soon as it is bound.
func (c *checker) setPod(pod *podRecord, gone bool) (nodes []string) {
	before := c.pods[pod.name]
	if before != nil && before.node != "" {
		delete(c.podsOn[before.node], pod.name)
		nodes = append(nodes, before.node)
	}
	delete(c.pods, pod.name)
	if gone {
		c.release(pod)
		return nodes
	}
	c.pods[pod.name] = pod
	if !pod.onNode() {
		c.release(pod)
		return nodes
	}
	into(c.podsOn, pod.node)[pod.name] = pod
	if before == nil || before.node == "" {
		c.checkBound(pod)
		c.hold(pod)
	}
	return append(nodes, pod.node)
}

// setClaim takes a claim's new version.
func (c *checker) setClaim(claim *claimRecord, gone bool) (nodes []string) {
	before := c.claims[claim.name]
	for _, node := range poolsOf(before) {
		delete(c.claimsOn[node], claim.name)
		nodes = append(nodes, node)
	}
	delete(c.claims, claim.name)
	if gone {
		return nodes
	}
	c.claims[claim.name] = claim
	for _, node := range poolsOf(claim) {
		into(c.claimsOn, node)[claim.name] = claim
		nodes = append(nodes, node)
	}
	return nodes
}

// poolsOf are the pools of a claim's devices. A node's pools are named after it.
func poolsOf(claim *claimRecord) []string {
	pools := map[string]bool{}
	if claim != nil {
		for _, held := range claim.devices {
			pools[held.pool] = true
		}
	}
	return slices.Sorted(maps.Keys(pools))
}

func into[T any](index map[string]map[string]T, node string) map[string]T {
	if index[node] == nil {
		index[node] = map[string]T{}
	}
	return index[node]
}

// checkNode looks at all that is held of a node.
func (c *checker) checkNode(name string) {
	facts := c.facts[name]
	if facts == nil {
		c.report(claimsMissing, name, "there is no such node")
		return
	}
	c.checkCounts(facts)
	c.checkSlices(facts)
	c.checkTwice(facts)
}

// checkAll looks at all nodes, and at all pods that are bound.
func (c *checker) checkAll() {
	for _, name := range slices.Sorted(maps.Keys(c.facts)) {
		c.checkNode(name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.pods)) {
		if pod := c.pods[name]; pod.onNode() {
			c.checkBound(pod)
		}
	}
}

// askedOn is what the pods on a node have of its device plugin.
func (c *checker) askedOn(node string) map[corev1.ResourceName]int64 {
	asked := map[corev1.ResourceName]int64{}
	for _, pod := range c.podsOn[node] {
		for name, count := range pod.asks {
			asked[name] += count
		}
	}
	return asked
}

// checkCounts holds that a device plugin hands out what it has and no more.
func (c *checker) checkCounts(facts *nodeFacts) {
	for name, count := range c.askedOn(facts.name) {
		c.checks[countsWrong]++
		if count > facts.allocatable[name] {
			c.report(countsWrong, facts.name, "pods have %d %s of %d", count, name, facts.allocatable[name])
		}
	}
}

// checkTwice holds that a GPU which is offered in two ways is had in one at a time.
func (c *checker) checkTwice(facts *nodeFacts) {
	if facts.second == "" {
		return
	}
	c.checks[offeredTwice]++
	taken := map[string]map[string]topology.Bytes{} // by UUID and driver, all of the GPU unless shared
	for _, claim := range c.claimsOn[facts.name] {
		for _, held := range claim.devices {
			device := facts.devices[held.deviceKey]
			if device == nil {
				continue // checkSlices says so
			}
			if taken[device.uuid] == nil {
				taken[device.uuid] = map[string]topology.Bytes{}
			}
			bytes := facts.model().Usable()
			if device.shared {
				bytes = topology.Bytes(held.consumed["memory"])
			}
			taken[device.uuid][held.driver] += bytes
		}
	}
	for uuid, by := range taken {
		sum := topology.Bytes(0)
		for _, bytes := range by {
			sum += bytes
		}
		if len(by) > 1 && sum > facts.model().Usable() {
			c.report(offeredTwice, facts.name, "claims have GPU %s through %v", uuid, slices.Sorted(maps.Keys(by)))
		}
	}
	for name, count := range c.askedOn(facts.name) {
		if count > 0 && len(taken) > 0 && facts.allocatable[name] > 0 {
			c.report(offeredTwice, facts.name, "pods have %d %s while claims have %d GPUs", count, name, len(taken))
		}
	}
}

package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// What can be wrong.
const (
	devicesTwice   = "devices in two claims"
	overdrawn      = "counters or capacities overdrawn"
	overlapping    = "MIG instances that overlap, or a GPU in two forms"
	unpublished    = "devices that were never published"
	wrongNode      = "claims on another node than their pod's"
	claimsMissing  = "bound pods without their claims"
	podsLost       = "pods lost"
	gangsHalf      = "gangs partly bound at rest"
	unexplained    = "pods pending without an explanation"
	heldForNobody  = "claims held for nobody at rest"
	forgotten      = "pods pending that a fresh scheduler places"
	notHadAgain    = "free GPUs that cannot be had, or held ones that can"
	cachesDiffer   = "scheduler caches that differ from the API"
	schedulerEnded = "schedulers that ended by themselves"
	memoryGrows    = "memory that grows under churn"
)

// violations are all of these, in the order of the report.
var violations = []string{
	devicesTwice, overdrawn, overlapping, unpublished, wrongNode, claimsMissing, podsLost, gangsHalf, unexplained, heldForNobody, forgotten,
	notHadAgain, cachesDiffer, schedulerEnded, memoryGrows,
}

type violation struct{ what, text string }

func (v violation) String() string { return v.what + ": " + v.text }

// checker follows what happens and looks for what must not be. It knows pods, claims and
// slices from the API server alone.
type checker struct {
	// devices and counters are all that were ever published: what is withdrawn may still be
	// held. A name stands for the same device for ever.
	devices  map[deviceKey]*publishedDevice
	counters map[counterKey]int64
	pods     map[string]*podRecord
	claims   map[string]*claimRecord
	// byPool are the claims that hold something of a pool, by name.
	byPool map[string]map[string]*claimRecord

	found  []violation
	known  map[violation]bool
	checks int
}

func newChecker() *checker {
	return &checker{
		devices: map[deviceKey]*publishedDevice{}, counters: map[counterKey]int64{}, pods: map[string]*podRecord{},
		claims: map[string]*claimRecord{}, byPool: map[string]map[string]*claimRecord{}, known: map[violation]bool{},
	}
}

func (c *checker) report(what, format string, args ...any) {
	v := violation{what, fmt.Sprintf(format, args...)}
	if !c.known[v] {
		c.known[v] = true
		c.found = append(c.found, v)
	}
}

// learn takes what slices say of devices.
func (c *checker) learn(slice *sliceRecord) {
	maps.Copy(c.devices, slice.devices)
	maps.Copy(c.counters, slice.counters)
}

// replay follows changes in order, and checks what each concerns.
func (c *checker) replay(changes []change) {
	for _, next := range changes {
		if next.slice != nil {
			c.learn(next.slice) // whichever comes first, the pod or the slice: it is the same device
		}
	}
	for _, next := range changes {
		switch {
		case next.claim != nil:
			for _, pool := range c.setClaim(next.claim, next.gone) {
				c.checkPool(pool)
			}
		case next.pod != nil && next.gone:
			delete(c.pods, next.pod.name)
		case next.pod != nil:
			before := c.pods[next.pod.name]
			c.pods[next.pod.name] = next.pod
			if next.pod.onNode() && (before == nil || before.node == "" || before.uid != next.pod.uid) {
				c.checkBound(next.pod)
			}
		}
	}
}

// setClaim takes a claim's new version and returns the pools that it concerns.
func (c *checker) setClaim(claim *claimRecord, gone bool) []string {
	pools := map[string]bool{}
	if before := c.claims[claim.name]; before != nil {
		for _, held := range before.devices {
			delete(c.byPool[held.pool], claim.name)
			pools[held.pool] = true
		}
		delete(c.claims, claim.name)
	}
	if !gone {
		c.claims[claim.name] = claim
		for _, held := range claim.devices {
			if c.byPool[held.pool] == nil {
				c.byPool[held.pool] = map[string]*claimRecord{}
			}
			c.byPool[held.pool][claim.name] = claim
			pools[held.pool] = true
		}
	}
	return slices.Sorted(maps.Keys(pools))
}

// checkPool holds that nothing of a pool is given away twice.
func (c *checker) checkPool(pool string) {
	c.checks++
	holders := map[deviceKey][]string{}
	consumed := map[deviceKey]map[string]int64{}
	for _, name := range slices.Sorted(maps.Keys(c.byPool[pool])) {
		for _, held := range c.byPool[pool][name].devices {
			if held.pool != pool {
				continue
			}
			holders[held.deviceKey] = append(holders[held.deviceKey], name)
			if consumed[held.deviceKey] == nil {
				consumed[held.deviceKey] = map[string]int64{}
			}
			for capacity, amount := range held.consumed {
				consumed[held.deviceKey][capacity] += amount
			}
		}
	}
	counters := map[counterKey]int64{}
	for key, names := range holders {
		device := c.devices[key]
		if device == nil {
			c.report(unpublished, "claims %v hold %s of %s on %s", names, key.device, key.driver, pool)
			continue
		}
		if !device.shared && len(names) > 1 {
			c.report(devicesTwice, "claims %v all hold %s of %s on %s", names, key.device, key.driver, pool)
		}
		for counter, amount := range device.takes {
			counters[counter] += amount
		}
		for name, amount := range consumed[key] {
			if amount > device.capacity[name] {
				c.report(overdrawn, "claims %v hold %d %s of the %d of %s on %s", names, amount, name, device.capacity[name], key.device, pool)
			}
		}
	}
	for counter, amount := range counters {
		if amount > c.counters[counter] {
			c.report(overdrawn, "claims on %s consume %d of the %d of counter %s of %s", pool, amount, c.counters[counter], counter.counter,
				counter.set)
		}
	}
	c.checkGPUs(pool, holders)
}

// checkGPUs holds, by what the devices are and not by their counters, that a GPU is given away
// in one form, and in MIG instances that do not overlap.
func (c *checker) checkGPUs(pool string, holders map[deviceKey][]string) {
	byGPU := map[string][]deviceKey{}
	for key := range holders {
		if device := c.devices[key]; device != nil && device.gpu != "" {
			byGPU[device.gpu] = append(byGPU[device.gpu], key)
		}
	}
	for gpu, keys := range byGPU {
		slices.SortFunc(keys, func(a, b deviceKey) int { return strings.Compare(a.device, b.device) })
		for i, a := range keys {
			for _, b := range keys[i+1:] {
				x, y := c.devices[a], c.devices[b]
				apart := x.kind == "mig" && y.kind == "mig" && (x.start+x.size <= y.start || y.start+y.size <= x.start)
				if !apart {
					c.report(overlapping, "%s and %s of GPU %s on %s are held by %v and %v", a.device, b.device, gpu, pool, holders[a], holders[b])
				}
			}
		}
	}
}

// checkBound holds that a bound pod has its claims, on its node.
func (c *checker) checkBound(pod *podRecord) {
	for _, name := range pod.claims {
		c.checks++
		claim := c.claims[name]
		switch {
		case claim == nil || len(claim.devices) == 0:
			c.report(claimsMissing, "pod %s is bound to %s and its claim %q has no devices", pod.name, pod.node, name)
			continue
		case !slices.Contains(claim.reservedFor, pod.uid):
			c.report(claimsMissing, "pod %s is bound to %s and its claim %s is not reserved for it", pod.name, pod.node, name)
		}
		for _, held := range claim.devices {
			if held.pool != pod.node {
				c.report(wrongNode, "pod %s on %s has %s of %s", pod.name, pod.node, held.device, held.pool)
			}
		}
	}
}

// checkHolders holds that every claim with devices is for a pod that is there.
func (c *checker) checkHolders() {
	there := map[types.UID]bool{}
	for _, pod := range c.pods {
		there[pod.uid] = !pod.over
	}
	for _, name := range slices.Sorted(maps.Keys(c.claims)) {
		claim := c.claims[name]
		if len(claim.devices) > 0 && !slices.ContainsFunc(claim.reservedFor, func(uid types.UID) bool { return there[uid] }) {
			c.report(heldForNobody, "claim %s holds %s on %s", name, claim.devices[0].device, claim.devices[0].pool)
		}
	}
}

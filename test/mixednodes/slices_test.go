package mixednodes

import (
	"slices"
)

// checkSlices holds that nothing of a node's pools is given away twice: devices, counters
// and capacities.
func (c *checker) checkSlices(facts *nodeFacts) {
	holders := map[deviceKey][]string{}
	consumed := map[deviceKey]map[string]int64{}
	for name, claim := range c.claimsOn[facts.name] {
		for _, held := range claim.devices {
			if held.pool != facts.name {
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
		c.checks[slicesWrong]++
		slices.Sort(names)
		device := facts.devices[key]
		if device == nil {
			c.report(slicesWrong, facts.name, "claims %v hold %s of %s, which is not published", names, key.device, key.driver)
			continue
		}
		if device.barred {
			c.report(slicesWrong, facts.name, "claims %v hold %s of %s in spite of its taint", names, key.device, key.driver)
		}
		if !device.shared && len(names) > 1 {
			c.report(slicesWrong, facts.name, "claims %v all hold %s of %s", names, key.device, key.driver)
		}
		for counter, amount := range device.takes {
			counters[counter] += amount
		}
		for name, amount := range consumed[key] {
			if amount > device.capacity[name] {
				c.report(slicesWrong, facts.name, "claims %v hold %d %s of the %d of %s of %s", names, amount, name, device.capacity[name],
					key.device, key.driver)
			}
		}
	}
	for counter, amount := range counters {
		if amount > facts.counters[counter] {
			c.report(slicesWrong, facts.name, "claims consume %d of the %d of counter %s of %s of %s", amount, facts.counters[counter],
				counter.counter, counter.set, counter.driver)
		}
	}
}

// checkClaims holds that a bound pod has its claims, on its node.
func (c *checker) checkClaims(pod *podRecord) {
	for _, name := range pod.claims {
		c.checks[claimsMissing]++
		claim := c.claims[name]
		if claim == nil || len(claim.devices) == 0 {
			c.report(claimsMissing, pod.node, "pod %s is bound and its claim %s has no devices", pod.name, name)
			continue
		}
		if !slices.Contains(claim.reservedFor, pod.uid) {
			c.report(claimsMissing, pod.node, "pod %s is bound and its claim %s is not reserved for it", pod.name, name)
		}
		for _, held := range claim.devices {
			if held.pool != pod.node {
				c.report(claimsMissing, pod.node, "pod %s has %s of node %s", pod.name, held.device, held.pool)
			}
		}
	}
}

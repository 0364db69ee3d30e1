package simulator

import "github.com/ashlar-dev/ashlar/topology/placement"

// runCounters counts what happens, and sums amounts over time. Sums of thousandths of a
// GPU times milliseconds fit in an int64 by the bounds of Input. Sums of money may not and
// are floats, since they are rounded for output anyway.
type runCounters struct {
	now                    Time
	events, arrived        int64
	preemptions, evictions int64
	moves                  int64
	outOfMemory, reslices  int64
	crashes, crashedWith   int64
	// allocated is in thousandths of a GPU; served and lost are that times milliseconds.
	allocated, served, lost int64
	// used are the GPUs of which anything is held, up those that are there; prices are
	// of those, in millionths of a dollar per hour.
	used, usedPeak, up                int64
	usedPrice, usedPricePeak, upPrice int64

	allocatedSum, usedSum, upSum int64
	usedPriceSum, upPriceSum     float64

	best           map[inventoryTemplate]int64
	bandwidthSum   map[string]float64
	bandwidthCount map[string]int64
	paces          map[string]*paceTally // by class
}

// paceTally adds up how long jobs ran and for how long they would have alone.
type paceTally struct {
	ran, worked float64
	most        int64 // the largest pace, in thousandths
}

// addPace notes that a job of a class did some work in some time.
func (m *runCounters) addPace(class string, ran, worked Time, pace int64) {
	if ran <= 0 {
		return
	}
	t := m.paces[class]
	if t == nil {
		t = &paceTally{}
		m.paces[class] = t
	}
	t.ran, t.worked, t.most = t.ran+float64(ran), t.worked+float64(worked), max(t.most, pace)
}

func (m *runCounters) beginCounting(nodes []*nodeState) {
	m.paces = map[string]*paceTally{}
	m.best, m.bandwidthSum, m.bandwidthCount = map[inventoryTemplate]int64{}, map[string]float64{}, map[string]int64{}
	for _, n := range nodes {
		if n.up {
			m.countUp(n, 1)
		}
	}
}

// advanceTo adds the present amounts for the time since the last call.
func (m *runCounters) advanceTo(now Time) {
	span := int64(now - m.now)
	if span <= 0 {
		return
	}
	m.allocatedSum += m.allocated * span
	m.usedSum += m.used * span
	m.upSum += m.up * span
	m.usedPriceSum += float64(m.usedPrice) * float64(span)
	m.upPriceSum += float64(m.upPrice) * float64(span)
	// An amount that lasted for no time does not count as a peak.
	m.usedPeak = max(m.usedPeak, m.used)
	m.usedPricePeak = max(m.usedPricePeak, m.usedPrice)
	m.now = now
}

// countUp counts a node in or out.
func (m *runCounters) countUp(n *nodeState, sign int64) {
	gpus := int64(n.gpuCount())
	m.up += sign * gpus
	m.upPrice += sign * gpus * n.Price
}

// countUsed counts GPUs of a node that are now in use, or no longer.
func (m *runCounters) countUsed(n *nodeState, set placement.GPUSet, sign int64) {
	count := int64(set.Len())
	m.used += sign * count
	m.usedPrice += sign * count * n.Price
}

// addBandwidth notes which part of the best bandwidth a job got.
func (m *runCounters) addBandwidth(class string, part float64) {
	m.bandwidthSum[class] += part
	m.bandwidthCount[class]++
}

package dra

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// ServerTooLarge is what the status of a node says of a device after "have no", where the memory of
// the pod's model server is what stands in the way and the pod does not state it.
const ServerTooLarge = "in which the pod's model server fits"

// onNode says in the words of a node's status what it lacks: "have no ...".
func (m *poolMismatch) onNode() string {
	switch m.kind {
	case allTainted:
		return "have matching GPUs only with the taint " + strings.Join(m.taints, ", ") + ", which the pod does not tolerate"
	case noCapacity:
		return fmt.Sprintf("publish no capacity %s", m.capacity)
	case smallCapacity:
		return "have no GPU with " + amountOf(m.capacity, m.wanted)
	case tooSmall:
		if m.demands != "" {
			return fmt.Sprintf("have no %s %s", m.form.DeviceNoun(1), m.demands)
		}
		return fmt.Sprintf("have no %s %s", m.form.DeviceNoun(1), ServerTooLarge)
	}
	return "have no matching GPU"
}

// amountOf words an amount of a capacity: "100GiB of memory".
func amountOf(capacity resourceapi.QualifiedName, amount int64) string {
	if isMemoryName(capacity) {
		return topology.Bytes(amount).String() + " of memory"
	}
	return fmt.Sprintf("%d of %s", amount, capacity)
}

// isMemoryName reports whether a capacity is a device's memory, whatever its domain.
func isMemoryName(capacity resourceapi.QualifiedName) bool {
	_, name, qualified := strings.Cut(string(capacity), "/")
	if !qualified {
		name = string(capacity)
	}
	return name == deviceapi.Memory
}

// mismatchSentence says of all GPUs what keeps them from a request. views are those with
// devices that satisfy the selectors, and found what each of them gives.
func mismatchSentence(views []*View, found []poolMismatch) string {
	kind := slices.MinFunc(found, func(a, b poolMismatch) int { return int(b.kind - a.kind) }).kind
	best := -1
	taints := map[string]bool{}
	tainted := 0
	for i := range found {
		tainted += found[i].tainted
		for _, taint := range found[i].taints {
			taints[taint] = true
		}
		if found[i].kind == kind && (best < 0 || found[i].exceedsOther(&found[best])) {
			best = i
		}
	}
	m, view := &found[best], views[best]
	switch kind {
	case allTainted:
		text := strings.Join(slices.Sorted(maps.Keys(taints)), " or ")
		if tainted == 1 {
			return "the one device that matches has the taint " + text
		}
		return fmt.Sprintf("all %d devices that match have the taint %s", tainted, text)
	case noCapacity:
		return fmt.Sprintf("no GPU has the capacity %s%s", m.capacity, didYouMean(string(m.capacity), sortedNames(m.capacities)))
	case smallCapacity:
		what := fmt.Sprintf("the most of %s is %s", m.capacity, m.largest.String())
		if isMemoryName(m.capacity) {
			what = "the largest has " + topology.Bytes(m.largest.Value()).String()
		}
		return fmt.Sprintf("%s (%s, %s)", what, view.ProductOf(m.device), view.Node())
	case tooSmall:
		return m.because
	}
	return ""
}

// exceedsOther reports whether a pool is nearer to serving a request than another that lacks
// the same.
func (m *poolMismatch) exceedsOther(other *poolMismatch) bool {
	if m.kind == smallCapacity {
		return m.largest.Cmp(other.largest) > 0
	}
	return m.memory > other.memory
}

// didYouMean names what there is in place of a name that is not there.
func didYouMean(name string, names []string) string {
	if near := nearest.Names(name, names); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) == 1 {
		return "; there is " + names[0]
	}
	if more := len(names) - maxObserved; more > 0 {
		names = append(slices.Clone(names[:maxObserved]), "...")
	}
	return "; there are " + strings.Join(names, ", ")
}

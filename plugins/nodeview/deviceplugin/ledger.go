package deviceplugin

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
)

// sharedLedger is what the pods on a node take of one kind of shared device.
type sharedLedger struct {
	// replicas is how many are in use.
	replicas int64
	// takes are what the replicas in use take of their devices, the most first.
	takes []replicaTakes
}

// replicaTakes is what each of some replicas takes of its device, at most all of it.
type replicaTakes struct {
	bytes    topology.Bytes
	replicas int64
}

// readLedger is what pods take of a resource. read gives a pod's request.
func readLedger(r *Resource, pods []fwk.PodInfo, read func(*v1.Pod) *PodRequest) sharedLedger {
	var ledger sharedLedger
	for _, info := range pods {
		pod := info.GetPod()
		if !AsksForGPUs(pod) {
			continue
		}
		request := read(pod)
		if request == nil {
			continue
		}
		count := min(request.Amounts[r.Name], r.Count)
		if count > 0 {
			takes := min(r.takenBy(request.Server), r.Device.Total) // a pod may state more than there is
			ledger.takes = append(ledger.takes, replicaTakes{bytes: takes, replicas: count})
			ledger.replicas += count
		}
	}
	slices.SortFunc(ledger.takes, func(a, b replicaTakes) int { return cmp.Compare(b.bytes, a.bytes) })
	return ledger
}

// fairShare is the part of a device's memory that one replica stands for.
func (r *Resource) fairShare() topology.Bytes {
	return r.Device.Total / topology.Bytes(max(1, r.Replicas))
}

// takenBy is how much of a device a pod takes by one replica. A pod of which nothing is
// known is granted what its replica stands for: nothing holds it to that, and nothing
// better is known.
func (r *Resource) takenBy(server *modelmemory.Server) topology.Bytes {
	if server == nil {
		return r.fairShare()
	}
	return server.Claims(modelmemory.Device{GPU: r.Device})
}

// heldBeside is the most that can be held on any device that a pod gets which asks for
// count replicas. NVIDIA's plugin gives each of them from the device with the fewest
// pods. If k replicas are in use on n devices, the device with the fewest has at most
// k/n of them, and that with the count-th fewest at most k/(n-count+1): since which
// pods those are is not known, they are the largest.
func (l *sharedLedger) heldBeside(r *Resource, count int64) topology.Bytes {
	devices := r.CountDevices()
	others := l.replicas
	if count <= devices {
		others = l.replicas / (devices - count + 1)
	}
	others = min(others, r.Replicas-1)
	held := topology.Bytes(0)
	for _, takes := range l.takes {
		if takes.bytes <= 0 {
			break
		}
		count := min(takes.replicas, others)
		if count > int64((r.Device.Total-held)/takes.bytes) {
			return r.Device.Total
		}
		held, others = held+topology.Bytes(count)*takes.bytes, others-count
	}
	return held
}

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
		switch {
		case request == nil:
		case request.Parts == nil:
			ledger.addRequest(r, request)
		default:
			for _, part := range request.Parts {
				ledger.addRequest(r, part)
			}
		}
	}
	ledger.sortTakes()
	return ledger
}

// addRequest adds what a pod, or a container of it, takes.
func (l *sharedLedger) addRequest(r *Resource, request *PodRequest) {
	count := min(request.Amounts[r.Name], r.Count)
	if count > 0 {
		takes := min(r.takenBy(request.Server), r.Device.Total) // a pod may state more than there is
		l.takes = append(l.takes, replicaTakes{bytes: takes, replicas: count})
		l.replicas += count
	}
}

func (l *sharedLedger) sortTakes() {
	slices.SortFunc(l.takes, func(a, b replicaTakes) int { return cmp.Compare(b.bytes, a.bytes) })
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

// fullestWith is the fullest that a device can be of which a pod gets replicas: what others
// hold of it, and what the pod takes. NVIDIA's plugin gives each replica from the device with
// the fewest in use, those that the pod itself has by then included, so that several may be
// of one device. With k in use on n devices, the last of count replicas goes to one with at
// most (k+count-1)/n in use. Since which pods those are is not known, they are the largest.
func (l *sharedLedger) fullestWith(r *Resource, request *PodRequest) (held, taken topology.Bytes) {
	count := request.Amounts[r.Name]
	others := min((l.replicas+count-1)/r.CountDevices(), r.Replicas-1)
	held, taken = l.largestTakes(r, others), r.takenBy(request.Server)
	if request.Server != nil {
		return held, taken // once, however many replicas of the device it has
	}
	for own := int64(2); own <= min(count, others+1); own++ {
		beside, all := l.largestTakes(r, others+1-own), topology.Bytes(own)*r.fairShare()
		if beside+all > held+taken {
			held, taken = beside, all
		}
	}
	return held, taken
}

// largestTakes is what the pods that take the most hold of a device by so many replicas.
func (l *sharedLedger) largestTakes(r *Resource, replicas int64) topology.Bytes {
	held := topology.Bytes(0)
	for _, takes := range l.takes {
		if takes.bytes <= 0 {
			break
		}
		count := min(takes.replicas, replicas)
		if count > int64((r.Device.Total-held)/takes.bytes) {
			return r.Device.Total
		}
		held, replicas = held+topology.Bytes(count)*takes.bytes, replicas-count
	}
	return held
}

package deviceplugin

import (
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
	// takes are the bytes that each replica in use takes of its device, the most first.
	takes []topology.Bytes
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
		takes := r.takenBy(request.Server)
		for range count {
			ledger.takes = append(ledger.takes, takes)
		}
		ledger.replicas += count
	}
	slices.SortFunc(ledger.takes, func(a, b topology.Bytes) int { return int(min(max(b-a, -1), 1)) })
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
	others = min(others, r.Replicas-1, int64(len(l.takes)))
	held := topology.Bytes(0)
	for _, takes := range l.takes[:max(0, others)] {
		held += takes
	}
	return held
}

package deviceplacement

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Reasons of events, on pods if nothing else is said.
const (
	// reasonDevicesAllocated says which devices a pod got.
	reasonDevicesAllocated = "DevicesAllocated"
	// reasonModelServerDoubt says what about a pod's model server was not checked.
	reasonModelServerDoubt = "ModelServerDoubt"
	// reasonGPUsPublishedTwice, on nodes, says of which GPUs it cannot be told whether they are
	// one, so that they may be promised twice.
	reasonGPUsPublishedTwice = "GPUsPublishedTwice"
)

// maxNote is the longest note that an event may have (events.k8s.io/v1).
const maxNote = 1024

// sendEvent sends an event about a pod or node. The broadcaster counts equal ones together.
func (p *Plugin) sendEvent(about runtime.Object, eventType, reason, note string) {
	if p.recorder == nil {
		return
	}
	p.recorder.Eventf(about, nil, eventType, reason, "Scheduling", "%s", cutText(note, maxNote))
}

// announceDoubts sends an event with the doubts about a pod's model servers, and one more if it is
// not empty, once for each pod.
func (p *Plugin) announceDoubts(pod *v1.Pod, more string) {
	if p.recorder == nil || !p.doubted.rememberPod(pod.UID) {
		return
	}
	doubts := modelmemory.Doubts(pod)
	if more != "" {
		doubts = append(doubts, more)
	}
	if len(doubts) > 0 {
		p.sendEvent(pod, v1.EventTypeWarning, reasonModelServerDoubt, strings.Join(doubts, "; "))
	}
}

// announceTwins logs which GPUs may be published twice, and sends an event to each of their
// nodes; once for what is published.
func (p *Plugin) announceTwins(nodes []fwk.NodeInfo) {
	for _, note := range p.source.NewIdentityNotes() {
		klog.Background().Info("GPUs that may be promised twice", "nodes", note.Nodes, "note", note.Text)
		for _, node := range nodes {
			if slices.Contains(note.Nodes, node.Node().Name) {
				p.sendEvent(node.Node(), v1.EventTypeWarning, reasonGPUsPublishedTwice, note.Text)
			}
		}
	}
}

// describeDevices says what a pod gets on a node: "GPUs 0-3 of h100-1, NV18 450 GB/s",
// "1g.10gb at 6:1 of GPU 0 of a100-3", "20GiB of GPU 2 of l40s-0"; "" if it gets none of
// the GPUs.
func describeDevices(node string, view *dra.View, devices []placement.DeviceAllocation) string {
	inventory := view.Inventory()
	var whole placement.GPUSet
	var parts []string
	for _, got := range devices {
		device := &inventory.Devices[got.Device]
		switch device.Form {
		case placement.Whole:
			whole |= 1 << device.GPU
		case placement.MIG:
			parts = append(parts, fmt.Sprintf("%s at %s of GPU %d", view.ProfileName(got.Device), device.Placement, device.GPU))
		case placement.Share:
			bytes := got.Bytes
			if bytes == 0 {
				bytes = device.Memory
			}
			parts = append(parts, fmt.Sprintf("%s of GPU %d", bytes, device.GPU))
		}
	}
	if whole != 0 {
		parts = slices.Insert(parts, 0, placement.GPURanges(whole))
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, ", ") + " of " + node
	if whole.Len() > 1 {
		link := resourceslices.SlowestLink(inventory.Node, whole)
		if link.Assumed {
			return text + ", links unknown"
		}
		text += fmt.Sprintf(", %s %d GB/s", linkName(link), inventory.RingBandwidth(whole))
	}
	return text
}

// linkName is a link as nvidia-smi prints it, with the bus for those that are no NVLinks.
func linkName(link topology.Link) string {
	if link.Kind == topology.NVLink {
		return link.String()
	}
	return "PCIe " + link.String()
}

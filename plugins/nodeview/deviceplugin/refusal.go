package deviceplugin

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// NodeRefusal is why a pod does not fit a node whose device plugin has devices enough.
type NodeRefusal struct {
	// Text is the reason, the same for every node of one make in one state.
	Text string
	// TooSmall says that the pod's model server does not start on such a device, whatever
	// else is there, and Because gives the arithmetic.
	TooSmall bool
	Because  string
	// Never says that it stays so whatever pods leave the node.
	Never bool
}

// ServesAny reports whether a node's device plugin hands out anything that a pod asks for.
func (s *Source) ServesAny(request *PodRequest, node fwk.NodeInfo) bool {
	offered := s.LookUpNode(node.Node())
	return offered != nil && slices.ContainsFunc(request.Names(), func(name v1.ResourceName) bool { return offered.FindResource(name) != nil })
}

// RefusalOn says why a pod does not fit a node; nil if it does, or if the node hands out
// nothing that the pod asks for: that is for kube-scheduler's counting to say.
func (s *Source) RefusalOn(request *PodRequest, node fwk.NodeInfo) *NodeRefusal {
	offered := s.LookUpNode(node.Node())
	if offered == nil {
		return nil
	}
	for _, name := range request.Names() {
		r := offered.FindResource(name)
		if r == nil {
			continue
		}
		if request.Parts == nil {
			if refusal := s.refusesResource(r, request, nil, node); refusal != nil {
				return refusal
			}
		}
		for i, part := range request.Parts {
			if part.Amounts[name] == 0 {
				continue
			}
			if refusal := s.refusesResource(r, part, slices.Concat(request.Parts[:i], request.Parts[i+1:]), node); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// refusesResource is about what a pod asks for of one resource, or a container of it, beside the
// others of its pod.
func (s *Source) refusesResource(r *Resource, request *PodRequest, others []*PodRequest, node fwk.NodeInfo) *NodeRefusal {
	if text := r.refusesCount(request); text != "" {
		return &NodeRefusal{Text: text, Never: true}
	}
	if r.Device.Total == 0 {
		return nil
	}
	if request.Server != nil {
		if because := request.Server.Refuses(r.offeredDevice()); because != "" {
			return &NodeRefusal{Text: "node(s) have no GPU " + request.Server.Demands(), TooSmall: true, Because: because}
		}
	}
	if r.Sharing != TimeSlicing || r.Replicas == 0 {
		return nil // alone on its device, or held to its part of it, or nothing is told
	}
	ledger := readLedger(r, node.GetPods(), s.readPod)
	if len(others) > 0 {
		for _, other := range others {
			ledger.addRequest(r, other)
		}
		ledger.sortTakes()
	}
	if ledger.replicas == 0 && request.Server == nil {
		return nil
	}
	held, needed := ledger.fullestWith(r, request)
	if held+needed <= r.Device.Total {
		return nil
	}
	return &NodeRefusal{Text: fmt.Sprintf("node(s) share %s between %d pods without room for %s: up to %s of %s is taken",
		r.DescribeDevice(), r.Replicas, needed, min(held, r.Device.Total), r.Device.Total)}
}

// refusesCount says why as many devices as a pod asks for are no use to it, "" if they may
// be. For replicas of MPS NVIDIA's plugin fails every request for more than one
// (failRequestsGreaterThanOne, api/config/v1 of NVIDIA/k8s-device-plugin).
func (r *Resource) refusesCount(request *PodRequest) string {
	if r.Sharing == MPS && request.Amounts[r.Name] > 1 {
		return fmt.Sprintf("node(s) share GPUs by MPS and give a pod one %s at most: ask for 1", r.Name)
	}
	if request.Server == nil || request.Server.ModelParallel() <= 1 {
		return ""
	}
	spans, devices := request.Server.ModelParallel(), r.CountDevices()
	switch {
	case r.Profile != "":
		return fmt.Sprintf("node(s) hand out MIG slices as %s, over which no model is spread: ask for %d whole GPUs, or start it on one slice",
			r.Name, spans)
	case r.Sharing != Exclusive && devices > 0 && devices < spans:
		return fmt.Sprintf("node(s) share %d GPU(s) as %s, and the model server spans %d: start it on %d", devices, r.Name, spans, devices)
	}
	return ""
}

// DoubtsOn says what of a node could not be checked for a pod that goes there, each a
// sentence; nothing for a pod without a model server.
func (s *Source) DoubtsOn(request *PodRequest, node fwk.NodeInfo) []string {
	offered := s.LookUpNode(node.Node())
	if offered == nil || !slices.ContainsFunc(request.SplitServers(), func(part *PodRequest) bool { return part.Server != nil }) {
		return nil
	}
	var doubts []string
	for _, name := range request.Names() {
		r := offered.FindResource(name)
		switch {
		case r == nil:
		case r.Device.Total == 0:
			doubts = append(doubts, fmt.Sprintf("its model server's memory was not checked on node %s: %s", offered.Name, r.UnknownBecause))
		case r.Sharing != Exclusive && r.Replicas == 0:
			doubts = append(doubts, fmt.Sprintf(
				"what other pods take of its GPU's memory was not checked on node %s: the node has no label %s", offered.Name,
				wholePrefix+replicasSuffix))
		}
	}
	return doubts
}

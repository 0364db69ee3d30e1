package preemption

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// maxDryRuns is on how many nodes it is tried whom to end: each takes about as long as placing
// ten pods.
const maxDryRuns = 64

// promisingNodes are the nodes on which to try it, of those that a pod's end could help.
type promisingNodes struct {
	fwk.NodeToStatusReader
	rank func([]fwk.NodeInfo) []fwk.NodeInfo
}

// NodesForStatusCode implements fwk.NodeToStatusReader.
func (n *promisingNodes) NodesForStatusCode(lister fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	nodes, err := n.NodeToStatusReader.NodesForStatusCode(lister, code)
	if err != nil {
		return nil, err
	}
	return n.rank(nodes), nil
}

// rankNodes keeps the nodes on which least can be lost: those whose pod of lower priority that
// is lost most easily has the lowest priority and the least GPU time. Up to maxDryRuns nodes
// with such pods are all kept.
func (d *deviceVictims) rankNodes(pod *v1.Pod, nodes []fwk.NodeInfo) []fwk.NodeInfo {
	type rankedNode struct {
		node     fwk.NodeInfo
		priority int32
		gpuTime  int64
	}
	compare := func(a, b rankedNode) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.gpuTime, b.gpuTime))
	}
	priority := corev1.PodPriority(pod)
	var all []rankedNode
	for _, node := range nodes {
		found := false
		var least rankedNode
		for _, other := range node.GetPods() {
			if corev1.PodPriority(other.GetPod()) >= priority {
				continue
			}
			one := rankedNode{node, corev1.PodPriority(other.GetPod()), d.gpuTimeOf(other.GetPod())}
			if !found || compare(one, least) < 0 {
				found, least = true, one
			}
		}
		if found {
			all = append(all, least)
		}
	}
	if len(all) > maxDryRuns {
		slices.SortStableFunc(all, func(a, b rankedNode) int {
			return cmp.Or(compare(a, b), cmp.Compare(a.node.Node().Name, b.node.Node().Name))
		})
		all = all[:maxDryRuns]
	}
	kept := make([]fwk.NodeInfo, len(all))
	for i := range all {
		kept[i] = all[i].node
	}
	return kept
}

package deviceplacement

import (
	"context"
	"encoding/json"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// groupShape is members of a group that ask alike.
type groupShape struct {
	name   string
	member cluster.GroupMember
	// ever are the nodes to which the pods may go once there is room on the hosts.
	ever *cluster.NodeSet
}

// groupMembers reads the members of a group and finds those that ask alike.
type groupMembers struct {
	plugin *Plugin
	cycle  *dra.Cycle
	found  *nodeFinder
	nodes  []fwk.NodeInfo
	shapes map[string]*groupShape
	// partial says that there may be places that are not known here: devices that are not
	// understood, or of which more than their node's state decides.
	partial bool
}

// shapeOf is the shape of a pod, nil if its devices are not chosen here.
func (m *groupMembers) shapeOf(
	ctx context.Context, pod *v1.Pod, request *dra.PodRequest, refused func(shape, node string) bool,
) *groupShape {
	cycle := m.cycle.ForPod(request)
	if !cycle.Narrowable() {
		return nil
	}
	name := spellShape(pod, request, len(m.plugin.source.NodesOfClaims(pod)) > 0)
	if shape := m.shapes[name]; shape != nil {
		return shape
	}
	ranking := cycle.RankNodes(ctx, m.plugin.options.Policy, providedBy(request.ResourceNames(), m.nodes))
	others, comparable := ranking.Elsewhere()
	m.partial = m.partial || !comparable || len(others) > 0 || len(ranking.Irregular()) > 0
	shape := &groupShape{name: name, member: cluster.GroupMember{
		Ranking: ranking.NodeRanking, Host: hostOf(pod), Nodes: &cluster.NodeSet{}, OnePerNode: repelsItself(pod),
	}, ever: &cluster.NodeSet{}}
	admission := newNodeAdmission(m.plugin, pod)
	for i := range m.cycle.Snapshot().Len() {
		node := m.found.node(i)
		if node == nil || refused(name, node.Node().Name) {
			continue
		}
		if admission.admits(node) {
			shape.member.Nodes.Add(i)
		}
		if matches, err := admission.affinity.Match(node.Node()); err == nil && matches && admission.toleratesNode(node.Node()) {
			shape.ever.Add(i)
		}
	}
	m.shapes[name] = shape
	return shape
}

// hostOf is what a pod takes of a node besides devices.
func hostOf(pod *v1.Pod) topology.HostResources {
	request := framework.NewResource(resource.PodRequests(pod, resource.PodResourcesOptions{}))
	return topology.HostResources{CPU: topology.MilliCPU(request.MilliCPU), Memory: topology.Bytes(request.Memory)}
}

// freeHost is what is left of a node besides devices.
func freeHost(node fwk.NodeInfo) topology.HostResources {
	allocatable, requested := node.GetAllocatable(), node.GetRequested()
	return topology.HostResources{
		CPU:    topology.MilliCPU(allocatable.GetMilliCPU() - requested.GetMilliCPU()),
		Memory: topology.Bytes(allocatable.GetMemory() - requested.GetMemory()),
	}
}

// repelsItself reports whether no two pods like this one may be on a node: they need the same
// port of it, or its rules of anti-affinity are about pods with its own labels.
func repelsItself(pod *v1.Pod) bool {
	for i := range pod.Spec.Containers {
		for _, port := range pod.Spec.Containers[i].Ports {
			if port.HostPort > 0 {
				return true
			}
		}
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.PodAntiAffinity == nil {
		return false
	}
	for _, term := range affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err == nil && term.TopologyKey == v1.LabelHostname && selector.Matches(labels.Set(pod.Labels)) {
			return true
		}
	}
	return false
}

// spellShape spells out what decides where a pod may go and what it gets. allocated says that
// it has claims that are allocated already.
func spellShape(pod *v1.Pod, request *dra.PodRequest, allocated bool) string {
	spec := &pod.Spec
	shape := struct {
		Selector    map[string]string
		Affinity    *v1.Affinity
		Tolerations []v1.Toleration
		Spread      []v1.TopologySpreadConstraint
		Node        string
		Host        topology.HostResources
		Scalars     []v1.ResourceList
		Repels      bool
		Allocated   string
		// Of pods that run a model server.
		Containers  []v1.Container
		Annotations map[string]string
	}{
		Selector: spec.NodeSelector, Affinity: spec.Affinity, Tolerations: spec.Tolerations, Spread: spec.TopologySpreadConstraints,
		Host: hostOf(pod), Repels: repelsItself(pod),
	}
	for i := range spec.Containers {
		shape.Scalars = append(shape.Scalars, spec.Containers[i].Resources.Requests)
	}
	devices := request.SpellOut()
	if devices == "" {
		shape.Containers = spec.Containers
		shape.Annotations = ownAnnotations(pod)
	}
	if allocated {
		shape.Allocated = string(pod.UID) // it may be tied to a node
	}
	text, err := json.Marshal(shape)
	if err != nil {
		return string(pod.UID)
	}
	return devices + string(text)
}

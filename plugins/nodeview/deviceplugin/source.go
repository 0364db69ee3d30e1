package deviceplugin

import (
	"maps"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Source reads nodes and pods once. It is safe for concurrent use.
type Source struct {
	mutex sync.RWMutex
	// nodes is what was read of each node, by name.
	nodes map[string]readNode
	// byMake shares the inventories of nodes of one make, by resource.
	byMake map[string]*placement.Inventory
	// kinds numbers the makes.
	kinds map[string]int
	// pods are the requests of pods on nodes that share devices.
	pods map[types.UID]*PodRequest
	// generation counts how often what some node hands out has changed.
	generation int64
}

// readNode is a node's object and what was read of it; it is read anew when that changes.
type readNode struct {
	object *v1.Node
	node   *Node
}

// maxRemembered bounds the pods whose requests are remembered.
const maxRemembered = 20_000

// NewSource returns a source that has read nothing.
func NewSource() *Source {
	return &Source{
		nodes: map[string]readNode{}, byMake: map[string]*placement.Inventory{}, kinds: map[string]int{}, pods: map[types.UID]*PodRequest{},
	}
}

// LookUpNode is what a node's device plugin hands out, nil if it has no GPU of NVIDIA's.
func (s *Source) LookUpNode(object *v1.Node) *Node {
	s.mutex.RLock()
	known := s.nodes[object.Name]
	s.mutex.RUnlock()
	if known.object == object {
		return known.node
	}
	node := ReadNode(object)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if before := s.nodes[object.Name].node; (before == nil) != (node == nil) || node != nil && node.make != before.make {
		s.generation++
	}
	if node != nil {
		kind, known := s.kinds[node.make]
		if !known {
			kind = len(s.kinds)
			s.kinds[node.make] = kind
		}
		node.kind = kind
	}
	s.nodes[object.Name] = readNode{object: object, node: node}
	return node
}

// Refresh takes the nodes that there are now, if their number has changed: what changes of
// a node is read when that is looked up, and a node that takes another's place is one more
// until then.
func (s *Source) Refresh(nodes []fwk.NodeInfo) {
	s.mutex.RLock()
	known := len(s.nodes)
	s.mutex.RUnlock()
	if known == len(nodes) {
		return
	}
	for _, node := range nodes {
		s.LookUpNode(node.Node())
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.nodes) == len(nodes) {
		return
	}
	there := sets.New[string]()
	for _, node := range nodes {
		there.Insert(node.Node().Name)
	}
	maps.DeleteFunc(s.nodes, func(name string, _ readNode) bool { return !there.Has(name) })
	s.generation++
}

// Generation changes whenever what nodes hand out does.
func (s *Source) Generation() int64 {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.generation
}

// readPod is a pod's request, nil if it asks for no GPU. What cannot be read of a pod that
// runs already counts as unknown.
func (s *Source) readPod(pod *v1.Pod) *PodRequest {
	s.mutex.RLock()
	known, found := s.pods[pod.UID]
	s.mutex.RUnlock()
	if found {
		return known
	}
	request, err := ReadPod(pod)
	if err != nil {
		bare := pod.DeepCopy()
		bare.Annotations = nil
		request, _ = ReadPod(bare)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.pods) >= maxRemembered {
		clear(s.pods)
	}
	s.pods[pod.UID] = request
	return request
}

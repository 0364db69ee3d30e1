package deviceplugin

import (
	"slices"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Source reads nodes and pods once. It is safe for concurrent use.
type Source struct {
	// nodes is what was read of each node, by name: every step of every pod's cycle looks
	// hundreds of them up, from several goroutines.
	nodes sync.Map // string to readNode
	// known is how many that are, and sharing how many of them share GPUs between pods.
	known, sharing atomic.Int64

	mutex sync.RWMutex
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
	return &Source{byMake: map[string]*placement.Inventory{}, kinds: map[string]int{}, pods: map[types.UID]*PodRequest{}}
}

// LookUpNode is what a node's device plugin hands out, nil if it has no GPU of NVIDIA's.
func (s *Source) LookUpNode(object *v1.Node) *Node {
	known, found := s.nodeOf(object.Name)
	if found && known.object == object {
		return known.node
	}
	node := ReadNode(object)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known, found = s.nodeOf(object.Name)
	if before := known.node; (before == nil) != (node == nil) || node != nil && node.make != before.make {
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
	s.nodes.Store(object.Name, readNode{object: object, node: node})
	if !found {
		s.known.Add(1)
	}
	s.sharing.Add(countSharing(node) - countSharing(known.node))
	return node
}

// countSharing is 1 for a node that lets several pods have one device.
func countSharing(node *Node) int64 {
	if node != nil && slices.ContainsFunc(node.Resources, func(r Resource) bool { return r.Sharing != Exclusive }) {
		return 1
	}
	return 0
}

// FollowNodes reads nodes as soon as they change, so that Refuses knows of all.
func (s *Source) FollowNodes(nodes cache.SharedIndexInformer) error {
	look := func(object any) {
		if node, ok := object.(*v1.Node); ok {
			s.LookUpNode(node)
		}
	}
	_, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: look, UpdateFunc: func(_, object any) { look(object) }})
	return err
}

// MayRefuse reports whether RefusalOn could refuse a node for a pod: one without a model
// server is refused for what others have of a shared GPU at most.
func (s *Source) MayRefuse(request *PodRequest) bool {
	return request.Server != nil || len(request.Parts) > 0 || s.sharing.Load() > 0
}

func (s *Source) nodeOf(name string) (readNode, bool) {
	value, found := s.nodes.Load(name)
	if !found {
		return readNode{}, false
	}
	known, ok := value.(readNode)
	return known, ok
}

// Refresh takes the nodes that there are now, if their number has changed: what changes of
// a node is read when that is looked up, and a node that takes another's place is one more
// until then.
func (s *Source) Refresh(nodes []fwk.NodeInfo) {
	if s.known.Load() == int64(len(nodes)) {
		return
	}
	for _, node := range nodes {
		s.LookUpNode(node.Node())
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.known.Load() == int64(len(nodes)) {
		return
	}
	there := sets.New[string]()
	for _, node := range nodes {
		there.Insert(node.Node().Name)
	}
	s.nodes.Range(func(name, _ any) bool {
		if name, ok := name.(string); ok && !there.Has(name) {
			gone, _ := s.nodeOf(name)
			s.nodes.Delete(name)
			s.known.Add(-1)
			s.sharing.Add(-countSharing(gone.node))
		}
		return true
	})
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

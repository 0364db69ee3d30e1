package ui

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// clusterObjects are the objects of a cluster by the node that they concern, and the nodes of which
// something changed since they were drawn.
type clusterObjects struct {
	mu      sync.Mutex
	nodes   map[string]*corev1.Node
	slices  map[string]*packedSlice
	classes map[string]*resourceapi.DeviceClass
	pods    map[types.NamespacedName]*corev1.Pod
	claims  map[types.NamespacedName]*resourceapi.ResourceClaim

	nodeSlices map[string]map[string]*packedSlice
	nodePods   map[string]map[types.NamespacedName]*corev1.Pod
	// waiting are the pods without a node.
	waiting    map[types.NamespacedName]*corev1.Pod
	poolClaims map[resourceslices.PoolKey]map[types.NamespacedName]*resourceapi.ResourceClaim
	poolNodes  map[resourceslices.PoolKey]string

	changed        map[string]bool
	changedWaiting bool
	// news holds something if anything changed.
	news chan struct{}
}

func newObjects() *clusterObjects {
	return &clusterObjects{
		nodes: map[string]*corev1.Node{}, slices: map[string]*packedSlice{}, classes: map[string]*resourceapi.DeviceClass{},
		pods: map[types.NamespacedName]*corev1.Pod{}, claims: map[types.NamespacedName]*resourceapi.ResourceClaim{},
		nodeSlices: map[string]map[string]*packedSlice{}, nodePods: map[string]map[types.NamespacedName]*corev1.Pod{},
		waiting:    map[types.NamespacedName]*corev1.Pod{},
		poolClaims: map[resourceslices.PoolKey]map[types.NamespacedName]*resourceapi.ResourceClaim{},
		poolNodes:  map[resourceslices.PoolKey]string{}, changed: map[string]bool{}, news: make(chan struct{}, 1),
	}
}

// putInto and takeFrom keep maps of maps.
func putInto[O, K comparable, V any](outer map[O]map[K]V, at O, key K, value V) {
	if outer[at] == nil {
		outer[at] = map[K]V{}
	}
	outer[at][key] = value
}

func takeFrom[O, K comparable, V any](outer map[O]map[K]V, at O, key K) {
	delete(outer[at], key)
	if len(outer[at]) == 0 {
		delete(outer, at)
	}
}

func (o *clusterObjects) noteNode(name string) {
	if name != "" {
		o.changed[name] = true
	}
}

func (o *clusterObjects) wake() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// set takes an object as it is now, in place of what it was.
func (o *clusterObjects) set(object any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(object)
	switch object := object.(type) {
	case *corev1.Node:
		o.nodes[object.Name] = object
	case *packedSlice:
		o.slices[object.Name] = object
		if object.node != "" {
			putInto(o.nodeSlices, object.node, object.Name, object)
			o.poolNodes[object.pool] = object.node
			o.noteNode(object.node)
		}
	case *resourceapi.DeviceClass:
		o.classes[object.Name] = object
	case *corev1.Pod:
		key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		o.pods[key] = object
		if object.Spec.NodeName != "" {
			putInto(o.nodePods, object.Spec.NodeName, key, object)
			o.noteNode(object.Spec.NodeName)
		} else {
			o.waiting[key], o.changedWaiting = object, true
		}
	case *resourceapi.ResourceClaim:
		key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		o.claims[key] = object
		for _, pool := range poolsOf(object) {
			putInto(o.poolClaims, pool, key, object)
			o.noteNode(o.poolNodes[pool])
		}
	}
	o.wake()
}

// drop takes an object out.
func (o *clusterObjects) drop(object any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(object)
	o.wake()
}

// remove takes out what is kept of an object; o.mu is held.
func (o *clusterObjects) remove(object any) {
	switch object := object.(type) {
	case *corev1.Node:
		delete(o.nodes, object.Name)
		o.noteNode(object.Name)
	case *packedSlice:
		if before := o.slices[object.Name]; before != nil {
			takeFrom(o.nodeSlices, before.node, object.Name)
			o.noteNode(before.node)
		}
		delete(o.slices, object.Name)
	case *resourceapi.DeviceClass:
		delete(o.classes, object.Name)
		for name := range o.nodes { // it may say of any device what it is
			o.noteNode(name)
		}
	case *corev1.Pod:
		key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		if before := o.pods[key]; before != nil {
			takeFrom(o.nodePods, before.Spec.NodeName, key)
			o.noteNode(before.Spec.NodeName)
		}
		if o.waiting[key] != nil {
			delete(o.waiting, key)
			o.changedWaiting = true
		}
		delete(o.pods, key)
	case *resourceapi.ResourceClaim:
		key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		if before := o.claims[key]; before != nil {
			for _, pool := range poolsOf(before) {
				takeFrom(o.poolClaims, pool, key)
				o.noteNode(o.poolNodes[pool])
			}
		}
		delete(o.claims, key)
	}
}

// poolsOf are the pools of which a claim has devices.
func poolsOf(claim *resourceapi.ResourceClaim) []resourceslices.PoolKey {
	if claim.Status.Allocation == nil {
		return nil
	}
	var pools []resourceslices.PoolKey
	for _, result := range claim.Status.Allocation.Devices.Results {
		if key := (resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}); !slices.Contains(pools, key) {
			pools = append(pools, key)
		}
	}
	return pools
}

// takeChanged are the nodes that changed since the last call, and whether the waiting pods did.
func (o *clusterObjects) takeChanged() (nodes []string, waiting bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nodes, waiting = slices.Sorted(maps.Keys(o.changed)), o.changedWaiting
	clear(o.changed)
	o.changedWaiting = false
	return nodes, waiting
}

// objectsOf are the objects of one node, nil if it is gone. The error says which slice cannot be
// unpacked.
func (o *clusterObjects) objectsOf(name string) (*dryrun.ClusterObjects, error) {
	o.mu.Lock()
	node := o.nodes[name]
	if node == nil {
		o.mu.Unlock()
		return nil, nil
	}
	objects := &dryrun.ClusterObjects{Nodes: []*corev1.Node{node}, Classes: valuesOf(o.classes)}
	for _, pod := range o.nodePods[name] {
		objects.Pods = append(objects.Pods, pod)
	}
	packed := valuesOf(o.nodeSlices[name])
	claims := map[types.NamespacedName]*resourceapi.ResourceClaim{}
	for _, slice := range packed {
		maps.Copy(claims, o.poolClaims[slice.pool])
	}
	o.mu.Unlock()
	for _, claim := range claims {
		objects.Claims = append(objects.Claims, claim)
	}
	slices.SortFunc(objects.Claims, func(a, b *resourceapi.ResourceClaim) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(objects.Pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, one := range packed {
		slice, err := one.unpack()
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", name, err)
		}
		objects.Slices = append(objects.Slices, slice)
	}
	return objects, nil
}

// waitingPods are the pods without a node.
func (o *clusterObjects) waitingPods() []*corev1.Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	var pods []*corev1.Pod
	for _, pod := range o.waiting {
		pods = append(pods, pod)
	}
	return pods
}

// valuesOf are the values of a map in the order of their names.
func valuesOf[T any](named map[string]T) []T {
	var values []T
	for _, name := range slices.Sorted(maps.Keys(named)) {
		values = append(values, named[name])
	}
	return values
}

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

func (o *clusterObjects) wakeReaders() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// objectKey names an object of any kind.
type objectKey struct {
	kind            watchedType
	namespace, name string
}

func (k objectKey) namespacedName() types.NamespacedName {
	return types.NamespacedName{Namespace: k.namespace, Name: k.name}
}

// watchedType tells the kinds of objects apart.
type watchedType uint8

const (
	typeNode watchedType = iota + 1
	typeSlice
	typeClass
	typePod
	typeClaim
)

// keyOf names an object; the kind is 0 for one that concerns no GPU.
func keyOf(object any) objectKey {
	switch object := object.(type) {
	case *corev1.Node:
		return objectKey{kind: typeNode, name: object.Name}
	case *packedSlice:
		return objectKey{kind: typeSlice, name: object.Name}
	case *resourceapi.DeviceClass:
		return objectKey{kind: typeClass, name: object.Name}
	case *corev1.Pod:
		return objectKey{typePod, object.Namespace, object.Name}
	case *resourceapi.ResourceClaim:
		return objectKey{typeClaim, object.Namespace, object.Name}
	}
	return objectKey{}
}

// setObject takes an object as it is now, in place of what it was.
func (o *clusterObjects) setObject(object any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := keyOf(object)
	o.removeObject(key)
	named := key.namespacedName()
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
		o.pods[named] = object
		if object.Spec.NodeName != "" {
			putInto(o.nodePods, object.Spec.NodeName, named, object)
			o.noteNode(object.Spec.NodeName)
		} else {
			o.waiting[named], o.changedWaiting = object, true
		}
	case *resourceapi.ResourceClaim:
		o.claims[named] = object
		for _, pool := range poolsOf(object) {
			putInto(o.poolClaims, pool, named, object)
			o.noteNode(o.poolNodes[pool])
		}
	}
	o.wakeReaders()
}

// dropObject takes an object out.
func (o *clusterObjects) dropObject(key objectKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.removeObject(key)
	o.wakeReaders()
}

// removeObject takes out what is kept of an object; o.mu is held.
func (o *clusterObjects) removeObject(key objectKey) {
	named := key.namespacedName()
	switch key.kind {
	case typeNode:
		delete(o.nodes, key.name)
		o.noteNode(key.name)
	case typeSlice:
		if before := o.slices[key.name]; before != nil {
			takeFrom(o.nodeSlices, before.node, key.name)
			o.noteNode(before.node)
		}
		delete(o.slices, key.name)
	case typeClass:
		delete(o.classes, key.name)
	case typePod:
		if before := o.pods[named]; before != nil {
			takeFrom(o.nodePods, before.Spec.NodeName, named)
			o.noteNode(before.Spec.NodeName)
		}
		if o.waiting[named] != nil {
			delete(o.waiting, named)
			o.changedWaiting = true
		}
		delete(o.pods, named)
	case typeClaim:
		if before := o.claims[named]; before != nil {
			for _, pool := range poolsOf(before) {
				takeFrom(o.poolClaims, pool, named)
				o.noteNode(o.poolNodes[pool])
			}
		}
		delete(o.claims, named)
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
		slice, err := one.unpackSlice()
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

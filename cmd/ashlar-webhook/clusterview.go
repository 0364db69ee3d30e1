package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ashlar-dev/ashlar/plugins/admission"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// cacheOptions keep of the cluster what a review needs, and no more.
func cacheOptions() cache.Options {
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&resourceapi.ResourceSlice{}: {
			Field:     fields.OneTermEqualSelector(resourceapi.ResourceSliceSelectorDriver, deviceapi.Driver),
			Transform: keepShares, UnsafeDisableDeepCopy: ptr.To(true),
		},
		&resourceapi.DeviceClass{}:           {UnsafeDisableDeepCopy: ptr.To(true)},
		&resourceapi.ResourceClaimTemplate{}: {Transform: dropManagedFields, UnsafeDisableDeepCopy: ptr.To(true)},
		&corev1.Node{}:                       {Transform: keepExtended, UnsafeDisableDeepCopy: ptr.To(true)},
	}}
}

// cachedObjects are the kinds that a review reads.
func cachedObjects() []client.Object {
	return []client.Object{&resourceapi.ResourceSlice{}, &resourceapi.DeviceClass{}, &resourceapi.ResourceClaimTemplate{}, &corev1.Node{}}
}

// keepShares keeps of a slice the memory that its GPUs have to share out.
func keepShares(object any) (any, error) {
	slice, ok := object.(*resourceapi.ResourceSlice)
	if !ok {
		return object, nil
	}
	slice.ManagedFields, slice.Annotations, slice.Labels, slice.Spec.SharedCounters = nil, nil, nil, nil
	var shares []resourceapi.Device
	for _, device := range slice.Spec.Devices {
		if !isShare(&device) {
			continue
		}
		shares = append(shares, resourceapi.Device{
			Name: device.Name,
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				deviceapi.Type: device.Attributes[deviceapi.Type], // to know it again: objects are transformed more than once
			},
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: device.Capacity[deviceapi.Memory].Value}},
		})
	}
	slice.Spec.Devices = shares
	return slice, nil
}

func isShare(device *resourceapi.Device) bool {
	return ptr.Deref(device.Attributes[deviceapi.Type].StringValue, "") == deviceapi.TypeShare
}

// keepExtended keeps of a node which extended resources it offers.
func keepExtended(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	kept := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion}}
	for name, quantity := range node.Status.Allocatable {
		if strings.Contains(string(name), "/") {
			if kept.Status.Allocatable == nil {
				kept.Status.Allocatable = corev1.ResourceList{}
			}
			kept.Status.Allocatable[name] = quantity
		}
	}
	return kept, nil
}

func dropManagedFields(object any) (any, error) {
	if known, ok := object.(client.Object); ok {
		known.SetManagedFields(nil)
	}
	return object, nil
}

// viewAge is for how long a look at the cluster serves.
const viewAge = 2 * time.Second

// clusterView is what is known of the cluster. It is safe for concurrent use.
type clusterView struct {
	reader client.Reader
	mutex  sync.Mutex
	taken  time.Time
	known  admission.Cluster
}

// lookAround is the cluster as it was a moment ago, for pods of a namespace. What cannot be read is not known.
func (v *clusterView) lookAround(ctx context.Context, namespace string) *admission.Cluster {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if time.Since(v.taken) > viewAge {
		v.known, v.taken = v.takeLook(ctx), time.Now()
	}
	known := v.known
	known.FindTemplate = func(name string) *resourceapi.ResourceClaimTemplate {
		template := &resourceapi.ResourceClaimTemplate{}
		if v.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, template) != nil {
			return nil
		}
		return template
	}
	return &known
}

func (v *clusterView) takeLook(ctx context.Context) (known admission.Cluster) {
	var published resourceapi.ResourceSliceList
	sizes := map[topology.Bytes]bool{}
	if v.reader.List(ctx, &published) == nil {
		for i := range published.Items {
			for j := range published.Items[i].Spec.Devices {
				memory := published.Items[i].Spec.Devices[j].Capacity[deviceapi.Memory].Value
				if size := topology.Bytes(memory.Value()); size > 0 && !sizes[size] {
					sizes[size] = true
					known.ShareMemory = append(known.ShareMemory, size)
				}
			}
		}
	}
	var classes resourceapi.DeviceClassList
	if v.reader.List(ctx, &classes) == nil {
		for i := range classes.Items {
			known.DeviceClasses = append(known.DeviceClasses, classes.Items[i].Name)
			if name := ptr.Deref(classes.Items[i].Spec.ExtendedResourceName, ""); name != "" {
				known.ClassResources = append(known.ClassResources, name)
			}
		}
	}
	var nodes corev1.NodeList
	if v.reader.List(ctx, &nodes) == nil {
		for i := range nodes.Items {
			for name := range nodes.Items[i].Status.Allocatable {
				if !slices.Contains(known.NodeResources, string(name)) {
					known.NodeResources = append(known.NodeResources, string(name))
				}
			}
		}
	}
	return known
}

package ui

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
)

// objectStore takes what a reflector reads of one kind, and keeps of it what the map needs.
type objectStore struct {
	objects *clusterObjects
	// keys are the objects that were there, to find those that are gone after a new list.
	keys map[string]objectKey
	// read is closed when all were read once.
	read chan struct{}
	once sync.Once
}

func newStore(objects *clusterObjects) *objectStore {
	return &objectStore{objects: objects, keys: map[string]objectKey{}, read: make(chan struct{})}
}

// Transformer strips objects as soon as they are decoded, while a list is still read.
func (s *objectStore) Transformer() cache.TransformFunc { return stripObject }

func (s *objectStore) Add(object any) error {
	stripped, err := stripObject(object)
	if err != nil {
		return err
	}
	key, err := cache.MetaNamespaceKeyFunc(stripped)
	if err != nil {
		return err
	}
	if _, other := stripped.(*otherPod); other {
		return s.forgetObject(key)
	}
	s.keys[key] = keyOf(stripped)
	s.objects.setObject(stripped)
	return nil
}

func (s *objectStore) Update(object any) error { return s.Add(object) }

func (s *objectStore) Delete(object any) error {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object)
	if err != nil {
		return err
	}
	return s.forgetObject(key)
}

func (s *objectStore) forgetObject(key string) error {
	if gone, found := s.keys[key]; found {
		s.objects.dropObject(gone)
		delete(s.keys, key)
	}
	return nil
}

func (s *objectStore) Replace(list []any, _ string) error {
	before := s.keys
	s.keys = map[string]objectKey{}
	for _, object := range list {
		if err := s.Add(object); err != nil {
			return err
		}
	}
	for key, gone := range before {
		if _, found := s.keys[key]; !found {
			s.objects.dropObject(gone)
		}
	}
	s.once.Do(func() { close(s.read) })
	return nil
}

func (s *objectStore) Resync() error { return nil }

// otherPod is a pod that has nothing to do with GPUs.
type otherPod struct{ metav1.ObjectMeta }

// stripObject is what of an object the map looks at. Slices are packed.
func stripObject(object any) (any, error) {
	switch object := object.(type) {
	case *packedSlice, *otherPod:
		return object, nil
	case *resourceapi.ResourceSlice:
		return packSlice(object)
	case *corev1.Node:
		stripMeta(&object.ObjectMeta)
		object.Status.Images, object.Status.VolumesInUse, object.Status.VolumesAttached = nil, nil, nil
		for i := range object.Status.Conditions {
			object.Status.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
		return object, nil
	case *corev1.Pod:
		if len(object.Spec.ResourceClaims) == 0 && object.Status.ExtendedResourceClaimStatus == nil && !deviceplugin.AsksForGPUs(object) {
			return &otherPod{metav1.ObjectMeta{
				Namespace: object.Namespace, Name: object.Name, ResourceVersion: object.ResourceVersion}}, nil
		}
		stripPod(object)
		return object, nil
	case *resourceapi.ResourceClaim:
		stripMeta(&object.ObjectMeta)
		return object, nil
	case *resourceapi.DeviceClass:
		stripMeta(&object.ObjectMeta)
		return object, nil
	}
	return nil, fmt.Errorf("an object of type %T was not asked for", object)
}

// stripPod leaves of a pod who it is, what it asks for, and why it waits.
func stripPod(pod *corev1.Pod) {
	stripMeta(&pod.ObjectMeta)
	spec := &pod.Spec
	spec.Volumes, spec.ImagePullSecrets, spec.HostAliases, spec.Affinity, spec.Tolerations = nil, nil, nil, nil, nil
	spec.TopologySpreadConstraints, spec.SecurityContext, spec.DNSConfig, spec.ReadinessGates, spec.EphemeralContainers = nil, nil, nil,
		nil, nil
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i, c := range containers {
			containers[i] = corev1.Container{Name: c.Name, Image: c.Image, Resources: c.Resources, RestartPolicy: c.RestartPolicy}
		}
	}
	status := &pod.Status
	status.ContainerStatuses, status.InitContainerStatuses, status.EphemeralContainerStatuses = nil, nil, nil
	status.PodIPs, status.HostIPs = nil, nil
	if spec.NodeName != "" {
		status.Conditions = nil
	}
}

func stripMeta(meta *metav1.ObjectMeta) {
	meta.ManagedFields = nil
	delete(meta.Annotations, corev1.LastAppliedConfigAnnotation)
}

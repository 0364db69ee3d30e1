package inprocess

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// eventRoom is how many changes a watch of the fake API server holds for its reader. It
// panics when there are more.
const eventRoom = 1 << 17

// newFakeAPI is a client of an API server that has these objects, and slices that never
// change: they are handed out as they are, while all else is copied for each reader.
func newFakeAPI(slices []resourceapi.ResourceSlice, objects ...runtime.Object) (*fake.Clientset, error) {
	watch.DefaultChanSize = eventRoom
	// NewClientset keeps track of who owns which field, at ten times the cost.
	client := fake.NewSimpleClientset() //nolint:staticcheck // see above
	tracker := &versionedTracker{ObjectTracker: client.Tracker()}
	for _, object := range objects {
		if err := tracker.Add(object); err != nil {
			return nil, fmt.Errorf("filling the fake API server: %w", err)
		}
	}
	client.PrependReactor("*", "*", ktesting.ObjectReaction(tracker))
	client.PrependReactor("list", "resourceslices", func(ktesting.Action) (bool, runtime.Object, error) {
		list := &resourceapi.ResourceSliceList{Items: slices}
		list.ResourceVersion = "1"
		return true, list, nil
	})
	client.PrependWatchReactor("resourceslices", func(ktesting.Action) (bool, watch.Interface, error) {
		return true, watch.NewRaceFreeFake(), nil
	})
	client.PrependReactor("create", "pods", func(action ktesting.Action) (bool, runtime.Object, error) {
		if action.GetSubresource() != "binding" {
			return false, nil, nil
		}
		return bindPod(tracker, action)
	})
	return client, nil
}

// bindPod does what the API server does with a Binding.
func bindPod(tracker ktesting.ObjectTracker, action ktesting.Action) (bool, runtime.Object, error) {
	create, ok := action.(ktesting.CreateAction)
	if !ok {
		return true, nil, fmt.Errorf("binding a pod: got a %T", action)
	}
	binding, ok := create.GetObject().(*corev1.Binding)
	if !ok {
		return true, nil, fmt.Errorf("binding a pod: got a %T", create.GetObject())
	}
	object, err := tracker.Get(action.GetResource(), binding.Namespace, binding.Name)
	if err != nil {
		return true, nil, err
	}
	pod, ok := object.DeepCopyObject().(*corev1.Pod)
	if !ok {
		return true, nil, fmt.Errorf("binding pod %s: found a %T", binding.Name, object)
	}
	pod.Spec.NodeName = binding.Target.Name
	return true, binding, tracker.Update(action.GetResource(), pod, pod.Namespace)
}

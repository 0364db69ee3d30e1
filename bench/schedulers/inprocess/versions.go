package inprocess

import (
	"strconv"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ktesting "k8s.io/client-go/testing"
)

// versionedTracker gives what is written a resource version, as an API server does; client-go's
// tracker leaves it empty, and the scheduler drops claims that have none.
type versionedTracker struct {
	ktesting.ObjectTracker
	last atomic.Int64
}

// setVersion gives an object the next resource version.
func (t *versionedTracker) setVersion(object runtime.Object) error {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	accessor.SetResourceVersion(strconv.FormatInt(t.last.Add(1), 10))
	return nil
}

// Add stores an object that is there from the beginning.
func (t *versionedTracker) Add(object runtime.Object) error {
	if err := t.setVersion(object); err != nil {
		return err
	}
	return t.ObjectTracker.Add(object)
}

// Create stores a new object.
func (t *versionedTracker) Create(
	gvr schema.GroupVersionResource, object runtime.Object, ns string, options ...metav1.CreateOptions,
) error {
	if err := t.setVersion(object); err != nil {
		return err
	}
	return t.ObjectTracker.Create(gvr, object, ns, options...)
}

// Update replaces an object.
func (t *versionedTracker) Update(
	gvr schema.GroupVersionResource, object runtime.Object, ns string, options ...metav1.UpdateOptions,
) error {
	if err := t.setVersion(object); err != nil {
		return err
	}
	return t.ObjectTracker.Update(gvr, object, ns, options...)
}

// Patch replaces an object by what a patch makes of it.
func (t *versionedTracker) Patch(
	gvr schema.GroupVersionResource, object runtime.Object, ns string, options ...metav1.PatchOptions,
) error {
	if err := t.setVersion(object); err != nil {
		return err
	}
	return t.ObjectTracker.Patch(gvr, object, ns, options...)
}

package dryrun

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// AppliedManifest is what a user wants to apply.
type AppliedManifest struct {
	Workloads []*WorkloadObject
	// ClusterObjects are the claims, templates, classes and groups beside the workloads.
	ClusterObjects
	// Notes say what was passed over.
	Notes []string
}

// ReadObjects adds the objects of a file. Those that name no namespace are in the given one.
func (m *AppliedManifest) ReadObjects(source string, text []byte, namespace string) error {
	return decodeManifest(source, text, func(where string, object any) error {
		switch object := object.(type) {
		case unknownKind:
			m.Notes = append(m.Notes, fmt.Sprintf("%s %s is not understood: if it makes pods, ask about those", object.kind, object.name))
			return nil
		case *v1alpha1.PodGroup:
			object.Namespace = cmp.Or(object.Namespace, namespace)
			m.PodGroups = append(m.PodGroups, object)
			return nil
		case *corev1.Node, *resourceapi.ResourceSlice:
			return fmt.Errorf("%s: belongs into a snapshot: want the objects that would be applied", where)
		}
		if w, err := workloadOf(object.(runtime.Object)); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		} else if w != nil {
			w.Namespace = cmp.Or(w.Namespace, namespace)
			m.Workloads = append(m.Workloads, w)
			return nil
		}
		switch object := object.(type) {
		case *resourceapi.ResourceClaim:
			object.Namespace = cmp.Or(object.Namespace, namespace)
		case *resourceapi.ResourceClaimTemplate:
			object.Namespace = cmp.Or(object.Namespace, namespace)
		}
		m.AddObject(object)
		return nil
	})
}

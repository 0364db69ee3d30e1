package dryrun

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// AppliedManifest is what a user wants to apply.
type AppliedManifest struct {
	Workloads []*podspec.Workload
	// ClusterObjects are the claims, templates, classes and groups beside the workloads.
	ClusterObjects
	// Notes say what was passed over, or taken for something else than it says.
	Notes []string
	// Errors are what could not be read, an error for each object, with file and line.
	Errors []error
}

// ReadObjects adds the objects of a file. Those that name no namespace are in the given one. The
// error joins those of single objects, which are in Errors too; the other objects are added all
// the same.
func (m *AppliedManifest) ReadObjects(source string, text []byte, namespace string) error {
	objects, err := podspec.ReadObjects(source, text)
	var faults []error
	if err != nil {
		faults = append(faults, err)
	}
	var made []string
	for i := range objects {
		object := &objects[i]
		if object.HasControllerBeside() {
			made = append(made, object.Kind+" "+object.Name)
			continue
		}
		object.Namespace = cmp.Or(object.Namespace, namespace)
		if err := m.readObject(object); err != nil {
			faults = append(faults, err)
			m.noteFaulty(object)
		}
	}
	if len(made) > 0 {
		m.Notes = append(m.Notes, namedPods(made)+": left out, for objects beside them make them")
	}
	m.Errors = append(m.Errors, faults...)
	return errors.Join(faults...)
}

// noteFaulty remembers a claim or template that could not be read, for the pods that name it.
func (m *AppliedManifest) noteFaulty(object *podspec.Object) {
	if object.Kind != claimKind && object.Kind != templateKind {
		return
	}
	if m.faulty == nil {
		m.faulty = map[claimObject]string{}
	}
	m.faulty[claimObject{object.Kind, object.Namespace, object.Name}] = fmt.Sprintf("%s:%d", object.File, object.Line)
}

// readObject adds one object.
func (m *AppliedManifest) readObject(object *podspec.Object) error {
	typed, err := m.decodeObject(object)
	if err != nil || typed == nil {
		return err
	}
	if _, unknown := typed.(unknownKind); unknown {
		return m.readUnknown(object)
	}
	switch typed := typed.(type) {
	case *corev1.Node, *resourceapi.ResourceSlice:
		return fmt.Errorf("%s: belongs into a snapshot: want the objects that would be applied", object.Where())
	case *v1alpha1.PodGroup:
		typed.Namespace = object.Namespace
		m.PodGroups = append(m.PodGroups, typed)
		return nil
	}
	if object.IsPodSource() {
		return m.readWorkloads(object)
	}
	if autoscaler, err := object.ReadAutoscaler(); err != nil || autoscaler != nil {
		m.addAutoscaler(autoscaler)
		return err
	}
	if err := validateApplied(typed); err != nil {
		return fmt.Errorf("%s: %w", object.Where(), err)
	}
	switch typed := typed.(type) {
	case *resourceapi.ResourceClaim, *resourceapi.ResourceClaimTemplate, *corev1.ResourceQuota, *corev1.LimitRange:
		typed.(metav1.Object).SetNamespace(object.Namespace)
	}
	m.AddObject(typed)
	return nil
}

// readWorkloads adds the pods of an object.
func (m *AppliedManifest) readWorkloads(object *podspec.Object) error {
	workloads, known, err := object.ReadWorkloads()
	if err != nil {
		return err
	}
	if before := slices.IndexFunc(m.Workloads, func(w *podspec.Workload) bool {
		return object.Name != "" && w.Name == object.Name && w.Namespace == object.Namespace &&
			w.Kind == object.Kind && w.APIVersion == object.APIVersion
	}); before >= 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%s: there is one of this name at %s:%d; "+
			"applied, this one would take its place, and both were asked about",
			object.Where(), m.Workloads[before].File, m.Workloads[before].Line))
	}
	pods := 0
	for i := range workloads {
		w := &workloads[i]
		w.Namespace = cmp.Or(w.Namespace, object.Namespace)
		for j := range w.Templates {
			if err := errors.Join(w.Templates[j].Faults...); err != nil && !objectScheme.Recognizes(kindOf(object)) {
				return explainDecoding(object, err)
			}
		}
		for _, note := range w.Notes {
			m.Notes = append(m.Notes, w.Title()+": "+note)
		}
		pods += len(w.Templates)
		m.Workloads = append(m.Workloads, w)
	}
	if !known && pods > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("how many pods %s %s makes is not known here: each that is described in it was asked about once",
			object.Kind, object.Name))
	}
	return nil
}

func (m *AppliedManifest) addAutoscaler(a *podspec.Autoscaler) {
	if a != nil {
		m.Autoscalers = append(m.Autoscalers, a)
	}
}

// AutoscalerNotes name the autoscalers of the manifests whose targets are not in them.
func (m *AppliedManifest) AutoscalerNotes() []string {
	var notes []string
	for _, a := range m.Autoscalers {
		if slices.ContainsFunc(m.Workloads, func(w *podspec.Workload) bool { return a.ScalesWorkload(w) }) {
			continue
		}
		why := "is not in the manifests: add it with -f"
		for _, w := range m.Workloads {
			moved := *a
			if moved.Namespace = w.Namespace; moved.ScalesWorkload(w) {
				why = fmt.Sprintf("is in namespace %s, and it is in %s itself", w.Namespace, a.Namespace)
			}
		}
		notes = append(notes, fmt.Sprintf("%s %s: how far it scales was not looked at, for %s %s %s",
			a.Kind, a.Name, a.TargetKind, a.TargetName, why))
	}
	return notes
}

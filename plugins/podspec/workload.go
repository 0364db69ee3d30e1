package podspec

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// Workload is what makes pods: an object of a manifest, or a part of it that has a number of
// replicas of its own.
type Workload struct {
	File string
	// Line is where the object starts.
	Line                              int
	APIVersion, Kind, Namespace, Name string
	// Part tells those of one object apart: "prefill" of an LLMInferenceService. It is "" where
	// there is no other.
	Part string
	// Replicas is how many there are at first, never negative. Scale is how far it says itself
	// that it scales, nil if it does not say so.
	Replicas int
	Scale    *ScaleRange
	// Templates are the pods of one replica.
	Templates []PodTemplate
	// Notes say what about its pods a manifest does not tell.
	Notes []string

	// inner are model servers that run inside of its pods, and not as what their containers start.
	inner []innerServer
}

// ScaleRange is how many replicas an autoscaler makes, at least and at most.
type ScaleRange struct{ Min, Max int }

// PodTemplate is pods of one replica that are all alike.
type PodTemplate struct {
	corev1.PodTemplateSpec
	// Line is where it stands.
	Line int
	// PerReplica is how many of them a replica has, never negative.
	PerReplica int
	// Faults are fields in it that pods do not have, with their places.
	Faults []error

	// part tells templates of one replica apart; joins says that their pods only join the server
	// that those of the first start.
	part  string
	joins bool

	prefix string
	// firstReplica and firstPod are the numbers that names start with; a negative firstPod
	// says that names have no number of the pod within its replica.
	firstReplica, firstPod int
}

// PodName is the name of a pod of a replica, both counted from 0, as its controller gives it as
// far as that can be told.
func (t *PodTemplate) PodName(replica, pod int) string {
	switch {
	case t.firstReplica < 0:
		return t.prefix
	case t.firstPod < 0:
		return fmt.Sprintf("%s-%d", t.prefix, replica*t.PerReplica+pod+t.firstReplica)
	}
	return fmt.Sprintf("%s-%d-%d", t.prefix, replica+t.firstReplica, pod+t.firstPod)
}

// Title names the workload for people: "InferenceService chat, predictor".
func (w *Workload) Title() string {
	if w.Part == "" {
		return titleOf(w.Kind, w.Name)
	}
	return titleOf(w.Kind, w.Name) + ", " + w.Part
}

// Where names the workload with its place: "deploy.yaml:12: Deployment vllm".
func (w *Workload) Where() string { return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Title()) }

// PodsPerReplica is how many pods a replica has.
func (w *Workload) PodsPerReplica() int {
	pods := 0
	for i := range w.Templates {
		pods += w.Templates[i].PerReplica
	}
	return pods
}

// ReadWorkloads reads which pods an object makes, and how many. known is false for objects of kinds
// that are not known here; of these it has one pod for each mapping with containers, as Pods
// finds them. The error names file, line and object.
func (o *Object) ReadWorkloads() (workloads []Workload, known bool, err error) {
	r := workloadReader{object: o}
	read, known := workloadKinds[o.groupKind()]
	if known {
		read(&r)
		r.noteSuspended()
	} else {
		r.readNested(o.root, nil)
	}
	return r.found, known, r.err
}

// noteSuspended says that there are no pods yet, as of Jobs that a queue such as Kueue lets start.
func (r *workloadReader) noteSuspended() {
	if len(r.found) > 0 && r.findNode("spec", "suspend").String() == "true" {
		r.found[0].Notes = append(r.found[0].Notes, "spec.suspend is true: it makes no pods until that is changed, and these are those of then")
	}
}

// IsPodSource reports whether objects of this kind are read for their pods.
func (o *Object) IsPodSource() bool {
	_, known := workloadKinds[o.groupKind()]
	return known
}

// KindMeant is the kind that the object's differs from in case alone, among those of its group that
// are known here; "" if there is none.
func (o *Object) KindMeant() string {
	group := groupOf(o.APIVersion)
	for known := range workloadKinds {
		if of, kind, _ := strings.Cut(known, "/"); of == group && kind != o.Kind && strings.EqualFold(kind, o.Kind) {
			return kind
		}
	}
	return ""
}

// groupKind is the object's kind with the group of its API: "apps/Deployment", "/Pod".
func (o *Object) groupKind() string { return groupOf(o.APIVersion) + "/" + o.Kind }

// groupOf is the group of an apiVersion, "" for Kubernetes' core.
func groupOf(apiVersion string) string { return schema.FromAPIVersionAndKind(apiVersion, "").Group }

// readNested takes every mapping with containers for a pod, and objects of kinds that are known
// for what they are.
func (r *workloadReader) readNested(n *yamlfile.Node, path []string) {
	switch {
	case n.Kind == yamlfile.KindSequence:
		for _, item := range n.Items {
			r.readNested(item, path)
		}
	case n.Kind != yamlfile.KindMapping:
	case itemsOf(n.Field("containers")) != nil:
		r.addWorkload(partName(path), 1, r.decodePod(n))
	default:
		inner := objectsIn(r.object.File, n)
		if n != r.object.root && len(inner) == 1 && inner[0].IsPodSource() {
			found, _, err := inner[0].ReadWorkloads()
			r.found = append(r.found, found...)
			if r.err == nil {
				r.err = err
			}
			return
		}
		for _, field := range n.Fields {
			r.readNested(field.Value, append(slices.Clone(path), field.Name))
		}
	}
}

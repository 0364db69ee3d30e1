package podspec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kubejson "sigs.k8s.io/json"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// maxReplicas bounds each number of replicas that is read: no cluster has more pods.
const maxReplicas = 1_000_000

// workloadReader reads the pods of an object of a kind that is known. After an error it goes on
// with zero values.
type workloadReader struct {
	object *Object
	found  []Workload
	// notes are for the next workload.
	notes []string
	err   error
}

// findNode is the node at a path of the object, nil if it is not there.
func (r *workloadReader) findNode(path ...string) *yamlfile.Node {
	return nodeAt(r.object.root, path...)
}

func nodeAt(n *yamlfile.Node, path ...string) *yamlfile.Node {
	for _, name := range path {
		n = n.Field(name)
	}
	return n
}

func (r *workloadReader) reportError(n *yamlfile.Node, format string, args ...any) {
	if r.err != nil {
		return
	}
	line := r.object.Line
	if n != nil {
		line = n.Position.Line
	}
	r.err = fmt.Errorf("%s:%d: %s: %w", r.object.File, line, titleOf(r.object.Kind, r.object.Name), fmt.Errorf(format, args...))
}

// readNumber reads a number of replicas or pods from a field, or what there is without it.
func (r *workloadReader) readNumber(n *yamlfile.Node, field string, without int) int {
	value := n.Field(field)
	if value == nil || value.Kind == yamlfile.KindNull {
		return without
	}
	number, whole := value.Value().(int64)
	switch {
	case value.Kind != yamlfile.KindInteger || !whole && !strings.HasPrefix(value.Text, "-"):
		r.reportError(value, "%s: %q, want a whole number", field, cmp.Or(value.Text, "a list or mapping"))
		return without
	case number > maxReplicas:
		r.reportError(value, "%s: %d, which is more than the %d that are looked at", field, number, maxReplicas)
		return without
	}
	return int(max(0, number))
}

// decodeTemplate reads a pod template: a mapping with metadata and spec.
func (r *workloadReader) decodeTemplate(n *yamlfile.Node, field string) *PodTemplate {
	if n == nil || n.Kind != yamlfile.KindMapping {
		r.reportError(n, "%s: want a pod template, with metadata and spec", field)
		return nil
	}
	template := PodTemplate{Line: lineOf(n.Field("spec"), n)}
	r.checkContainers(n.Field("spec"))
	r.decodeFields(n, field, &template.PodTemplateSpec, &template)
	return &template
}

// decodePod reads the spec of a pod by itself.
func (r *workloadReader) decodePod(n *yamlfile.Node) *PodTemplate {
	template := PodTemplate{Line: lineOf(n, n)}
	r.checkContainers(n)
	r.decodeFields(n, "", &template.Spec, &template)
	return &template
}

// lineOf is where the containers of a pod start, or else the node that it is in.
func lineOf(spec, within *yamlfile.Node) int {
	if containers := spec.Field("containers"); containers != nil {
		return containers.Position.Line
	}
	return within.Position.Line
}

// decodeFields reads a node as the API server would. Fields that there are not become faults of
// the template.
func (r *workloadReader) decodeFields(n *yamlfile.Node, field string, into any, template *PodTemplate) {
	text, err := json.Marshal(n.Value())
	if err != nil {
		r.reportError(n, "%s: %w", field, err)
		return
	}
	unknown, err := kubejson.UnmarshalStrict(text, into)
	if err != nil {
		r.reportError(n, "%w", ExplainDecoding(text, err))
	}
	title := titleOf(r.object.Kind, r.object.Name)
	for _, fault := range unknown {
		template.Faults = append(template.Faults,
			fmt.Errorf("%s:%d: %s: %s: %w", r.object.File, n.Position.Line, title, cmp.Or(field, "pod"), fault))
	}
}

// checkContainers refuses numbers among the words of a pod's containers.
func (r *workloadReader) checkContainers(spec *yamlfile.Node) {
	w := podWalk{file: r.object.File, object: titleOf(r.object.Kind, r.object.Name)}
	for _, key := range []string{"containers", "initContainers"} {
		if list := spec.Field(key); list != nil {
			if err := w.checkWords(list.Items...); err != nil && r.err == nil {
				r.err = err
			}
		}
	}
}

// addWorkload adds replicas of some templates, of which those that are nil are left out. Pods
// without a name of their own are named for the workload and numbered from 1.
func (r *workloadReader) addWorkload(part string, replicas int, templates ...*PodTemplate) *Workload {
	o := r.object
	w := Workload{
		File: o.File, Line: o.Line, APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name,
		Part: part, Replicas: replicas,
	}
	if w.Name == "" {
		w.Name = strings.TrimSuffix(r.findNode("metadata", "generateName").String(), "-")
	}
	for _, template := range templates {
		if template == nil {
			continue
		}
		if template.prefix == "" {
			template.prefix, template.firstReplica, template.firstPod = cmp.Or(w.Name, strings.ToLower(o.Kind)), 1, -1
			if part != "" {
				template.prefix += "-" + strings.ToLower(strings.NewReplacer(".", "-", "[", "-", "]", "").Replace(part))
			}
		}
		if template.PerReplica == 0 {
			template.PerReplica = 1
		}
		w.Templates = append(w.Templates, *template)
	}
	r.found = append(r.found, w)
	return &r.found[len(r.found)-1]
}

// nameAfter has pods named prefix-replica, and within a replica prefix-replica-pod if firstPod
// is not negative.
func (t *PodTemplate) nameAfter(prefix string, firstReplica, firstPod int) *PodTemplate {
	if t != nil {
		t.prefix, t.firstReplica, t.firstPod = prefix, firstReplica, firstPod
	}
	return t
}

// withCount sets how many pods a replica has of a template; nil if none.
func (t *PodTemplate) withCount(count int) *PodTemplate {
	if t == nil || count < 1 {
		return nil
	}
	t.PerReplica = count
	return t
}

// withMeta adds labels and annotations that a controller hands down; those of the
// template itself stand above them.
func (t *PodTemplate) withMeta(labels, annotations map[string]string) *PodTemplate {
	if t == nil {
		return nil
	}
	t.Labels, t.Annotations = overlayMaps(labels, t.Labels), overlayMaps(annotations, t.Annotations)
	return t
}

// overlayMaps is both maps in one, in which the upper stands above the lower.
func overlayMaps[K comparable, V any](lower, upper map[K]V) map[K]V {
	if len(lower) == 0 {
		return upper
	}
	both := map[K]V{}
	for name, value := range lower {
		both[name] = value
	}
	for name, value := range upper {
		both[name] = value
	}
	return both
}

// textMap reads labels or annotations; what is no text is left out.
func textMap(n *yamlfile.Node) map[string]string {
	if n == nil || n.Kind != yamlfile.KindMapping {
		return nil
	}
	texts := map[string]string{}
	for _, field := range n.Fields {
		if field.Value.IsScalar() {
			texts[field.Name] = field.Value.String()
		}
	}
	return texts
}

// requestGPUs has the first container ask for GPUs if nothing in the pod asks for any.
func (t *PodTemplate) requestGPUs(count int) {
	if t == nil || count < 1 || len(t.Spec.Containers) == 0 || len(t.Spec.ResourceClaims) > 0 {
		return
	}
	for i := range t.Spec.Containers {
		for name := range t.Spec.Containers[i].Resources.Limits {
			if deviceapi.IsAnyGPUResource(string(name)) {
				return
			}
		}
	}
	resources := &t.Spec.Containers[0].Resources
	if resources.Limits == nil {
		resources.Limits = corev1.ResourceList{}
	}
	resources.Limits[deviceapi.GPUResource] = *quantityOf(count)
}

package podspec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// podWalk looks for pods in one object.
type podWalk struct {
	file string
	// name is that of the whole object, beside are those of its file.
	name   string
	beside []Object
	// object is the innermost with a kind, path the keys below it.
	object string
	path   []string
	// annotations are those of the objects that lead here, the innermost last.
	annotations []map[string]string
	// replicas is what the objects that lead here ask for, the innermost that says so.
	replicas int64
	pods     []Pod
}

// Pods finds the pods of an object, wherever they are nested: every mapping with a list of
// containers is one, the model of a KServe InferenceService, and what operators make of the composedKinds.
func (o *Object) Pods() ([]Pod, error) {
	switch kind := o.groupKind(); {
	case kind == kserveGroup+llmConfigKind:
		return nil, nil // its services have what it says
	case slices.Contains(composedKinds, kind):
		return o.composedPods()
	}
	w := podWalk{file: o.File, name: o.Name, beside: o.beside, object: titleOf(o.Kind, o.Name)}
	if err := w.visitNode(o.root); err != nil {
		return nil, err
	}
	return w.pods, nil
}

func (w *podWalk) visitNode(n *yamlfile.Node) error {
	switch n.Kind {
	case yamlfile.KindSequence:
		for _, item := range n.Items {
			if err := w.visitNode(item); err != nil {
				return err
			}
		}
	case yamlfile.KindMapping:
		return w.visitMapping(n)
	}
	return nil
}

func (w *podWalk) visitMapping(n *yamlfile.Node) error {
	outer := *w
	defer func() {
		w.object, w.path, w.annotations, w.replicas = outer.object, outer.path, outer.annotations, outer.replicas
	}()
	if kind := n.Field("kind").String(); kind != "" && n.Field("apiVersion") != nil {
		w.object, w.path, w.annotations, w.replicas = titleOf(kind, n.Field("metadata").Field("name").String()), nil, nil, 0
	}
	for _, key := range []string{"replicas", "minReplicas", "maxReplicas"} { // a maximum of 0 is none
		if count, err := strconv.ParseInt(n.Field(key).String(), 10, 64); err == nil && count > 0 {
			w.replicas = count
		}
	}
	if found := n.Field("metadata").Field("annotations"); found != nil {
		annotations := map[string]string{}
		if err := decodeNode(found, &annotations); err == nil {
			w.annotations = append(slices.Clone(w.annotations), annotations)
		}
	}
	if containers := n.Field("containers"); containers != nil && containers.Kind == yamlfile.KindSequence {
		return w.readPod(n, containers.Position.Line)
	}
	if served := n.Field("model"); served != nil && served.Field("modelFormat") != nil {
		return w.readServedModel(served)
	}
	for _, field := range n.Fields {
		w.path = append(slices.Clone(outer.path), field.Name)
		if err := w.visitNode(field.Value); err != nil {
			return err
		}
	}
	return nil
}

// readPod reads a mapping with containers.
func (w *podWalk) readPod(n *yamlfile.Node, line int) error {
	var spec struct {
		Containers     []corev1.Container `json:"containers"`
		InitContainers []corev1.Container `json:"initContainers"`
	}
	for _, key := range []string{"containers", "initContainers"} {
		if list := n.Field(key); list != nil {
			if err := w.checkWords(list.Items...); err != nil {
				return err
			}
		}
	}
	if err := decodeNode(n, &spec); err != nil {
		return fmt.Errorf("%s:%d: %s: %w", w.file, line, w.object, err)
	}
	if len(spec.Containers) == 0 {
		return nil
	}
	whole := corev1.PodSpec{Containers: spec.Containers, InitContainers: spec.InitContainers}
	readBeside(n, &whole)
	if slices.Contains(w.path, groupTemplate) {
		addGroupEnvironment(&whole)
	}
	w.addPod(line, nil, whole)
	return nil
}

// readBeside reads what a pod says beside its containers. What cannot be read is left out.
func readBeside(n *yamlfile.Node, spec *corev1.PodSpec) {
	if list := n.Field("volumes"); list != nil && list.Kind == yamlfile.KindSequence {
		for _, item := range list.Items {
			var volume corev1.Volume
			if decodeNode(item, &volume) == nil {
				spec.Volumes = append(spec.Volumes, volume)
			}
		}
	}
	spec.HostIPC = n.Field("hostIPC").String() == "true"
	if links := n.Field("enableServiceLinks").String(); links != "" {
		enabled := links == "true"
		spec.EnableServiceLinks = &enabled
	}
}

// checkWords refuses numbers among the words of containers, which the API server does
// too, but with less to go by.
func (w *podWalk) checkWords(containers ...*yamlfile.Node) error {
	for _, container := range containers {
		for _, key := range []string{"command", "args"} {
			list := container.Field(key)
			if list == nil || list.Kind != yamlfile.KindSequence {
				continue
			}
			for _, word := range list.Items {
				if word.IsScalar() && word.Kind != yamlfile.KindString {
					return fmt.Errorf("%s:%d: %s: %s: %s is no text in YAML: put it in quotes",
						w.file, word.Position.Line, w.object, key, cmp.Or(word.Text, "null"))
				}
			}
		}
	}
	return nil
}

func (w *podWalk) addPod(line int, annotations map[string]string, spec corev1.PodSpec) {
	pod := Pod{File: w.file, Line: line, Object: cmp.Or(w.object, "object without a kind"), Part: partName(w.path), Spec: spec,
		Replicas: w.replicas}
	pod.Annotations = map[string]string{}
	for _, from := range append(slices.Clone(w.annotations), annotations) {
		maps.Copy(pod.Annotations, from)
	}
	w.pods = append(w.pods, pod)
}

// usualKeys lead to the pods of the workloads that everybody knows, and tell nothing.
var usualKeys = []string{"spec", "template", "jobTemplate", "predictor", "items", "leaderWorkerTemplate"}

// partName tells pods of one object apart.
func partName(path []string) string {
	var parts []string
	for _, key := range path {
		if !slices.Contains(usualKeys, key) {
			parts = append(parts, key)
		}
	}
	return strings.Join(parts, ".")
}

// decodeNode reads a node as the API server would, by its JSON form.
func decodeNode(n *yamlfile.Node, into any) error {
	text, err := json.Marshal(n.Value())
	if err != nil {
		return err
	}
	return ExplainDecoding(text, json.Unmarshal(text, into))
}

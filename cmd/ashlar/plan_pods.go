package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// filePod is a pod, or the template of one, in a manifest.
type filePod struct {
	launch.Pod
	file, object, part string
	line               int
	limits             []corev1.ResourceList
}

// where names the pod for people: "deploy.yaml:12: Deployment vllm".
func (p *filePod) where() string {
	name := fmt.Sprintf("%s:%d: %s", p.file, p.line, p.object)
	if p.part != "" {
		name += ", " + p.part
	}
	return name
}

// profiles are the MIG profiles that the pod asks for by the names of NVIDIA's
// device plugin.
func (p *filePod) profiles() []string {
	const prefix = "nvidia.com/mig-"
	var profiles []string
	for _, limits := range p.limits {
		for name := range limits {
			if profile, found := strings.CutPrefix(string(name), prefix); found {
				profiles = append(profiles, profile)
			}
		}
	}
	slices.Sort(profiles)
	return slices.Compact(profiles)
}

// Bounds of what is followed in a manifest.
const (
	maxDepth = 64
	maxNodes = 1 << 20
)

// podsIn finds the pods of a manifest, wherever they are nested: every object with a
// list of containers is one. Workloads that nobody has heard of here are found too.
func podsIn(file string, text []byte) ([]filePod, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var pods []filePod
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return pods, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s%s", file, atLine(err))
		}
		w := walk{file: file}
		if err := w.visit(&document, 0); err != nil {
			return nil, err
		}
		pods = append(pods, w.pods...)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)

// atLine turns "yaml: line 3: what" into ":3: what".
func atLine(err error) string {
	text := err.Error()
	found := yamlLine.FindStringSubmatch(text)
	if found == nil {
		return ": " + text
	}
	return ":" + cmp.Or(found[1], "1") + ": is not YAML: " + text[len(found[0]):]
}

// walk looks for pods in one document.
type walk struct {
	file  string
	nodes int
	// object is the innermost with a kind, path the keys below it.
	object string
	path   []string
	// annotations are those of the objects that lead here, the innermost last.
	annotations []map[string]string
	pods        []filePod
}

func (w *walk) visit(n *yaml.Node, depth int) error {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return fmt.Errorf("%s:%d: is nested too deeply, or too large", w.file, n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.visit(n.Alias, depth+1)
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, child := range n.Content {
			if err := w.visit(child, depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		return w.mapping(n, depth)
	}
	return nil
}

func (w *walk) mapping(n *yaml.Node, depth int) error {
	outer := *w
	defer func() { w.object, w.path, w.annotations = outer.object, outer.path, outer.annotations }()
	if kind := scalar(child(n, "kind")); kind != "" && child(n, "apiVersion") != nil {
		w.object, w.path, w.annotations = strings.TrimSpace(kind+" "+scalar(child(child(n, "metadata"), "name"))), nil, nil
	}
	if found := child(child(n, "metadata"), "annotations"); found != nil {
		annotations := map[string]string{}
		if err := found.Decode(&annotations); err == nil {
			w.annotations = append(slices.Clone(w.annotations), annotations)
		}
	}
	if containers := child(n, "containers"); containers != nil && containers.Kind == yaml.SequenceNode {
		return w.pod(n, containers.Line)
	}
	if served := child(n, "model"); served != nil && child(served, "modelFormat") != nil {
		return w.served(served)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		w.path = append(slices.Clone(outer.path), n.Content[i].Value)
		if err := w.visit(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pod reads an object with containers.
func (w *walk) pod(n *yaml.Node, line int) error {
	var spec struct {
		Containers     []corev1.Container `json:"containers"`
		InitContainers []corev1.Container `json:"initContainers"`
	}
	for _, key := range []string{"containers", "initContainers"} {
		if list := child(n, key); list != nil {
			if err := w.quoted(list.Content...); err != nil {
				return err
			}
		}
	}
	if err := decode(n, &spec); err != nil {
		return fmt.Errorf("%s:%d: %s: %w", w.file, line, w.object, err)
	}
	if len(spec.Containers) == 0 {
		return nil
	}
	w.add(line, nil, spec.Containers, spec.InitContainers)
	return nil
}

// quoted refuses numbers among the words of containers, which the API server does
// too, but with less to go by.
func (w *walk) quoted(containers ...*yaml.Node) error {
	for _, container := range containers {
		for _, key := range []string{"command", "args"} {
			list := child(container, key)
			if list == nil || list.Kind != yaml.SequenceNode {
				continue
			}
			for _, word := range list.Content {
				if word.Kind == yaml.ScalarNode && word.Tag != "!!str" {
					return fmt.Errorf("%s:%d: %s: %s: %s is no text in YAML: put it in quotes", w.file, word.Line, w.object, key, word.Value)
				}
			}
		}
	}
	return nil
}

// servers are the images that KServe's runtimes start for a format of models.
var servers = map[string]string{"huggingface": "kserve/huggingfaceserver", "triton": "nvcr.io/nvidia/tritonserver"}

// served reads the model of a KServe InferenceService, from which its controller
// makes a container.
func (w *walk) served(n *yaml.Node) error {
	var spec struct {
		corev1.Container `json:",inline"`
		ModelFormat      struct {
			Name string `json:"name"`
		} `json:"modelFormat"`
		StorageURI string `json:"storageUri"`
	}
	if err := w.quoted(n); err != nil {
		return err
	}
	if err := decode(n, &spec); err != nil {
		return fmt.Errorf("%s:%d: %s: %w", w.file, n.Line, w.object, err)
	}
	spec.Name = cmp.Or(spec.Name, "kserve-container")
	spec.Image = cmp.Or(spec.Image, servers[spec.ModelFormat.Name])
	annotations := map[string]string{}
	if spec.StorageURI != "" {
		// KServe's webhook leaves it here for the pod.
		annotations["internal.serving.kserve.io/storage-initializer-sourceuri"] = spec.StorageURI
	}
	w.add(n.Line, annotations, []corev1.Container{spec.Container}, nil)
	return nil
}

func (w *walk) add(line int, annotations map[string]string, containers, initial []corev1.Container) {
	pod := filePod{file: w.file, object: cmp.Or(w.object, "object without a kind"), part: w.part(), line: line}
	pod.Annotations = map[string]string{}
	for _, from := range append(slices.Clone(w.annotations), annotations) {
		maps.Copy(pod.Annotations, from)
	}
	for i := range containers {
		pod.Containers = append(pod.Containers, modelmemory.ContainerOf(&containers[i]))
		pod.limits = append(pod.limits, containers[i].Resources.Limits)
	}
	for i := range initial {
		pod.InitContainers = append(pod.InitContainers, modelmemory.ContainerOf(&initial[i]))
	}
	w.pods = append(w.pods, pod)
}

// part tells pods of one object apart: "leaderTemplate" of a LeaderWorkerSet.
func (w *walk) part() string {
	usual := []string{"spec", "template", "jobTemplate", "predictor", "items", "leaderWorkerTemplate"}
	var parts []string
	for _, key := range w.path {
		if !slices.Contains(usual, key) {
			parts = append(parts, key)
		}
	}
	return strings.Join(parts, ".")
}

// decode reads a node as the API server would, by its JSON form.
func decode(n *yaml.Node, into any) error {
	var value any
	if err := n.Decode(&value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// child is the value of a key, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// merged is a JSON object with some of its values replaced, nested ones too.
func merged(text []byte, overrides map[string]any) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		return nil, err
	}
	replace(values, overrides)
	return json.Marshal(values)
}

func replace(values, overrides map[string]any) {
	for key, value := range overrides {
		inner, nested := value.(map[string]any)
		if existing, found := values[key].(map[string]any); nested && found {
			replace(existing, inner)
			continue
		}
		values[key] = value
	}
}

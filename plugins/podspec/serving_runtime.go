package podspec

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// servingRuntime is what of a KServe ServingRuntime comes into the pods of an InferenceService.
type servingRuntime struct {
	corev1.PodSpec `json:",inline"`
	Formats        []struct {
		Name       string `json:"name"`
		AutoSelect bool   `json:"autoSelect"`
	} `json:"supportedModelFormats"`
}

// findRuntime finds the runtime by its name among the objects beside this one, or else the only one
// that is selected for a format by itself; nil if there is none.
func (w *podWalk) findRuntime(name, format string) (*servingRuntime, error) {
	var found []*servingRuntime
	for i := range w.beside {
		object := &w.beside[i]
		if object.Kind != "ServingRuntime" && object.Kind != "ClusterServingRuntime" || name != "" && object.Name != name {
			continue
		}
		runtime := &servingRuntime{}
		if spec := nodeAt(object.root, "spec"); spec == nil {
			continue
		} else if err := decodeNode(spec, runtime); err != nil {
			return nil, fmt.Errorf("%s: %w", object.Where(), err)
		}
		if name != "" {
			return runtime, nil
		}
		for _, served := range runtime.Formats {
			if served.Name == format && served.AutoSelect {
				found = append(found, runtime)
			}
		}
	}
	if len(found) != 1 {
		return nil, nil
	}
	return found[0], nil
}

// mergeContainer adds to the runtime's container what the model says beside it: arguments follow
// those of the runtime, and other fields stand above them.
func (r *servingRuntime) mergeContainer(model corev1.Container, service string) corev1.Container {
	at := slices.IndexFunc(r.Containers, func(c corev1.Container) bool { return c.Name == kserveContainer })
	if at < 0 {
		return model
	}
	merged := *r.Containers[at].DeepCopy()
	if model.Image != "" {
		merged.Image = model.Image
	}
	if len(model.Command) > 0 {
		merged.Command = model.Command
	}
	merged.Args = append(merged.Args, model.Args...)
	for _, variable := range model.Env {
		merged.Env = slices.DeleteFunc(merged.Env, func(v corev1.EnvVar) bool { return v.Name == variable.Name })
		merged.Env = append(merged.Env, variable)
	}
	merged.Resources.Limits = overlayMaps(merged.Resources.Limits, model.Resources.Limits)
	merged.Resources.Requests = overlayMaps(merged.Resources.Requests, model.Resources.Requests)
	merged.Resources.Claims = append(merged.Resources.Claims, model.Resources.Claims...)
	names := strings.NewReplacer("{{.Name}}", service, "{{ .Name }}", service)
	for i, word := range merged.Args {
		merged.Args[i] = names.Replace(word)
	}
	return merged
}

// mergePod adds the runtime's part of a pod to that of a component, which stands above it.
func (r *servingRuntime) mergePod(pod *corev1.PodSpec) {
	for i := range r.Containers {
		named := func(c corev1.Container) bool { return c.Name == r.Containers[i].Name }
		if !slices.ContainsFunc(pod.Containers, named) {
			pod.Containers = append(pod.Containers, r.Containers[i])
		}
	}
	pod.NodeSelector = overlayMaps(r.NodeSelector, pod.NodeSelector)
	pod.Tolerations = slices.Concat(r.Tolerations, pod.Tolerations)
	pod.Volumes = slices.Concat(r.Volumes, pod.Volumes)
	if pod.Affinity == nil {
		pod.Affinity = r.Affinity
	}
}

// modelFormat is the name of a model's format, with which its field stands for it.
func modelFormat(n *yamlfile.Node, field string) string {
	if name := nodeAt(n, "modelFormat", "name").String(); name != "" {
		return name
	}
	return field
}

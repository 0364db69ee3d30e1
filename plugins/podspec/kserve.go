package podspec

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// runtimeImages are the images that KServe's runtimes start for a format of models.
var runtimeImages = map[string]string{"huggingface": "kserve/huggingfaceserver", "triton": "nvcr.io/nvidia/tritonserver"}

// storageAnnotation is where KServe's webhook leaves the place of the model for the pod.
const storageAnnotation = "internal.serving.kserve.io/storage-initializer-sourceuri"

// readServedModel reads the model of a KServe InferenceService, from which its controller
// makes a container.
func (w *podWalk) readServedModel(n *yamlfile.Node) error {
	container, annotations, _, err := w.servedModel(n, "")
	if err != nil {
		return err
	}
	w.addPod(n.Position.Line, annotations, corev1.PodSpec{Containers: []corev1.Container{container}})
	return nil
}

// servedModel is the container that KServe makes for a model, with annotations of its pod, and the
// runtime that it comes from, nil if that is not beside it. The format is that of the model if it
// names none.
func (w *podWalk) servedModel(n *yamlfile.Node, format string) (corev1.Container, map[string]string, *servingRuntime, error) {
	var spec struct {
		corev1.Container `json:",inline"`
		Runtime          string `json:"runtime"`
		StorageURI       string `json:"storageUri"`
	}
	if err := w.checkWords(n); err != nil {
		return corev1.Container{}, nil, nil, err
	}
	if err := decodeNode(n, &spec); err != nil {
		return corev1.Container{}, nil, nil, fmt.Errorf("%s:%d: %s: %w", w.file, n.Position.Line, w.object, err)
	}
	format = modelFormat(n, format)
	runtime, err := w.findRuntime(spec.Runtime, format)
	if err != nil {
		return corev1.Container{}, nil, nil, err
	}
	if runtime != nil {
		spec.Container = runtime.mergeContainer(spec.Container, w.name)
	}
	spec.Name = cmp.Or(spec.Name, kserveContainer)
	if spec.Runtime == "" {
		spec.Image = cmp.Or(spec.Image, runtimeImages[format])
	}
	annotations := map[string]string{}
	if spec.StorageURI != "" {
		annotations[storageAnnotation] = spec.StorageURI
	}
	return spec.Container, annotations, runtime, nil
}

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
	var spec struct {
		corev1.Container `json:",inline"`
		ModelFormat      struct {
			Name string `json:"name"`
		} `json:"modelFormat"`
		StorageURI string `json:"storageUri"`
	}
	line := n.Position.Line
	if err := w.checkWords(n); err != nil {
		return err
	}
	if err := decodeNode(n, &spec); err != nil {
		return fmt.Errorf("%s:%d: %s: %w", w.file, line, w.object, err)
	}
	spec.Name = cmp.Or(spec.Name, "kserve-container")
	spec.Image = cmp.Or(spec.Image, runtimeImages[spec.ModelFormat.Name])
	annotations := map[string]string{}
	if spec.StorageURI != "" {
		annotations[storageAnnotation] = spec.StorageURI
	}
	w.addPod(line, annotations, corev1.PodSpec{Containers: []corev1.Container{spec.Container}})
	return nil
}

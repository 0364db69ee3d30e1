package podspec

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// kserveContainer is the container that serves the model.
const kserveContainer = "kserve-container"

// modelFormats are the fields of a predictor that are a model of one format.
var modelFormats = []string{"huggingface", "triton", "tensorflow", "pytorch", "onnx", "sklearn", "xgboost", "pmml", "lightgbm", "paddle"}

// readInferenceService reads KServe's InferenceService: a predictor, and perhaps a transformer
// and an explainer, each with replicas of its own.
func (r *workloadReader) readInferenceService() {
	predictor := r.findNode("spec", "predictor")
	switch {
	case predictor == nil && r.findNode("spec", "default") != nil:
		r.refuseFormerService()
		return
	case predictor == nil:
		r.reportError(r.findNode("spec"), "spec.predictor: no pods in it")
		return
	}
	several := r.findNode("spec", "transformer") != nil || r.findNode("spec", "explainer") != nil
	for _, component := range []string{"predictor", "transformer", "explainer"} {
		n := r.findNode("spec", component)
		if n == nil {
			continue
		}
		part := component
		if !several {
			part = ""
		}
		r.readComponent(component, part, n)
	}
}

// refuseFormerService says what is written in place of an InferenceService of a version before
// v1beta1, or of the group that KFServing had before it became KServe.
func (r *workloadReader) refuseFormerService() {
	instead := "write apiVersion: serving.kserve.io/v1beta1"
	if r.findNode("spec", "default") != nil {
		instead += ", with spec.predictor in place of spec.default.predictor"
	}
	r.reportError(nil, "%s is not served for InferenceService any more: %s", r.object.APIVersion, instead)
}

// readComponent reads one component of an InferenceService. part is "" if it is the only one.
func (r *workloadReader) readComponent(component, part string, n *yamlfile.Node) {
	head := r.decodeComponent(n)
	if head == nil {
		return
	}
	prefix := joinName(r.object.Name, component)
	templates := []*PodTemplate{head.nameAfter(prefix, 1, -1)}
	workers := n.Field("workerSpec")
	if workers != nil {
		templates = append(templates, r.decodeWorkers(workers, head).nameAfter(prefix+"-worker", 1, -1))
	}
	least := r.readNumber(n, "minReplicas", 1)
	w := r.addWorkload(part, max(1, least), templates...)
	if most := r.readNumber(n, "maxReplicas", 0); most > w.Replicas && workers == nil {
		w.Scale = &ScaleRange{Min: least, Max: most}
	}
	w.Notes, r.notes = append(w.Notes, r.notes...), nil
}

// decodeComponent reads the pod of a component: fields of a pod beside those of the component,
// and perhaps a model, for which KServe makes the container.
func (r *workloadReader) decodeComponent(n *yamlfile.Node) *PodTemplate {
	template := r.decodePod(n)
	template.Faults = nil // a component has fields that pods do not
	annotations := textMap(n.Field("annotations"))
	model, format := n.Field("model"), ""
	for _, name := range modelFormats {
		if model == nil && n.Field(name) != nil {
			model, format = n.Field(name), name
		}
	}
	if model != nil {
		o := r.object
		w := podWalk{file: o.File, name: o.Name, beside: o.beside, object: titleOf(o.Kind, o.Name)}
		container, storage, runtime, err := w.servedModel(model, format)
		if err != nil {
			if r.err == nil {
				r.err = err // it says where
			}
			return nil
		}
		annotations = overlayMaps(annotations, storage)
		template.Spec.Containers = slices.Insert(template.Spec.Containers, 0, container)
		if runtime != nil {
			runtime.mergePod(&template.Spec)
		} else if name := model.Field("runtime").String(); name != "" {
			r.notes = append(r.notes, fmt.Sprintf("what the runtime %s adds to its pods was not looked at, as it is not in the same file", name))
		}
	}
	if len(template.Spec.Containers) == 0 {
		r.reportError(n, "neither a model nor containers are in it: want one of model, containers, %s", modelFormats[0])
		return nil
	}
	return template.withMeta(textMap(n.Field("labels")), annotations).withMeta(
		textMap(r.findNode("metadata", "labels")), textMap(r.findNode("metadata", "annotations")))
}

// decodeWorkers reads the other pods of a server that spans nodes, of which KServe makes one for
// each stage of the pipeline but the first. Those that say nothing else are like the first.
func (r *workloadReader) decodeWorkers(n *yamlfile.Node, head *PodTemplate) *PodTemplate {
	workers := r.decodePod(n)
	workers.Faults = nil
	if len(workers.Spec.Containers) == 0 {
		workers.Spec.Containers = []corev1.Container{*head.Spec.Containers[0].DeepCopy()}
	}
	workers.Annotations, workers.Labels = head.Annotations, head.Labels
	perPod := r.readNumber(n, "tensorParallelSize", 1)
	head.requestGPUs(perPod)
	workers.requestGPUs(perPod)
	return workers.withCount(r.readNumber(n, "pipelineParallelSize", 2) - 1)
}

package podspec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// readNIMService reads the NIM operator's NIMService.
func (r *workloadReader) readNIMService() { r.addNIM("", r.object.Name, r.findNode("spec")) }

// readNIMPipeline reads a NIMPipeline, which makes a NIMService of each of its services.
func (r *workloadReader) readNIMPipeline() {
	services := itemsOf(r.findNode("spec", "services"))
	if len(services) == 0 {
		r.reportError(r.findNode("spec"), "spec.services: no services in it")
	}
	for _, service := range services {
		if name := service.Field("name").String(); service.Field("enabled").String() != "false" {
			r.addNIM(name, name, service.Field("spec"))
		}
	}
}

// readNIMCache reads a NIMCache: a Job that fetches a model, which takes a GPU only to find out which
// profiles go with it.
func (r *workloadReader) readNIMCache() {
	source := r.findNode("spec", "source")
	image := nodeAt(source, "ngc", "modelPuller").String()
	for _, hub := range []string{"hf", "dataStore"} {
		image = cmp.Or(image, nodeAt(source, hub, "modelPuller").String())
	}
	t := &PodTemplate{Line: r.object.Line}
	t.Spec.Containers = []corev1.Container{{Name: "nim-cache-ctr", Image: image, Command: []string{"download-to-cache"}}}
	t.Spec.NodeSelector = textMap(r.findNode("spec", "nodeSelector"))
	w := r.addWorkload("", 1, t)
	w.Notes = append(w.Notes, "fetches a model and serves none")
}

// addNIM adds the pods of a NIMService.
func (r *workloadReader) addNIM(part, prefix string, spec *yamlfile.Node) {
	image := spec.Field("image")
	if image.Field("repository").String() == "" {
		r.reportError(spec, "no image.repository in it: want the image of a NIM")
		return
	}
	container := corev1.Container{Name: prefix + "-ctr", Image: image.Field("repository").String(), Command: textItems(spec.Field("command")),
		Args: textItems(spec.Field("args")), Env: r.decodeEnv(spec.Field("env"), "env"),
		Resources: r.decodeResources(spec.Field("resources"), "resources")}
	if tag := image.Field("tag").String(); tag != "" {
		container.Image += ":" + tag
	}
	notes := r.addNIMCache(&container, spec)
	pod := func() *PodTemplate {
		t := &PodTemplate{Line: r.lineAt(spec)}
		t.Spec.Containers = []corev1.Container{*container.DeepCopy()}
		t.Spec.NodeSelector = textMap(spec.Field("nodeSelector"))
		if tolerations := spec.Field("tolerations"); tolerations != nil {
			_ = decodeNode(tolerations, &t.Spec.Tolerations) // without them it would only wait
		}
		t.Spec.SchedulerName = spec.Field("schedulerName").String()
		addSharedMemory(&t.Spec, 0)
		return t.withMeta(textMap(spec.Field("labels")), textMap(spec.Field("annotations")))
	}
	templates := []*PodTemplate{pod().nameAfter(prefix, 1, -1)}
	if multi := spec.Field("multiNode"); multi != nil && multi.Kind == yamlfile.KindMapping {
		size := r.addNIMNodes(&container, multi)
		templates = []*PodTemplate{
			pod().inGroup(prefix, size).nameAfter(prefix, 0, -1),
			pod().inGroup(prefix, size).withCount(size-1).nameAfter(prefix, 0, 1).inPart("worker", true),
		}
	}
	w := r.addWorkload(part, r.readNumber(spec, "replicas", 1), templates...)
	if hpa := nodeAt(spec, "scale", "hpa"); nodeAt(spec, "scale", "enabled").String() == "true" && hpa != nil {
		least := r.readNumber(hpa, "minReplicas", 1)
		w.Replicas, w.Scale = max(1, least), &ScaleRange{Min: least, Max: r.readNumber(hpa, "maxReplicas", least)}
	}
	if len(itemsOf(spec.Field("draResources"))) > 0 {
		notes = append(notes, "which devices its draResources claim was not looked at")
	}
	w.Notes = append(w.Notes, notes...)
}

// addNIMNodes adds what the operator tells the pods of a server that spans nodes, and returns how many
// there are: one for each stage of the pipeline.
func (r *workloadReader) addNIMNodes(container *corev1.Container, multi *yamlfile.Node) int {
	parallelism := multi.Field("parallelism")
	stages := r.readNumber(parallelism, "pp", r.readNumber(multi, "size", 1))
	tensor := r.readNumber(parallelism, "tp", r.readNumber(multi, "gpusPerPod", 0))
	if limit, asked := container.Resources.Limits[deviceapi.GPUResource]; asked && tensor == 0 {
		tensor = int(min(limit.Value(), maxReplicas))
	}
	container.Env = append(container.Env, corev1.EnvVar{Name: "NIM_PIPELINE_PARALLEL_SIZE", Value: strconv.Itoa(max(1, stages))},
		corev1.EnvVar{Name: "NIM_TENSOR_PARALLEL_SIZE", Value: strconv.Itoa(max(1, tensor))}, corev1.EnvVar{Name: "NIM_MULTI_NODE", Value: "1"})
	if len(container.Resources.Limits) == 0 {
		limitGPUs(&container.Resources, "", int64(tensor))
	}
	return max(1, stages)
}

// addNIMCache adds what the NIMCache says that the service takes its model from, as far as that is in
// the same file.
func (r *workloadReader) addNIMCache(container *corev1.Container, spec *yamlfile.Node) (notes []string) {
	cache := nodeAt(spec, "storage", "nimCache")
	profile := cache.Field("profile").String()
	name := cache.Field("name").String()
	at := slices.IndexFunc(r.object.beside, func(o Object) bool { return o.groupKind() == "apps.nvidia.com/NIMCache" && o.Name == name })
	switch {
	case name == "":
	case at < 0:
		notes = append(notes, fmt.Sprintf("which model NIMCache %s has was not looked at: add it to the file", name))
	default:
		source := nodeAt(r.object.beside[at].root, "spec", "source")
		if hub := source.Field("hf"); hub != nil {
			model := hub.Field("namespace").String() + "/" + hub.Field("modelName").String()
			if !strings.HasPrefix(model, "/") && !strings.HasSuffix(model, "/") {
				container.Env = append(container.Env, corev1.EnvVar{Name: "NIM_MODEL_NAME", Value: hubScheme + model})
			}
		}
		if engine := nodeAt(source, "ngc", "model", "engine").String(); engine != "" && profile == "" {
			profile = engine
			if degree := nodeAt(source, "ngc", "model", "tensorParallelism").String(); degree != "" {
				profile += "-tp" + degree
			}
		}
	}
	if profile != "" {
		container.Env = append(container.Env, corev1.EnvVar{Name: "NIM_MODEL_PROFILE", Value: profile})
	}
	return notes
}

package podspec

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// What KServe's own configuration gives the pods of an LLMInferenceService
// (kserve@01a639a, config/llmisvcconfig).
const (
	llmServiceKind   = "serving.kserve.io/LLMInferenceService"
	llmContainer     = "main"
	llmImage         = "ghcr.io/llm-d/llm-d-cuda"
	llmMoreArguments = "VLLM_ADDITIONAL_ARGS"
)

// readLLMService reads KServe's LLMInferenceService: pods that decode, or do everything, and
// perhaps others for prefill, both with workers on other nodes if the model spans nodes.
func (r *workloadReader) readLLMService() {
	spec := r.findNode("spec")
	part := ""
	if spec.Field("prefill") != nil {
		part = "decode"
	}
	r.readLLMPods(part, r.object.Name, spec)
	if prefill := spec.Field("prefill"); prefill != nil {
		r.readLLMPods("prefill", joinName(r.object.Name, "prefill"), prefill)
	}
}

// readLLMPods reads the pods of one workload of an LLMInferenceService.
func (r *workloadReader) readLLMPods(part, prefix string, n *yamlfile.Node) {
	parallelism := n.Field("parallelism")
	head := r.decodeLLMPod(n, "template", parallelism)
	templates := []*PodTemplate{head.nameAfter(prefix, 1, -1)}
	if n.Field("worker") != nil {
		workers := r.decodeLLMPod(n, "worker", parallelism)
		templates = []*PodTemplate{head.nameAfter(prefix, 0, -1), workers.withCount(r.readLLMSize(parallelism)-1).nameAfter(prefix, 0, 1)}
	}
	replicas := r.readNumber(n, "replicas", 1)
	var scale *ScaleRange
	if scaling := n.Field("scaling"); scaling != nil {
		least := r.readNumber(scaling, "minReplicas", 1)
		replicas, scale = max(1, least), &ScaleRange{Min: least, Max: r.readNumber(scaling, "maxReplicas", least)}
	}
	w := r.addWorkload(part, replicas, templates...)
	w.Scale = scale
	if len(itemsOf(r.findNode("spec", "baseRefs"))) > 0 {
		w.Notes = append(w.Notes, "what its baseRefs add to its pods was not looked at")
	}
	if n.Field("template") == nil {
		w.Notes = append(w.Notes, "it has no template: which resources KServe's configuration gives its pods is not known")
	}
}

// readLLMSize is how many pods a replica has that spans nodes.
func (r *workloadReader) readLLMSize(parallelism *yamlfile.Node) int {
	data, local := r.readNumber(parallelism, "data", 0), r.readNumber(parallelism, "dataLocal", 0)
	if data > 0 || local > 0 {
		return max(1, max(1, data)/max(1, local))
	}
	return max(1, r.readNumber(parallelism, "pipeline", 1))
}

// decodeLLMPod reads a template or worker, which is the spec of a pod, and adds what KServe does:
// the container main starts vLLM on the model unless it says something else.
func (r *workloadReader) decodeLLMPod(n *yamlfile.Node, field string, parallelism *yamlfile.Node) *PodTemplate {
	template := PodTemplate{Line: r.object.Line}
	if spec := n.Field(field); spec != nil && spec.Kind == yamlfile.KindMapping {
		template = *r.decodePod(spec)
	}
	containers := &template.Spec.Containers
	at := slices.IndexFunc(*containers, func(c corev1.Container) bool { return c.Name == llmContainer })
	if at < 0 {
		*containers = slices.Insert(*containers, 0, corev1.Container{Name: llmContainer})
		at = 0
	}
	main := &(*containers)[at]
	if main.Image == "" {
		main.Image = llmImage
	}
	if len(main.Command) == 0 {
		// KServe's template brings /dev/shm too.
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: "dshm",
			VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: "dshm", MountPath: "/dev/shm"})
		main.Command = []string{"vllm", "serve", "/mnt/models"}
		main.Args = append(r.llmFlags(parallelism, n.Field("worker") != nil), main.Args...)
		for _, variable := range main.Env {
			if variable.Name == llmMoreArguments {
				main.Args = append(main.Args, strings.Fields(variable.Value)...)
			}
		}
	}
	if uri := r.findNode("spec", "model", "uri").String(); uri != "" {
		template.Annotations = map[string]string{storageAnnotation: uri}
	}
	return template.withMeta(textMap(n.Field("labels")), textMap(n.Field("annotations"))).withMeta(
		textMap(r.findNode("metadata", "labels")), textMap(r.findNode("metadata", "annotations")))
}

// llmFlags are the flags that KServe makes of parallelism: of a server on one node the degree of tensor
// parallel, which its GPUs are asked for by.
func (r *workloadReader) llmFlags(parallelism *yamlfile.Node, spansNodes bool) []string {
	var flags []string
	if !spansNodes {
		if size := r.readNumber(parallelism, "tensor", 0); size > 0 {
			flags = append(flags, "--tensor-parallel-size="+strconv.Itoa(size))
		}
		return flags
	}
	for _, flag := range []struct{ field, name string }{
		{"tensor", "--tensor-parallel-size"}, {"pipeline", "--pipeline-parallel-size"},
		{"data", "--data-parallel-size"}, {"dataLocal", "--data-parallel-size-local"},
	} {
		if size := r.readNumber(parallelism, flag.field, 0); size > 0 {
			flags = append(flags, flag.name+"="+strconv.Itoa(size))
		}
	}
	if parallelism.Field("expert").String() == "true" {
		flags = append(flags, "--enable-expert-parallel")
	}
	return flags
}

// llmPods are the pods of an LLMInferenceService, each with what KServe adds.
func (o *Object) llmPods() ([]Pod, error) {
	workloads, _, err := o.ReadWorkloads()
	var pods []Pod
	for i := range workloads {
		for j := range workloads[i].Templates {
			template := &workloads[i].Templates[j]
			pods = append(pods, Pod{
				File: o.File, Line: template.Line, Object: titleOf(o.Kind, o.Name), Part: llmPart(workloads[i].Part, j),
				Annotations: template.Annotations,
				Spec: corev1.PodSpec{Containers: template.Spec.Containers, InitContainers: template.Spec.InitContainers,
					Volumes: template.Spec.Volumes},
			})
		}
	}
	return pods, err
}

// llmPart tells the pods of an LLMInferenceService apart; workers come second.
func llmPart(part string, template int) string {
	if template > 0 {
		return strings.TrimPrefix(part+".worker", ".")
	}
	return part
}

package podspec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// What KServe's own configuration gives the pods of an LLMInferenceService
// (kserve@01a639a, config/llmisvcconfig).
const (
	llmServiceKind   = "serving.kserve.io/LLMInferenceService"
	llmContainer     = "main"
	llmImage         = "ghcr.io/llm-d/llm-d-cuda"
	llmMoreArguments = "VLLM_ADDITIONAL_ARGS"
	// llmSGLang is the only other runtime that KServe starts (kserve@26da579, config-sglang-template
	// and config/runtimes/kserve-llm-sglang).
	llmSGLang      = "kserve-llm-sglang"
	llmSGLangImage = "lmsysorg/sglang:v0.5.14"
	llmFolder      = "/mnt/models"
	llmConfigKind  = "LLMInferenceServiceConfig"
	kserveGroup    = "serving.kserve.io/"
)

// readLLMService reads KServe's LLMInferenceService: pods that decode, or do everything, and
// perhaps others for prefill, both with workers on other nodes if the model spans nodes.
func (r *workloadReader) readLLMService() {
	spec, missing := r.mergeBaseRefs(r.findNode("spec"))
	part := ""
	if spec.Field("prefill") != nil {
		part = "decode"
	}
	before := len(r.found)
	defer func() {
		for i := before; i < len(r.found); i++ {
			r.noteLLM(&r.found[i], spec, missing)
		}
	}()
	r.readLLMPods(spec, part, r.object.Name, spec)
	if prefill := spec.Field("prefill"); prefill != nil {
		r.readLLMPods(spec, "prefill", joinName(r.object.Name, "prefill"), prefill)
	}
}

// maxBaseRefs bounds the configurations that are merged for one service.
const maxBaseRefs = 16

// mergeBaseRefs is the service with what its baseRefs bring, as far as they are in the same file;
// missing are the names of the others.
func (r *workloadReader) mergeBaseRefs(own *yamlfile.Node) (merged *yamlfile.Node, missing []string) {
	var base *yamlfile.Node
	refs := itemsOf(own.Field("baseRefs"))
	for _, ref := range refs[:min(len(refs), maxBaseRefs)] {
		name := ref.Field("name").String()
		at := slices.IndexFunc(r.object.beside, func(o Object) bool { return o.Kind == llmConfigKind && o.Name == name })
		if at < 0 {
			missing = append(missing, name)
			continue
		}
		base = overlayNodes(base, nodeAt(r.object.beside[at].root, "spec"))
	}
	return overlayNodes(base, own), missing
}

// noteLLM says what about the pods of a workload KServe's objects do not tell.
func (r *workloadReader) noteLLM(w *Workload, spec *yamlfile.Node, missing []string) {
	if len(missing) > 0 {
		w.Notes = append(w.Notes, fmt.Sprintf("what its baseRefs %s add to its pods was not looked at: add the %s to the file",
			strings.Join(missing, ", "), llmConfigKind))
	}
	if llmNamedModel(spec) != "" {
		w.Notes = append(w.Notes, fmt.Sprintf("which model lies at %s is not in the file: taken to be spec.model.name",
			spec.Field("model").Field("uri").String()))
	}
	if uri := nodeAt(spec, "speculator", "model", "uri").String(); uri != "" && !strings.HasPrefix(uri, hubScheme) {
		w.Notes = append(w.Notes, "which draft model lies at "+uri+" is not in the file: it was left out")
	}
	if class := textMap(r.findNode("metadata", "annotations"))["serving.kserve.io/exp-dra-device-class"]; class != "" {
		w.Notes = append(w.Notes, "KServe makes a claim of DeviceClass "+class+" for its pods, which was not looked at")
	}
}

const hubScheme = "hf://"

// llmNamedModel is the model by the name under which it is served, where its address names none and
// the name is one that the hub could have; "" otherwise.
func llmNamedModel(spec *yamlfile.Node) string {
	model := spec.Field("model")
	uri, name := model.Field("uri").String(), model.Field("name").String()
	if uri == "" || strings.HasPrefix(uri, hubScheme) || strings.Count(name, "/") != 1 {
		return ""
	}
	return name
}

// readLLMPods reads the pods of one workload of an LLMInferenceService.
func (r *workloadReader) readLLMPods(service *yamlfile.Node, part, prefix string, n *yamlfile.Node) {
	parallelism := n.Field("parallelism")
	head := r.decodeLLMPod(service, n, "template", parallelism)
	templates := []*PodTemplate{head.nameAfter(prefix, 1, -1)}
	if n.Field("worker") != nil {
		size := r.readLLMSize(parallelism)
		workers := r.decodeLLMPod(service, n, "worker", parallelism)
		templates = []*PodTemplate{
			head.inGroup(prefix, size).nameAfter(prefix, 0, -1),
			workers.inGroup(prefix, size).withCount(size-1).nameAfter(prefix, 0, 1).inPart("worker", true),
		}
	}
	replicas := r.readNumber(n, "replicas", 1)
	var scale *ScaleRange
	if scaling := n.Field("scaling"); scaling != nil {
		least := r.readNumber(scaling, "minReplicas", 1)
		replicas, scale = max(1, least), &ScaleRange{Min: least, Max: r.readNumber(scaling, "maxReplicas", least)}
	}
	w := r.addWorkload(part, replicas, templates...)
	w.Scale = scale
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
func (r *workloadReader) decodeLLMPod(service, n *yamlfile.Node, field string, parallelism *yamlfile.Node) *PodTemplate {
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
	r.startLLM(&template.Spec, at, service, n, parallelism)
	template.Annotations = map[string]string{}
	if uri := nodeAt(service, "model", "uri").String(); uri != "" {
		template.Annotations[storageAnnotation] = uri
	}
	if name := llmNamedModel(service); name != "" {
		template.Annotations[launch.ModelAnnotation] = name
	}
	return template.withMeta(textMap(n.Field("labels")), textMap(n.Field("annotations"))).withMeta(
		textMap(r.findNode("metadata", "labels")), textMap(r.findNode("metadata", "annotations")))
}

// startLLM has a container start the engine as KServe does, unless it says something else.
func (r *workloadReader) startLLM(spec *corev1.PodSpec, at int, service, n, parallelism *yamlfile.Node) {
	main := &spec.Containers[at]
	sglang := service.Field("runtime").String() == llmSGLang
	switch {
	case main.Image != "":
	case sglang:
		main.Image = llmSGLangImage
	default:
		main.Image = llmImage
	}
	if len(main.Command) > 0 {
		return
	}
	if sglang {
		main.Command = []string{"python3", "-m", "sglang.launch_server", "--model-path", llmFolder}
		if size := r.readNumber(parallelism, "tensor", 0); size > 0 {
			main.Command = append(main.Command, "--tp="+strconv.Itoa(size))
		}
		addSharedMemory(spec, at)
		return
	}
	main.Command = []string{"vllm", "serve", llmFolder}
	main.Args = slices.Concat(r.llmFlags(parallelism, n.Field("worker") != nil), adapterFlags(service), draftFlags(service), main.Args)
	for _, variable := range main.Env {
		if variable.Name == llmMoreArguments {
			main.Args = append(main.Args, splitQuoted(variable.Value)...)
		}
	}
	addSharedMemory(spec, at)
}

// splitQuoted are the words of a variable that KServe's script puts through eval: as a shell splits
// them, or at spaces where it is no plain line of words.
func splitQuoted(text string) []string {
	words, err := launch.SplitWords(text)
	if err != nil {
		return strings.Fields(text)
	}
	return words
}

// adapterFlags are those that KServe makes of LoRA adapters.
func adapterFlags(service *yamlfile.Node) []string {
	if len(itemsOf(nodeAt(service, "model", "lora", "adapters"))) == 0 {
		return nil
	}
	return []string{"--enable-lora"}
}

// draftFlags are those that KServe makes of a speculator, whose settings it hands on as vLLM names
// them, with numbers as text.
func draftFlags(service *yamlfile.Node) []string {
	speculator := service.Field("speculator")
	settings, isMapping := map[string]any{}, speculator.Field("config") != nil && speculator.Field("config").Kind == yamlfile.KindMapping
	if isMapping {
		for _, field := range speculator.Field("config").Fields {
			settings[field.Name] = field.Value.Value()
			if number, err := strconv.ParseInt(field.Value.String(), 10, 64); err == nil {
				settings[field.Name] = number
			}
		}
	}
	if name, isHub := strings.CutPrefix(nodeAt(speculator, "model", "uri").String(), hubScheme); isHub {
		settings["model"] = name
	}
	if len(settings) == 0 {
		return nil
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return nil
	}
	return []string{"--speculative-config=" + string(text)}
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

package podspec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// What Kaito gives its pods (kaito@00dc9aa, pkg/model/interface.go and pkg/workspace/inference).
const (
	kaitoImage       = "mcr.microsoft.com/aks/kaito/kaito-base"
	kaitoMain        = "/workspace/vllm/inference_api.py"
	kaitoUtilisation = "0.84"
	kaitoConfigFile  = "inference_config.yaml"
	instanceLabel    = "node.kubernetes.io/instance-type"
)

// kaitoRequest is one set of nodes that serves a model.
type kaitoRequest struct {
	part, prefix string
	// replicas counts sets, nodes the nodes of each.
	replicas, nodes int
	resource        *yamlfile.Node
	inference       *yamlfile.Node
	preset          string
}

// readKaitoWorkspace reads a Workspace, which has its fields beside metadata.
func (r *workloadReader) readKaitoWorkspace() {
	root := r.object.root
	if spec := r.findNode("spec"); spec != nil && root.Field("resource") == nil {
		root = spec
	}
	if tuning := root.Field("tuning"); tuning != nil {
		r.readKaitoTuning(root.Field("resource"))
		return
	}
	resource, inference := root.Field("resource"), root.Field("inference")
	r.addKaito(&kaitoRequest{prefix: r.object.Name, replicas: 1, nodes: max(1, r.readNumber(resource, "count", 1)), resource: resource,
		inference: inference, preset: nodeAt(inference, "preset", "name").String()})
}

// readKaitoSet reads an InferenceSet, which makes Workspaces of a template.
func (r *workloadReader) readKaitoSet() {
	spec := r.findNode("spec")
	resource, inference := nodeAt(spec, "template", "resource"), nodeAt(spec, "template", "inference")
	request := kaitoRequest{prefix: r.object.Name, replicas: r.readNumber(spec, "replicas", 1),
		nodes: max(1, r.readNumber(resource, "count", 1)), resource: resource, inference: inference,
		preset: nodeAt(inference, "preset", "name").String()}
	w := r.addKaito(&request)
	limit := r.readNumber(spec, "nodeCountLimit", 0) / request.nodes
	annotations := textMap(r.findNode("metadata", "annotations"))
	if w != nil && annotations["scaledobject.kaito.sh/auto-provision"] == "true" && limit > w.Replicas {
		w.Scale = &ScaleRange{Min: w.Replicas, Max: limit}
	}
}

// readKaitoRoles reads a MultiRoleInference: pods for prefill and others that decode.
func (r *workloadReader) readKaitoRoles() {
	roles := itemsOf(r.findNode("spec", "roles"))
	if len(roles) == 0 {
		r.reportError(r.findNode("spec"), "spec.roles: no roles in it")
	}
	for _, role := range roles {
		part := role.Field("type").String()
		r.addKaito(&kaitoRequest{part: part, prefix: joinName(r.object.Name, part), replicas: r.readNumber(role, "replicas", 1), nodes: 1,
			resource: role, preset: r.findNode("spec", "model").Field("name").String()})
	}
}

// addKaito adds the pods of a request: one for each node.
func (r *workloadReader) addKaito(request *kaitoRequest) *Workload {
	if template := request.inference.Field("template"); template != nil && request.preset == "" {
		return r.addWorkload(request.part, request.replicas,
			r.decodeTemplate(template, "inference.template").withCount(request.nodes).nameAfter(request.prefix, 0, 0))
	}
	if request.preset == "" {
		r.reportError(request.inference, "neither a preset nor a template is in it: want inference.preset.name, or inference.template")
		return nil
	}
	name, known := kaitoModel(request.preset)
	var notes []string
	if !known {
		notes = append(notes, fmt.Sprintf("preset %s was looked up among the models' names", request.preset))
	}
	gpus := r.readKaitoGPUs(request.resource)
	if gpus.note != "" {
		notes = append(notes, gpus.note)
	}
	if request.nodes > 1 {
		notes = append(notes, fmt.Sprintf("Kaito may find that fewer than %d nodes are enough, and takes those", request.nodes))
	}
	flags, note := r.kaitoFlags(request, name, &gpus)
	if note != "" {
		notes = append(notes, note)
	}
	pod := func() *PodTemplate {
		t := &PodTemplate{Line: r.object.Line}
		t.Spec.Containers = []corev1.Container{{Name: cmp.Or(r.object.Name, "kaito"), Image: kaitoImage,
			Command: append([]string{"python3", kaitoMain}, flags...)}}
		limitGPUs(&t.Spec.Containers[0].Resources, gpus.resource, gpus.count)
		t.Spec.NodeSelector = gpus.selector
		t.Spec.Tolerations = []corev1.Toleration{
			{Key: deviceapi.GPUResource, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
		}
		addSharedMemory(&t.Spec, 0)
		return t.withMeta(textMap(r.findNode("metadata", "labels")), nil)
	}
	templates := []*PodTemplate{pod().nameAfter(request.prefix, 0, -1)}
	if request.nodes > 1 {
		templates = []*PodTemplate{
			pod().inGroup(request.prefix, request.nodes).nameAfter(request.prefix, 0, 0),
			pod().inGroup(request.prefix, request.nodes).withCount(request.nodes-1).nameAfter(request.prefix, 0, 1).inPart("worker", true),
		}
	}
	w := r.addWorkload(request.part, request.replicas, templates...)
	w.Notes = append(w.Notes, notes...)
	return w
}

// kaitoGPUs are what each node of a Workspace has.
type kaitoGPUs struct {
	resource string
	count    int64
	// memory is that of each GPU in bytes, 0 if it is not known.
	memory   int64
	selector map[string]string
	note     string
}

// readKaitoGPUs reads which nodes are asked for: by the cloud's name of their type, by a MIG profile, or
// by labels of nodes that are there.
func (r *workloadReader) readKaitoGPUs(n *yamlfile.Node) kaitoGPUs {
	labels := textMap(nodeAt(n, "labelSelector", "matchLabels"))
	for _, field := range []string{"mig", "partition"} {
		if profile := nodeAt(n, field, "profile").String(); profile != "" {
			name, count := strings.ReplaceAll(profile, "+", "."), max(1, r.readNumber(n.Field(field), "count", 1))
			return kaitoGPUs{resource: deviceapi.MIGResourcePrefix + name, count: int64(count), selector: labels}
		}
	}
	instance := n.Field("instanceType").String()
	if instance == "" {
		return kaitoGPUs{count: 1, selector: labels,
			note: "how many GPUs the nodes of its labelSelector have is not in the file: taken to be one"}
	}
	found, known := catalogue.Default().InstanceType(instance)
	if !known {
		return kaitoGPUs{count: 1, selector: map[string]string{instanceLabel: instance},
			note: fmt.Sprintf("how many GPUs a node of type %s has is not known here: taken to be one", instance)}
	}
	return kaitoGPUs{count: found.GPUs, memory: int64(found.Model.Memory), selector: map[string]string{instanceLabel: instance},
		note: fmt.Sprintf("a node of type %s has %d %s", instance, found.GPUs, found.Model.Name)}
}

// kaitoFlags are the arguments of Kaito's server: a copy of the model on each GPU where it takes less
// than half of one, or else tensor parallel over the node's GPUs and a pipeline over the nodes; then
// what the ConfigMap of the Workspace says.
func (r *workloadReader) kaitoFlags(request *kaitoRequest, name string, gpus *kaitoGPUs) (flags []string, note string) {
	flags = []string{"--model=" + name, "--gpu-memory-utilization=" + kaitoUtilisation, "--max-model-len=auto"}
	weights := int64(0)
	if known, err := model.Known(name); err == nil {
		weights = int64(known.Loaded())
	}
	switch {
	case request.nodes == 1 && gpus.count > 1 && weights > 0 && gpus.memory > 0 && weights*2 < gpus.memory:
		flags = append(flags, "--tensor-parallel-size=1", fmt.Sprintf("--data-parallel-size=%d", gpus.count))
	default:
		flags = append(flags, fmt.Sprintf("--tensor-parallel-size=%d", gpus.count))
	}
	if request.nodes > 1 {
		flags = append(flags, "--pipeline-parallel-size="+strconv.Itoa(request.nodes), "--distributed-executor-backend=ray")
	}
	if len(itemsOf(request.inference.Field("adapters"))) > 0 {
		flags = append(flags, "--enable-lora")
	}
	config := request.inference.Field("config").String()
	if config == "" {
		return flags, ""
	}
	own, found := r.kaitoConfig(config)
	if !found {
		return flags, fmt.Sprintf("what ConfigMap %s tells vLLM was not looked at: add it to the file", config)
	}
	return append(flags, own...), ""
}

// kaitoConfig are the flags of a ConfigMap beside the Workspace, which stand above Kaito's own.
func (r *workloadReader) kaitoConfig(name string) (flags []string, found bool) {
	at := slices.IndexFunc(r.object.beside, func(o Object) bool { return o.groupKind() == "/ConfigMap" && o.Name == name })
	if at < 0 {
		return nil, false
	}
	text := nodeAt(r.object.beside[at].root, "data", kaitoConfigFile).String()
	return settingFlags(r.parseInner(text).Field("vllm")), true
}

// readKaitoTuning reads a Workspace that tunes a model: a Job that trains on one node.
func (r *workloadReader) readKaitoTuning(resource *yamlfile.Node) {
	gpus := r.readKaitoGPUs(resource)
	t := &PodTemplate{Line: r.object.Line}
	t.Spec.Containers = []corev1.Container{{Name: cmp.Or(r.object.Name, "kaito"), Image: kaitoImage,
		Command: []string{"accelerate", "launch", fmt.Sprintf("--num_processes=%d", gpus.count), "/workspace/tfs/fine_tuning.py"}}}
	limitGPUs(&t.Spec.Containers[0].Resources, gpus.resource, gpus.count)
	t.Spec.NodeSelector = gpus.selector
	w := r.addWorkload("", 1, t)
	if gpus.note != "" {
		w.Notes = append(w.Notes, gpus.note)
	}
}

// kaitoModel is the model of a preset by its name on the hub, in which newer presets are named too.
func kaitoModel(preset string) (name string, known bool) {
	if strings.Contains(preset, "/") {
		return preset, true
	}
	if name, known = kaitoPresets[strings.ToLower(preset)]; known {
		return name, true
	}
	return preset, false
}

// kaitoPresets are the presets that have names of their own (kaito@0567d7f, presets/workspace/models/
// supported_models.yaml, and @429861d, supported_models_best_effort.yaml).
var kaitoPresets = map[string]string{
	"llama-3.1-8b-instruct":        "meta-llama/Llama-3.1-8B-Instruct",
	"llama-3.3-70b-instruct":       "meta-llama/Llama-3.3-70B-Instruct",
	"falcon-7b":                    "tiiuae/falcon-7b",
	"falcon-7b-instruct":           "tiiuae/falcon-7b-instruct",
	"falcon-40b":                   "tiiuae/falcon-40b",
	"falcon-40b-instruct":          "tiiuae/falcon-40b-instruct",
	"mistral-7b":                   "mistralai/Mistral-7B-v0.3",
	"mistral-7b-instruct":          "mistralai/Mistral-7B-Instruct-v0.3",
	"phi-2":                        "microsoft/phi-2",
	"phi-3-mini-4k-instruct":       "microsoft/Phi-3-mini-4k-instruct",
	"phi-3-mini-128k-instruct":     "microsoft/Phi-3-mini-128k-instruct",
	"phi-3-medium-4k-instruct":     "microsoft/Phi-3-medium-4k-instruct",
	"phi-3-medium-128k-instruct":   "microsoft/Phi-3-medium-128k-instruct",
	"phi-3.5-mini-instruct":        "microsoft/Phi-3.5-mini-instruct",
	"phi-4-mini-instruct":          "microsoft/Phi-4-mini-instruct",
	"phi-4":                        "microsoft/phi-4",
	"qwen2.5-coder-7b-instruct":    "Qwen/Qwen2.5-Coder-7B-Instruct",
	"qwen2.5-coder-32b-instruct":   "Qwen/Qwen2.5-Coder-32B-Instruct",
	"deepseek-r1-distill-qwen-14b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
	"deepseek-r1-distill-llama-8b": "deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
	"deepseek-r1-0528":             "deepseek-ai/DeepSeek-R1-0528",
	"deepseek-v3-0324":             "deepseek-ai/DeepSeek-V3-0324",
	"deepseek-v3-1-base":           "deepseek-ai/DeepSeek-V3.1-Base",
	"qwen3-coder-30b-a3b-instruct": "Qwen/Qwen3-Coder-30B-A3B-Instruct",
	"gpt-oss-20b":                  "openai/gpt-oss-20b",
	"gpt-oss-120b":                 "openai/gpt-oss-120b",
}

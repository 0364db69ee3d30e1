package podspec

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// runtimeFlags are settings of vLLM's production stack by where a VLLMRuntime has them
// (production-stack@be04792, docs of its operator).
var (
	runtimeModelFlags = []vllmFlag{{"maxModelLen", "--max-model-len"}, {"dtype", "--dtype"}, {"maxNumSeqs", "--max-num-seqs"}}
	runtimeVLLMFlags  = []vllmFlag{
		{"tensorParallelSize", "--tensor-parallel-size"}, {"pipelineParallelSize", "--pipeline-parallel-size"},
		{"gpuMemoryUtilization", "--gpu-memory-utilization"}, {"maxLoras", "--max-loras"}, {"maxModelLen", "--max-model-len"},
		{"dtype", "--dtype"}, {"maxNumSeqs", "--max-num-seqs"},
	}
)

// readVLLMRuntime reads the VLLMRuntime of vLLM's production stack: a Deployment that starts vLLM.
func (r *workloadReader) readVLLMRuntime() {
	spec := r.findNode("spec")
	served, config, deployment := spec.Field("model"), spec.Field("vllmConfig"), spec.Field("deploymentConfig")
	name := served.Field("modelURL").String()
	if name == "" {
		r.reportError(served, "spec.model.modelURL: want the name of a model")
		return
	}
	args := appendFlags(appendFlags(nil, served, runtimeModelFlags), config, runtimeVLLMFlags)
	if served.Field("enableLoRA").String() == "true" {
		args = append(args, "--enable-lora")
	}
	args = append(args, textItems(config.Field("extraArgs"))...)
	image := deployment.Field("image")
	t := &PodTemplate{Line: r.lineAt(spec)}
	t.Spec.Containers = []corev1.Container{{Name: "vllm", Command: append([]string{"vllm", "serve", name}, args...),
		Image: strings.Trim(image.Field("registry").String()+"/"+image.Field("name").String(), "/"),
		Env:   r.decodeEnv(config.Field("env"), "vllmConfig.env")}}
	resources := deployment.Field("resources")
	limitGPUs(&t.Spec.Containers[0].Resources, cmp.Or(resources.Field("gpuType").String(), deviceapi.GPUResource),
		r.parseAmount(resources.Field("gpu"), "deploymentConfig.resources.gpu"))
	addSharedMemory(&t.Spec, 0)
	r.addWorkload("", r.readNumber(deployment, "replicas", 1), t.withMeta(textMap(r.findNode("metadata", "labels")), nil))
}

// readKubeAIModel reads a Model of KubeAI, whose pods start an engine by name on a profile of hardware
// that KubeAI's own configuration defines.
func (r *workloadReader) readKubeAIModel() {
	spec := r.findNode("spec")
	url, engine := spec.Field("url").String(), spec.Field("engine").String()
	profile, count, _ := strings.Cut(spec.Field("resourceProfile").String(), ":")
	t := &PodTemplate{Line: r.lineAt(spec)}
	container := corev1.Container{Name: "server", Image: spec.Field("image").String()}
	switch name, isHub := strings.CutPrefix(url, hubScheme); {
	case strings.EqualFold(engine, "VLLM") && isHub:
		container.Image = cmp.Or(container.Image, "vllm/vllm-openai")
		container.Args = append([]string{"--model=" + name}, textItems(spec.Field("args"))...)
	case strings.EqualFold(engine, "VLLM"):
		container.Image = cmp.Or(container.Image, "vllm/vllm-openai")
		container.Args = append([]string{"--model=" + url}, textItems(spec.Field("args"))...)
	case strings.EqualFold(engine, "OLlama"):
		container.Image = cmp.Or(container.Image, "ollama/ollama")
	case strings.EqualFold(engine, "Infinity"):
		container.Image = cmp.Or(container.Image, "michaelf34/infinity")
	default:
		container.Command = []string{strings.ToLower(cmp.Or(engine, "unknown"))}
	}
	if env := spec.Field("env"); env != nil {
		for name, value := range textMap(env) {
			container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: value})
		}
	}
	units := int64(1)
	if count != "" {
		at := yamlfile.Position{Line: r.lineAt(spec), Column: 1}
		units = r.parseAmount(&yamlfile.Node{Kind: yamlfile.KindString, Text: count, Position: at}, "resourceProfile")
	}
	note := ""
	if name := profileResource(profile); name != "" {
		limitGPUs(&container.Resources, name, units)
		note = fmt.Sprintf("resourceProfile %s is taken for %d %s, as in KubeAI's own configuration",
			spec.Field("resourceProfile").String(), units, name)
	}
	t.Spec.Containers = []corev1.Container{container}
	least := r.readNumber(spec, "minReplicas", 0)
	w := r.addWorkload("", max(1, least, r.readNumber(spec, "replicas", 0)), t)
	if most := r.readNumber(spec, "maxReplicas", 0); most > 0 {
		w.Scale = &ScaleRange{Min: least, Max: most}
	}
	if note != "" {
		w.Notes = append(w.Notes, note)
	}
}

// profileResource is the device that one unit of a profile of KubeAI's is; "" for a profile of CPUs.
func profileResource(profile string) string {
	switch {
	case strings.HasPrefix(profile, "nvidia-"):
		return deviceapi.GPUResource
	case strings.HasPrefix(profile, "amd-"):
		return "amd.com/gpu"
	case strings.HasPrefix(profile, "google-tpu"):
		return "google.com/tpu"
	}
	return ""
}

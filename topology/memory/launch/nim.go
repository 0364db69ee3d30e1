package launch

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// nimServer is NVIDIA's NIM: a model, or any model of the hub, with an engine that NIM chooses among
// profiles when it starts. Until that is known it is accounted as vLLM, and its engine is unknown.
var nimServer = &serverProgram{server: "nim", engine: memory.VLLM, dialect: nimDialect()}

// nimDialect has the variables that NIM takes its settings from (docs.nvidia.com/nim/large-language-models,
// configuration of 1.12 and environment variables of 2.1).
func nimDialect() *flagDialect {
	d := &flagDialect{lenient: true, words: maxWords, finish: finishNIM}
	d.settings = []flagSetting{
		{names: []string{"NIM_MODEL_NAME"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"NIM_MODEL_PATH"}, fields: []Field{FieldModel}, read: readModel},
		countSetting(FieldTensorParallel, 1, maxDegree, "NIM_TENSOR_PARALLEL_SIZE"),
		countSetting(FieldPipelineParallel, 1, maxDegree, "NIM_PIPELINE_PARALLEL_SIZE"),
		countSetting(FieldMaxModelLen, 1, maxTokens, "NIM_MAX_MODEL_LEN"),
	}
	for i := range d.settings {
		d.settings[i].env = d.settings[i].names[0]
	}
	return d.withIndex()
}

// nimEngines are words of profiles' names and the engines that they stand for.
var nimEngines = []struct {
	word   string
	engine memory.Engine
}{
	{"tensorrt_llm", memory.TensorRTLLM}, {"trtllm", memory.TensorRTLLM}, {"sglang", memory.SGLang}, {"vllm", memory.VLLM},
}

// nimDegree is a degree in a profile's name: "vllm-bf16-tp2-pp1".
var nimDegree = regexp.MustCompile(`(?:^|-)(tp|pp)([0-9]{1,4})(?:-|$)`)

func finishNIM(a *flagReader) error {
	profile := a.env["NIM_MODEL_PROFILE"]
	a.chooseNIMEngine(profile)
	if _, stated := a.reading.Explicit[FieldModel]; !stated && a.reading.IsKnown(FieldModel) {
		name, because := nimModel(a.image)
		if because != "" {
			a.reading.markUnknown(FieldModel, because)
		} else {
			a.reading.Model, a.reading.Explicit[FieldModel] = name, "image "+a.image
		}
	}
	for _, found := range nimDegree.FindAllStringSubmatch(profile, -1) {
		degree, err := strconv.ParseInt(found[2], 10, 64)
		field, into := FieldTensorParallel, &a.reading.Launch.TensorParallel
		if found[1] == "pp" {
			field, into = FieldPipelineParallel, &a.reading.Launch.PipelineParallel
		}
		if err == nil && degree > 0 && degree <= maxDegree && *into == 0 {
			*into = degree
			a.reading.Explicit[field] = "env: NIM_MODEL_PROFILE " + profile
		}
	}
	if l := &a.reading.Launch; l.TensorParallel == 0 && a.gpus > 1 {
		l.TensorParallel = a.gpus
		a.reading.markUnknown(FieldTensorParallel, fmt.Sprintf("NIM takes a profile for the GPUs that it finds, which need not use all %d; "+
			"NIM_TENSOR_PARALLEL_SIZE or NIM_MODEL_PROFILE settles it", a.gpus))
	}
	return nil
}

// chooseNIMEngine finds the engine by the profile, or by the image's release: since 2.0 it is vLLM unless
// the image is one of SGLang.
func (a *flagReader) chooseNIMEngine(profile string) {
	_, tag := splitImage(a.image)
	if a.env["NIM_USE_SGLANG"] == "1" || strings.Contains(tag, "sglang") {
		profile = "sglang"
	}
	for _, one := range nimEngines {
		if strings.Contains(strings.ToLower(profile), one.word) {
			a.reading.Launch.Engine = one.engine
			a.reading.Explicit[FieldEngine] = "profile " + profile
			return
		}
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(tag, "v"), ".")
	if number, err := strconv.Atoi(major); err == nil && number >= 2 && number < 100 {
		a.reading.Explicit[FieldEngine] = "image tag " + tag
		return
	}
	a.reading.markUnknown(FieldEngine, "NIM takes TensorRT-LLM, vLLM or SGLang by the profile that goes with the GPUs that it finds, "+
		"and this is the account of vLLM; NIM_MODEL_PROFILE settles it")
}

// nimOrganisations are publishers by the name that NVIDIA's registry has for them.
var nimOrganisations = map[string]string{"meta": "meta-llama", "qwen": "Qwen", "mistralai": "mistralai", "deepseek-ai": "deepseek-ai",
	"openai": "openai", "google": "google", "microsoft": "microsoft", "nvidia": "nvidia", "ibm": "ibm-granite"}

// nimModels are the models of images whose names differ from those on the hub in more than case and
// publisher (docs.nvidia.com/nim/large-language-models, supported models, and the cards on
// catalog.ngc.nvidia.com/orgs/nim).
var nimModels = map[string]string{
	"meta/llama3-8b-instruct":                   "meta-llama/Meta-Llama-3-8B-Instruct",
	"meta/llama3-70b-instruct":                  "meta-llama/Meta-Llama-3-70B-Instruct",
	"meta/llama-2-7b-chat":                      "meta-llama/Llama-2-7b-chat-hf",
	"meta/llama-2-13b-chat":                     "meta-llama/Llama-2-13b-chat-hf",
	"meta/llama-2-70b-chat":                     "meta-llama/Llama-2-70b-chat-hf",
	"mistralai/mixtral-8x7b-instruct-v01":       "mistralai/Mixtral-8x7B-Instruct-v0.1",
	"mistralai/mixtral-8x22b-instruct-v01":      "mistralai/Mixtral-8x22B-Instruct-v0.1",
	"mistralai/mistral-7b-instruct-v03":         "mistralai/Mistral-7B-Instruct-v0.3",
	"nvidia/llama-3.1-nemotron-70b-instruct":    "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF",
	"nvidia/llama-3.3-nemotron-super-49b-v1":    "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
	"nvidia/llama-3.3-nemotron-super-49b-v1.5":  "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5",
	"nvidia/llama-3.1-nemotron-ultra-253b-v1":   "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1",
	"nvidia/nvidia-nemotron-nano-9b-v2":         "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
	"nvidia/nemotron-3-nano":                    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
	"nvidia/nemotron-3-super-120b-a12b":         "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16",
	"nv-mistralai/mistral-nemo-12b-instruct":    "mistralai/Mistral-Nemo-Instruct-2407",
	"meta/llama-3.1-8b-instruct-dgx-spark":      "meta-llama/Llama-3.1-8B-Instruct",
	"meta/llama-3.1-8b-instruct-pb24h2":         "meta-llama/Llama-3.1-8B-Instruct",
	"meta/llama-3.1-70b-instruct-pb24h2":        "meta-llama/Llama-3.1-70B-Instruct",
	"deepseek-ai/deepseek-r1-distill-llama-8b":  "deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
	"deepseek-ai/deepseek-r1-distill-llama-70b": "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
}

// nimAnyModel are images that serve whichever model they are told.
var nimAnyModel = map[string]bool{"nvidia/llm-nim": true, "nvidia/model-free-nim": true}

// isNIM reports whether a repository is one of NVIDIA's NIMs, or a copy of one in another registry.
func isNIM(repository string) bool {
	return strings.Contains("/"+repository, "/nim/") && strings.Count(repository[strings.LastIndex("/"+repository, "/nim/"):], "/") >= 2
}

// nimModel is the model of a NIM by its image, or why that is not known.
func nimModel(image string) (name, because string) {
	repository, _ := splitImage(image)
	short := path.Join(path.Base(path.Dir(repository)), path.Base(repository))
	if nimAnyModel[short] {
		return "", fmt.Sprintf("image %s serves any model, and neither NIM_MODEL_PATH nor NIM_MODEL_NAME names one", image)
	}
	if name, known := nimModels[short]; known {
		return name, ""
	}
	organisation, model, _ := strings.Cut(short, "/")
	if full, known := nimOrganisations[organisation]; known && hubName.MatchString(full+"/"+model) {
		return full + "/" + model, ""
	}
	return "", fmt.Sprintf("which model image %s has is not known here, name it with annotation %s", image, ModelAnnotation)
}

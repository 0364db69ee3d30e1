package launch

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// djlServer is DJL Serving with AWS's containers for large models, which run vLLM unless they are told
// otherwise, or TensorRT-LLM in the containers of that name.
var djlServer = &serverProgram{server: "djl-serving", engine: memory.VLLM, dialect: djlDialect()}

// djlDialect has the variables of LMI (deepjavalibrary/djl-serving, serving/docs/lmi/user_guides): any
// option of serving.properties in capitals behind OPTION_.
func djlDialect() *flagDialect {
	d := &flagDialect{lenient: true, words: maxWords, finish: finishDJL}
	d.settings = []flagSetting{
		{names: []string{"HF_MODEL_ID"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"OPTION_MODEL_ID"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"OPTION_TENSOR_PARALLEL_DEGREE"}, fields: []Field{FieldTensorParallel}, read: readDJLDegree},
		{names: []string{"TENSOR_PARALLEL_DEGREE"}, fields: []Field{FieldTensorParallel}, read: readDJLDegree},
		countSetting(FieldPipelineParallel, 1, maxDegree, "OPTION_PIPELINE_PARALLEL_DEGREE"),
		countSetting(FieldMaxModelLen, 1, maxTokens, "OPTION_MAX_MODEL_LEN"),
		countSetting(FieldMaxSequences, 1, maxTokens, "OPTION_MAX_ROLLING_BATCH_SIZE"),
		{names: []string{"OPTION_GPU_MEMORY_UTILIZATION"}, fields: []Field{FieldUtilisation}, read: readShare},
		{names: []string{"OPTION_QUANTIZE"}, fields: []Field{FieldQuantisation}, read: readScheme(memory.VLLM)},
		{names: []string{"OPTION_KV_CACHE_DTYPE"}, fields: []Field{FieldKVFormat}, read: readKVFormat(vllmKVFormats)},
	}
	for i := range d.settings {
		d.settings[i].env = d.settings[i].names[0]
	}
	return d.withIndex()
}

// readDJLDegree reads a degree of tensor parallel, for which max is all GPUs.
func readDJLDegree(a *flagReader, g givenFlag) error {
	if strings.EqualFold(g.text, "max") {
		a.reading.Launch.TensorParallel = a.gpus
		return nil
	}
	degree, err := g.parseNumber(parseWhole, 1, maxDegree)
	a.reading.Launch.TensorParallel = degree
	return err
}

func finishDJL(a *flagReader) error {
	_, tag := splitImage(a.image)
	batch := strings.ToLower(a.env["OPTION_ROLLING_BATCH"])
	switch {
	case slices.Contains([]string{"trtllm"}, batch), strings.Contains(tag, "tensorrtllm"):
		a.reading.Launch.Engine = memory.TensorRTLLM
		a.reading.Explicit[FieldEngine] = "image " + a.image
	case slices.Contains([]string{"disable", "lmi-dist", "scheduler"}, batch):
		a.reading.markUnknown(FieldEngine, "how OPTION_ROLLING_BATCH "+batch+" takes memory is not known, and this is the account of vLLM")
	}
	if _, stated := a.reading.Explicit[FieldModel]; !stated {
		a.reading.markUnknown(FieldModel, "neither HF_MODEL_ID nor OPTION_MODEL_ID is in the pod; serving.properties is in a folder of it")
	}
	switch l := &a.reading.Launch; {
	case l.TensorParallel > 0 || !a.reading.IsKnown(FieldTensorParallel):
	case a.gpus > 0:
		l.TensorParallel = a.gpus
		a.reading.Explicit[FieldTensorParallel] = "all GPUs of the container, as no OPTION_TENSOR_PARALLEL_DEGREE says otherwise"
	default:
		a.reading.markUnknown(FieldTensorParallel, "LMI takes all GPUs that it sees, OPTION_TENSOR_PARALLEL_DEGREE states how many")
	}
	return nil
}

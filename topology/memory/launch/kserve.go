package launch

import (
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// What KServe puts into pods (kserve@aaac4e2).
const (
	storageInitializer = "storage-initializer"
	storageURI         = "STORAGE_URI"
	// sourceURI is the annotation from which KServe's webhook makes the initializer.
	sourceURI   = "internal.serving.kserve.io/storage-initializer-sourceuri"
	modelFolder = "/mnt/models"
)

// AutoBackend is why the engine of KServe's huggingfaceserver is not known unless its flags name
// it. Who knows that vLLM has the model's architecture knows that it is vLLM.
const AutoBackend = "huggingfaceserver takes vLLM only for the architectures that vLLM has, --backend=vllm settles it"

// modelSources finds where the pod's models come from, by the folder that they are put in.
func (p Pod) modelSources() map[string]string {
	stored := map[string]string{}
	if uri := p.Annotations[sourceURI]; uri != "" {
		stored[modelFolder] = uri
	}
	for _, c := range p.InitContainers {
		if c.Name != storageInitializer {
			continue
		}
		// Pairs of a source and a folder.
		for i := 0; i+1 < len(c.Args); i += 2 {
			stored[path.Clean(c.Args[i+1])] = c.Args[i]
		}
	}
	return stored
}

// huggingfaceDialect is the command line of KServe's server for models of the hub
// (python/huggingfaceserver, __main__.py). With vLLM behind it, vLLM's flags count.
func huggingfaceDialect() *flagDialect {
	d := &flagDialect{lenient: true, finish: finishHuggingface}
	d.settings = []flagSetting{
		{names: []string{"--model-id"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"--model-dir"}, fields: []Field{FieldModel}, read: readByFinish},
		{names: []string{"--backend"}, fields: []Field{FieldEngine}, read: readHuggingfaceBackend},
		{names: []string{"--max-model-len", "--max-length"}, fields: []Field{FieldMaxModelLen, FieldFitModelLen}, read: readVLLMModelLen},
	}
	taken := []string{"--model", "--max-model-len"}
	for _, s := range vllmSettings() {
		if !slices.Contains(taken, s.names[0]) {
			d.settings = append(d.settings, s)
		}
	}
	d.settings = append(d.settings, ignoredFlags(`--model-name --model-revision --tensor-input-names --predictor-host
		--predictor-protocol --http-port --grpc-port --workers --max-threads --max-asyncio-workers --log-config-file`+
		strings.TrimPrefix(vllmValues, "--config"), takesOne)...)
	d.settings = append(d.settings, ignoredFlags(`--disable-lower-case --disable-special-tokens --return-token-type-ids
		--return-probabilities --predictor-use-ssl --return-raw-logits --enable-latency-logging --configure-logging `+vllmSwitches, takesNone)...)
	d.settings = append(d.settings, ignoredFlags(vllmLists, takesSeveral)...)
	return d.withIndex()
}

func readHuggingfaceBackend(a *flagReader, g givenFlag) error {
	switch g.text {
	case "auto", "vllm":
	case "huggingface":
		a.reading.Launch.Engine = memory.Plain
	case "triton":
		a.reading.Launch.Engine = memory.Plain
	default:
		return g.refuseValue("want auto, vllm, huggingface or triton")
	}
	return nil
}

func finishHuggingface(a *flagReader) error {
	if backend, found := a.flags["--backend"]; !found || backend.text == "auto" {
		a.reading.markUnknown(FieldEngine, AutoBackend)
	}
	if _, found := a.flags["--model-id"]; !found {
		g, found := a.flags["--model-dir"]
		if !found {
			g = givenFlag{name: "--model_dir", text: modelFolder, place: "default"}
		}
		s := flagSetting{fields: []Field{FieldModel}, read: readModel}
		if err := a.readFlag(flagOccurrence{&s, g}); err != nil {
			return err
		}
	}
	return finishVLLM(a)
}

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
	sourceURI = "internal.serving.kserve.io/storage-initializer-sourceuri"
	modelDir  = "/mnt/models"
)

// stored finds where the pod's models come from, by the folder that they are put in.
func (p Pod) stored() map[string]string {
	stored := map[string]string{}
	if uri := p.Annotations[sourceURI]; uri != "" {
		stored[modelDir] = uri
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
func huggingfaceDialect() *dialect {
	d := &dialect{lenient: true, finish: huggingfaceFinish}
	d.settings = []setting{
		{names: []string{"--model-id"}, fields: []string{"Model"}, read: model},
		{names: []string{"--model-dir"}, fields: []string{"Model"}, read: checked},
		{names: []string{"--backend"}, fields: []string{"Engine"}, read: huggingfaceBackend},
		{names: []string{"--max-model-len", "--max-length"}, fields: []string{"MaxModelLen", "FitModelLen"}, read: vllmModelLen},
	}
	taken := []string{"--model", "--max-model-len"}
	for _, s := range vllmSettings() {
		if !slices.Contains(taken, s.names[0]) {
			d.settings = append(d.settings, s)
		}
	}
	d.settings = append(d.settings, ignored(`--model-name --model-revision --tensor-input-names --predictor-host --predictor-protocol --http-port --grpc-port
		--workers --max-threads --max-asyncio-workers --log-config-file`+strings.TrimPrefix(vllmValues, "--config"), takesOne)...)
	d.settings = append(d.settings, ignored(`--disable-lower-case --disable-special-tokens --return-token-type-ids --return-probabilities --predictor-use-ssl --return-raw-logits
		--enable-latency-logging --configure-logging `+vllmSwitches, takesNone)...)
	d.settings = append(d.settings, ignored(vllmLists, takesMany)...)
	return d.indexed()
}

func huggingfaceBackend(a *application, g given) error {
	switch g.text {
	case "auto", "vllm":
	case "huggingface":
		a.Launch.Engine = memory.Plain
	case "triton":
		a.Launch.Engine = memory.Plain
	default:
		return g.errorf("want auto, vllm, huggingface or triton")
	}
	return nil
}

func huggingfaceFinish(a *application) error {
	if backend, found := a.given["--backend"]; !found || backend.text == "auto" {
		a.doubt("Engine", "huggingfaceserver takes vLLM only for the architectures that vLLM has, --backend=vllm settles it")
	}
	if _, found := a.given["--model-id"]; !found {
		g, found := a.given["--model-dir"]
		if !found {
			g = given{name: "--model_dir", text: modelDir, place: "default"}
		}
		s := setting{fields: []string{"Model"}, read: model}
		if err := a.set(occurrence{&s, g}); err != nil {
			return err
		}
	}
	return vllmFinish(a)
}

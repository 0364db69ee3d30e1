package plan

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

func knownModel(t *testing.T, name string) *model.Model {
	t.Helper()
	m, err := model.Known(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// gpuOf is a GPU of the catalogue.
func gpuOf(t *testing.T, key string) *topology.Model {
	t.Helper()
	m, err := catalogue.Default().Model(key)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	llama8  = "meta-llama/Llama-3.1-8B-Instruct"
	llama70 = "meta-llama/Llama-3.1-70B-Instruct"
	bert    = "google-bert/bert-base-uncased"
)

// On every GPU of the catalogue a share holds what is asked, and no smaller one does.
func TestShareForIsTheSmallest(t *testing.T) {
	demand := memory.Demand{Context: 4096, Requests: 2}
	launch := memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}
	for _, name := range []string{llama8, "Qwen/Qwen3-0.6B"} {
		m := knownModel(t, name)
		found := 0
		for _, offer := range ListOffers(catalogue.Default()) {
			if offer.Profile != "" {
				continue
			}
			share, ok := ShareFor(m, launch, demand, offer.Hardware)
			if !ok {
				continue
			}
			found++
			if share.Memory%topology.ShareStep != 0 || share.Memory > offer.Hardware.Usable()*9/10 || share.Memory < share.Estimate.Claims() {
				t.Errorf("%s on %s: %s of %s for a server that takes %s", name, offer.Model, share.Memory, offer.GPU.Total, share.Estimate.Claims())
			}
			l := launch
			l.TensorParallel, l.Utilisation = 1, share.Utilisation
			server, err := memory.NewServer(m, l)
			if err != nil {
				t.Fatal(err)
			}
			// Nodes publish what their driver leaves, or all of it.
			most := topology.Bytes(0)
			for _, total := range []topology.Bytes{offer.GPU.Total, offer.Hardware.Usable(), offer.Hardware.Memory} {
				e := server.On(memory.GPU{Total: total, Compute: offer.GPU.Compute}, demand)
				most = max(most, e.Claims())
			}
			if share.Memory < most || share.Memory >= most+topology.ShareStep {
				t.Errorf("%s on %s: %s for a server that takes up to %s", name, offer.Model, share.Memory.ExactText(), most.ExactText())
			}
			for less, want := range map[float64]bool{0: true, 0.01: false} {
				l := launch
				l.TensorParallel, l.Utilisation = 1, share.Utilisation-less
				if l.Utilisation < 0.005 {
					continue // the GPU is so large that nothing smaller can be stated
				}
				server, err := memory.NewServer(m, l)
				if err != nil {
					t.Fatal(err)
				}
				e := server.On(offer.GPU, demand)
				if got := e.Holds() && !isClose(&e); got != want {
					t.Errorf("%s on %s at %.2f: holds for certain: %v, want %v", name, offer.Model, l.Utilisation, got, want)
				}
			}
		}
		if found < 10 {
			t.Errorf("%s can share only %d GPUs", name, found)
		}
	}
}

func TestShareFor(t *testing.T) {
	vllm := memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}
	stated := func(part float64) memory.Launch { l := vllm; l.Utilisation = part; return l }
	given := vllm
	given.KVMemory = 2 * topology.GiB
	for name, tc := range map[string]struct {
		model, gpu  string
		launch      memory.Launch
		demand      memory.Demand
		want        topology.Bytes // 0 for none
		utilisation float64
	}{
		"vLLM is told its part": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: vllm, want: 21718 * topology.MiB, utilisation: 0.26,
		},
		"a stated part is kept to": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: stated(0.6), want: 49448 * topology.MiB, utilisation: 0.6,
		},
		"a stated part that is too small": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: stated(0.1),
		},
		"a plain server need not be told": {model: bert, gpu: "T4", launch: memory.Launch{Engine: memory.Plain}, want: 1279 * topology.MiB},
		"SGLang reckons with what is free": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.SGLang, MaxModelLen: 4096},
		},
		"TensorRT-LLM reckons with what is free": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.TensorRTLLM, MaxModelLen: 4096},
		},
		"TGI keeps the rest of its GPU busy, whatever it is told": {
			model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.TGI, MaxModelLen: 4096},
		},
		"several GPUs":           {model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.VLLM, TensorParallel: 2}},
		"several stages":         {model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.VLLM, PipelineParallel: 2}},
		"too large":              {model: llama70, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.VLLM}},
		"nearly all of the GPU":  {model: llama8, gpu: "L4", launch: vllm, demand: memory.Demand{Requests: 8}},
		"no such launch":         {model: llama8, gpu: "H100-SXM5-80GB", launch: memory.Launch{Engine: memory.VLLM, MaxModelLen: -1}},
		"KV cache that is given": {model: llama8, gpu: "H100-SXM5-80GB", launch: given, want: 21334 * topology.MiB, utilisation: 0.92},
	} {
		t.Run(name, func(t *testing.T) {
			share, ok := ShareFor(knownModel(t, tc.model), tc.launch, tc.demand, gpuOf(t, tc.gpu))
			if ok != (tc.want > 0) || ok && (share.Memory != tc.want || share.Utilisation != tc.utilisation) {
				t.Errorf("got %s at %.2f, %v; want %s at %.2f", share.Memory.ExactText(), share.Utilisation, ok, tc.want.ExactText(), tc.utilisation)
			}
		})
	}
}

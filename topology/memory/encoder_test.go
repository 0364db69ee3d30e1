package memory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// What vLLM says in "Encoder cache will be initialized with a budget of ... tokens, and profiled with ... items", in public
// start-up logs and issues of these releases where they are numbered, and by the code of its processors otherwise.
func TestEncoderRun(t *testing.T) {
	type tried struct {
		Budget, Items int64
		Kind          string
	}
	const gemma3, gemma4, qwen25, qwen3, qwen35 = "google/gemma-3-27b-it", "google/gemma-4-31B-it", "Qwen/Qwen2.5-VL-7B-Instruct",
		"Qwen/Qwen3-VL-30B-A3B-Instruct", "Qwen/Qwen3.5-9B"
	for name, tc := range map[string]struct {
		model   string
		minor   int64
		batched int64
		launch  Launch
		want    tried
	}{
		"marks are counted up to v0.13": {gemma3, 11, 8192, Launch{MaxModelLen: 4096, Media: MediaLimits{Pictures: 2}},
			tried{8192, 31, "picture"}},
		"and not from v0.14 on":        {gemma3, 15, 8192, Launch{MaxModelLen: 4096}, tried{8192, 32, "picture"}},
		"videos of 32 frames":          {gemma4, 23, 8192, Launch{MaxModelLen: 32768}, tried{8192, 3, "video"}},
		"twice as large a step":        {gemma4, 19, 16384, Launch{}, tried{16384, 6, "video"}},
		"no videos":                    {gemma4, 23, 8192, Launch{Media: MediaLimits{Pictures: 8, Videos: NoMedia}}, tried{8192, 29, "picture"}},
		"few requests":                 {gemma4, 23, 8192, Launch{MaxSequences: 1, Media: MediaLimits{Videos: 1}}, tried{8192, 1, "video"}},
		"times among the frames":       {qwen3, 11, 2048, Launch{MaxModelLen: 65536}, tried{153600, 1, "video"}},
		"and without them":             {qwen3, 19, 2048, Launch{MaxModelLen: 65536}, tried{16384, 1, "picture"}},
		"only videos":                  {qwen3, 19, 2048, Launch{Media: MediaLimits{Pictures: NoMedia}}, tried{12288, 1, "video"}},
		"a picture larger than a step": {qwen35, 19, 8192, Launch{}, tried{16384, 1, "picture"}},
		"four pictures in a step":      {qwen35, 23, 65536, Launch{MaxSequences: 8}, tried{65536, 4, "picture"}},
		"smaller pictures": {qwen35, 19, 2048, Launch{MaxModelLen: 4096, Media: MediaLimits{MaxPixels: 1 << 20, Videos: NoMedia}},
			tried{2048, 2, "picture"}},
		"videos as long as a request": {qwen25, 12, 2048, Launch{MaxModelLen: 128000}, tried{114688, 1, "video"}},
		"a shorter request":           {qwen25, 12, 2048, Launch{MaxModelLen: 32768}, tried{32768, 1, "video"}},
		"beside a picture":            {qwen25, 10, 2048, Launch{MaxModelLen: 128000}, tried{98304, 1, "video"}},
		"no towers are tried":         {qwen25, 12, 2048, Launch{Media: MediaLimits{Unprofiled: true}}, tried{Kind: "sound"}},
		"no towers are loaded":        {qwen25, 12, 2048, Launch{LanguageOnly: true}, tried{Kind: "sound"}},
		"nothing is taken":            {gemma3, 12, 2048, Launch{Media: MediaLimits{Pictures: NoMedia}}, tried{Kind: "sound"}},
		"pieces of a picture": {"meta-llama/Llama-4-Scout-17B-16E-Instruct", 12, 8192, Launch{MaxModelLen: 32768},
			tried{8192, 3, "picture"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Known(tc.model)
			if err != nil {
				t.Fatal(err)
			}
			l := tc.launch
			l.Version, l.MaxBatchedTokens = Version{Minor: tc.minor}, tc.batched
			server, err := NewServer(m, l)
			if err != nil {
				t.Fatal(err)
			}
			e := server.On(GPU{Name: "any", Total: 140 * topology.GiB, Compute: topology.ComputeCapability{Major: 9}}, Demand{})
			run, _ := server.encoderRunOf(&e)
			if diff := cmp.Diff(tc.want, tried{run.budget, run.items, run.item.Kind.String()}); diff != "" {
				t.Errorf("encoder run (-want +got):\n%s", diff)
			}
		})
	}
}

// Graphs are as many as vLLM says in "Profiling CUDA graph memory: PIECEWISE=51 (largest=512), FULL=35 (largest=256)".
func TestCaptureSizes(t *testing.T) {
	for _, tc := range []struct{ minor, largest, want int64 }{
		{19, 512, 51}, {19, 256, 35}, {19, 128, 19}, {19, 64, 11}, {19, 40, 8}, {19, 32, 7}, {19, 16, 5}, {19, 8, 4}, {19, 4, 3}, {19, 2, 2},
		{19, 1, 1}, {11, 512, 67},
	} {
		s := Server{Launch: Launch{Version: Version{Minor: tc.minor}}}
		if got := s.captureSizes(tc.largest); got != tc.want {
			t.Errorf("v0.%d, up to %d: %d sizes, want %d", tc.minor, tc.largest, got, tc.want)
		}
	}
}

// A widened margin covers what logs like it were off by, and is wider the fewer there are.
func TestComparison(t *testing.T) {
	for name, tc := range map[string]struct {
		model   string
		version Version
		want    string
		least   topology.Bytes
	}{
		"often compared": {"Qwen/Qwen3-32B", Version{Minor: 11},
			"7 start-up logs of dense models on vLLM 0.11 to 0.16 compared: the worst left 82MiB less", 0},
		"once compared": {"Qwen/Qwen3-32B", Version{Minor: 27},
			"1 start-up log of dense models on vLLM 0.27 and 0.28 compared", inGiB(0.25)},
		"other releases": {"Qwen/Qwen3-32B", Version{},
			"no start-up log of dense models on vLLM 0.29 and later was compared, 11 of other", inGiB(0.25)},
		"never compared": {"deepseek-ai/DeepSeek-V3", Version{Minor: 22},
			"no start-up log of models with latent attention was compared", inGiB(1)},
		"its first engine": {"Qwen/Qwen3-32B", Version{Minor: 7}, "this release runs vLLM's V0 engine", 7 * topology.GiB},
		"between the two": {"Qwen/Qwen3-32B", Version{Minor: 9},
			"no start-up log of dense models on vLLM 0.8 and 0.9 was compared, 11 of other", inGiB(0.25)},
		"a tower decides": {"Qwen/Qwen3.6-27B", Version{Minor: 20},
			"3 start-up logs of models with towers on vLLM 0.17 to 0.22", inGiB(0.28)},
		"states without it": {"Qwen/Qwen3-Next-80B-A3B-Instruct", Version{Minor: 20},
			"no start-up log of models with states was compared", inGiB(1)},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Known(tc.model)
			if err != nil {
				t.Fatal(err)
			}
			server, err := NewServer(m, Launch{Version: tc.version, Engine: VLLM})
			if err != nil {
				t.Fatal(err)
			}
			e := server.On(GPU{Name: "any", Total: 80 * topology.GiB, Compute: topology.ComputeCapability{Major: 9}}, Demand{})
			if got := e.Compared.String(); len(got) < len(tc.want) || got[:len(tc.want)] != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if e.Margin < tc.least {
				t.Errorf("a margin of %s, want at least %s", e.Margin, tc.least)
			}
		})
	}
	server := &Server{Model: &model.Model{}, Launch: Launch{Engine: SGLang}}
	if got, want := server.startComparison().String(), "no start-up logs of SGLang were compared"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

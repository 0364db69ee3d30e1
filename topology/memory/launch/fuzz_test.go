package launch_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// FuzzNumber checks that a number is what its letters say, and never wraps around.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"32k", "32K", "25.6k", "25.6K", "-1", "+1", "1_000", "9223372036854775807", "99999999999t", "auto", "",
		"k", "1e9", "0x1p-2", "٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := launch.ParseNumber(text)
		if err != nil {
			return
		}
		trimmed := strings.TrimSpace(text)
		if n < 0 && trimmed[0] != '-' {
			t.Fatalf("%q is %d", text, n)
		}
		if strings.ContainsAny(trimmed, "kmgtKMGT") && n > math.MaxInt64/2 {
			t.Fatalf("%q is %d", text, n)
		}
	})
}

// FuzzSplit checks that words, quoted again, split into themselves.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{`a 'b c' "d\"e" f\ g`, "a \\\n b", "a # b", "$'x\\ty'", "if a; then b; fi", "a <<E\nE", `a=(b "c")`,
		"${a:-b}", "$(a (b))", "[[ a =~ ^(x|y)$ ]]", "case x in a|b) c;; *) d;; esac", "f() { a; }", "a && b || c & d; e", "{a,b} * ~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := launch.SplitWords(text)
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		again, err := launch.SplitWords(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(words, again) && len(words)+len(again) > 0 {
			// A carriage return before a newline is taken away, also within quotes.
			if !strings.Contains(text, "\r") {
				t.Fatalf("%q is %q, then %q: %v", text, words, again, err)
			}
		}
	})
}

// FuzzRead checks what holds of any container: no panic, no number out of range, no
// mark of unknown text in what people read, the same answer twice.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"vllm serve org/model --max-model-len 32k -tp 2 --speculative-config.model a/b",
		"python3 -m sglang.launch_server --model-path a/b --tp 4 --dp 2 --enable-dp-attention",
		"text-generation-launcher --model-id a/b --cuda-graphs 1,2,4 --quantize fp8",
		"trtllm-serve a/b --tp_size 2 --extra_llm_api_options x.yaml",
		"python -m huggingfaceserver --model_id a/b --backend vllm --max_length 5",
		"A=$(x); if grep a b; then B=1; else B=2; fi; exec vllm serve $A ${B:-3} \"$@\" {{ .V }} $(K)",
		"args=(vllm serve a/b); args+=(--enforce-eager); for i in 1 2; do x=$i; done; eval \"${args[@]}\" $x",
		"python3 fill_template.py -i c kv_cache_free_gpu_mem_fraction:0.5; tritonserver --model-repository /m",
	} {
		f.Add(seed, "4096", uint8(1), false)
		f.Add(seed, "$(K) $$ --max-num-seqs 3", uint8(2), true)
	}
	f.Fuzz(func(t *testing.T, text, value string, gpus uint8, words bool) {
		c := launch.Container{Image: "vllm/vllm-openai:v0.11.0", Command: []string{"bash", "-c", text, "--", value}, GPUs: int64(gpus)}
		c.Env = []launch.EnvVar{{Name: "K", Value: value}, {Name: "S", From: "secretKeyRef a/b"},
			{Name: "VLLM_ADDITIONAL_ARGS", Value: value}, {Name: "CUDA_GRAPHS", Value: value}}
		c.Files = map[string]map[string]any{"x.yaml": {"max_batch_size": value, "kv_cache_config": map[string]any{"max_tokens": value}}}
		if words {
			c.Command = strings.Fields(text)
		}
		r, err := launch.Read(c)
		if err != nil {
			sound(t, err.Error())
			return
		}
		for field, where := range r.Explicit {
			sound(t, field.String()+where)
		}
		for _, u := range r.Unknown {
			sound(t, u.Field.String()+u.Because)
		}
		for _, text := range append(append(r.Contradictions, r.Unrecognised...), r.Model, r.Launch.Draft) {
			sound(t, text)
		}
		l := r.Launch
		for _, n := range []int64{l.TensorParallel, l.PipelineParallel, l.DataParallel, l.MaxModelLen, l.MaxSequences, l.MaxBatchedTokens,
			l.GraphBatch, int64(l.KVMemory), l.KVTokens, l.KVBlocks, l.BlockSize, int64(l.CPUOffload), l.DraftTokens, l.Adapters} {
			if n < 0 || n > 1<<60 {
				t.Fatalf("%d is out of range: %+v", n, l)
			}
		}
		if !(l.Utilisation >= 0 && l.Utilisation <= 1) {
			t.Fatalf("utilisation is %v", l.Utilisation)
		}
		again, err := launch.Read(c)
		if err != nil || len(again.Unknown) != len(r.Unknown) || again.Launch.TensorParallel != l.TensorParallel || again.Model != r.Model {
			t.Fatalf("read again: %+v, %v, first %+v", again, err, r)
		}
	})
}

func sound(t *testing.T, text string) {
	if strings.Contains(text, "the parser failed") {
		t.Fatalf("a panic was caught: %q", text)
	}
	if !utf8.ValidString(text) {
		t.Fatalf("%q shows the mark of unknown text", text)
	}
}

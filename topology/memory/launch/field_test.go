package launch_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// Every field of memory.Launch is a Field, so that what differs between two ways of a
// script is found, and every other Field is one of Reading.
func TestFields(t *testing.T) {
	named := map[string]bool{}
	for _, f := range launch.Fields() {
		if named[f.String()] {
			t.Errorf("two fields are called %s", f)
		}
		named[f.String()] = true
	}
	launched := reflect.TypeFor[memory.Launch]()
	for i := range launched.NumField() {
		if name := launched.Field(i).Name; !named[name] {
			t.Errorf("memory.Launch has %s, which is no Field", name)
		} else {
			delete(named, name)
		}
	}
	for name := range named {
		if _, found := reflect.TypeFor[launch.Reading]().FieldByName(name); !found {
			t.Errorf("neither memory.Launch nor Reading has %s", name)
		}
	}
	if got := launch.Field(0).String(); got != "Field(0)" {
		t.Errorf("no field is called %q", got)
	}
}

func TestArgumentName(t *testing.T) {
	for engine, want := range map[memory.Engine][]string{
		memory.VLLM:        {"--max-model-len", "--tensor-parallel-size", "--gpu-memory-utilization", "--kv-cache-dtype", "--max-num-seqs"},
		memory.SGLang:      {"--context-length", "--tp-size", "--mem-fraction-static", "--kv-cache-dtype", "--max-running-requests"},
		memory.TGI:         {"--max-total-tokens", "--num-shard", "--cuda-memory-fraction", "--kv-cache-dtype", "--max-batch-size"},
		memory.TensorRTLLM: {"--max_seq_len", "--tp_size", "--kv_cache_free_gpu_memory_fraction", "--kv_cache_dtype", "--max_batch_size"},
		memory.Plain:       {"", "", "", "", ""},
		"other":            {"", "", "", "", ""},
	} {
		t.Run(string(engine), func(t *testing.T) {
			var got []string
			for _, field := range []launch.Field{
				launch.FieldMaxModelLen, launch.FieldTensorParallel, launch.FieldUtilisation, launch.FieldKVFormat, launch.FieldMaxSequences,
			} {
				name, known := launch.ArgumentName(engine, field)
				if known != (name != "") {
					t.Errorf("%s: %q, known %v", field, name, known)
				}
				got = append(got, name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// An argument that ArgumentName tells is read back as the field.
func TestArgumentNameIsRead(t *testing.T) {
	starts := map[memory.Engine]string{
		memory.VLLM: "vllm serve a/b", memory.SGLang: "python3 -m sglang.launch_server --model-path a/b",
		memory.TGI: "text-generation-launcher --model-id a/b", memory.TensorRTLLM: "trtllm-serve a/b",
	}
	counted := []launch.Field{
		launch.FieldTensorParallel, launch.FieldPipelineParallel, launch.FieldDataParallel, launch.FieldMaxModelLen, launch.FieldMaxSequences,
		launch.FieldMaxBatchedTokens, launch.FieldUtilisation, launch.FieldKVTokens, launch.FieldKVBlocks, launch.FieldBlockSize,
		launch.FieldDraftTokens,
	}
	for engine, start := range starts {
		for _, field := range counted {
			name, known := launch.ArgumentName(engine, field)
			if !known {
				continue
			}
			r := mustRead(t, run(t, start+" "+name+" 1"))
			if r.Explicit[field] == "" {
				t.Errorf("%s: %s does not set %s: %v", engine, name, field, r.Explicit)
			}
		}
	}
}

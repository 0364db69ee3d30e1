package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

func read(t *testing.T, file string) []csvRow {
	t.Helper()
	rows, err := readTable(file)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Every row is judged by itself, whatever other rows of its name say, and none that
// cannot be read keeps the others from it.
func TestModels(t *testing.T) {
	judged := judgeModels(newLibrary(read(t, "testdata/models.csv"))).rows
	for i, want := range []struct {
		off                float64 // the largest error, in percent; 0 for a row without sizes
		because, quantised string
	}{
		{0.001, "", ""},
		{0.1, "", "awq"},
		{0.001, "", ""},
		{1, "", "compressed-tensors"},
		{0.001, "", ""},
		{0, "unknown: not in the catalogue, and the row has no hidden_size", ""},
		{0, "unknown: testdata/models.csv:8 cannot be read: a quote is not closed", ""},
		{0.001, "", ""},
		{0, "unknown: not in the catalogue, and the columns do not describe a model of class encoder", ""},
		{0, "unknown: not in the catalogue, and the columns do not describe a model of class cnn", ""},
		{0, "unknown: not in the catalogue, and the columns do not describe a model of class enc-dec", ""},
		{0.001, "", ""},
		{0, "assumed: gptq of Qwen3-8B, from the name", "gptq"},
		{0, `unknown: quantisation "q5_k_m gguf" is not known`, ""},
	} {
		got := judged[i]
		if !strings.HasPrefix(got["because"], want.because) || want.because == "" && got["because"] != "" || got["quantised"] != want.quantised {
			t.Errorf("row %d, %s: %q, quantised %q, want %+v", i, got["model"], got["because"], got["quantised"], want)
		}
		off, err := strconv.ParseFloat(got["weight_error_pct"], 64)
		if want.off > 0 && (err != nil || off > want.off || off < -want.off) {
			t.Errorf("row %d, %s: off by %s %%", i, got["model"], got["weight_error_pct"])
		}
		if kv := got["published_kv_bytes_per_token"]; want.because == "" && kv != got["predicted_kv_bytes_per_token"] {
			t.Errorf("row %d, %s: %s bytes per token, want %s", i, got["model"], got["predicted_kv_bytes_per_token"], kv)
		}
	}
}

func TestObservations(t *testing.T) {
	library := newLibrary(read(t, "testdata/models.csv"))
	judged := map[string]csvRow{}
	for _, r := range judgeObservations(library, read(t, "testdata/observations.csv")).rows {
		judged[r["id"]] = r
	}
	for id, want := range map[string]csvRow{
		"plain":  {"predicted_weights_gib": "15.27", "agrees": "true", "logged_outcome": "ok"},
		"awq":    {"predicted_weights_gib": "5.74", "agrees": "true", "logged_outcome": "ok"},
		"fp8":    {"logged_outcome": "fail", "predicted_outcome": "fail"},
		"unfp8":  {"predicted_weights_gib": "61.03", "agrees": "true", "predicted_outcome": "fail"},
		"named":  {"predicted_weights_gib": "8.80", "agrees": "true", "because": "assumed: fp8 channel of Qwen3-8B, from the name"},
		"auto":   {"predicted_weights_gib": "3.82", "agrees": "true"},
		"old":    {"predicted_outcome": "", "because": "unknown: vLLM before 0.10 may have run its V0 engine"},
		"other":  {"predicted_outcome": "", "because": `unknown: engine "sglang" is not one`},
		"broken": {"because": "unknown: testdata/observations.csv:10 cannot be read: a quote is not closed"},
		"thirds": {"agrees": "true", "predicted_outcome": "fail", "because": "TensorParallel is 3"},
	} {
		got := judged[id]
		for column, value := range want {
			if got[column] != value && (column != "because" || !strings.HasPrefix(got[column], value)) {
				t.Errorf("%s: %s is %q, want %q: %v", id, column, got[column], value, got)
			}
		}
	}
}

// The tool prints tables of files with mistakes too.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := runBenchmark(&out, "testdata/models.csv", "testdata/observations.csv", ""); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 14+10+2 {
		t.Errorf("%d lines", n)
	}
	empty := filepath.Join(t.TempDir(), "empty.csv")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := runBenchmark(&out, empty, "", ""); err == nil || !strings.Contains(err.Error(), "a header") {
		t.Errorf("an empty file: %v", err)
	}
}

func TestTables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.csv")
	const text = "\ufeff A ,B\n1,\"two\nlines\"\n\n3\nx\",y\n\"4\" z,5\n6,\"open\n7,8,9\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range read(t, file) {
		state := "read"
		if r.whyUnreadable() != nil {
			state = "bad"
		}
		got = append(got, r["a"]+"|"+r["b"]+"|"+state)
	}
	want := []string{"1|two\nlines|read", "3||read", `x"|y|read`, `4" z,5||bad`, "6|open|bad", "7|8|read"}
	if strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]float64{
		"": 0, "none": 0, "nan": 0, "inf": 0, "4096": 4096, "4,096": 4096, "1,048,576": 1048576, "1_000": 1000, "32k": 32000,
		"32K": 32768, "0.9": 0.9, "90%": 0.9, "90 %": 0.9, "50.28 GiB": 50.28, "~0.9": 0.9, "-0.45": -0.45,
		"1e5": 1e5, "131072.0": 131072, "1M": 1 << 20,
	} {
		if got := (csvRow{"x": text}).numberAt("x"); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestSchemes(t *testing.T) {
	for text, want := range map[string]storageScheme{
		"": {}, "bf16": {method: plain16}, "BFloat16": {method: plain16}, "f16": {method: plain16}, "float16": {method: plain16},
		"none": {method: plain16}, "-": {method: plain16},
		"F32": {method: plain32}, "float32": {method: plain32}, "fp32": {method: plain32},
		"awq w4 g128":                    {method: awq, bits: 4, group: 128},
		"AWQ":                            {method: awq},
		"gptq int8 gs32":                 {method: gptq, bits: 8, group: 32},
		"GPTQ-Int4":                      {method: gptq, bits: 4},
		"w4 big128":                      {method: integers, bits: 4},
		"w4a16g64":                       {method: integers, bits: 4, group: 64},
		"int4 group_size=32":             {method: integers, bits: 4, group: 32},
		"4-bit":                          {method: integers, bits: 4},
		"int8":                           {method: channel8, bits: 8},
		"w8a8":                           {method: channel8, bits: 8},
		"w8a8 fp8":                       {method: anyFP8},
		"fp8 block128":                   {method: blockFP8},
		"FP8-dynamic":                    {method: channelFP8},
		"fp8 per-channel":                {method: channelFP8},
		"fp8 (attention bf16)":           {method: anyFP8},
		"mxfp4 experts (4-bit + 1 B/32)": {method: mxfp4},
		"nvfp4/fp8 mixed":                {method: nvfp4},
		"bnb 4-bit":                      {method: nf4, bits: 4},
		"bitsandbytes int8":              {method: nf4, bits: 8},
		"q4_k_m gguf":                    {method: "q4_k_m gguf"},
		"ternary":                        {method: "ternary"},
	} {
		got := schemeOf(text)
		if text != "ternary" && !strings.Contains(text, "gguf") && got.isStated() {
			if _, err := got.quantisationConfig(); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// A model that is known in one form can be judged in every other.
func TestStoredOtherwise(t *testing.T) {
	l := newLibrary(nil)
	names := []string{"Qwen/Qwen3-8B", "Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B-FP8", "openai/gpt-oss-20b",
		"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "google/gemma-3-4b-it"}
	quants := []string{"bf16", "fp32", "awq", "gptq int8", "w4 g32", "w8a8", "fp8", "fp8 block", "fp8 dynamic", "nvfp4", "mxfp4", "bnb"}
	for _, name := range names {
		for _, quant := range quants {
			b := l.findModel(name, quant)
			if b.err != nil || !b.isStoredAs(schemeOf(quant)) {
				t.Errorf("%s as %s: %s, %v", name, quant, b.from, b.err)
			}
		}
		if b := l.findModel(name, ""); b.from != "catalogue" {
			t.Errorf("%s: %s, %v", name, b.from, b.err)
		}
	}
}

func TestAssumed(t *testing.T) {
	l := newLibrary(nil)
	for name, want := range map[string]string{
		"meta-llama/Llama-3.1-8B-Instruct-AWQ":     "awq of meta-llama/Llama-3.1-8B-Instruct",
		"somebody/Llama-3.1-8B-Instruct-GPTQ-Int4": "gptq of Llama-3.1-8B-Instruct",
		"somebody/Qwen3-8B-FP8":                    "fp8 of Qwen3-8B",
		"somebody/Qwen3-8B-quantized.w4a16":        "integers of Qwen3-8B",
		"somebody/Llama-3.1-8B-Instruct":           "the architecture of Llama-3.1-8B-Instruct",
		"meta-llama/Llama-3.1-8B-Instruct":         "",
	} {
		b := l.findModel(name, "")
		if b.err != nil || !strings.HasPrefix(b.assumed, want) || want == "" && b.assumed != "" {
			t.Errorf("%s: assumed %q, %v", name, b.assumed, b.err)
		}
	}
	if b := l.findModel("nobody/nothing-AWQ", ""); b.err == nil {
		t.Errorf("nothing was found as %s", b.from)
	}
}

func TestGPUs(t *testing.T) {
	for name, want := range map[string]string{
		"A100 SXM 80GB x8":      "NVIDIA A100-SXM4-80GB",
		"4x L4":                 "NVIDIA L4",
		"8 x H100-80GB":         "NVIDIA H100 PCIe",
		"NVIDIA H100 80GB HBM3": "NVIDIA H100 80GB HBM3",
		"NVIDIA A10G":           "NVIDIA A10G",
		"Tesla T4":              "Tesla T4",
		"T4 (Turing)":           "Tesla T4",
		"A100 (80GB)":           "NVIDIA A100 80GB PCIe",
		"A100-40GB":             "NVIDIA A100-PCIE-40GB",
		"A100-80":               "NVIDIA A100 80GB PCIe",
		"NVIDIA L40S 48GB":      "NVIDIA L40S",
		"RTX 4090":              "NVIDIA GeForce RTX 4090",
		"H200":                  "NVIDIA H200 NVL",
		"V100 PCIe 16GB":        "Tesla V100-SXM2-16GB",
		"A100-80GB MIG 3g.40gb": "NVIDIA A100 80GB PCIe 3g.40gb",
		"H100 MIG 1g.10gb":      "NVIDIA H100 PCIe 1g.10gb",

		"MIG 3g.39gb of A100-SXM4-80GB": "",
		"MI300X":                        "",
		"L40":                           "",
		"RTX 2000 Ada 16GB":             "",
	} {
		got, err := gpuOf(csvRow{"gpu": name})
		if want == "" && err != nil || strings.Contains(name, "3g.39gb") && err == nil {
			continue
		}
		if err != nil || want == "" || !strings.HasPrefix(got.Name, strings.SplitN(want, " PCIe", 2)[0]) {
			t.Errorf("%s is %q, want %q: %v", name, got.Name, want, err)
		}
	}
	slice, err := gpuOf(csvRow{"gpu": "A100-80GB MIG 3g.40gb"})
	if err != nil || slice.Total != 40192*topology.MiB {
		t.Errorf("a slice of %s: %v", slice.Total, err)
	}
	for cell, want := range map[string]int64{
		"A100 SXM 80GB x8": 8, "4x L4": 4, "8×H100": 8, "L4 (x2)": 2, "L4": 0, "24 GB (total 23.5)": 0, "6.0 GiB laptop": 0,
	} {
		if got := gpuCount(cell); got != want {
			t.Errorf("%q names %d GPUs, want %d", cell, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	for cell, want := range map[string]string{
		"OK": "ok", "success": "ok", "Started": "ok", "ok (an earlier try went OOM)": "ok",
		"FAILED": "fail", "OOM": "fail", "CUDA out of memory": "fail", "error": "fail", "not started": "fail", "failed to start": "fail",
		"partial": "partial", "": "",
	} {
		if got := outcomeOf(cell); got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
	for cell, want := range map[string]memory.KVFormat{
		"":                    memory.KVAuto,
		"auto":                memory.KVAuto,
		"BF16":                memory.KVAuto,
		"fp16/bf16":           memory.KVAuto,
		"fp8_e4m3":            memory.KVFP8,
		"fp8_ds_mla":          memory.KVFP8MLA,
		"nvfp4":               memory.KVNVFP4,
		"int4_per_token_head": memory.KVINT4,
		"int8_per_token_head": memory.KVFP8Head,
		"fp8_per_token_head":  memory.KVFP8Head,
	} {
		if got, err := kvFormatOf(cell); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", cell, got, err, want)
		}
	}
	if _, err := kvFormatOf("turbo3"); err == nil {
		t.Error("turbo3 is known")
	}
	for engine, want := range map[[2]string]bool{
		{"vllm", "0.11.0"}: true, {"VLLM V1", "0.8.5"}: true, {"", ""}: true, {"", "v0.10.1"}: true,
		{"vLLM", "0.9.2"}: false, {"vLLM V0", "0.10.0"}: false, {"vLLM TPU", ""}: false, {"sglang", ""}: false,
	} {
		if err := whyNotCompared(csvRow{"engine": engine[0], "version": engine[1]}); (err == nil) != want {
			t.Errorf("%q: %v", engine, err)
		}
	}
}

// Published start-up logs: none that failed is said to start, and the KV cache is right within 5 % or half a GiB, and within
// the margin.
func TestPublishedStarts(t *testing.T) {
	starts := judgeObservations(newLibrary(nil), read(t, "testdata/startups.csv"))
	if len(starts.rows) == 0 {
		t.Fatal("no logs")
	}
	for _, r := range starts.rows {
		off, err := strconv.ParseFloat(r["kv_error_gib"], 64)
		logged, _ := strconv.ParseFloat(r["logged_kv_gib"], 64)
		margin, _ := strconv.ParseFloat(r["margin_gib"], 64)
		if err != nil || math.Abs(off) > max(0.5, logged/20) || math.Abs(off) > margin {
			t.Errorf("%s: the KV cache is off by %s GiB of %s, margin %s: %v", r["id"], r["kv_error_gib"], r["logged_kv_gib"], r["margin_gib"], err)
		}
		if r["agrees"] != "true" || r.isFalseStart() {
			t.Errorf("%s: predicted %s, logged %s: %s", r["id"], r["predicted_outcome"], r["logged_outcome"], r["because"])
		}
		if tokens, err := strconv.ParseFloat(r["tokens_error_pct"], 64); r["logged_kv_tokens"] != "" && (err != nil || math.Abs(tokens) > 0.5) {
			t.Errorf("%s: the tokens are off by %s %%", r["id"], r["tokens_error_pct"])
		}
	}
	evidence := countEvidence(starts)
	for _, r := range evidence.rows {
		if r["said to start and failed"] != "0" || r["logs"] == "0" {
			t.Errorf("evidence: %v", r)
		}
	}
	if got, want := len(evidence.rows), 4; got != want {
		t.Errorf("%d groups of logs, want %d", got, want)
	}
}

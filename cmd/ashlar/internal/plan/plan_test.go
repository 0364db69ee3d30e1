package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	resourceapi "k8s.io/api/resource/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// runPlan calls ashlar with the given arguments.
func runPlan(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return clitest.RunCommand(t, NewCommand(), args...)
}

// title names an option for messages.
func (o *optionReport) title() string { return fmt.Sprintf("%d x %s:%s", o.GPUs, o.GPU, o.Profile) }

const (
	llama8  = "meta-llama/Llama-3.1-8B-Instruct"
	llama70 = "meta-llama/Llama-3.1-70B-Instruct"
)

func TestPlanGolden(t *testing.T) {
	tests := map[string][]string{
		"plan-8b.txt":            {llama8, "--max-model-len", "4096", "--concurrency", "16"},
		"plan-8b-t4-refused.txt": {llama8, "--gpu", "T4"},
		"plan-8b-a100.txt":       {llama8, "--gpu", "NVIDIA A100-SXM4-80GB", "--gpu", "a100-sxm4-80gb:2G.20GB"},
		"plan-8b-l4.json":        {llama8, "--gpu", "L4", "--max-model-len", "8k", "-o", "json"},
		"plan-8b-l4.yaml":        {llama8, "--gpu", "L4", "--max-model-len", "8k", "-o", "yaml"},
		"plan-8b-claim.yaml":     {llama8, "--max-model-len", "4096", "--concurrency", "16", "-o", "claim"},
		"plan-8b-share-claim.yaml": {
			llama8, "--max-model-len", "4096", "--gpu", "L40S", "--gpu", "H100-SXM5-80GB", "--share", "-o", "claim",
		},
		"plan-3b-t4.txt": {"Qwen/Qwen2.5-3B-Instruct", "--max-model-len", "4096", "--engine-version", "0.11.0", "--gpu", "T4"},
		"plan-3b-t4-claim.yaml": {"Qwen/Qwen2.5-3B-Instruct", "--max-model-len", "4096", "--engine-version", "0.11.0",
			"--gpu", "T4", "-o", "claim"},
		"plan-70b.txt":                  {llama70},
		"plan-70b-h100-refused.txt":     {llama70, "--gpu", "H100-SXM5-80GB"},
		"plan-70b-h100-two.txt":         {llama70, "--gpu", "H100-SXM5-80GB", "--tp", "2", "--max-model-len", "8K"},
		"plan-70b-h100-two-refused.txt": {llama70, "--gpu", "H100-SXM5-80GB", "--tp", "2"},
		"plan-70b-claim.yaml":           {llama70, "-o", "claim", "--gpu", "H100-SXM5-80GB", "--tp", "4"},
		"plan-70b-a100-refused.txt":     {llama70, "--gpu", "A100-SXM4-80GB", "--max-model-len", "4096"},
		"plan-awq-flag-refused.txt":     {"-f", "testdata/plan-awq-flag.yaml", "--gpu", "A100-SXM4-80GB"},
		"plan-gptq-flag-refused.txt":    {llama70, "--quantization", "gptq"},
		"plan-scout-refused.txt":        {"meta-llama/Llama-4-Scout-17B-16E-Instruct"},
		"plan-triton.txt":               {"-f", "testdata/plan-triton.yaml", "--gpu", "T4"},
		"plan-bge-large.txt":            {"BAAI/bge-large-en-v1.5", "--gpu", "T4"},
		"plan-whisper.txt":              {"openai/whisper-large-v3", "--gpu", "T4", "--max-num-seqs", "8", "--dtype", "int8"},
		"plan-resnet-triton.txt":        {"microsoft/resnet-50", "--engine", "triton", "--instances", "4", "--max-num-seqs", "32", "--gpu", "T4"},
		"plan-training.txt":             {"-f", "testdata/plan-training.yaml", "--gpu", "A100-SXM4-40GB"},
		"plan-training-stated.json": {"-f", "testdata/plan-training.yaml", "--train", "--batch", "1", "--sequence-length", "2048", "--optimizer",
			"sgd", "--precision", "bf16", "--sharding", "fsdp", "--checkpointing", "--gpu", "L4", "-o", "json"},
		"plan-train-70b-pipeline.txt": {"meta-llama/Llama-3.1-70B", "--train", "--tp", "8", "--pp", "2", "--accumulation", "8",
			"--checkpointing=selective",
			"--sequence-parallel", "--gpu", "H100-SXM5-80GB"},
		"plan-train-7b-offload-refused.txt": {"meta-llama/Llama-2-7b-hf", "--train", "--sharding", "zero-2", "--shards", "8", "--offload",
			"optimizer",
			"--loss", "fused", "--eager-attention", "--precision", "fp16", "--gpu", "V100-SXM2-32GB"},
		"plan-train-7b.txt":         {"meta-llama/Llama-2-7b-hf", "--train"},
		"plan-train-7b-a100.txt":    {"meta-llama/Llama-2-7b-hf", "--train", "--checkpointing", "--gpu", "A100-SXM4-80GB"},
		"plan-train-7b-refused.txt": {"meta-llama/Llama-2-7b-hf", "--train", "--sharding", "none", "--gpu", "H100-SXM5-80GB"},
		"plan-train-shards-refused.txt": {"Qwen/Qwen2.5-0.5B", "--train", "--sharding", "none", "--shards", "4", "--sequence-length", "40000",
			"--gpu", "T4", "--gpu", "A100-SXM4-80GB"},
		"plan-train-8b-qlora.json": {llama8, "--train", "--lora-rank", "16", "--qlora", "--checkpointing", "--optimizer", "adamw-8bit",
			"--gpu", "L4", "-o", "json"},
		"plan-train-8b-zero.txt": {llama8, "--train", "--sharding", "zero-2", "--shards", "8", "--batch", "2", "--sequence-length", "2k",
			"--precision", "bf16", "--gpu", "H100-SXM5-80GB", "--gpu", "V100-SXM2-32GB"},
		"plan-bert.txt":      {"google-bert/bert-base-uncased", "--engine", "plain"},
		"plan-workloads.txt": {"-f", "testdata/plan-workloads.yaml", "--gpu", "H100-SXM5-80GB"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			out, _, err := runPlan(t, append([]string{"plan"}, tests[name]...)...)
			if refused := strings.Contains(name, "refused"); refused != (err != nil) || err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
				t.Errorf("error %v", err)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(out)) {
				t.Error("is not JSON")
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

// What the issue asks for, apart from how it is printed.
func TestPlanAnswers(t *testing.T) {
	// The sum is said once, in the table.
	stdout, _, err := runPlan(t, "plan", llama8, "--gpu", "T4")
	if err == nil || !strings.HasSuffix(err.Error(), "does not fit T4: weights too large") ||
		strings.Count(stdout, "13.4GiB of 14.56GiB for the engine - 14.99GiB weights") != 1 {
		t.Errorf("8B on a T4: %v\n%s", err, stdout)
	}
	for args, want := range map[string]struct{ gpus, fewer, length int64 }{
		llama8 + " --gpu A100-SXM4-80GB":            {gpus: 1},
		llama70 + " --gpu H100-SXM5-80GB --tp auto": {gpus: 4, fewer: 2, length: 3584},
		llama70 + " --gpu A100-SXM4-80GB --tp=auto": {gpus: 4, fewer: 2, length: 14848},
		llama70 + " --gpu H200-SXM-141GB --tp auto": {gpus: 2},
		llama70 + " --gpu H100-SXM5-80GB -- -tp 4":  {gpus: 4},
		llama70 + " --gpu L40S --tp 4 -- -pp 2":     {gpus: 8},
	} {
		plan := planned(t, strings.Fields(args)...)
		var whole *optionReport
		for _, o := range plan.Options {
			if o.Form == memoryplan.WholeForm {
				whole = o
			}
		}
		if !whole.Fits || whole.GPUs != want.gpus || whole.FewerGPUs != want.fewer || whole.FewerMaxModelLen != want.length {
			t.Errorf("%s: fits %v on %d GPUs, on %d with up to %d tokens; want %+v",
				args, whole.Fits, whole.GPUs, whole.FewerGPUs, whole.FewerMaxModelLen, want)
		}
	}
}

// planned runs plan and reads its JSON.
func planned(t *testing.T, args ...string) *serverReport {
	t.Helper()
	args = append([]string{"plan", "-o", "json"}, args...)
	out, _, err := runPlan(t, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	var answers PlanReport
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	return answers.Plans[0]
}

// A table of 100 columns can be read in a terminal, and what fits is sorted by price.
func TestPlanTableIsNarrow(t *testing.T) {
	for _, model := range []string{
		llama8, llama70, "meta-llama/Llama-3.1-405B-Instruct", "deepseek-ai/DeepSeek-V3", "openai/gpt-oss-120b", "Qwen/Qwen3-0.6B",
	} {
		out, _, err := runPlan(t, "plan", model)
		if err != nil {
			t.Error(err)
		}
		_, table, _ := strings.Cut(out, "\n\n")
		for line := range strings.Lines(table) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 100 {
				t.Errorf("%s: %d columns: %s", model, n, line)
			}
		}
		var last int64
		for _, o := range planned(t, model).Options {
			if o.Fits && o.MicroDollars != nil {
				if *o.MicroDollars < last {
					t.Errorf("%s: %s is cheaper than the one before", model, o.title())
				}
				last = *o.MicroDollars
			}
		}
	}
}

// Words that only one GPU has name it.
func TestPlanShortNames(t *testing.T) {
	for name, want := range map[string]string{
		"A30": "A30-24GB", "3090": "RTX-3090", "a100 sxm 80gb": "A100-SXM4-80GB", "NVIDIA H200": "H200-SXM-141GB", "T4": "T4", "gb200": "GB200",
		"A30:2g.12gb": "A30-24GB",
		"H100 SXM":    "H100-SXM5-80GB",
	} {
		got := planned(t, llama8, "--max-model-len", "1k", "--gpu", name, "--gpu", "B200").Options
		if !slices.ContainsFunc(got, func(o *optionReport) bool { return o.GPU == want }) {
			t.Errorf("%s is not %s", name, want)
		}
	}
}

// vLLM refuses requests longer than the model's, which every output says.
func TestPlanNotesLength(t *testing.T) {
	const want = "vLLM does not start with --max-model-len 40000"
	file := filepath.Join(t.TempDir(), "pod.yaml")
	pod := func(env string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: vllm/vllm-openai:v0.11.0\n" +
			"    args: [--model=Qwen/Qwen2.5-7B-Instruct, --max-model-len=40000]\n    env: " + env + "\n"
	}
	const short = "Qwen/Qwen2.5-7B-Instruct" // 32,768 tokens
	scaled := filepath.Join(t.TempDir(), "config.json")
	const yarn = `32768,"rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":32768}`
	if err := os.WriteFile(scaled, []byte(strings.Replace(config, `131072`, yarn, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		env, args string
		noted     bool
	}{
		{"", short + " --max-model-len 40000", true},
		{"", short + " --max-model-len 40000 -o json", true},
		{"", short + " --max-model-len 40000 -o yaml", true},
		{"", short + " --max-model-len 40000 -o claim", true},
		{"", short + " --max-model-len 40000 --gpu H200", true},
		{"", short + " --max-model-len 32768", false},
		{"", short + " --max-model-len 40000 --engine sglang", false},
		{"", scaled + " --max-model-len 40000", false},
		{"[]", "-f " + file, true},
		{"[]", "-o json -f " + file, true},
		{"[{name: VLLM_ALLOW_LONG_MAX_MODEL_LEN, value: '0'}]", "-f " + file, true},
		{"[{name: VLLM_ALLOW_LONG_MAX_MODEL_LEN, value: '1'}]", "-f " + file, false},
	} {
		if err := os.WriteFile(file, []byte(pod(tc.env)), 0o644); err != nil {
			t.Fatal(err)
		}
		out, _, err := runPlan(t, append([]string{"plan"}, strings.Fields(tc.args)...)...)
		if words := strings.Join(strings.Fields(out), " "); err != nil || strings.Contains(words, want) != tc.noted {
			t.Errorf("%s %s: noted %v, %v", tc.args, tc.env, !tc.noted, err)
		}
	}
}

// Vision models are not vLLM's.
func TestPlanVision(t *testing.T) {
	for _, name := range []string{"resnet50", "google/vit-base-patch16-224"} {
		if plan := planned(t, name); plan.Engine != "plain" || !plan.Options[0].Fits {
			t.Errorf("%s: %s, %+v", name, plan.Engine, plan.Options[0])
		}
	}
}

// Degrees that the model does not divide by are passed over, and said.
func TestPlanUndivided(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	// 17408 = 136 blocks of 128: eight GPUs would get 17 each, sixteen 8.5.
	const blocks = `"hidden_size":16384,"head_dim":128,"quantization_config":{"quant_method":"fp8","weight_block_size":[128,256]}`
	text := strings.NewReplacer("14336", "17408", `"hidden_size":4096`, blocks).Replace(config)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _, err := runPlan(t, "plan", file, "--gpu", "T4", "--gpu", "RTX-5070-Ti", "--tp", "auto")
	if cli.ExitCode(err) != cli.ExitNothingFits && err != nil || !strings.Contains(out, "and the model does not divide by 8") ||
		!strings.Contains(out, "with more GPUs, --tp 8: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// One's own price replaces the list's, for slices in proportion.
func TestPlanPrices(t *testing.T) {
	plan := planned(t, llama8, "--max-model-len", "2k", "--gpu", "A100-SXM4-80GB", "--gpu", "A100-SXM4-80GB:3g.40gb",
		"--price", "A100-SXM4-80GB=1.00")
	wants := map[memoryplan.Form]int64{memoryplan.WholeForm: 1_000_000, memoryplan.MIGForm: 500_000}
	for _, o := range plan.Options {
		if want := wants[o.Form]; want > 0 && *o.MicroDollars != want {
			t.Errorf("%s costs %d, want %d", o.title(), *o.MicroDollars, want)
		}
	}
}

// Shares hold with the utilisation that is printed, and never more than they ask for.
func TestPlanSharesHold(t *testing.T) {
	for _, o := range planned(t, llama8, "--max-model-len", "4096", "--concurrency", "4").Options {
		if o.Form != memoryplan.ShareForm {
			continue
		}
		taken := int64(o.ShareUtilisation*float64(o.TotalBytes)) + 512<<20
		if !o.Fits || o.Close || taken > o.ShareBytes || o.ShareBytes > o.TotalBytes {
			t.Errorf("%s %d bytes of %s at %.2f takes %d of %d", o.GPU, o.ShareBytes, o.GPU, o.ShareUtilisation, taken, o.TotalBytes)
		}
	}
}

// Claims are what the API takes: strict YAML, few alternatives, each with a name of
// its own. The integration tests give them to an API server.
func TestPlanClaimsAreStrict(t *testing.T) {
	for _, args := range [][]string{
		{llama8}, {llama70}, {llama8, "--share"}, {"openai/gpt-oss-20b", "--share", "--max-model-len", "8k"}, {"Qwen/Qwen3-0.6B"},
		{"deepseek-ai/DeepSeek-V3", "--max-model-len", "4k"}, {"google-bert/bert-base-uncased", "--engine", "plain"},
		{llama8, "--engine", "sglang"},
	} {
		out, _, err := runPlan(t, append([]string{"plan", "-o", "claim"}, args...)...)
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		var template resourceapi.ResourceClaimTemplate
		if err := yaml.UnmarshalStrict([]byte(out), &template); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
			continue
		}
		request := template.Spec.Spec.Devices.Requests[0]
		if n := len(request.FirstAvailable); n < 1 || n > resourceapi.FirstAvailableDeviceRequestMaxSize {
			t.Errorf("%q: %d alternatives", args, n)
		}
		names := map[string]bool{}
		for _, sub := range request.FirstAvailable {
			if names[sub.Name] {
				t.Errorf("%q: two alternatives are named %s", args, sub.Name)
			}
			names[sub.Name] = true
			if n := len(sub.Selectors[0].CEL.Expression); n > resourceapi.CELSelectorExpressionMaxLength {
				t.Errorf("%q: %s has an expression of %d bytes", args, sub.Name, n)
			}
		}
	}
}

func TestPlanCompletion(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"Meta-Llama/llama-3.1-8b-i"}, "meta-llama/Llama-3.1-8B-Instruct"},
		{[]string{"--gpu", "A30"}, "A30-24GB:2g.12gb"},
		{[]string{"-o", ""}, claimFormat},
		{[]string{"--engine", ""}, "sglang"},
	} {
		out, _, err := runPlan(t, append([]string{"__complete", "plan"}, tc.args...)...)
		if err != nil || !slices.Contains(strings.Split(out, "\n"), tc.want) {
			t.Errorf("%q: %q, %v", tc.args, out, err)
		}
	}
}

// Close answers are neither: the verdict carries that.
func TestNothingFitsIsAnErrorOfItsOwn(t *testing.T) {
	_, _, err := runPlan(t, "plan", llama70, "--gpu", "L4", "--gpu", "A30-24GB")
	if !errors.As(err, &cli.NothingFits{}) || !strings.Contains(err.Error(), "fits on none of the 2 GPUs") {
		t.Errorf("got %v", err)
	}
}

// Each of several servers of a pod is answered for, with what its own container asks for.
func TestPlanAnswersEachServerOfAPod(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "pod.yaml")
	text := `apiVersion: v1
kind: Pod
metadata: {name: pair}
spec:
  containers:
  - name: chat
    image: vllm/vllm-openai:v0.11.0
    args: [--model, Qwen/Qwen3-8B, --max-model-len, "8192"]
    resources: {limits: {nvidia.com/gpu: 1}}
  - name: embed
    image: vllm/vllm-openai:v0.11.0
    args: [--model, BAAI/bge-large-en-v1.5, --port, "8001"]
    resources: {limits: {nvidia.com/mig-1g.10gb: 1}}
`
	if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err := runPlan(t, "plan", "-f", manifest, "--gpu", "A100-SXM4-80GB")
	if err != nil {
		t.Fatal(err)
	}
	chat, embed, found := strings.Cut(out, "Pod pair, container embed\n")
	if !found || !strings.Contains(chat, "Pod pair, container chat\nQwen/Qwen3-8B: ") ||
		!strings.HasPrefix(embed, "BAAI/bge-large-en-v1.5: ") {
		t.Errorf("want an answer for each container, got\n%s", out)
	}
	if strings.Contains(chat, "MIG 1g.10gb") || !strings.Contains(embed, "MIG 1g.10gb") {
		t.Errorf("want the slice named at the container that asks for it, got\n%s", out)
	}
}

// One pod's error ends only its own answer, and what trains is named.
func TestPlanAnswersOtherPods(t *testing.T) {
	out, _, err := runPlan(t, "plan", "-f", "testdata/plan-host-notes.yaml", "--gpu", "H100-SXM5-80GB")
	if err == nil || cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("error %v, exit code %d", err, cli.ExitCode(err))
	}
	if want := `Pod misspelt: model "Qwen/Qwen2.5-72B-Instrukt" is not in the catalogue`; err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
	if want := "Job tuning: runs torchrun: the model that it trains is unknown, because no argument names it"; err != nil &&
		!strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}

	clitest.CompareGolden(t, "plan-host-notes.txt", out)
}

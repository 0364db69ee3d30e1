package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
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
			llama8,
			"--max-model-len",
			"4096",
			"--gpu",
			"L40S",
			"--gpu",
			"H100-SXM5-80GB",
			"--share",
			"-o",
			"claim",
		},
		"plan-70b.txt":                  {llama70},
		"plan-70b-h100-refused.txt":     {llama70, "--gpu", "H100-SXM5-80GB"},
		"plan-70b-h100-two.txt":         {llama70, "--gpu", "H100-SXM5-80GB", "--tp", "2", "--max-model-len", "8K"},
		"plan-70b-h100-two-refused.txt": {llama70, "--gpu", "H100-SXM5-80GB", "--tp", "2"},
		"plan-70b-claim.yaml":           {llama70, "-o", "claim", "--gpu", "H100-SXM5-80GB", "--tp", "4"},
		"plan-bert.txt":                 {"google-bert/bert-base-uncased", "--engine", "plain"},
		"plan-workloads.txt":            {"-f", "testdata/plan-workloads.yaml", "--gpu", "H100-SXM5-80GB"},
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
	_, _, err := runPlan(t, "plan", llama8, "--gpu", "T4")
	if err == nil || !strings.Contains(err.Error(), "13.4GiB of 14.56GiB for the engine - 14.99GiB weights") {
		t.Errorf("8B on a T4: %v", err)
	}
	for args, want := range map[string]struct{ gpus, fewer, length int64 }{
		llama8 + " --gpu A100-SXM4-80GB":            {gpus: 1},
		llama70 + " --gpu H100-SXM5-80GB --tp auto": {gpus: 4, fewer: 2, length: 16384},
		llama70 + " --gpu A100-SXM4-80GB --tp=auto": {gpus: 4, fewer: 2, length: 25600},
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
			t.Errorf(
				"%s: fits %v on %d GPUs, on %d with up to %d tokens; want %+v",
				args,
				whole.Fits,
				whole.GPUs,
				whole.FewerGPUs,
				whole.FewerMaxModelLen,
				want,
			)
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
	var answers planReport
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	return answers.Plans[0]
}

// A table of 100 columns can be read in a terminal, and what fits is sorted by price.
func TestPlanTableIsNarrow(t *testing.T) {
	for _, model := range []string{llama8, llama70, "meta-llama/Llama-3.1-405B-Instruct", "deepseek-ai/DeepSeek-V3", "openai/gpt-oss-120b", "Qwen/Qwen3-0.6B"} {
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
		"A30": "A30-24GB", "3090": "RTX-3090", "a100 sxm 80gb": "A100-SXM4-80GB", "NVIDIA H200": "H200-SXM-141GB", "T4": "T4", "gb200": "GB200", "A30:2g.12gb": "A30-24GB",
		"H100 SXM": "H100-SXM5-80GB",
	} {
		if got := planned(
			t,
			llama8,
			"--max-model-len",
			"1k",
			"--gpu",
			name,
			"--gpu",
			"B200",
		).Options; !slices.ContainsFunc(
			got,
			func(o *optionReport) bool { return o.GPU == want },
		) {
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
	if err := os.WriteFile(
		scaled,
		[]byte(
			strings.Replace(config, `131072`, `32768,"rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":32768}`, 1),
		),
		0o644,
	); err != nil {
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
	text := strings.NewReplacer(
		"14336",
		"17408",
		`"hidden_size":4096`,
		`"hidden_size":16384,"head_dim":128,"quantization_config":{"quant_method":"fp8","weight_block_size":[128,256]}`,
	).Replace(
		config,
	)
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
	plan := planned(
		t,
		llama8,
		"--max-model-len",
		"2k",
		"--gpu",
		"A100-SXM4-80GB",
		"--gpu",
		"A100-SXM4-80GB:3g.40gb",
		"--price",
		"A100-SXM4-80GB=1.00",
	)
	for _, o := range plan.Options {
		if want := map[memoryplan.Form]int64{memoryplan.WholeForm: 1_000_000, memoryplan.MIGForm: 500_000}[o.Form]; want > 0 &&
			*o.MicroDollars != want {
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
		{"deepseek-ai/DeepSeek-V3", "--max-model-len", "4k"}, {"google-bert/bert-base-uncased", "--engine", "plain"}, {llama8, "--engine", "sglang"},
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

func TestPlanMistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const header = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
	server := func(args string) string {
		return header + "  - name: server\n    image: vllm/vllm-openai:v0.11.0\n    args: [" + args + "]\n"
	}
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no model":            {[]string{}, cli.ExitUsage, "want a MODEL, or the pods of a manifest with -f"},
		"two models":          {[]string{"a", "b"}, cli.ExitUsage, "want one MODEL"},
		"unknown model":       {[]string{"meta-llama/Llama-3.1-9B"}, cli.ExitUsage, "near it are"},
		"unknown model, help": {[]string{"nobody/nothing"}, cli.ExitUsage, "--config FILE, or have it read with --hub"},
		"unknown format":      {[]string{llama8, "-o", "xml"}, cli.ExitUsage, `--output "xml": want one of table, json, yaml, claim`},
		"unknown engine":      {[]string{llama8, "--engine", "ollama"}, cli.ExitUsage, `--engine "ollama": want one of`},
		"unknown GPU":         {[]string{llama8, "--gpu", "H1000"}, cli.ExitUsage, `--gpu: unknown GPU model "H1000"`},
		"unknown profile": {
			[]string{llama8, "--gpu", "A30-24GB:3g.20gb"},
			cli.ExitUsage,
			"A30-24GB has no MIG profile \"3g.20gb\": it has 1g.6gb, 2g.12gb",
		},
		"GPU without MIG": {[]string{llama8, "--gpu", "L4:1g.5gb"}, cli.ExitUsage, "L4 has no MIG"},
		"bad length": {
			[]string{llama8, "--max-model-len", "long"},
			cli.ExitUsage,
			`--max-model-len long: "long" is not a whole number`,
		},
		"bad concurrency": {[]string{llama8, "--concurrency", "0"}, cli.ExitUsage, "--concurrency 0: want 1 to"},
		"bad context":     {[]string{llama8, "--context", "-1"}, cli.ExitUsage, "--context"},
		"several GPUs": {
			[]string{llama8, "--gpu", "H100"},
			cli.ExitUsage,
			`--gpu: "H100" may be any of H100-NVL-94GB, H100-PCIe-80GB, H100-SXM5-80GB: name one`,
		},
		"several GPUs, price": {[]string{llama8, "--price", "A100=1"}, cli.ExitUsage, `--price: "A100" may be any of A100-PCIe-40GB`},
		"bad degree":          {[]string{llama8, "--tp", "3"}, cli.ExitUsage, "--tp 3: it does not divide the model's 32 attention heads"},
		"bad degree after --": {[]string{llama8, "--", "-tp", "3"}, cli.ExitUsage, "--tp 3: it does not divide"},
		"bad stages":          {[]string{llama8, "--pp", "40"}, cli.ExitUsage, "--pp 40: the model has only 32 layers"},
		"bad degree of a pod": {
			[]string{"-f", write("three.yaml", server("--model="+llama8+", --tensor-parallel-size=3"))},
			cli.ExitFailure,
			"three.yaml:6: Pod a: ",
		},
		"unknown model in pod": {
			[]string{"-f", write("who.yaml", server("--model=nobody/nothing"))},
			cli.ExitFailure,
			"who.yaml:6: Pod a: model",
		},
		"context too long": {
			[]string{llama8, "--context", "9999", "--max-model-len", "4096"},
			cli.ExitUsage,
			"--context 9999: is more than --max-model-len allows, which is 4096",
		},
		"context, own length": {
			[]string{llama8, "--context", "200k"},
			cli.ExitUsage,
			"--context 200k: is more than the 131072 tokens that " + llama8,
		},
		"vLLM for pictures": {
			[]string{"resnet50", "--engine", "vllm"},
			cli.ExitUsage,
			"vllm does not serve resnet50, which is a vision model: use --engine plain",
		},
		"pictures in a pod": {
			[]string{"-f", write("vit.yaml", server("--model=google/vit-base-patch16-224"))},
			cli.ExitFailure,
			"vit.yaml:6: Pod a: vllm does not serve google/vit",
		},
		"empty config":         {[]string{"--config", write("empty.json", " \n")}, cli.ExitFailure, "empty.json: is empty"},
		"bad hub":              {[]string{llama8, "--hub=huggingface.co"}, cli.ExitUsage, "want an address like"},
		"bad revision":         {[]string{llama8, "--hub", "--revision", "../main"}, cli.ExitUsage, "--revision"},
		"bad degree, no count": {[]string{llama8, "--tp", "all"}, cli.ExitUsage, "--tensor-parallel-size"},
		"bad version":          {[]string{llama8, "--engine-version", "new"}, cli.ExitUsage, `--engine-version: "new" is not a version`},
		"bad engine flag":      {[]string{llama8, "--", "--max-num-seqs", "x"}, cli.ExitUsage, "after --: --max-num-seqs"},
		"share of sglang": {
			[]string{llama8, "--engine", "sglang", "--share", "-o", "claim"},
			cli.ExitFailure,
			"sglang cannot be kept to a part of a GPU",
		},
		"share without claim": {[]string{llama8, "--share"}, cli.ExitUsage, "--share goes with -o claim"},
		"nothing to claim":    {[]string{llama8, "--gpu", "T4", "-o", "claim"}, cli.ExitNothingFits, "nothing to claim"},
		"bad price":           {[]string{llama8, "--price", "L4"}, cli.ExitUsage, `--price "L4": want a GPU and dollars per hour`},
		"price of nothing":    {[]string{llama8, "--price", "L5=1"}, cli.ExitUsage, `--price: unknown GPU model "L5"`},
		"no config":           {[]string{"--config", filepath.Join(dir, "missing.json")}, cli.ExitFailure, "missing.json: no such file"},
		"bad config": {
			[]string{"--config", write("bad.json", `{"model_type":"llama","hidden_size":-1}`)},
			cli.ExitFailure,
			"bad.json: config.json: hidden_size",
		},
		"bad index": {
			[]string{llama8, "--index", write("index.json", `{}`)},
			cli.ExitFailure,
			"index.json: safetensors index: metadata.total_size: missing",
		},
		"hub over http":      {[]string{llama8, "--hub=http://example.com"}, cli.ExitUsage, "want https"},
		"hub and a bad name": {[]string{"../../etc/passwd", "--hub"}, cli.ExitUsage, "is not a model's name"},
		"address as model":   {[]string{"https://huggingface.co/" + llama8}, cli.ExitUsage, "the hub's address goes with --hub"},
		"no file":            {[]string{"-f", filepath.Join(dir, "missing.yaml")}, cli.ExitFailure, "missing.yaml: no such file"},
		"not YAML":           {[]string{"-f", write("broken.yaml", "a: b\n c: [\n")}, cli.ExitFailure, "broken.yaml:1:4: is not YAML: "},
		"no pod":             {[]string{"-f", write("service.yaml", "kind: Service\n")}, cli.ExitFailure, "service.yaml: no pod in it"},
		"no server": {
			[]string{"-f", write("web.yaml", header+"  - {name: web, image: nginx}\n")},
			cli.ExitFailure,
			"web.yaml:6: Pod a: starts no model server",
		},
		"number among args": {
			[]string{"-f", write("number.yaml", server("--max-model-len, 8192"))},
			cli.ExitFailure,
			"number.yaml:8: Pod a: args: 8192 is no text in YAML: put it in quotes",
		},
		"setting refused": {
			[]string{"-f", write("refused.yaml", server("--max-model-len=-5"))},
			cli.ExitFailure,
			"refused.yaml:6: Pod a: container server: args[0]: --max-model-len",
		},
		"model in a volume": {
			[]string{"-f", write("volume.yaml", server("--model=/models/mine"))},
			cli.ExitFailure,
			"Pod a: the model is unknown, because",
		},
		"template": {
			[]string{"-f", write("chart.yaml", "a: {{ .Values.x }}\n")},
			cli.ExitFailure,
			"chart.yaml: is a template of Helm's",
		},
		"nested": {
			[]string{"-f", write("deep.yaml", strings.Repeat("[", 100)+strings.Repeat("]", 100))},
			cli.ExitFailure,
			"is nested more than 64 deep",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, _, err := runPlan(t, append([]string{"plan"}, tc.args...)...)
			if err == nil {
				t.Fatalf("no error, printed %q", out)
			}
			if code := cli.ExitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
			if out != "" {
				t.Errorf("printed %q beside the error", out)
			}
		})
	}
}

const config = `{"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,
"intermediate_size":14336,"vocab_size":128256,"max_position_embeddings":131072,"torch_dtype":"bfloat16","tie_word_embeddings":false}`

// A config.json says as much as the catalogue, from a file, a folder or a hub.
func TestPlanSources(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/me/mine/resolve/main/config.json":
			_, _ = w.Write([]byte(config))
		case "/me/mine/resolve/main/model.safetensors.index.json":
			_, _ = w.Write([]byte(`{"metadata":{"total_size":16100000000},"weight_map":{}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer hub.Close()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	want := planned(t, llama8)
	for name, args := range map[string][]string{
		"file":   {"--config", file},
		"named":  {"me/mine", "--config", file},
		"path":   {file},
		"folder": {folder},
		"hub":    {"me/mine", "--hub=" + hub.URL},
		"spaced": {"me/mine", "--hub", hub.URL},
	} {
		got := planned(t, args...)
		if got.Parameters != want.Parameters || len(got.Options) != len(want.Options) {
			t.Errorf("%s: %d parameters, want %d", name, got.Parameters, want.Parameters)
		}
		if published := strings.HasPrefix(name, "hub") || name == "spaced"; published != (got.WeightBytes > want.WeightBytes) {
			t.Errorf("%s: %d bytes of weights", name, got.WeightBytes)
		}
	}
	_, _, err := runPlan(t, "plan", "meta-llama/Llama-3.1-9B", "--hub="+hub.URL)
	if err == nil || !strings.Contains(err.Error(), "did you mean meta-llama/") {
		t.Errorf("a model that the hub lacks: %v", err)
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

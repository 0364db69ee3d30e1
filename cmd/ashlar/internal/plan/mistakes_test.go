package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

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
	trainer := func(command string) string {
		return header + "  - name: trainer\n    image: pytorch\n    command: [" + command + "]\n"
	}
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no model":      {[]string{}, cli.ExitUsage, "want a MODEL, or the pods of a manifest with -f"},
		"two models":    {[]string{"a", "b"}, cli.ExitUsage, "want one MODEL"},
		"unknown model": {[]string{"meta-llama/Llama-3.1-9B"}, cli.ExitUsage, "near it are"},
		"mistyped model": {
			[]string{"meta-llama/Llama-3.1-8B-Instuct"}, cli.ExitUsage, "near it are meta-llama/Llama-3.1-8B-Instruct, ",
		},
		"unknown model, memory stated": {
			[]string{"-f", write("stated.yaml", strings.Replace(server("--model=nobody/nothing"), "{name: a}",
				"{name: a, annotations: {ashlar.dev/gpu-memory: 20Gi}}", 1))},
			cli.ExitUsage, "Ashlar's scheduler goes by the 20GiB per GPU that the pod states (ashlar.dev/gpu-memory)",
		},
		"unknown model, help": {[]string{"nobody/nothing"}, cli.ExitUsage, "--config FILE, or have it read with --hub"},
		"unknown format": {
			[]string{llama8, "-o", "xml"},
			cli.ExitUsage, `--output "xml": want one of table, json, yaml, claim`,
		},
		"unknown engine": {[]string{llama8, "--engine", "ollama"}, cli.ExitUsage, `--engine "ollama": want one of`},
		"unknown GPU":    {[]string{llama8, "--gpu", "H1000"}, cli.ExitUsage, `--gpu: unknown GPU model "H1000"`},
		"unknown profile": {
			[]string{llama8, "--gpu", "A30-24GB:3g.20gb"},
			cli.ExitUsage, "A30-24GB has no MIG profile \"3g.20gb\": it has 1g.6gb, 2g.12gb",
		},
		"GPU without MIG": {[]string{llama8, "--gpu", "L4:1g.5gb"}, cli.ExitUsage, "L4 has no MIG"},
		"bad length": {
			[]string{llama8, "--max-model-len", "long"},
			cli.ExitUsage, `--max-model-len long: "long" is not a whole number`,
		},
		"bad concurrency": {[]string{llama8, "--concurrency", "0"}, cli.ExitUsage, "--concurrency 0: want 1 to"},
		"bad context":     {[]string{llama8, "--context", "-1"}, cli.ExitUsage, "--context"},
		"unknown scheme": {
			[]string{llama8, "--quantization", "int4"},
			cli.ExitUsage, "--quantization int4: vLLM has no such scheme: to quantise 16-bit files while loading, state one of bitsandbytes, ",
		},
		"unknown scheme of SGLang": {
			[]string{llama8, "--engine", "sglang", "--", "--quantization", "fp8_per_block"},
			cli.ExitUsage, "after --: --quantization fp8_per_block: SGLang has no such scheme",
		},
		"unknown scheme in pod": {
			[]string{"-f", write("int8.yaml", server("--model="+llama8+", --quantization=int8"))},
			cli.ExitUsage, "int8.yaml:6: Pod a: container server: args[1]: --quantization int8: vLLM has no such scheme",
		},
		"training flag alone": {
			[]string{llama8, "--optimizer", "sgd"}, cli.ExitUsage, "--optimizer says how a model is trained: it goes with --train",
		},
		"serving flag, training": {
			[]string{llama8, "--train", "--concurrency", "4"}, cli.ExitUsage, "--concurrency is about serving a model: it does not go with --train",
		},
		"length, training": {[]string{llama8, "--train", "--max-model-len", "4k"}, cli.ExitUsage, "--train takes --sequence-length"},
		"manifest, nothing trains": {
			[]string{"--train", "-f", write("serves.yaml", server("--model="+llama8))}, cli.ExitUsage,
			"Pod a: starts nothing that is known to train; without --train, model servers are answered for",
		},
		"job, model unknown": {
			[]string{"-f", write("job.yaml", trainer("torchrun, --nproc-per-node=8, t.py"))}, cli.ExitUsage,
			"job.yaml:6: Pod a: runs torchrun: the model that it trains is unknown, because no argument names it; name it: ashlar plan MODEL -f ...",
		},
		"job, degrees": {
			[]string{"-f", write("tp.yaml", trainer("torchrun, --nproc-per-node=8, t.py, --model_name_or_path="+llama8+", "+
				"--tensor_parallel_size=3"))},
			cli.ExitUsage, "runs torchrun on 8 GPUs, which degrees of parallelism of 3 together do not divide",
		},
		"job, layers": {
			[]string{"-f", write("lora.yaml", trainer("torchrun, t.py, --model_name_or_path="+llama8+", --lora_r=8, --lora_target_modules=query"))},
			cli.ExitUsage,
			`lora.yaml:6: Pod a: runs torchrun: ` + llama8 + `: LoRA targets: the model has no layer "query": its linear layers are q_proj`,
		},
		"job, claim": {
			[]string{"-o", "claim", "-f", write("claim.yaml", trainer("torchrun, t.py, --model_name_or_path="+llama8))},
			cli.ExitUsage, "claim.yaml has training jobs only",
		},
		"bad degree, training": {[]string{llama8, "--train", "--tp", "3"}, cli.ExitUsage, "--tp: 3 does not divide the model's 32 heads"},
		"offload without shares": {[]string{llama8, "--train", "--sharding", "ddp", "--offload", "optimizer"}, cli.ExitUsage,
			"--offload: the optimizer goes"},
		"targets alone": {[]string{llama8, "--train", "--lora-targets", "q_proj"}, cli.ExitUsage, "it goes with --lora-rank"},
		"unknown checkpointing": {
			[]string{llama8, "--train", "--checkpointing=some"}, cli.ExitUsage,
			`--checkpointing "some": want one of none, attention, selective, full`,
		},
		"engine flags, training": {[]string{llama8, "--train", "--", "-tp", "2"}, cli.ExitUsage, "flags after -- are a model server's"},
		"claim, training":        {[]string{llama8, "--train", "-o", "claim"}, cli.ExitUsage, "it does not go with --train"},
		"unknown optimizer": {
			[]string{llama8, "--train", "--optimizer", "adam"}, cli.ExitUsage, `--optimizer "adam": want one of adamw, adamw-8bit, sgd,`,
		},
		"unknown stage":      {[]string{llama8, "--train", "--sharding", "zero"}, cli.ExitUsage, `--sharding "zero": want one of none, zero-1,`},
		"bad batch":          {[]string{llama8, "--train", "--batch", "0"}, cli.ExitUsage, "--batch 0: want 1 to"},
		"4 bits, trained":    {[]string{llama8, "--train", "--qlora"}, cli.ExitUsage, "it goes with --lora-rank"},
		"quantised, trained": {[]string{"Qwen/Qwen3-8B-AWQ", "--train"}, cli.ExitUsage, "its files are quantised (awq), which are not trained"},
		"several GPUs": {
			[]string{llama8, "--gpu", "H100"},
			cli.ExitUsage, `--gpu: "H100" may be any of H100-NVL-94GB, H100-PCIe-80GB, H100-SXM5-80GB: name one`,
		},
		"several GPUs, price": {
			[]string{llama8, "--price", "A100=1"},
			cli.ExitUsage, `--price: "A100" may be any of A100-PCIe-40GB`,
		},
		"bad degree": {
			[]string{llama8, "--tp", "3"},
			cli.ExitUsage, "--tp 3: it does not divide the model's 32 attention heads",
		},
		"bad degree after --": {[]string{llama8, "--", "-tp", "3"}, cli.ExitUsage, "--tp 3: it does not divide"},
		"bad stages":          {[]string{llama8, "--pp", "40"}, cli.ExitUsage, "--pp 40: the model has only 32 layers"},
		"bad degree of a pod": {
			[]string{"-f", write("three.yaml", server("--model="+llama8+", --tensor-parallel-size=3"))},
			cli.ExitUsage, "three.yaml:6: Pod a: ",
		},
		"unknown model in pod": {
			[]string{"-f", write("who.yaml", server("--model=nobody/nothing"))},
			cli.ExitUsage, "who.yaml:6: Pod a: model",
		},
		"context too long": {
			[]string{llama8, "--context", "9999", "--max-model-len", "4096"},
			cli.ExitUsage, "--context 9999: is more than --max-model-len allows, which is 4096",
		},
		"context, own length": {
			[]string{llama8, "--context", "200k"},
			cli.ExitUsage, "--context 200k: is more than the 131072 tokens that " + llama8,
		},
		"vLLM for pictures": {
			[]string{"resnet50", "--engine", "vllm"},
			cli.ExitUsage, "vllm does not serve resnet50, which is a vision model: use --engine plain",
		},
		"pictures in a pod": {
			[]string{"-f", write("vit.yaml", server("--model=google/vit-base-patch16-224"))},
			cli.ExitUsage, "vit.yaml:6: Pod a: vllm does not serve google/vit",
		},
		"empty config":         {[]string{"--config", write("empty.json", " \n")}, cli.ExitUsage, "empty.json: is empty"},
		"bad hub":              {[]string{llama8, "--hub=huggingface.co"}, cli.ExitUsage, "want an address like"},
		"bad revision":         {[]string{llama8, "--hub", "--revision", "../main"}, cli.ExitUsage, "--revision"},
		"bad degree, no count": {[]string{llama8, "--tp", "all"}, cli.ExitUsage, "--tensor-parallel-size"},
		"bad version": {
			[]string{llama8, "--engine-version", "new"},
			cli.ExitUsage, `--engine-version: "new" is not a version`,
		},
		"bad engine flag": {[]string{llama8, "--", "--max-num-seqs", "x"}, cli.ExitUsage, "after --: --max-num-seqs"},
		"share of sglang": {
			[]string{llama8, "--engine", "sglang", "--share", "-o", "claim"},
			cli.ExitUsage, "sglang cannot be kept to a part of a GPU",
		},
		"share without claim": {[]string{llama8, "--share"}, cli.ExitUsage, "--share goes with -o claim"},
		"nothing to claim":    {[]string{llama8, "--gpu", "T4", "-o", "claim"}, cli.ExitNothingFits, "nothing to claim"},
		"bad price": {
			[]string{llama8, "--price", "L4"},
			cli.ExitUsage, `--price "L4": want a GPU and dollars per hour`,
		},
		"price of nothing": {[]string{llama8, "--price", "L5=1"}, cli.ExitUsage, `--price: unknown GPU model "L5"`},
		"no config": {
			[]string{"--config", filepath.Join(dir, "missing.json")},
			cli.ExitUsage, "missing.json: no such file",
		},
		"bad config": {
			[]string{"--config", write("bad.json", `{"model_type":"llama","hidden_size":-1}`)},
			cli.ExitUsage, "bad.json: config.json: hidden_size",
		},
		"bad index": {
			[]string{llama8, "--index", write("index.json", `{}`)},
			cli.ExitUsage, "index.json: safetensors index: metadata.total_size: missing",
		},
		"hub over http":      {[]string{llama8, "--hub=http://example.com"}, cli.ExitUsage, "want https"},
		"hub and a bad name": {[]string{"../../etc/passwd", "--hub"}, cli.ExitUsage, "is not a model's name"},
		"address as model": {
			[]string{"https://huggingface.co/" + llama8},
			cli.ExitUsage, "the hub's address goes with --hub",
		},
		"no file": {
			[]string{"-f", filepath.Join(dir, "missing.yaml")},
			cli.ExitUsage, "missing.yaml: no such file",
		},
		"not YAML": {
			[]string{"-f", write("broken.yaml", "a: b\n c: [\n")},
			cli.ExitUsage, "broken.yaml:1:4: is not YAML: ",
		},
		"no pod": {
			[]string{"-f", write("service.yaml", "kind: Service\n")},
			cli.ExitUsage, "service.yaml: no pod in it",
		},
		"no server": {
			[]string{"-f", write("web.yaml", header+"  - {name: web, image: nginx}\n")},
			cli.ExitUsage, "web.yaml:6: Pod a: starts no model server",
		},
		"number among args": {
			[]string{"-f", write("number.yaml", server("--max-model-len, 8192"))},
			cli.ExitUsage, "number.yaml:8: Pod a: args: 8192 is no text in YAML: put it in quotes",
		},
		"setting refused": {
			[]string{"-f", write("refused.yaml", server("--max-model-len=-5"))},
			cli.ExitUsage, "refused.yaml:6: Pod a: container server: args[0]: --max-model-len",
		},
		"model in a volume": {
			[]string{"-f", write("volume.yaml", server("--model=/models/mine"))},
			cli.ExitUsage, "Pod a: the model is unknown, because",
		},
		"template": {
			[]string{"-f", write("chart.yaml", "a: {{ .Values.x }}\n")},
			cli.ExitUsage, "chart.yaml: is a template of Helm's",
		},
		"nested": {
			[]string{"-f", write("deep.yaml", strings.Repeat("[", 100)+strings.Repeat("]", 100))},
			cli.ExitUsage, "is nested more than 64 deep",
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

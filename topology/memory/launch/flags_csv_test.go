package launch_test

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/google/go-cmp/cmp"
)

// knownFlags lists flags of inference servers that decide memory, with their aliases
// and environment variables. It lies beside the checkout, not in it.
const knownFlags = "../../../../shared/data/inference_flags.csv"

// servers start each engine of the list, up to its flags.
var servers = map[string]string{
	"vllm":                       "vllm serve org/model",
	"sglang":                     "python3 -m sglang.launch_server",
	"tgi":                        "text-generation-launcher",
	"trtllm-serve":               "trtllm-serve org/model",
	"kserve huggingfaceserver":   "python3 -m huggingfaceserver",
	"kserve LLMInferenceService": "vllm serve org/model",
	"triton tensorrtllm":         "tritonserver",
}

// values are what flags that take one accept; others take "1".
var values = map[string]string{
	"--model": "org/model", "--model-path": "org/model", "--model-id": "org/model", "--model_id": "org/model", "--model_dir": "/mnt/models",
	"--kv-cache-dtype": "auto", "--dtype": "auto", "--quantization": "awq", "-q": "awq", "--quantize": "awq", "--backend": "vllm",
	"--config":             "/c.yaml",
	"--speculative-config": `{"method":"ngram"}`, "--speculative-config.model": "a/b", "--limit-mm-per-prompt": `{"image":1}`,
	"--hf-overrides": "{}",
	"--sharded":      "true", "--extra_llm_api_options": "/x.yaml",
}

var flagWords = regexp.MustCompile(`(?:^|[\s(/,;])(--?[a-zA-Z][A-Za-z0-9_.-]*)`)

func TestEveryKnownFlagIsUnderstood(t *testing.T) {
	file, err := os.Open(knownFlags)
	if os.IsNotExist(err) {
		t.Skipf("%s is not beside this checkout: the tables of the other tests cover its rows", knownFlags)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"engine", "flag", "aliases", "env"}, rows[0][:4]); diff != "" {
		t.Fatalf("rows[0][:4] (-want +got):\n%s", diff)
	}
	checked := 0
	for _, row := range rows[1:] {
		engine, flags, variables := row[0], row[1]+" "+row[2], row[3]
		start, known := servers[engine]
		if !known {
			t.Fatalf("engine %s has no server here", engine)
		}
		for _, match := range flagWords.FindAllStringSubmatch(flags, -1) {
			flag := match[1]
			if flag == "--no-" || strings.HasPrefix(flag, "--tensor_parallel_size") && engine != "vllm" {
				continue // a form, not a flag
			}
			t.Run(engine+" "+flag, func(t *testing.T) { understood(t, start, flag) })
			checked++
		}
		for variable := range strings.FieldsSeq(strings.ReplaceAll(variables, ",", " ")) {
			if engine == "tgi" && variable == strings.ToUpper(variable) && strings.Trim(variable, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
				t.Run(engine+" "+variable, func(t *testing.T) { variableUnderstood(t, start, variable) })
				checked++
			}
		}
		if engine == "triton tensorrtllm" {
			for _, parameter := range regexp.MustCompile(`[a-z][a-z_]+_[a-z_]+`).FindAllString(strings.Split(row[1], "(")[0], -1) {
				t.Run(engine+" "+parameter, func(t *testing.T) {
					_, err := launch.Read(launch.Container{Command: []string{"bash", "-c",
						"python3 fill_template.py -i c.pbtxt " + parameter + ":1; tritonserver"}})
					if err != nil {
						t.Fatal(err)
					}
				})
				checked++
			}
		}
	}
	if checked <= 90 {
		t.Fatalf("the walk found too few flags to mean anything: checked = %v, want more than %v", checked, 90)
	}
}

// understood checks that a flag is read or knowingly ignored, with a value or without.
func understood(t *testing.T, start, flag string) {
	c := run(t, start)
	c.Command = append(c.Command, flag)
	if value, given := values[flag]; given {
		c.Command = append(c.Command, value)
	} else if _, err := launch.Read(c); err != nil {
		c.Command = append(c.Command, "1")
	}
	r, err := launch.Read(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unrecognised) > 0 {
		t.Fatalf("r.Unrecognised = %v, want none", r.Unrecognised)
	}
}

func variableUnderstood(t *testing.T, start, variable string) {
	c := run(t, start)
	value := "1"
	switch variable {
	case "MODEL_ID":
		value = "org/model"
	case "SHARDED":
		value = "true"
	case "QUANTIZE":
		value = "awq"
	case "DTYPE":
		value = "float16"
	case "KV_CACHE_DTYPE":
		value = "fp8_e5m2"
	}
	c.Env = []launch.EnvVar{{Name: variable, Value: value}}
	r, err := launch.Read(c)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, where := range r.Explicit {
		found = found || strings.HasPrefix(where, "env: "+variable)
	}
	if !found {
		t.Fatalf("%v", r.Explicit)
	}
}

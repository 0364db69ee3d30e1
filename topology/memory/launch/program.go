package launch

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// argument is one word that a program is started with.
type argument struct {
	text  string // with holes
	place string // "args[2]"
}

// program is a model server that is known by name.
type program struct {
	server string
	engine memory.Engine // "" where the accounting is not known
	// dialect reads its flags; nil where the accounting is not known.
	dialect *dialect
	// because says why nothing can be told of its memory.
	because string
}

var (
	vllmServe    = &program{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("serve")}
	vllmModule   = &program{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("module")}
	vllmImage    = &program{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("image")}
	vllmBench    = &program{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("bench")}
	kaito        = &program{server: "vllm", engine: memory.VLLM, dialect: kaitoDialect()}
	sglangServer = &program{server: "sglang", engine: memory.SGLang, dialect: sglangDialect()}
	tgiLauncher  = &program{server: "tgi", engine: memory.TGI, dialect: tgiDialect()}
	trtllmServe  = &program{server: "tensorrt-llm", engine: memory.TensorRTLLM, dialect: trtllmDialect()}
	huggingface  = &program{server: "huggingfaceserver", engine: memory.VLLM, dialect: huggingfaceDialect()}
	tritonServer = &program{server: "triton", dialect: tritonDialect()}
	// rayNode joins a cluster of Nodes, over which a server may then be spread.
	rayNode       = unaccounted("ray")
	genericServer = &program{server: "plain", engine: memory.Plain, dialect: &dialect{lenient: true}}
)

func unaccounted(server string) *program {
	return &program{server: server, because: fmt.Sprintf("how %s takes memory is not known, state it with annotation %s", server, GPUMemory)}
}

// byEngine are the programs that Container.Engine stands for.
var byEngine = map[memory.Engine]*program{
	memory.VLLM: vllmImage, memory.SGLang: sglangServer, memory.TGI: tgiLauncher, memory.TensorRTLLM: trtllmServe, memory.Plain: genericServer,
}

// modules are what "python -m" starts.
var modules = map[string]*program{
	"vllm.entrypoints.openai.api_server":    vllmModule,
	"vllm.entrypoints.api_server":           vllmModule,
	"vllm.entrypoints.openai.run_batch":     vllmModule,
	"vllm.inference_api":                    kaito,
	"dynamo.vllm":                           vllmModule,
	"sglang.launch_server":                  sglangServer,
	"sglang_router.launch_server":           sglangServer,
	"sglang.srt.server":                     sglangServer,
	"dynamo.sglang":                         sglangServer,
	"tensorrt_llm.commands.serve":           trtllmServe,
	"huggingfaceserver":                     huggingface,
	"text_generation_server.cli":            unaccounted("text-generation-server"),
	"dynamo.trtllm":                         unaccounted("dynamo"),
	"fastchat.serve.model_worker":           unaccounted("fastchat"),
	"fastchat.serve.vllm_worker":            unaccounted("fastchat"),
	"llama_cpp.server":                      unaccounted("llama.cpp"),
	"lmdeploy":                              unaccounted("lmdeploy"),
	"mlc_llm":                               unaccounted("mlc-llm"),
	"aphrodite.endpoints.openai.api_server": unaccounted("aphrodite"),
}

// executables are programs by file name.
var executables = map[string]*program{
	"text-generation-launcher": tgiLauncher,
	"trtllm-serve":             trtllmServe,
	"huggingfaceserver":        huggingface,
	"tritonserver":             tritonServer,
	"launch_triton_server.py":  tritonServer,
	"llama-server":             unaccounted("llama.cpp"),
	"lmdeploy":                 unaccounted("lmdeploy"),
	"mlc_llm":                  unaccounted("mlc-llm"),
	"text-embeddings-router":   unaccounted("text-embeddings-inference"),
	"infinity_emb":             unaccounted("infinity"),
	"aphrodite":                unaccounted("aphrodite"),
	"torchserve":               unaccounted("torchserve"),
	"xinference-local":         unaccounted("xinference"),
	"xinference-worker":        unaccounted("xinference"),
	"local-ai":                 unaccounted("localai"),
	"koboldcpp":                unaccounted("koboldcpp"),
	"tensorflow_model_server":  unaccounted("tensorflow-serving"),
	"mlserver":                 unaccounted("mlserver"),
}

// subcommands are programs that do several things, by what they are told to do.
var subcommands = map[string]map[string]*program{
	"vllm":      {"serve": vllmServe, "bench": vllmBench, "run-batch": vllmModule},
	"sglang":    {"serve": sglangServer},
	"ollama":    {"serve": unaccounted("ollama"), "run": unaccounted("ollama")},
	"bentoml":   {"serve": unaccounted("bentoml")},
	"ray":       {"start": rayNode},
	"serve":     {"run": unaccounted("ray")},
	"llamafile": {"--server": unaccounted("llamafile")},
}

// wrappers start the program that is named further on among their arguments.
var wrappers = []string{
	"exec", "command", "nohup", "env", "time", "nice", "ionice", "stdbuf", "numactl", "timeout", "tini", "dumb-init", "catatonit", "sudo", "setsid",
	"gosu", "su-exec", "chroot", "taskset", "chrt", "nsys", "ncu", "ddtrace-run", "opentelemetry-instrument", "uv", "uvx", "poetry", "pipenv", "conda",
	"micromamba", "mamba", "mpirun", "mpiexec", "srun", "torchrun", "trtllm-llmapi-launch", "nvidia_entrypoint.sh", "entrypoint.sh", "strace",
	"docker-entrypoint.sh", "catchsegv", "unbuffer", "script", "prlimit", "systemd-run", "doppler", "vault-env", "infisical", "s6-setuidgid", "hpcrun",
}

func isWrapper(text string) bool { return slices.Contains(wrappers, path.Base(text)) }

// find tells which server the words start, and with which arguments.
func find(words []argument) (*program, []argument) {
	for i := range words {
		if p, n := start(words[i:]); p != nil {
			return p, words[i+n:]
		}
		if i == 0 && !isWrapper(words[0].text) {
			break
		}
	}
	return nil, nil
}

// start recognises the server that the first words start, and how many they are.
func start(words []argument) (*program, int) {
	if len(words) == 0 {
		return nil, 0
	}
	name := path.Base(words[0].text)
	if isPython(name) {
		return python(words)
	}
	if p, found := executables[name]; found {
		if p == trtllmServe && len(words) > 1 && words[1].text == "serve" {
			return p, 2
		}
		return p, 1
	}
	if subs, found := subcommands[name]; found && len(words) > 1 {
		p := subs[words[1].text]
		if p == vllmBench {
			// Latency and throughput are measured with an engine of their own, serving
			// with a server elsewhere.
			if len(words) < 3 || words[2].text != "latency" && words[2].text != "throughput" {
				return nil, 0
			}
			return p, 3
		}
		return p, 2
	}
	return sourceFile(words[0].text), 1
}

// sourceFile recognises a server's source file: /opt/vllm/entrypoints/openai/api_server.py.
func sourceFile(file string) *program {
	module, isSource := strings.CutSuffix(file, ".py")
	if !isSource {
		return nil
	}
	if p, found := executables[path.Base(file)]; found {
		return p
	}
	parts := strings.Split(strings.Trim(module, "/"), "/")
	for i := range parts {
		if p, found := modules[strings.Join(parts[i:], ".")]; found {
			return p
		}
	}
	return nil
}

func isPython(name string) bool {
	rest, found := strings.CutPrefix(name, "python")
	return found && strings.Trim(rest, "0123456789.") == ""
}

// python reads python [options] -m module, and python [options] file.
func python(words []argument) (*program, int) {
	for i := 1; i < len(words); i++ {
		switch text := words[i].text; {
		case text == "-m" && i+1 < len(words):
			p := modules[words[i+1].text]
			if p == nil && words[i+1].text == "vllm.entrypoints.cli.main" {
				p, n := start(append([]argument{{text: "vllm"}}, words[i+2:]...))
				return p, n + i + 1
			}
			return p, i + 2
		case text == "-X" || text == "-W":
			i++
		case strings.HasPrefix(text, "-"):
		default:
			return sourceFile(text), i + 1
		}
	}
	return nil, 0
}

// script is what a shell is told to run.
type script struct {
	text      string
	at        int // index of the text among the words
	arguments []string
}

var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

// scriptOf finds the script in "bash -c script name arguments", behind wrappers too.
func scriptOf(words []string) (script, bool, error) {
	for i, w := range words {
		if slices.Contains(shells, path.Base(w)) {
			return afterShell(words, i+1)
		}
		if i == 0 && !isWrapper(w) {
			break
		}
	}
	return script{}, false, nil
}

func afterShell(words []string, from int) (script, bool, error) {
	given := false
	for i := from; i < len(words); i++ {
		w := words[i]
		switch {
		case given && (w == "" || w[0] != '-' && w[0] != '+'):
			arguments := words[i+1:]
			if len(arguments) == 0 {
				arguments = []string{""}
			}
			return script{w, i, arguments}, true, nil
		case w == "sh" && from == i:
		case strings.HasPrefix(w, "--"):
		case len(w) > 1 && (w[0] == '-' || w[0] == '+'):
			given = given || w[0] == '-' && strings.Contains(w, "c")
			if strings.HasSuffix(w, "o") {
				i++
			}
		default:
			return script{}, false, nil // a file
		}
	}
	if given {
		return script{}, true, fmt.Errorf("%s -c: no script follows", words[from-1])
	}
	return script{}, false, nil
}

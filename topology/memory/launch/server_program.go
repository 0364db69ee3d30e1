package launch

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// placedWord is one word that a program is started with.
type placedWord struct {
	text  string // with unknown text
	place string // "args[2]"
}

// serverProgram is a model server that is known by name.
type serverProgram struct {
	server string
	engine memory.Engine // "" where the accounting is not known
	// dialect reads its flags; nil where the accounting is not known.
	dialect *flagDialect
	// because says why nothing can be told of its memory.
	because string
}

var (
	vllmServe         = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("serve")}
	vllmModule        = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("module")}
	vllmImage         = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("image")}
	vllmBench         = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: vllmDialect("bench")}
	dynamoVLLM        = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: dynamoDialect()}
	kaitoServer       = &serverProgram{server: "vllm", engine: memory.VLLM, dialect: kaitoDialect()}
	sglangServer      = &serverProgram{server: "sglang", engine: memory.SGLang, dialect: sglangDialect()}
	tgiLauncher       = &serverProgram{server: "tgi", engine: memory.TGI, dialect: tgiDialect()}
	trtllmServe       = &serverProgram{server: "tensorrt-llm", engine: memory.TensorRTLLM, dialect: trtllmDialect()}
	huggingfaceServer = &serverProgram{server: "huggingfaceserver", engine: memory.VLLM, dialect: huggingfaceDialect()}
	tritonServer      = &serverProgram{server: "triton", dialect: tritonDialect()}
	// rayNode joins a cluster of Nodes, over which a server may then be spread.
	rayNode     = unaccountedServer("ray")
	plainServer = &serverProgram{server: "plain", engine: memory.Plain, dialect: &flagDialect{lenient: true}}
)

func unaccountedServer(server string) *serverProgram {
	switch server { // those that are accounted for after all
	case "text-embeddings-inference":
		return teiServer
	case "infinity":
		return infinityServer
	}
	return &serverProgram{server: server, because: fmt.Sprintf("how %s takes memory is not known, state it with annotation %s", server,
		GPUMemoryAnnotation)}
}

// engineServers are the programs that Container.Engine stands for.
var engineServers = map[memory.Engine]*serverProgram{
	memory.VLLM: vllmImage, memory.SGLang: sglangServer, memory.TGI: tgiLauncher, memory.TensorRTLLM: trtllmServe, memory.Plain: plainServer,
	memory.TEI: teiServer, memory.Infinity: infinityServer, memory.Triton: plainTriton, memory.CTranslate2: whisperServer,
}

// pythonModules are what "python -m" starts.
var pythonModules = map[string]*serverProgram{
	"vllm.entrypoints.openai.api_server":    vllmModule,
	"vllm.entrypoints.api_server":           vllmModule,
	"vllm.entrypoints.openai.run_batch":     vllmModule,
	"vllm.inference_api":                    kaitoServer,
	"dynamo.vllm":                           dynamoVLLM,
	"sglang.launch_server":                  sglangServer,
	"sglang_router.launch_server":           sglangServer,
	"sglang.srt.server":                     sglangServer,
	"dynamo.sglang":                         sglangServer,
	"tensorrt_llm.commands.serve":           trtllmServe,
	"huggingfaceserver":                     huggingfaceServer,
	"text_generation_server.cli":            unaccountedServer("text-generation-server"),
	"dynamo.trtllm":                         unaccountedServer("dynamo"),
	"fastchat.serve.model_worker":           unaccountedServer("fastchat"),
	"fastchat.serve.vllm_worker":            unaccountedServer("fastchat"),
	"llama_cpp.server":                      unaccountedServer("llama.cpp"),
	"lmdeploy":                              unaccountedServer("lmdeploy"),
	"mlc_llm":                               unaccountedServer("mlc-llm"),
	"aphrodite.endpoints.openai.api_server": unaccountedServer("aphrodite"),
}

// serverExecutables are programs by file name.
var serverExecutables = map[string]*serverProgram{
	"text-generation-launcher": tgiLauncher,
	"trtllm-serve":             trtllmServe,
	"huggingfaceserver":        huggingfaceServer,
	"tritonserver":             tritonServer,
	"launch_triton_server.py":  tritonServer,
	"llama-server":             unaccountedServer("llama.cpp"),
	"lmdeploy":                 unaccountedServer("lmdeploy"),
	"mlc_llm":                  unaccountedServer("mlc-llm"),
	"text-embeddings-router":   unaccountedServer("text-embeddings-inference"),
	"infinity_emb":             unaccountedServer("infinity"),
	"aphrodite":                unaccountedServer("aphrodite"),
	"torchserve":               unaccountedServer("torchserve"),
	"xinference-local":         unaccountedServer("xinference"),
	"xinference-worker":        unaccountedServer("xinference"),
	"local-ai":                 unaccountedServer("localai"),
	"koboldcpp":                unaccountedServer("koboldcpp"),
	"tensorflow_model_server":  unaccountedServer("tensorflow-serving"),
	"mlserver":                 unaccountedServer("mlserver"),
}

// serverSubcommands are programs that do several things, by what they are told to do.
var serverSubcommands = map[string]map[string]*serverProgram{
	"vllm":      {"serve": vllmServe, "bench": vllmBench, "run-batch": vllmModule},
	"sglang":    {"serve": sglangServer},
	"ollama":    {"serve": unaccountedServer("ollama"), "run": unaccountedServer("ollama")},
	"bentoml":   {"serve": unaccountedServer("bentoml")},
	"ray":       {"start": rayNode},
	"serve":     {"run": unaccountedServer("ray")},
	"llamafile": {"--server": unaccountedServer("llamafile")},
}

// wrapperPrograms start the program that is named further on among their arguments.
var wrapperPrograms = []string{
	"exec", "command", "nohup", "env", "time", "nice", "ionice", "stdbuf", "numactl", "timeout", "tini", "dumb-init", "catatonit",
	"sudo", "setsid",
	"gosu", "su-exec", "chroot", "taskset", "chrt", "nsys", "ncu", "ddtrace-run", "opentelemetry-instrument", "uv", "uvx", "poetry",
	"pipenv", "conda",
	"micromamba", "mamba", "mpirun", "mpiexec", "srun", "torchrun", "trtllm-llmapi-launch", "nvidia_entrypoint.sh", "entrypoint.sh", "strace",
	"docker-entrypoint.sh", "catchsegv", "unbuffer", "script", "prlimit", "systemd-run", "doppler", "vault-env", "infisical",
	"s6-setuidgid", "hpcrun",
}

func isWrapperProgram(text string) bool { return slices.Contains(wrapperPrograms, path.Base(text)) }

// findServer tells which server the words start, and with which arguments.
func findServer(words []placedWord) (*serverProgram, []placedWord) {
	for i := range words {
		if p, n := recogniseServer(words[i:]); p != nil {
			return p, words[i+n:]
		}
		if i == 0 && !isWrapperProgram(words[0].text) {
			break
		}
	}
	return nil, nil
}

// recogniseServer recognises the server that the first words start, and how many they are.
func recogniseServer(words []placedWord) (*serverProgram, int) {
	if len(words) == 0 {
		return nil, 0
	}
	name := path.Base(words[0].text)
	if isPythonName(name) {
		return findPython(words)
	}
	if p, found := serverExecutables[name]; found {
		if p == trtllmServe && len(words) > 1 && words[1].text == "serve" {
			return p, 2
		}
		return p, 1
	}
	if subs, found := serverSubcommands[name]; found && len(words) > 1 {
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
	return findSourceFile(words[0].text), 1
}

// findSourceFile recognises a server's source file: /opt/vllm/entrypoints/openai/api_server.py.
func findSourceFile(file string) *serverProgram {
	module, isSource := strings.CutSuffix(file, ".py")
	if !isSource {
		return nil
	}
	if p, found := serverExecutables[path.Base(file)]; found {
		return p
	}
	parts := strings.Split(strings.Trim(module, "/"), "/")
	for i := range parts {
		if p, found := pythonModules[strings.Join(parts[i:], ".")]; found {
			return p
		}
	}
	return nil
}

func isPythonName(name string) bool {
	rest, found := strings.CutPrefix(name, "python")
	return found && strings.Trim(rest, "0123456789.") == ""
}

// findPython reads python [options] -m module, and python [options] file.
func findPython(words []placedWord) (*serverProgram, int) {
	for i := 1; i < len(words); i++ {
		switch text := words[i].text; {
		case text == "-m" && i+1 < len(words):
			p := pythonModules[words[i+1].text]
			if p == nil && words[i+1].text == "vllm.entrypoints.cli.main" {
				p, n := recogniseServer(append([]placedWord{{text: "vllm"}}, words[i+2:]...))
				return p, n + i + 1
			}
			return p, i + 2
		case text == "-X" || text == "-W":
			i++
		case strings.HasPrefix(text, "-"):
		default:
			return findSourceFile(text), i + 1
		}
	}
	return nil, 0
}

// shellScript is what a shell is told to run.
type shellScript struct {
	text      string
	at        int // index of the text among the words
	arguments []string
}

var shellNames = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

// findScript finds the script in "bash -c script name arguments", behind wrappers too.
func findScript(words []string) (shellScript, bool, error) {
	for i, w := range words {
		if slices.Contains(shellNames, path.Base(w)) {
			return scriptAfterShell(words, i+1)
		}
		if i == 0 && !isWrapperProgram(w) {
			break
		}
	}
	return shellScript{}, false, nil
}

func scriptAfterShell(words []string, from int) (shellScript, bool, error) {
	given := false
	for i := from; i < len(words); i++ {
		w := words[i]
		switch {
		case given && (w == "" || w[0] != '-' && w[0] != '+'):
			arguments := words[i+1:]
			if len(arguments) == 0 {
				arguments = []string{""}
			}
			return shellScript{w, i, arguments}, true, nil
		case w == "sh" && from == i:
		case strings.HasPrefix(w, "--"):
		case len(w) > 1 && (w[0] == '-' || w[0] == '+'):
			given = given || w[0] == '-' && strings.Contains(w, "c")
			if strings.HasSuffix(w, "o") {
				i++
			}
		default:
			return shellScript{}, false, nil // a file
		}
	}
	if given {
		return shellScript{}, true, fmt.Errorf("%s -c: no script follows", words[from-1])
	}
	return shellScript{}, false, nil
}

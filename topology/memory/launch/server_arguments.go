package launch

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// modelFlags are those by which arguments alone tell that an image starts a server.
var modelFlags = map[memory.Engine][]string{
	memory.VLLM: {"--model", "--model-tag"}, memory.SGLang: {"--model-path", "--model"},
	memory.TGI: {"--model-id"}, memory.TensorRTLLM: {"--model"},
}

// ownArguments are flags that only one engine has among those that are known here, by which arguments tell
// it where neither program nor image does.
var ownArguments = map[memory.Engine][]string{
	memory.VLLM: {"--gpu-memory-utilization", "--max-model-len", "--max-num-seqs", "--max-num-batched-tokens", "--enforce-eager",
		"--enable-prefix-caching", "--enable-chunked-prefill", "--pipeline-parallel-size", "--limit-mm-per-prompt", "--swap-space"},
	memory.SGLang: {"--mem-fraction-static", "--context-length", "--chunked-prefill-size", "--disable-radix-cache", "--schedule-policy",
		"--max-running-requests", "--cuda-graph-max-bs"},
	memory.TGI: {"--num-shard", "--max-total-tokens", "--max-input-tokens", "--max-input-length", "--max-batch-prefill-tokens",
		"--cuda-memory-fraction", "--waiting-served-ratio"},
}

// flagNames are the names of the flags among words, as settings spell them; nil if the first word is none.
func flagNames(words []placedWord) []string {
	if len(words) == 0 || !isFlagWord(words[0].text) {
		return nil
	}
	var names []string
	for _, word := range words {
		if isFlagWord(word.text) {
			name, _, _ := strings.Cut(word.text, "=")
			names = append(names, canonicalName(name))
		}
	}
	return names
}

func haveCommon(names, others []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(others, name) })
}

// startsByArguments is the server that an image starts itself, as the arguments or the environment tell; nil if they
// do not.
func (i serverImage) startsByArguments(words []placedWord, env containerEnv) *serverProgram {
	if i.program == djlServer && (env["HF_MODEL_ID"] != "" || env["OPTION_MODEL_ID"] != "") {
		return djlServer
	}
	engine := i.program.engine
	names := flagNames(words)
	if len(words) > 0 && names == nil {
		return nil
	}
	if engine == memory.TGI && (env["MODEL_ID"] != "" || env["HF_MODEL_ID"] != "") || haveCommon(names, modelFlags[engine]) {
		return engineServers[engine]
	}
	return nil
}

// serverOfArguments is the server that arguments alone tell of: they name a model, and have flags of one
// engine and of no other. nil if there is none.
func serverOfArguments(words []placedWord) *serverProgram {
	names := flagNames(words)
	var found []memory.Engine
	for engine, own := range ownArguments {
		if haveCommon(names, own) {
			found = append(found, engine)
		}
	}
	if len(found) != 1 || !haveCommon(names, modelFlags[found[0]]) {
		return nil
	}
	return engineServers[found[0]]
}

// forcedServer is the server of an engine that only an annotation names: it overlooks words that belong to the
// program that starts it.
func forcedServer(engine memory.Engine) *serverProgram {
	known := engineServers[engine]
	if known == nil || known.dialect == nil {
		return known
	}
	program, dialect := *known, *known.dialect
	dialect.lenient, dialect.words = true, maxWords
	program.dialect = &dialect
	return &program
}

// forcedWords are the words of a program that is not known from its first long flag on; nil if it has none.
func forcedWords(words []placedWord) []placedWord {
	at := slices.IndexFunc(words, func(w placedWord) bool { return strings.HasPrefix(w.text, "--") && len(w.text) > 2 })
	if at < 0 {
		return nil
	}
	return words[at:]
}

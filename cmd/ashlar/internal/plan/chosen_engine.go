package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// vllmArguments are the flags that were given, as vLLM's arguments, but for a type that faster-whisper alone has.
func (f *launchFlags) vllmArguments(q *serverQuestion) []string {
	words := f.namedArguments()
	if dtype := *f.stated["dtype"]; q.Launch.Engine == memory.CTranslate2 && slices.Contains(whisperTypes, dtype) {
		q.Launch.Dtype = dtype
		words = slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "--dtype=") })
	}
	return words
}

// whisperTypes are types of CTranslate2 in which weights take 8 bits.
var whisperTypes = []string{"int8", "int8_float16", "int8_bfloat16", "int8_float32"}

// chosenEngine says which server was chosen for a model for which none is stated, what it does by default, and which
// others there are.
func chosenEngine(engine memory.Engine, m *model.Model) string {
	var others []string
	for _, other := range memory.Engines() {
		if other != engine && memoryplan.CanServe(other, m) && (other.LoadsOnly() || other == memory.VLLM) {
			others = append(others, string(other))
		}
	}
	about := map[memory.Engine]string{
		memory.TEI:         "weights in 16 bits, batches of up to 16,384 tokens unless --max-num-batched-tokens states others",
		memory.CTranslate2: "weights in 16 bits unless --dtype int8, 5 beams and batches of one unless --beams and --max-num-seqs state others",
		memory.Plain:       "a process that loads the files as they are and runs batches of one unless --max-num-seqs states others",
	}[engine]
	name := engine.Title()
	if engine == memory.Plain {
		name = "PyTorch or the like"
	}
	return fmt.Sprintf("planned for %s, as nothing names a server: %s; --engine takes %s too", name, about, strings.Join(others, ", "))
}

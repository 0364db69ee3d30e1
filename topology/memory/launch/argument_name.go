package launch

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// ArgumentName is what an engine calls a field on its command line, as its documents
// write it: "--max-model-len" for vLLM's FieldMaxModelLen, "--max_seq_len" for
// TensorRT-LLM's. known is false if the engine has no argument for the field alone.
func ArgumentName(engine memory.Engine, field Field) (name string, known bool) {
	server, known := engineServers[engine]
	if !known {
		return "", false
	}
	for i := range server.dialect.settings {
		s := &server.dialect.settings[i]
		if s.read == nil || len(s.fields) == 0 || s.fields[0] != field {
			continue
		}
		if dashless, long := strings.CutPrefix(s.names[0], "--"); long && server.dialect.underscores {
			return "--" + strings.ReplaceAll(dashless, "-", "_"), true
		}
		return s.names[0], true
	}
	return "", false
}

// DescribeFault says an error about a setting in the words of the engine's command line:
// "--tensor-parallel-size 3: it does not divide the model's 32 attention heads".
func DescribeFault(engine memory.Engine, fault *memory.LaunchError) string {
	for _, field := range Fields() {
		if field.String() != fault.Field {
			continue
		}
		if name, known := ArgumentName(engine, field); known {
			return fmt.Sprintf("%s %s: %s", name, fault.Value, fault.Problem)
		}
	}
	return fault.Error()
}

package launch

import (
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

package memory

// assumedLengths are the tokens that engines take for the longest request where neither the launch nor the
// model states any. Sources: default_max_len in vllm/config (_get_and_verify_max_len),
// get_context_length in sglang/srt/utils/hf_transformers_utils.py, the launcher of TGI.
var assumedLengths = map[Engine]int64{VLLM: 2048, SGLang: 2048, TGI: 4096}

// longestRequest is what a server takes for the longest request in tokens: as launched, as the model states, or
// what the engine assumes; at least 1.
func (s *Server) longestRequest() int64 {
	for _, tokens := range []int64{s.Launch.MaxModelLen, s.Model.MaxPositions, assumedLengths[s.Launch.Engine]} {
		if tokens > 0 {
			return tokens
		}
	}
	return 1
}

// AssumedLength is the longest request in tokens that an engine assumes where the model states none; 0 if not known.
func AssumedLength(engine Engine) int64 { return assumedLengths[engine] }

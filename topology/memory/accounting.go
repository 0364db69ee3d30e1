package memory

// accountings says how each engine divides a GPU's memory. They fill in the
// estimate's settings, its lines, KV and Margin.
var accountings = map[Engine]func(*Server, *stage, *Estimate){
	VLLM:        (*Server).vllm,
	SGLang:      (*Server).sglang,
	TGI:         (*Server).tgi,
	TensorRTLLM: (*Server).tensorRT,
	Plain:       (*Server).plain,
}

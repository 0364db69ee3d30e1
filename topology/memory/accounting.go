package memory

// engineAccounts says how each engine divides a GPU's memory. They fill in the
// estimate's settings, its lines, KV and Margin.
var engineAccounts = map[Engine]func(*Server, *pipelineStage, *Estimate){
	VLLM:        (*Server).accountVLLM,
	SGLang:      (*Server).accountSGLang,
	TGI:         (*Server).accountTGI,
	TensorRTLLM: (*Server).accountTensorRT,
	Plain:       (*Server).accountPlain,
	TEI:         (*Server).accountTEI,
	Infinity:    (*Server).accountInfinity,
	Triton:      (*Server).accountTriton,
	CTranslate2: (*Server).accountCTranslate2,
}

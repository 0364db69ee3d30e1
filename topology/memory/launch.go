package memory

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Launch is how a model server is started, as far as memory goes. A zero field is
// one that was not stated: the engine's default for its version applies.
type Launch struct {
	Engine  Engine
	Version Version
	// Library says that the engine is driven as a Python library rather than as an
	// API server, for which vLLM has other defaults.
	Library bool

	// TensorParallel and the rest are degrees of parallelism.
	TensorParallel, PipelineParallel, DataParallel int64
	// ContextParallel is over how many GPUs one request's KV cache is spread.
	ContextParallel int64
	ExpertParallel  bool
	// StageLayers are the layers of each pipeline stage where they are not even.
	StageLayers []int64

	// MaxModelLen is the longest request in tokens, prompt and output together.
	MaxModelLen int64
	// FitModelLen says that the engine shortens MaxModelLen to what fits.
	FitModelLen bool
	// MaxSequences is how many requests are run at once, MaxBatchedTokens how many
	// tokens are computed in one step.
	MaxSequences, MaxBatchedTokens int64
	// GraphBatch is the largest batch for which a CUDA graph is captured.
	GraphBatch int64

	// Utilisation is the share of memory the engine may take, of what is up to the
	// engine: vLLM's gpu_memory_utilization, SGLang's mem_fraction_static, TGI's
	// cuda_memory_fraction, TensorRT-LLM's free_gpu_memory_fraction.
	Utilisation float64
	// KVMemory is stated KV cache memory per GPU, which replaces Utilisation.
	KVMemory topology.Bytes
	// KVTokens limits the KV cache to so many tokens.
	KVTokens int64
	// KVBlocks is a stated number of KV blocks.
	KVBlocks  int64
	BlockSize int64
	KVFormat  KVFormat

	// Dtype is what the model's unquantised tensors are converted to, "" for the
	// model's own: "float16", "bfloat16", "float32".
	Dtype string
	// Quantisation is the scheme that the engine is told, as FindScheme spells it: one that
	// is applied while loading, such as "fp8" or "bitsandbytes", or one that only confirms
	// what the model's files are already, which is read from their config.json.
	Quantisation string
	// Eager says that no CUDA graphs are captured.
	Eager bool
	// GraphsUncounted turns off vLLM's estimate of the memory that graphs take.
	GraphsUncounted bool
	// CPUOffload is how much of the weights stays in host memory, per GPU.
	CPUOffload topology.Bytes
	// NoHybridKV charges sliding layers for the whole context.
	NoHybridKV bool
	// NoPrefixCaching says that what requests begin alike with is not kept.
	NoPrefixCaching bool
	// LanguageOnly leaves vision and audio towers out.
	LanguageOnly bool
	// Media is what requests may hold beside text.
	Media MediaLimits

	// Adapters is how many LoRA adapters are held at once, of AdapterRank.
	Adapters, AdapterRank int64

	// Draft is a model for speculative decoding, by name; "mtp" for the model's own
	// draft layers. DraftTokens is how many tokens it proposes.
	Draft       string
	DraftTokens int64

	// Instances is how many copies of the model a server runs on each GPU: Triton's instance_group.
	Instances int64
	// Beams is how many continuations of each request are followed at once.
	Beams int64
}

// MediaLimits is what a server lets requests hold beside text.
type MediaLimits struct {
	Pictures, Videos, Sounds MediaCount
	// MaxPixels is how large the largest picture is, and MaxTiles into how many pieces it is cut at most; 0 for what the
	// model's preprocessor does.
	MaxPixels, MaxTiles int64
	// Unprofiled says that the engine starts without trying its towers, so that what they need is not set aside.
	Unprofiled bool
}

// MediaCount is how many items of one kind a request may hold; 0 for the engine's default.
type MediaCount int64

// NoMedia is the MediaCount of what requests may not hold at all.
const NoMedia MediaCount = -1

// ofKind is how many items of a kind a request may hold.
func (m *MediaLimits) ofKind(kind model.MediaKind) MediaCount {
	switch kind {
	case model.PictureMedia:
		return m.Pictures
	case model.VideoMedia:
		return m.Videos
	}
	return m.Sounds
}

// overlayLimits puts what over states in the place of what m does.
func (m *MediaLimits) overlayLimits(over *MediaLimits) {
	m.Pictures = cmp.Or(over.Pictures, m.Pictures)
	m.Videos = cmp.Or(over.Videos, m.Videos)
	m.Sounds = cmp.Or(over.Sounds, m.Sounds)
	m.MaxPixels = cmp.Or(over.MaxPixels, m.MaxPixels)
	m.MaxTiles = cmp.Or(over.MaxTiles, m.MaxTiles)
	m.Unprofiled = over.Unprofiled || m.Unprofiled
}

// GPUCount is how many GPUs one replica takes.
func (l *Launch) GPUCount() int64 { return max(1, l.TensorParallel) * max(1, l.PipelineParallel) }

// KVFormat is how the KV cache is stored.
type KVFormat int8

// The formats of KV caches.
const (
	KVAuto    KVFormat = iota // as the checkpoint states, else as wide as the model's activations: 16 bits
	KVFP8                     // 8 bits
	KVFP8MLA                  // 656 bytes for each latent vector of 576
	KVNVFP4                   // 4 bits and a scale per 16
	KVINT4                    // 4 bits and a 32-bit scale per head
	KVFP8Head                 // 8 bits and a 32-bit scale per head
	KVWide                    // 16 bits, whatever the checkpoint states
)

// takesCacheFormat reports whether the engine stores the KV cache as the checkpoint states unless it is told
// otherwise. Sources: resolve_kv_cache_dtype_string in vllm/utils and Attention in vllm/attention/layer.py of
// late 2025, before which 16 bits were taken; QuantConfig of TensorRT-LLM.
func (l *Launch) takesCacheFormat() bool {
	return l.Engine == VLLM && !l.Version.Before(0, 12) || l.Engine == TensorRTLLM
}

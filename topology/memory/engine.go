package memory

import (
	"fmt"
	"strconv"
	"strings"
)

// Engine is a model server.
type Engine string

// The engines whose accounting is known.
const (
	VLLM        Engine = "vllm"
	SGLang      Engine = "sglang"
	TGI         Engine = "tgi"
	TensorRTLLM Engine = "tensorrt-llm"
	// Plain is a server that loads a model and keeps nothing beside it: encoders and
	// vision models behind Triton, ONNX Runtime, or a Python process.
	Plain Engine = "plain"
	// TEI is Hugging Face's Text Embeddings Inference, Infinity another server of text encoders.
	TEI      Engine = "tei"
	Infinity Engine = "infinity"
	// Triton is NVIDIA's server with ONNX Runtime, PyTorch or Python behind it; with
	// TensorRT-LLM it is that.
	Triton Engine = "triton"
	// CTranslate2 is what faster-whisper runs Whisper with.
	CTranslate2 Engine = "ctranslate2"
)

// LoadsOnly reports whether the engine takes what it loads and runs, and does not fill what is left of
// the GPU with a cache.
func (e Engine) LoadsOnly() bool {
	switch e {
	case Plain, TEI, Infinity, Triton, CTranslate2:
		return true
	}
	return false
}

// Title is the engine's name as its makers spell it; "the server" for Plain.
func (e Engine) Title() string {
	switch e {
	case VLLM:
		return "vLLM"
	case SGLang:
		return "SGLang"
	case TGI:
		return "TGI"
	case TensorRTLLM:
		return "TensorRT-LLM"
	case TEI:
		return "Text Embeddings Inference"
	case Infinity:
		return "Infinity"
	case Triton:
		return "Triton"
	case CTranslate2:
		return "faster-whisper"
	}
	return "the server"
}

// Engines lists the engines whose accounting is known.
func Engines() []Engine {
	return []Engine{VLLM, SGLang, TGI, TensorRTLLM, Plain, TEI, Infinity, Triton, CTranslate2}
}

// Version is an engine's release. The zero Version stands for the newest known.
type Version struct{ Major, Minor, Patch int64 }

// ParseVersion reads "0.11.0", "v0.10.1.post2", "0.15.2rc1": what follows the three
// numbers is not looked at.
func ParseVersion(text string) (Version, error) {
	var v Version
	rest := strings.TrimLeft(text, "v~")
	for i, field := range []*int64{&v.Major, &v.Minor, &v.Patch} {
		if i > 0 {
			after, found := strings.CutPrefix(rest, ".")
			if !found {
				break
			}
			rest = after
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		number, err := strconv.ParseInt(rest[:digits], 10, 32)
		if err != nil {
			if i == 2 { // "0.9.x"
				break
			}
			return Version{}, fmt.Errorf("%q is not a version: write it like 0.11.0", text)
		}
		*field, rest = number, rest[digits:]
	}
	return v, nil
}

// Before reports whether v is an earlier release than major.minor. The zero Version
// is before none.
func (v Version) Before(major, minor int64) bool {
	if v == (Version{}) {
		return false
	}
	return v.Major < major || v.Major == major && v.Minor < minor
}

func (v Version) String() string {
	if v == (Version{}) {
		return "newest"
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Annotations of a pod. They stand above what its containers say.
const (
	// GPUMemoryAnnotation is how much memory the pod needs on each GPU: "40Gi".
	GPUMemoryAnnotation = "ashlar.dev/gpu-memory"
	// ModelAnnotation is the model's name on the Hugging Face hub.
	ModelAnnotation = "ashlar.dev/model"
	// MaxModelLenAnnotation is the longest request in tokens: "32k".
	MaxModelLenAnnotation = "ashlar.dev/max-model-len"
	// ConcurrencyAnnotation is how many requests there should be room for at once.
	ConcurrencyAnnotation = "ashlar.dev/concurrency"
	// ContextAnnotation is how many tokens each of these requests has.
	ContextAnnotation = "ashlar.dev/context"
	// EngineAnnotation is the model server: vllm, sglang, tgi or tensorrt-llm.
	EngineAnnotation = "ashlar.dev/engine"
	// EngineVersionAnnotation is its release: "0.11.0".
	EngineVersionAnnotation = "ashlar.dev/engine-version"
)

// ServerAnnotations lists the annotations of a pod that say something of its model server.
func ServerAnnotations() []string {
	return []string{
		GPUMemoryAnnotation, ModelAnnotation, MaxModelLenAnnotation, ConcurrencyAnnotation, ContextAnnotation, EngineAnnotation,
		EngineVersionAnnotation,
	}
}

// applyAnnotations applies annotations to a reading.
func (r *Reading) applyAnnotations(annotations map[string]string) error {
	for _, a := range []struct {
		name  string
		field Field
		set   func(text string) error
	}{
		{GPUMemoryAnnotation, FieldGPUMemory, func(text string) error {
			b, err := topology.ParseBytes(text)
			if err == nil && b <= 0 {
				err = fmt.Errorf("want more than no memory")
			}
			r.GPUMemory = b
			return err
		}},
		{ModelAnnotation, FieldModel, func(text string) error {
			if !hubName.MatchString(text) {
				return fmt.Errorf("want a model's name like meta-llama/Llama-3.1-8B-Instruct")
			}
			r.Model = text
			return nil
		}},
		{MaxModelLenAnnotation, FieldMaxModelLen, func(text string) error {
			n, err := parseTokens(text)
			r.Launch.MaxModelLen, r.Launch.FitModelLen = n, false
			return err
		}},
		{ConcurrencyAnnotation, FieldConcurrency, func(text string) error {
			n, err := parseTokens(text)
			r.Concurrency = n
			return err
		}},
		{ContextAnnotation, FieldContext, func(text string) error {
			n, err := parseTokens(text)
			r.Context = n
			return err
		}},
		{EngineAnnotation, FieldEngine, func(text string) error {
			e, err := parseEngine(text)
			if r.Server == "" {
				r.Server = text
			}
			r.Launch.Engine = e
			return err
		}},
		{EngineVersionAnnotation, FieldVersion, func(text string) error {
			v, err := memory.ParseVersion(text)
			r.Launch.Version = v
			return err
		}},
	} {
		text, found := annotations[a.name]
		if !found {
			continue
		}
		if err := a.set(text); err != nil {
			return fmt.Errorf("annotation %s %.80q: %w", a.name, text, err)
		}
		r.markKnown(a.field, "annotation "+a.name)
	}
	return nil
}

func parseTokens(text string) (int64, error) {
	n, err := ParseNumber(text)
	if err == nil && (n < 1 || n > maxTokens) {
		err = fmt.Errorf("want a whole number from 1 to %d", int64(maxTokens))
	}
	return n, err
}

func parseEngine(text string) (memory.Engine, error) {
	if e := memory.Engine(text); slices.Contains(memory.Engines(), e) {
		return e, nil
	}
	names := make([]string, 0, len(memory.Engines()))
	for _, e := range memory.Engines() {
		names = append(names, string(e))
	}
	return "", fmt.Errorf("want one of %s", strings.Join(names, ", "))
}

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
	// GPUMemory is how much memory the pod needs on each GPU: "40Gi".
	GPUMemory = "ashlar.dev/gpu-memory"
	// ModelName is the model's name on the Hugging Face hub.
	ModelName = "ashlar.dev/model"
	// MaxModelLen is the longest request in tokens: "32k".
	MaxModelLen = "ashlar.dev/max-model-len"
	// Concurrency is how many requests there should be room for at once, and Context
	// how many tokens each of them has.
	Concurrency = "ashlar.dev/concurrency"
	Context     = "ashlar.dev/context"
	// EngineName is one of memory.Engines, EngineVersion its release: "0.11.0".
	EngineName    = "ashlar.dev/engine"
	EngineVersion = "ashlar.dev/engine-version"
)

// annotate applies annotations to a reading.
func (r *Reading) annotate(annotations map[string]string) error {
	for _, a := range []struct {
		name, field string
		set         func(text string) error
	}{
		{GPUMemory, "GPUMemory", func(text string) error {
			b, err := topology.ParseBytes(text)
			if err == nil && b <= 0 {
				err = fmt.Errorf("want more than no memory")
			}
			r.GPUMemory = b
			return err
		}},
		{ModelName, "Model", func(text string) error {
			if !hubName.MatchString(text) {
				return fmt.Errorf("want a model's name like meta-llama/Llama-3.1-8B-Instruct")
			}
			r.Model = text
			return nil
		}},
		{MaxModelLen, "MaxModelLen", func(text string) error {
			n, err := annotatedTokens(text)
			r.Launch.MaxModelLen, r.Launch.FitModelLen = n, false
			return err
		}},
		{Concurrency, "Concurrency", func(text string) error {
			n, err := annotatedTokens(text)
			r.Concurrency = n
			return err
		}},
		{Context, "Context", func(text string) error {
			n, err := annotatedTokens(text)
			r.Context = n
			return err
		}},
		{EngineName, "Engine", func(text string) error {
			e, err := engineNamed(text)
			if r.Server == "" {
				r.Server = text
			}
			r.Launch.Engine = e
			return err
		}},
		{EngineVersion, "Version", func(text string) error {
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
		r.settle(a.field, "annotation "+a.name)
	}
	return nil
}

func annotatedTokens(text string) (int64, error) {
	n, err := Number(text)
	if err == nil && (n < 1 || n > maxTokens) {
		err = fmt.Errorf("want a whole number from 1 to %d", int64(maxTokens))
	}
	return n, err
}

func engineNamed(text string) (memory.Engine, error) {
	if e := memory.Engine(text); slices.Contains(memory.Engines(), e) {
		return e, nil
	}
	names := make([]string, 0, len(memory.Engines()))
	for _, e := range memory.Engines() {
		names = append(names, string(e))
	}
	return "", fmt.Errorf("want one of %s", strings.Join(names, ", "))
}

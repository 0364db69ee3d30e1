package pbtxt

import (
	"fmt"
	"strconv"
	"strings"
)

// ModelConfig is what of a model's configuration matters to memory.
type ModelConfig struct {
	Name string
	// Backend is what runs the model: "onnxruntime", "pytorch", "tensorrt", "python", "tensorrtllm".
	Backend string
	// MaxBatchSize is the largest batch, 0 for a model without batches.
	MaxBatchSize int64
	// Instances is how many copies run on each GPU, at least 1; 0 where all run on the CPU.
	Instances int64
}

// maxCount bounds instances and batches.
const maxCount = 1 << 16

// ReadModelConfig reads a config.pbtxt. Errors name the field.
func ReadModelConfig(text string) (ModelConfig, error) {
	m, err := Parse(text)
	if err != nil {
		return ModelConfig{}, err
	}
	config := ModelConfig{}
	groups, onGPUs := 0, int64(0)
	for i := range m {
		f := &m[i]
		switch f.Name {
		case "name":
			config.Name = f.Text
		case "backend":
			config.Backend = f.Text
		case "platform":
			if config.Backend == "" {
				config.Backend = backendOf(f.Text)
			}
		case "max_batch_size":
			if config.MaxBatchSize, err = readCount(f, 0); err != nil {
				return config, err
			}
		case "instance_group":
			groups++
			count, err := gpuInstances(f.Nested)
			if err != nil {
				return config, err
			}
			onGPUs += count
		}
	}
	if config.Instances = onGPUs; groups == 0 {
		config.Instances = 1 // Triton's default: one on each GPU
	}
	return config, nil
}

// backendOf is the backend of an older file's platform: "onnxruntime_onnx", "pytorch_libtorch", "tensorrt_plan".
func backendOf(platform string) string {
	name, _, _ := strings.Cut(platform, "_")
	return name
}

// gpuInstances is how many copies of a group run on each of its GPUs.
func gpuInstances(group Message) (int64, error) {
	count := int64(1)
	for i := range group {
		f := &group[i]
		switch f.Name {
		case "count":
			var err error
			if count, err = readCount(f, 1); err != nil {
				return 0, err
			}
		case "kind":
			if f.Text == "KIND_CPU" || f.Text == "KIND_MODEL" {
				return 0, nil
			}
		}
	}
	return count, nil
}

func readCount(f *Field, least int64) (int64, error) {
	n, err := strconv.ParseInt(f.Text, 10, 64)
	if err != nil || n < least || n > maxCount {
		return 0, fmt.Errorf("line %d: %s: %.40q: want a whole number from %d to %d", f.Line, f.Name, f.Text, least, maxCount)
	}
	return n, nil
}

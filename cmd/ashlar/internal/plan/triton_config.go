package plan

import (
	"fmt"
	"path"
	"slices"
	"sort"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/pbtxt"
)

// readTritonConfig takes how Triton runs a model from the config.pbtxt that its container sees, where the manifest has the
// ConfigMap. What the model is no such file says. The error names the file.
func (p *manifestPod) readTritonConfig(maps configMaps) error {
	r := &p.reading
	if r.Server != "triton" || r.Launch.Engine != "" {
		return nil
	}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		if c.Name != r.Container {
			continue
		}
		texts := maps.mountedTexts(&p.Spec, c)
		names := make([]string, 0, len(texts))
		for name := range texts {
			if path.Base(name) == "config.pbtxt" {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		for _, name := range names {
			config, err := pbtxt.ReadModelConfig(texts[name])
			if err != nil {
				return fmt.Errorf("%s: %s: %w", p.placeText(), name, err)
			}
			if config.Instances > 0 && config.Backend != "tensorrtllm" && config.Backend != "vllm" && config.Backend != "ensemble" {
				p.applyTriton(&config, name, len(names))
				return nil
			}
		}
	}
	return nil
}

// applyTriton makes the pod a server that Triton's accounting is for.
func (p *manifestPod) applyTriton(config *pbtxt.ModelConfig, file string, files int) {
	r := &p.reading
	r.Launch.Engine, r.Launch.Instances, r.Launch.MaxSequences = memory.Triton, config.Instances, max(1, config.MaxBatchSize)
	for _, field := range []launch.Field{launch.FieldEngine, launch.FieldInstances, launch.FieldMaxSequences} {
		r.Explicit[field] = "file " + file
	}
	r.Unknown = slices.DeleteFunc(r.Unknown, func(u launch.Unknown) bool { return u.Field != launch.FieldModel })
	if r.Model == "" {
		r.Unknown = append(r.Unknown, launch.Unknown{Field: launch.FieldModel, Because: "Triton's configuration does not name it on the hub: " +
			"annotation " + launch.ModelAnnotation + " does"})
	}
	if files > 1 {
		r.Contradictions = append(r.Contradictions, fmt.Sprintf("of %d models in Triton's repository the first is counted, %s: state the "+
			"memory of "+
			"all with annotation %s", files, config.Name, launch.GPUMemoryAnnotation))
	}
}

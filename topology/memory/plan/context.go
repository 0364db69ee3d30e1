package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// allowLongVariable lets vLLM start with a longer --max-model-len than the model was made
// for. Source: vllm/envs.py, get_and_verify_max_len in vllm/config.
const allowLongVariable = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"

// LengthWarning says that vLLM would not start, where it is told to take longer requests
// than the model was made for: memory is not what stops it. "" if it would.
func (r *Request) LengthWarning() string {
	most := r.LongestContext()
	if r.Launch.Engine != memory.VLLM || most == 0 || r.Launch.MaxModelLen <= most {
		return ""
	}
	name, _ := launch.ArgumentName(memory.VLLM, launch.FieldMaxModelLen)
	return fmt.Sprintf("vLLM does not start with %s %d, since the model was made for %d tokens (max_position_embeddings): "+
		"state %d or less, or set %s=1, which may give nonsense beyond them", name, r.Launch.MaxModelLen, most, most, allowLongVariable)
}

// AllowsLongRequests reports whether the server in a pod's container is told to take
// longer requests than its model was made for. A value that is kept elsewhere may say so.
func AllowsLongRequests(pod *launch.Pod, container string) bool {
	for _, c := range pod.Containers {
		if c.Name != container {
			continue
		}
		for _, v := range c.Env {
			allowed := slices.Contains([]string{"1", "true"}, strings.ToLower(strings.TrimSpace(v.Value)))
			if v.Name == allowLongVariable && (v.From != "" || allowed) {
				return true
			}
		}
	}
	return false
}

// rotaryScaling is how far a config.json stretches the rotary embedding.
type rotaryScaling struct {
	Type     string  `json:"type"`
	RopeType string  `json:"rope_type"`
	Factor   float64 `json:"factor"`
	Original int64   `json:"original_max_position_embeddings"`
}

// LongestContext is the longest request in tokens that vLLM takes the model to be made
// for: its positions, stretched as the rotary embedding is. 0 if the model does not say.
func (r *Request) LongestContext() int64 {
	positions := r.Model.MaxPositions
	s := scalingOf(r.Config)
	kind := s.RopeType + s.Type
	switch {
	case s.Factor <= 1, strings.HasPrefix(r.Model.Type, "gemma3"),
		strings.Contains(kind, "llama3"), strings.Contains(kind, "longrope"), strings.Contains(kind, "su"):
		return positions
	case strings.Contains(kind, "yarn") && s.Original > 0:
		positions = s.Original
	}
	return max(r.Model.MaxPositions, int64(float64(positions)*min(s.Factor, 1<<20)))
}

// scalingOf reads it from a config.json, the zero value if nothing is stretched.
func scalingOf(config []byte) rotaryScaling {
	read := func(values map[string]json.RawMessage) rotaryScaling {
		for _, key := range []string{"rope_scaling", "rope_parameters"} {
			var stated rotaryScaling
			// What is not of this form stretches nothing.
			if json.Unmarshal(values[key], &stated) == nil && stated.Factor > 1 {
				return stated
			}
		}
		return rotaryScaling{}
	}
	var values, inner map[string]json.RawMessage
	if json.Unmarshal(model.StandardJSON(config), &values) != nil {
		return rotaryScaling{}
	}
	s := read(values)
	if s.Factor == 0 && json.Unmarshal(values["text_config"], &inner) == nil {
		s = read(inner)
	}
	return s
}

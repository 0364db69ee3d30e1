package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// allowLong is the variable that lets vLLM start with a longer --max-model-len than the
// model was made for. Source: vllm/envs.py, get_and_verify_max_len in vllm/config.
const allowLong = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"

// checkContext refuses requests longer than any that the server takes: they would be
// answered as if shorter ones had been asked for.
func (f *launchFlags) checkContext(a *asked) error {
	context, most := a.demand.Context, a.launch.MaxModelLen
	switch {
	case most > 0 && context > most && f.context != "":
		return usagef("--context %s: is more than --max-model-len allows, which is %d: raise that, or ask for shorter requests", f.context, most)
	case most > 0 && context > most:
		a.notes = append(a.notes, fmt.Sprintf("the pod wants requests of %d tokens (%s), and --max-model-len allows %d: planned for those", context, launch.ContextAnnotation, most))
	case most == 0 && f.context != "" && a.model.MaxPositions > 0 && context > a.longestDerived():
		return usagef("--context %s: is more than the %d tokens that %s was made for", f.context, a.longestDerived(), a.model.Name)
	}
	return nil
}

// noteLength says that vLLM would not start, where --max-model-len is more than the
// model was made for: memory is not what stops it.
func (a *asked) noteLength() {
	most := a.longestDerived()
	if a.launch.Engine != memory.VLLM || most == 0 || a.launch.MaxModelLen <= most || a.allowsLong {
		return
	}
	a.notes = append(a.notes, fmt.Sprintf("vLLM does not start with --max-model-len %d, since the model was made for %d tokens (max_position_embeddings): "+
		"state %d or less, or set %s=1, which may give nonsense beyond them", a.launch.MaxModelLen, most, most, allowLong))
}

// longestDerived is the longest request that vLLM takes a model to be made for: its
// positions, stretched as the rotary embedding is. 0 if the model does not say.
func (a *asked) longestDerived() int64 {
	positions := a.model.MaxPositions
	type scaling struct {
		Type, RopeType string
		Factor         float64
		Original       int64
	}
	read := func(values map[string]json.RawMessage) (s scaling) {
		for _, key := range []string{"rope_scaling", "rope_parameters"} {
			var stated struct {
				Type     string  `json:"type"`
				RopeType string  `json:"rope_type"`
				Factor   float64 `json:"factor"`
				Original int64   `json:"original_max_position_embeddings"`
			}
			// What is not of this form stretches nothing.
			if json.Unmarshal(values[key], &stated) == nil && stated.Factor > 1 {
				return scaling(stated)
			}
		}
		return s
	}
	var values, inner map[string]json.RawMessage
	if json.Unmarshal(a.config, &values) != nil {
		return positions
	}
	s := read(values)
	if s.Factor == 0 && json.Unmarshal(values["text_config"], &inner) == nil {
		s = read(inner)
	}
	kind := s.RopeType + s.Type
	switch {
	case s.Factor <= 1, strings.HasPrefix(a.model.Type, "gemma3"), strings.Contains(kind, "llama3"), strings.Contains(kind, "longrope"), strings.Contains(kind, "su"):
		return positions
	case strings.Contains(kind, "yarn") && s.Original > 0:
		positions = s.Original
	}
	return max(a.model.MaxPositions, int64(float64(positions)*min(s.Factor, 1<<20)))
}

// allowsLong reports whether the pod's server is told to take longer requests than its
// model was made for. A value that is kept elsewhere may say so.
func (p *filePod) allowsLong(container string) bool {
	for _, c := range p.Containers {
		if c.Name != container {
			continue
		}
		for _, v := range c.Env {
			if v.Name == allowLong && (v.From != "" || slices.Contains([]string{"1", "true"}, strings.ToLower(strings.TrimSpace(v.Value)))) {
				return true
			}
		}
	}
	return false
}

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// storageScheme is how a cell, a name or a config.json says that weights are stored.
type storageScheme struct {
	// method is "" if nothing is said, one of those below, or what is not known.
	method string
	// bits and group are those of whole numbers; 0 if they are not said.
	bits, group int64
}

// The methods of scheme.
const (
	plain16    = "16 bits"
	plain32    = "32 bits"
	anyFP8     = "fp8"
	blockFP8   = "fp8 block"
	channelFP8 = "fp8 channel"
	mxfp4      = "mxfp4"
	nvfp4      = "nvfp4"
	awq        = "awq"
	gptq       = "gptq"
	integers   = "integers" // of a group, by whatever tool
	channel8   = "8 bits per channel"
	nf4        = "bitsandbytes"
)

var (
	groupWord = regexp.MustCompile(`(?:^|[^a-z0-9]|w\d(?:a\d+)?)(?:gs|g|group[ _-]?(?:size)?)[ =:]?(\d+)(?:[^a-z0-9]|$)`)
	bitsWord  = regexp.MustCompile(`(?:^|[^a-z0-9])(?:w|int|uint|q)([2-8])|([2-8])[ -]?bits?(?:[^a-z]|$)`)
	// plainWord are cells that say that nothing is quantised.
	plainWord   = regexp.MustCompile(`^(bf16|bfloat16|fp16|f16|float16|half|16[ -]?bits?|none|no|false|unquantized|-+|n/?a)\b|^-+$`)
	plain32Word = regexp.MustCompile(`^(fp32|f32|float32|float|32[ -]?bits?)\b`)
)

// schemeOf reads a cell such as "awq w4 g128", "fp8 block128", or the end of a name.
func schemeOf(cell string) storageScheme {
	text := strings.ToLower(strings.TrimSpace(cell))
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
	}
	var s storageScheme
	if match := groupWord.FindStringSubmatch(text); match != nil {
		fmt.Sscan(match[1], &s.group)
	}
	if match := bitsWord.FindStringSubmatch(text); match != nil {
		fmt.Sscan(match[1]+match[2], &s.bits)
	}
	switch {
	case text == "":
		return storageScheme{}
	case plain32Word.MatchString(text):
		return storageScheme{method: plain32}
	case plainWord.MatchString(text):
		return storageScheme{method: plain16}
	case has("gguf", "hqq", "aqlm", "exl2", "quip"):
		return storageScheme{method: text}
	case has("mxfp4"):
		return storageScheme{method: mxfp4}
	case has("nvfp4", "fp4"):
		return storageScheme{method: nvfp4}
	case has("fp8", "f8_e4m3", "float8", "e4m3"):
		switch {
		case has("block"):
			return storageScheme{method: blockFP8}
		case has("channel", "dynamic", "fbgemm", "ptpc"):
			return storageScheme{method: channelFP8}
		}
		return storageScheme{method: anyFP8}
	case has("bnb", "bitsandbytes", "nf4", "llm.int8"):
		s.method, s.group = nf4, 0
	case has("awq"):
		s.method = awq
	case has("gptq"):
		s.method = gptq
	case s.bits == 8 && s.group == 0:
		s.method = channel8
	case s.bits > 0:
		s.method = integers
	default:
		s.method = text
	}
	return s
}

func (s storageScheme) isStated() bool { return s.method != "" }

// quantisationConfig is quantization_config for the scheme; nil without quantisation.
func (s storageScheme) quantisationConfig() (map[string]any, error) {
	bits, group := s.bits, s.group
	if bits == 0 {
		bits = 4
	}
	if group == 0 {
		group = 128
	}
	perChannel := func(kind string) map[string]any {
		weights := map[string]any{"num_bits": 8, "type": kind, "symmetric": true, "strategy": "channel"}
		groups := map[string]any{"group_0": map[string]any{"targets": []string{"Linear"}, "weights": weights}}
		return map[string]any{"quant_method": "compressed-tensors", "config_groups": groups, "ignore": []string{"lm_head"}}
	}
	switch s.method {
	case "", plain16, plain32:
		return nil, nil
	case mxfp4:
		return map[string]any{"quant_method": "mxfp4"}, nil
	case nvfp4:
		return map[string]any{"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}, nil
	case blockFP8:
		return map[string]any{"quant_method": "fp8", "weight_block_size": []int{128, 128}}, nil
	case anyFP8:
		return map[string]any{"quant_method": "fp8"}, nil
	case channelFP8:
		return perChannel("float"), nil
	case channel8:
		return perChannel("int"), nil
	case nf4:
		return map[string]any{"quant_method": "bitsandbytes", "load_in_4bit": bits == 4, "load_in_8bit": bits == 8}, nil
	case awq, gptq, integers:
		method := s.method
		if method == integers {
			method = gptq
		}
		return map[string]any{"quant_method": method, "bits": bits, "group_size": group}, nil
	}
	return nil, fmt.Errorf("quantisation %q is not known", s.method)
}

// coversScheme reports whether a model that is stored as other is what the cell says.
func (s storageScheme) coversScheme(other storageScheme) bool {
	fp8 := func(s storageScheme) bool { return strings.HasPrefix(s.method, anyFP8) }
	bits := func(s storageScheme) int64 {
		if s.bits == 0 {
			return 4
		}
		return s.bits
	}
	grouped := func(s storageScheme) bool { return s.method == awq || s.method == gptq || s.method == integers }
	switch {
	case s.method == other.method && !grouped(s), fp8(s) && fp8(other) && (s.method == anyFP8 || other.method == anyFP8):
		return s.method != nf4 || bits(s) == bits(other)
	case grouped(s) && grouped(other):
		same := s.method == other.method || s.method == integers || other.method == integers
		return same && bits(s) == bits(other) && (s.group == 0 || other.group == 0 || s.group == other.group)
	}
	return false
}

// storedSchemes says how a config.json's weights are stored: more than one way where tools mix.
func storedSchemes(config map[string]any, m *model.Model) []storageScheme {
	q := quantisationIn(config)
	if q == nil {
		if m.Format == model.Bits32 {
			return []storageScheme{{method: plain32}}
		}
		return []storageScheme{{method: plain16}}
	}
	text, _ := json.Marshal(q)
	number := func(values map[string]any, key string) int64 {
		value, _ := values[key].(float64)
		return int64(value)
	}
	switch method, _ := q["quant_method"].(string); method {
	case "fp8":
		if q["weight_block_size"] != nil {
			return []storageScheme{{method: blockFP8}}
		}
		return []storageScheme{{method: anyFP8}}
	case "fbgemm_fp8":
		return []storageScheme{{method: channelFP8}}
	case "mxfp4":
		return []storageScheme{{method: mxfp4}}
	case "bitsandbytes":
		if q["load_in_8bit"] == true {
			return []storageScheme{{method: nf4, bits: 8}}
		}
		return []storageScheme{{method: nf4}}
	case "awq", "gptq", "auto-round":
		s := storageScheme{method: method, bits: number(q, "bits"), group: number(q, "group_size")}
		if method == "auto-round" {
			s.method = integers
		}
		return []storageScheme{s}
	default:
		return storedBy(strings.ToLower(string(text)))
	}
}

// storedBy reads from the text of a quantization_config with groups what they hold.
func storedBy(text string) []storageScheme {
	var all []storageScheme
	has := func(word string) bool { return strings.Contains(text, word) }
	if has("nvfp4") || has(`"num_bits":4`) && has(`"type":"float"`) {
		all = append(all, storageScheme{method: nvfp4})
	}
	if has("fp8") || has(`"num_bits":8`) && has(`"type":"float"`) {
		all = append(all, storageScheme{method: anyFP8})
	}
	if has(`"num_bits":8`) && has(`"type":"int"`) {
		all = append(all, storageScheme{method: channel8})
	}
	if has(`"num_bits":4`) && has(`"type":"int"`) || has("int4") {
		s := storageScheme{method: integers, bits: 4}
		if match := regexp.MustCompile(`"group_size":(\d+)`).FindStringSubmatch(text); match != nil {
			fmt.Sscan(match[1], &s.group)
		}
		all = append(all, s)
	}
	return all
}

// places are where config.json may say how weights are stored.
var places = []string{"quantization_config", "compression_config", "quantization"}

func quantisationIn(config map[string]any) map[string]any {
	for _, values := range []any{config, config["text_config"]} {
		inner, _ := values.(map[string]any)
		for _, key := range places {
			if q, found := inner[key].(map[string]any); found {
				return q
			}
		}
	}
	return nil
}

// storedAs is the model stored as a cell says: the model itself if it is, or if nothing is
// said.
func (b builtModel) storedAs(s storageScheme) (builtModel, error) {
	if !s.isStated() || b.isStoredAs(s) {
		return b, nil
	}
	quantisation, err := s.quantisationConfig()
	if err != nil {
		return b, err
	}
	var config map[string]any
	if err := json.Unmarshal(b.config, &config); err != nil {
		return b, fmt.Errorf("its architecture cannot be stored otherwise: %w", err)
	}
	old := quantisationIn(config)
	for _, values := range []any{config, config["text_config"]} {
		if inner, found := values.(map[string]any); found {
			for _, key := range places {
				delete(inner, key)
			}
		}
	}
	if quantisation != nil {
		// What one tool left as it was, others do too: routers, towers.
		for _, key := range []string{"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules"} {
			if quantisation[key] == nil && old[key] != nil {
				quantisation[key] = old[key]
			}
		}
		config["quantization_config"] = quantisation
	}
	if s.method == plain32 {
		config["torch_dtype"] = "float32"
	} else if old != nil || s.method == plain16 {
		config["torch_dtype"] = "bfloat16"
	}
	text, err := json.Marshal(config)
	if err != nil {
		return b, err
	}
	m, err := model.Parse(text)
	if err != nil {
		return b, fmt.Errorf("stored as %s: %w", s.method, err)
	}
	m.Name = b.model.Name
	return builtModel{model: m, config: text, from: b.from + ", stored as " + s.method}, nil
}

// isStoredAs reports whether the model is stored as a cell says.
func (b builtModel) isStoredAs(s storageScheme) bool {
	var config map[string]any
	if b.err != nil || json.Unmarshal(b.config, &config) != nil {
		return false
	}
	return slices.ContainsFunc(storedSchemes(config, b.model), s.coversScheme)
}

package model

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// QuantisationFile is what ModelOpt writes beside a config.json that says nothing of quantisation. Engines
// read both: get_config in vllm/transformers_utils/config.py.
const QuantisationFile = "hf_quant_config.json"

// StatesQuantisation reports whether a config.json says how the model is quantised.
func StatesQuantisation(config []byte) bool {
	f, err := decodeConfig(config)
	return err == nil && (f.hasKey("quantization_config", "compression_config", "quantization") ||
		f.languageFields() != nil && f.languageFields().hasKey("quantization_config", "compression_config"))
}

// WithQuantisation is a config.json with what the quantisation file beside it says.
func WithQuantisation(config, beside []byte) ([]byte, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(StandardJSON(config), &whole); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	beside = StandardJSON(beside)
	var object map[string]json.RawMessage
	if err := json.Unmarshal(beside, &object); err != nil {
		return nil, fmt.Errorf("%s: %w", QuantisationFile, err)
	}
	whole["quantization_config"] = beside
	return json.Marshal(whole)
}

// bitsInNames are the words of models' names that promise weights of fewer than 16 bits.
var bitsInNames = map[string]string{
	"awq": "4 bits", "gptq": "4 bits", "int4": "4 bits", "4bit": "4 bits", "nvfp4": "4 bits", "fp4": "4 bits", "mxfp4": "4 bits",
	"nf4": "4 bits", "w4a4": "4 bits", "w4a8": "4 bits", "w4afp8": "4 bits", "bnb": "fewer than 16 bits", "exl2": "fewer than 16 bits",
	"int2": "2 bits", "2bit": "2 bits", "int3": "3 bits", "3bit": "3 bits", "w3a16": "3 bits", "int6": "6 bits", "6bit": "6 bits",
	"w4a16": "4 bits", "int8": "8 bits", "8bit": "8 bits", "fp8": "8 bits", "w8a8": "8 bits", "w8a16": "8 bits", "gguf": "fewer than 16 bits",
}

// PromisedBits is how few bits the name of a model promises for its weights, in words, where its config.json states no
// quantisation; "" if it promises nothing.
func (m *Model) PromisedBits() string {
	if m.Quantisation != "" || m.Published > 0 {
		return ""
	}
	name := strings.ReplaceAll(strings.ToLower(path.Base(m.Name)), "-bit", "bit")
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("-_.:", r) })
	for _, word := range slices.Backward(words) {
		if bits := bitsInNames[word]; bits != "" {
			return bits
		}
	}
	return ""
}

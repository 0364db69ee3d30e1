package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// modelBuilder collects the tensors of a model while a family reads its config.json.
type modelBuilder struct {
	*configFields
	model Model
	quant quantisationRules
	plain Format
	// prefixes are where the current layers sit in the names of tensors, in each
	// spelling that ignore lists use.
	prefixes []string
	layer    *Layer
	index    int64
	// repeat is of how many equal layers the tensors being added are, 1 if 0.
	repeat int64
	// part is set while all that is added belongs to a tower or to draft layers.
	part *Part
	// families are those that a model of several parts may hold.
	families map[string]func(*modelBuilder)
	sum      float64
}

// languagePrefixes are those of a language model that is a part of something.
var languagePrefixes = []string{"model.layers.", "model.language_model.layers.", "language_model.model.layers."}

func newBuilder(f *configFields) *modelBuilder {
	b := &modelBuilder{configFields: f, plain: Bits16, prefixes: languagePrefixes[:1]}
	b.quant = readQuantisation(f)
	b.plain = readDtype(f)
	b.model.Format = b.plain
	b.model.Quantisation, b.model.CacheFP8 = b.quant.name, b.quant.cacheFP8
	return b
}

// readDtype reads torch_dtype, of the language model where there are several. Without
// one, and always for quantised models, engines take 16 bits.
func readDtype(f *configFields) Format {
	name := f.readText("torch_dtype", "dtype")
	if inner := f.languageFields(); name == "" && inner != nil {
		name = inner.readText("torch_dtype", "dtype")
	}
	switch name = strings.TrimPrefix(name, "torch."); name {
	case "float32", "float":
		return Bits32
	case "", "auto", "bfloat16", "float16", "half", "float8_e4m3fn", "float8_e5m2":
		return Bits16
	default:
		f.addError("torch_dtype", "%q is not known", name)
		return Bits16
	}
}

// setKind notes what kind of model is built. Encoders and towers whose config.json states
// no dtype were published before it did, in 32 bits.
func (b *modelBuilder) setKind(kind Kind) {
	b.model.Kind = kind
	if !b.hasKey("torch_dtype", "dtype") && b.quant.name == "" {
		b.plain = Bits32
		b.model.Format = b.plain
	}
}

// languageFields is the part of a config.json that describes the language model, nil
// where that is not a part.
func (f *configFields) languageFields() *configFields {
	return f.readObject("text_config", "llm_config", "language_config", "thinker_config")
}

// descendInto moves reading into a part, which is silent where the outside holds.
func (b *modelBuilder) descendInto(inner *configFields) {
	b.configFields = b.withValuesOver(inner.values)
	b.path = inner.path
}

// addLinear adds a matrix of rows output and columns input features.
func (b *modelBuilder) addLinear(name string, part Part, rows, columns int64, split Split) *Tensor {
	return b.addTensor(Tensor{Name: name, Part: part, Rows: rows, Columns: columns, Count: 1, Split: split}, true)
}

// addBiased is addLinear with a number more per output feature.
func (b *modelBuilder) addBiased(name string, part Part, rows, columns int64, split Split) {
	b.addLinear(name, part, rows, columns, split)
	if split == SplitColumns {
		split = SplitNone // each GPU adds it to its share of the sum
	}
	b.addVector(name+".bias", part, rows, split)
}

// addVector adds n numbers that are never quantised.
func (b *modelBuilder) addVector(name string, part Part, n int64, split Split) *Tensor {
	return b.addTensor(Tensor{Name: name, Part: part, Rows: n, Columns: 1, Count: 1, Split: split}, false)
}

// addMatrix adds rows x columns numbers that are never quantised.
func (b *modelBuilder) addMatrix(name string, part Part, rows, columns int64, split Split) *Tensor {
	return b.addTensor(Tensor{Name: name, Part: part, Rows: rows, Columns: columns, Count: 1, Split: split}, false)
}

func (b *modelBuilder) addTensor(t Tensor, quantisable bool) *Tensor {
	t.Count *= max(1, b.repeat)
	if *b.err != nil || t.Rows == 0 || t.Columns == 0 || t.Count == 0 {
		return &t
	}
	elements := float64(t.Rows) * float64(t.Columns) * float64(t.Count)
	if b.sum += elements; b.sum > maxParameters {
		b.addError(t.Name, "with %d x %d x %d numbers the model has more than 2^46 parameters", t.Count, t.Rows, t.Columns)
		return &t
	}
	if b.part != nil {
		t.Part = *b.part
	}
	t.Format = b.plain
	if quantisable && b.quant.name != "" {
		t.Format = b.quant.formatOf(b.fullNames(t.Name), &t, b.plain)
		if b.quant.tooLong() {
			b.addError("quantization_config", "has too many patterns for so many layers")
		}
	}
	target := &b.model.Outer
	if b.layer != nil {
		target = &b.layer.Tensors
	}
	*target = append(*target, t)
	return &(*target)[len(*target)-1]
}

// fullNames are the names under which ignore lists may know a module.
func (b *modelBuilder) fullNames(name string) []string {
	if b.layer == nil && b.part == nil {
		return []string{name}
	}
	if b.part == nil {
		name = checkpointName(strings.ToLower(b.readText("model_type")), name)
	}
	names := make([]string, len(b.prefixes))
	for i, prefix := range b.prefixes {
		names[i] = prefix + strconv.FormatInt(b.index, 10) + "." + name
	}
	return names
}

// insidePart counts all that fill adds to a part, a tower or the draft layers.
func (b *modelBuilder) insidePart(part Part, fill func()) {
	b.part = &part
	fill()
	b.part = nil
}

// repeatLayers adds n of everything that fill adds.
func (b *modelBuilder) repeatLayers(n int64, fill func()) {
	if n == 0 {
		return
	}
	outer := max(1, b.repeat)
	b.repeat = outer * n
	fill()
	b.repeat = outer
}

// addCache notes what the current layer keeps per token or request.
func (b *modelBuilder) addCache(cache Cache) {
	if b.layer != nil {
		b.layer.Caches = append(b.layer.Caches, cache)
	}
}

// eachLayer calls fill for n layers and keeps one copy of equal ones.
func (b *modelBuilder) eachLayer(n int64, fill func(layer int64)) {
	if int64(len(b.model.Order))+n > maxLayers {
		b.addError("num_hidden_layers", "%d is more than %d", n, maxLayers)
	}
	for b.index = 0; b.index < n && *b.err == nil; b.index++ {
		layer := Layer{}
		b.layer = &layer
		fill(b.index)
		b.layer = nil
		b.model.Order = append(b.model.Order, b.kindOf(layer))
	}
}

func (b *modelBuilder) kindOf(layer Layer) uint8 {
	for i := len(b.model.Layers) - 1; i >= 0; i-- {
		if sameLayers(b.model.Layers[i], layer) {
			return uint8(i)
		}
	}
	if len(b.model.Layers) == 256 {
		b.addError("quantization_config", "leaves more than 256 kinds of layer")
		return 0
	}
	b.model.Layers = append(b.model.Layers, layer)
	return uint8(len(b.model.Layers) - 1)
}

func sameLayers(a, b Layer) bool {
	return slices.Equal(a.Tensors, b.Tensors) && slices.Equal(a.Caches, b.Caches)
}

func (b *modelBuilder) finishModel() (*Model, error) {
	if *b.err != nil {
		return nil, *b.err
	}
	if b.sum == 0 {
		return nil, fmt.Errorf("config.json: a model without weights")
	}
	m := b.model
	return &m, nil
}

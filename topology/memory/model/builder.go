package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// builder collects the tensors of a model while a family reads its config.json.
type builder struct {
	*fields
	model Model
	quant quantisation
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
	families map[string]func(*builder)
	sum      float64
}

// languagePrefixes are those of a language model that is a part of something.
var languagePrefixes = []string{"model.layers.", "model.language_model.layers.", "language_model.model.layers."}

func newBuilder(f *fields) *builder {
	b := &builder{fields: f, plain: Bits16, prefixes: languagePrefixes[:1]}
	b.quant = readQuantisation(f)
	b.plain = dtype(f)
	b.model.Format = b.plain
	b.model.Quantisation = b.quant.name
	return b
}

// dtype reads torch_dtype, of the language model where there are several. Without
// one, and always for quantised models, engines take 16 bits.
func dtype(f *fields) Format {
	name := f.text("torch_dtype", "dtype")
	if inner := f.language(); name == "" && inner != nil {
		name = inner.text("torch_dtype", "dtype")
	}
	switch name = strings.TrimPrefix(name, "torch."); name {
	case "float32", "float":
		return Bits32
	case "", "auto", "bfloat16", "float16", "half", "float8_e4m3fn", "float8_e5m2":
		return Bits16
	default:
		f.fail("torch_dtype", "%q is not known", name)
		return Bits16
	}
}

// as notes what kind of model is built. Encoders and towers whose config.json states
// no dtype were published before it did, in 32 bits.
func (b *builder) as(kind Kind) {
	b.model.Kind = kind
	if !b.has("torch_dtype", "dtype") && b.quant.name == "" {
		b.plain = Bits32
		b.model.Format = b.plain
	}
}

// language is the part of a config.json that describes the language model, nil
// where that is not a part.
func (f *fields) language() *fields {
	return f.object("text_config", "llm_config", "language_config", "thinker_config")
}

// descend moves reading into a part, which is silent where the outside holds.
func (b *builder) descend(inner *fields) {
	b.fields = b.over(inner.values)
	b.path = inner.path
}

// linear adds a matrix of rows output and columns input features.
func (b *builder) linear(name string, part Part, rows, columns int64, split Split) *Tensor {
	return b.add(Tensor{Name: name, Part: part, Rows: rows, Columns: columns, Count: 1, Split: split}, true)
}

// biased is linear with a number more per output feature.
func (b *builder) biased(name string, part Part, rows, columns int64, split Split) {
	b.linear(name, part, rows, columns, split)
	if split == Columns {
		split = Replicated // each GPU adds it to its share of the sum
	}
	b.vector(name+".bias", part, rows, split)
}

// vector adds n numbers that are never quantised.
func (b *builder) vector(name string, part Part, n int64, split Split) *Tensor {
	return b.add(Tensor{Name: name, Part: part, Rows: n, Columns: 1, Count: 1, Split: split}, false)
}

// matrix adds rows x columns numbers that are never quantised.
func (b *builder) matrix(name string, part Part, rows, columns int64, split Split) *Tensor {
	return b.add(Tensor{Name: name, Part: part, Rows: rows, Columns: columns, Count: 1, Split: split}, false)
}

func (b *builder) add(t Tensor, quantisable bool) *Tensor {
	t.Count *= max(1, b.repeat)
	if *b.err != nil || t.Rows == 0 || t.Columns == 0 || t.Count == 0 {
		return &t
	}
	elements := float64(t.Rows) * float64(t.Columns) * float64(t.Count)
	if b.sum += elements; b.sum > maxParameters {
		b.fail(t.Name, "with %d x %d x %d numbers the model has more than 2^46 parameters", t.Count, t.Rows, t.Columns)
		return &t
	}
	if b.part != nil {
		t.Part = *b.part
	}
	t.Format = b.plain
	if quantisable && b.quant.name != "" {
		t.Format = b.quant.of(b.fullNames(t.Name), &t, b.plain)
		if b.quant.tooLong() {
			b.fail("quantization_config", "has too many patterns for so many layers")
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
func (b *builder) fullNames(name string) []string {
	if b.layer == nil && b.part == nil {
		return []string{name}
	}
	names := make([]string, len(b.prefixes))
	for i, prefix := range b.prefixes {
		names[i] = prefix + strconv.FormatInt(b.index, 10) + "." + name
	}
	return names
}

// inside counts all that fill adds to a part, a tower or the draft layers.
func (b *builder) inside(part Part, fill func()) {
	b.part = &part
	fill()
	b.part = nil
}

// times adds n of everything that fill adds.
func (b *builder) times(n int64, fill func()) {
	if n == 0 {
		return
	}
	outer := max(1, b.repeat)
	b.repeat = outer * n
	fill()
	b.repeat = outer
}

// caches notes what the current layer keeps per token or request.
func (b *builder) caches(cache Cache) {
	if b.layer != nil {
		b.layer.Caches = append(b.layer.Caches, cache)
	}
}

// eachLayer calls fill for n layers and keeps one copy of equal ones.
func (b *builder) eachLayer(n int64, fill func(layer int64)) {
	if int64(len(b.model.Order))+n > maxLayers {
		b.fail("num_hidden_layers", "%d is more than %d", n, maxLayers)
	}
	for b.index = 0; b.index < n && *b.err == nil; b.index++ {
		layer := Layer{}
		b.layer = &layer
		fill(b.index)
		b.layer = nil
		b.model.Order = append(b.model.Order, b.kindOf(layer))
	}
}

func (b *builder) kindOf(layer Layer) uint8 {
	for i := len(b.model.Layers) - 1; i >= 0; i-- {
		if same(b.model.Layers[i], layer) {
			return uint8(i)
		}
	}
	if len(b.model.Layers) == 256 {
		b.fail("quantization_config", "leaves more than 256 kinds of layer")
		return 0
	}
	b.model.Layers = append(b.model.Layers, layer)
	return uint8(len(b.model.Layers) - 1)
}

func same(a, b Layer) bool {
	return slices.Equal(a.Tensors, b.Tensors) && slices.Equal(a.Caches, b.Caches)
}

func (b *builder) finish() (*Model, error) {
	if *b.err != nil {
		return nil, *b.err
	}
	if b.sum == 0 {
		return nil, fmt.Errorf("config.json: a model without weights")
	}
	m := b.model
	return &m, nil
}

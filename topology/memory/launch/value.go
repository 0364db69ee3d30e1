package launch

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// The functions below make a setting's read.

const (
	maxDegree = 1 << 12 // GPUs that one server may span
	maxTokens = 1 << 40
	maxBytes  = 1 << 60
)

// count reads a whole number as Python's int() does.
func count(low, high int64, into func(*memory.Launch) *int64) func(*application, given) error {
	return number(whole, low, high, into)
}

// human reads a whole number like 32k.
func human(low, high int64, into func(*memory.Launch) *int64) func(*application, given) error {
	return number(Number, low, high, into)
}

func number(parse func(string) (int64, error), low, high int64, into func(*memory.Launch) *int64) func(*application, given) error {
	return func(a *application, g given) error {
		n, err := g.number(parse, low, high)
		if err == nil {
			*into(&a.Launch) = n
		}
		return err
	}
}

func (g given) number(parse func(string) (int64, error), low, high int64) (int64, error) {
	n, err := parse(g.text)
	if err != nil {
		return 0, g.errorf("%w, want one from %d to %d", err, low, high)
	}
	if n < low || n > high {
		return 0, g.errorf("want a whole number from %d to %d", low, high)
	}
	return n, nil
}

// share reads a number above 0 and up to 1.
func share(a *application, g given) error {
	value, err := fraction(g.text)
	if err != nil {
		return g.errorf("%w, want one above 0 and up to 1", err)
	}
	if value <= 0 || value > 1 {
		return g.errorf("want a number above 0 and up to 1")
	}
	a.Launch.Utilisation = value
	return nil
}

// largest reads the largest of several whole numbers, separated by spaces or commas.
func (g given) largest() (int64, error) {
	most := int64(0)
	for _, text := range g.list {
		for piece := range strings.SplitSeq(strings.Trim(text, "[] "), ",") {
			one := g
			one.text = piece
			n, err := one.number(whole, 0, maxTokens)
			if err != nil {
				return 0, err
			}
			most = max(most, n)
		}
	}
	return most, nil
}

func sizes(a *application, g given) error {
	most, err := g.largest()
	a.Launch.GraphBatch = most
	return err
}

func isBool(text string) bool {
	return slices.Contains([]string{"true", "false", "1", "0", "yes", "no"}, strings.ToLower(text))
}

func isTrue(text string) bool {
	return slices.Contains([]string{"", "true", "1", "yes", "on"}, strings.ToLower(text))
}

// switched reads a flag that takes no value, or true and false.
func switched(into func(*memory.Launch) *bool) func(*application, given) error {
	return func(a *application, g given) error {
		if g.text != "" && !isBool(g.text) {
			return g.errorf("want true or false")
		}
		*into(&a.Launch) = isTrue(g.text) != g.negated
		return nil
	}
}

var dtypes = map[string]string{
	"auto": "", "half": "float16", "float16": "float16", "fp16": "float16", "bfloat16": "bfloat16", "bf16": "bfloat16", "float": "float32", "float32": "float32", "fp32": "float32",
}

func dtype(a *application, g given) error {
	name, found := dtypes[strings.TrimPrefix(g.text, "torch.")]
	if !found {
		return g.errorf("want auto, half, float16, bfloat16, float or float32")
	}
	a.Launch.Dtype = name
	return nil
}

// gib reads an amount in GiB.
func (g given) gib() (float64, error) {
	value, err := fraction(g.text)
	if err != nil {
		return 0, g.errorf("%w, want GiB from 0 to %d", err, 1<<20)
	}
	if value < 0 || value > 1<<20 {
		return 0, g.errorf("want GiB from 0 to %d", 1<<20)
	}
	return value, nil
}

// model notes the model.
func model(a *application, g given) error { return a.named(g.text, g) }

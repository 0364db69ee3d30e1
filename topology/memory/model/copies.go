package model

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// QuantisedCopies lists the models of the catalogue that have the weights of m in fewer
// bytes: by name copies of it, by config.json of its architecture, the smallest first. Of
// copies that are published under several names one is listed. There are none of a model
// that the catalogue does not know: another model may bear the name of one.
func QuantisedCopies(m *Model) []*Model {
	if _, known := Config(m.Name); !known {
		return nil
	}
	stem := copyStem(m.Name)
	var copies []*Model
	for _, name := range Names() {
		if strings.EqualFold(name, m.Name) || copyStem(name) != stem {
			continue
		}
		other, err := Known(name)
		if err != nil || other.Quantisation == "" || !other.sharesShape(m) || other.Loaded() >= m.Loaded() {
			continue
		}
		alike := func(c *Model) bool { return c.Quantisation == other.Quantisation && c.Loaded() == other.Loaded() }
		if !slices.ContainsFunc(copies, alike) {
			copies = append(copies, other)
		}
	}
	slices.SortStableFunc(copies, func(a, b *Model) int { return cmp.Compare(a.Loaded(), b.Loaded()) })
	return copies
}

// sharesShape reports whether two models have equally many layers, as wide.
func (m *Model) sharesShape(other *Model) bool {
	return len(m.Order) == len(other.Order) && m.Hidden == other.Hidden && m.Heads == other.Heads && m.Vocabulary == other.Vocabulary &&
		m.FeedForward == other.FeedForward && m.ActiveExperts == other.ActiveExperts
}

// copySuffixes are the last words of names by which publishers tell how a copy is stored.
var copySuffixes = strings.Fields(`awq gptq int4 int8 fp8 fp4 nvfp4 mxfp4 dynamic w4a16 w8a8 quantized.w4a16 quantized.w8a8 bnb 4bit 8bit
	hf`)

// copyStem is a model's name without its publisher and without how it is stored:
// "llama-3.1-8b-instruct" for RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16.
func copyStem(name string) string {
	words := strings.Split(strings.TrimPrefix(strings.ToLower(path.Base(name)), "meta-"), "-")
	for len(words) > 1 && slices.Contains(copySuffixes, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return strings.Join(words, "-")
}

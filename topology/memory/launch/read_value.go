package launch

import (
	"slices"
	"strings"
)

// The functions below make settings, or are what reads them.

const (
	maxDegree = 1 << 12 // GPUs that one server may span
	maxTokens = 1 << 40
	maxBytes  = 1 << 60
)

// countSetting is a flag that sets a field to a whole number, as Python's int() reads
// it.
func countSetting(field Field, low, high int64, names ...string) flagSetting {
	return numberSetting(parseWhole, field, low, high, names)
}

// humanSetting is a flag that sets a field to a whole number like 32k.
func humanSetting(field Field, low, high int64, names ...string) flagSetting {
	return numberSetting(ParseNumber, field, low, high, names)
}

func numberSetting(parse func(string) (int64, error), field Field, low, high int64, names []string) flagSetting {
	return flagSetting{names: names, fields: []Field{field}, read: func(a *flagReader, g givenFlag) error {
		n, err := g.parseNumber(parse, low, high)
		if err == nil {
			*field.countOf(&a.reading.Launch) = n
		}
		return err
	}}
}

func (g givenFlag) parseNumber(parse func(string) (int64, error), low, high int64) (int64, error) {
	n, err := parse(g.text)
	if err != nil {
		return 0, g.refuseValue("%w, want one from %d to %d", err, low, high)
	}
	if n < low || n > high {
		return 0, g.refuseNumber("want a whole number from %d to %d", low, high)
	}
	return n, nil
}

// readShare reads a number above 0 and up to 1.
func readShare(a *flagReader, g givenFlag) error {
	value, err := parseFraction(g.text)
	if err != nil {
		return g.refuseValue("%w, want one above 0 and up to 1", err)
	}
	if value <= 0 || value > 1 {
		return g.refuseNumber("want a number above 0 and up to 1")
	}
	a.reading.Launch.Utilisation = value
	return nil
}

// parseLargest reads the largest of several whole numbers, separated by spaces or commas.
func (g givenFlag) parseLargest() (int64, error) {
	most := int64(0)
	for _, text := range g.list {
		for piece := range strings.SplitSeq(strings.Trim(text, "[] "), ",") {
			one := g
			one.text = piece
			n, err := one.parseNumber(parseWhole, 0, maxTokens)
			if err != nil {
				return 0, err
			}
			most = max(most, n)
		}
	}
	return most, nil
}

func readSizes(a *flagReader, g givenFlag) error {
	most, err := g.parseLargest()
	a.reading.Launch.GraphBatch = most
	return err
}

func isBoolText(text string) bool {
	return slices.Contains([]string{"true", "false", "1", "0", "yes", "no"}, strings.ToLower(text))
}

func isTrueText(text string) bool {
	return slices.Contains([]string{"", "true", "1", "yes", "on"}, strings.ToLower(text))
}

// switchSetting is a flag that sets a field and takes no value, or true and false.
func switchSetting(field Field, names ...string) flagSetting {
	return flagSetting{names: names, takes: takesNone, fields: []Field{field}, read: func(a *flagReader, g givenFlag) error {
		if g.text != "" && !isBoolText(g.text) {
			return g.refuseValue("want true or false")
		}
		*field.switchOf(&a.reading.Launch) = isTrueText(g.text) != g.negated
		return nil
	}}
}

var dtypeNames = map[string]string{
	"auto": "", "half": "float16", "float16": "float16", "fp16": "float16", "bfloat16": "bfloat16", "bf16": "bfloat16",
	"float": "float32", "float32": "float32", "fp32": "float32",
}

func readDtype(a *flagReader, g givenFlag) error {
	name, found := dtypeNames[strings.TrimPrefix(g.text, "torch.")]
	if !found {
		return g.refuseValue("want auto, half, float16, bfloat16, float or float32")
	}
	a.reading.Launch.Dtype = name
	return nil
}

// parseGiB reads an amount in GiB.
func (g givenFlag) parseGiB() (float64, error) {
	value, err := parseFraction(g.text)
	if err != nil {
		return 0, g.refuseValue("%w, want GiB from 0 to %d", err, 1<<20)
	}
	if value < 0 || value > 1<<20 {
		return 0, g.refuseValue("want GiB from 0 to %d", 1<<20)
	}
	return value, nil
}

// readModel notes the model.
func readModel(a *flagReader, g givenFlag) error { return a.setModel(g.text, g) }

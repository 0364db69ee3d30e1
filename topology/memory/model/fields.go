package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Limits of what a config.json may state. The largest published model has some
// 2^41 parameters; these leave room and keep every product of three within an int64.
const (
	maxDimension  = 1 << 20
	maxLength     = 1 << 31
	maxLayers     = 1024
	maxExperts    = 1 << 14
	maxPatch      = 1 << 10
	maxParameters = 1 << 46
	maxConfigSize = 4 << 20
	// maxEntries is of lists that say something of every layer, maxNames of those
	// that name modules.
	maxEntries = 1 << 12
	maxNames   = 1 << 17
)

// configFields reads one object of a config.json. The first thing that cannot be read is
// kept in the shared err and everything after it reads as zero, so that builders
// stay free of error handling; Parse looks at it once at the end.
type configFields struct {
	path   string
	values map[string]any
	err    *error
}

func decodeConfig(text []byte) (*configFields, error) {
	if len(text) > maxConfigSize {
		return nil, fmt.Errorf("config.json is %d bytes long, at most %d are read", len(text), maxConfigSize)
	}
	text = StandardJSON(text)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
			return nil, fmt.Errorf("config.json:%d: %w", line, err)
		}
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return &configFields{values: values, err: new(error)}, nil
}

func (f *configFields) addError(key, format string, arguments ...any) {
	if *f.err == nil {
		*f.err = fmt.Errorf("config.json: %s%s: %s", f.path, key, fmt.Sprintf(format, arguments...))
	}
}

// findKey returns the first of keys that is there and not null.
func (f *configFields) findKey(keys []string) (string, any) {
	for _, key := range keys {
		if value, ok := f.values[key]; ok && value != nil {
			return key, value
		}
	}
	return "", nil
}

func (f *configFields) hasKey(keys ...string) bool {
	_, value := f.findKey(keys)
	return value != nil
}

// readDimension reads the first of keys that is there, a whole number of at least 1; 0 if none is.
func (f *configFields) readDimension(keys ...string) int64 {
	return f.readWithin(1, maxDimension, keys)
}

// readCount is readDimension for what may also be stated as 0.
func (f *configFields) readCount(keys ...string) int64 { return f.readWithin(0, maxDimension, keys) }

// readRequired is readDimension for what must be there.
func (f *configFields) readRequired(keys ...string) int64 {
	if !f.hasKey(keys...) {
		f.addError(strings.Join(keys, " or "), "missing")
		return 0
	}
	return f.readDimension(keys...)
}

// readLength is readDimension for what counts tokens.
func (f *configFields) readLength(keys ...string) int64 { return f.readWithin(1, maxLength, keys) }

func (f *configFields) readWithin(low, high int64, keys []string) int64 {
	key, value := f.findKey(keys)
	if value == nil {
		return 0
	}
	number, ok := wholeNumber(value)
	if !ok {
		f.addError(key, "%v is not a whole number", briefText(value))
		return 0
	}
	if number < low || number > high {
		f.addError(key, "%d is not between %d and %d", number, low, high)
		return 0
	}
	return number
}

func wholeNumber(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	if n, err := number.Int64(); err == nil {
		return n, true
	}
	float, err := number.Float64()
	if err != nil || math.IsNaN(float) {
		return 0, false
	}
	switch {
	case float >= math.MaxInt64:
		return math.MaxInt64, true
	case float <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(float), float == math.Trunc(float)
}

func (f *configFields) readFlag(otherwise bool, keys ...string) bool {
	key, value := f.findKey(keys)
	if value == nil {
		return otherwise
	}
	flag, ok := value.(bool)
	if !ok {
		f.addError(key, "%v is neither true nor false", briefText(value))
	}
	return flag
}

func (f *configFields) readText(keys ...string) string {
	key, value := f.findKey(keys)
	if value == nil {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		f.addError(key, "%v is not a text", briefText(value))
	}
	return text
}

// readShare reads a number above 0 and at most 1; otherwise if there is none.
func (f *configFields) readShare(otherwise float64, keys ...string) float64 {
	return f.readNumber(otherwise, 1, keys...)
}

// readNumber reads a number above 0 and at most most; otherwise if there is none.
func (f *configFields) readNumber(otherwise, most float64, keys ...string) float64 {
	key, value := f.findKey(keys)
	if value == nil {
		return otherwise
	}
	if stated, ok := value.(json.Number); ok {
		if number, err := stated.Float64(); err == nil && number > 0 && number <= most {
			return number
		}
	}
	f.addError(key, "%v is not a number above 0 and at most %v", briefText(value), most)
	return otherwise
}

// valueAtLayer is dimension for what may be stated once or as a list with one entry per layer.
func (f *configFields) valueAtLayer(layer int64, keys ...string) int64 {
	key, value := f.findKey(keys)
	if _, isList := value.([]any); !isList {
		return f.readCount(keys...)
	}
	list := f.readInts(key)
	if int64(len(list)) <= layer {
		f.addError(key, "has %d entries, and layer %d needs one", len(list), layer)
		return 0
	}
	return list[layer]
}

// readList reads an array of strings or numbers, as strings.
func (f *configFields) readList(keys ...string) []string { return f.readStrings(maxEntries, keys) }

// readArray reads a list of at most most entries.
func (f *configFields) readArray(most int, keys []string) (string, []any) {
	key, value := f.findKey(keys)
	if value == nil {
		return key, nil
	}
	array, ok := value.([]any)
	if !ok {
		f.addError(key, "%v is not a list", briefText(value))
		return key, nil
	}
	if len(array) > most {
		f.addError(key, "has %d entries, at most %d are read", len(array), most)
		return key, nil
	}
	return key, array
}

func (f *configFields) readStrings(most int, keys []string) []string {
	key, array := f.readArray(most, keys)
	if array == nil {
		return nil
	}
	out := make([]string, len(array))
	for i, element := range array {
		switch element := element.(type) {
		case string:
			out[i] = element
		case json.Number:
			out[i] = element.String()
		default:
			f.addError(fmt.Sprintf("%s[%d]", key, i), "%v is neither a text nor a number", briefText(element))
			return nil
		}
	}
	return out
}

// readInts reads an array of numbers from 0 to maxDimension.
func (f *configFields) readInts(keys ...string) []int64 {
	key, array := f.readArray(maxEntries, keys)
	if array == nil {
		return nil
	}
	out := make([]int64, len(array))
	for i, element := range array {
		number, ok := wholeNumber(element)
		if !ok || number < 0 || number > maxDimension {
			f.addError(fmt.Sprintf("%s[%d]", key, i), "%v is not a whole number from 0 to %d", briefText(element), maxDimension)
			return nil
		}
		out[i] = number
	}
	return out
}

// readObject returns a nested object, nil if it is not there.
func (f *configFields) readObject(keys ...string) *configFields {
	key, value := f.findKey(keys)
	if value == nil {
		return nil
	}
	values, ok := value.(map[string]any)
	if !ok {
		f.addError(key, "%v is not an object", briefText(value))
		return nil
	}
	return &configFields{path: f.path + key + ".", values: values, err: f.err}
}

// withValuesOver returns fields that read from values first and from f for what is not there.
func (f *configFields) withValuesOver(values map[string]any) *configFields {
	return &configFields{path: f.path, values: mergedValues(f.values, values), err: f.err}
}

// withValuesUnder returns fields that read from f first and from values for what is not there.
// A null counts as there: it says that a default does not hold.
func (f *configFields) withValuesUnder(values map[string]any) *configFields {
	return &configFields{path: f.path, values: mergedValues(values, f.values), err: f.err}
}

func mergedValues(below, above map[string]any) map[string]any {
	out := make(map[string]any, len(below)+len(above))
	for key, value := range below {
		out[key] = value
	}
	for key, value := range above {
		out[key] = value
	}
	return out
}

// readObjects returns a list of nested objects, nil if it is not there.
func (f *configFields) readObjects(key string) []*configFields {
	_, array := f.readArray(maxEntries, []string{key})
	if array == nil {
		return nil
	}
	out := make([]*configFields, len(array))
	for i, element := range array {
		values, ok := element.(map[string]any)
		if !ok {
			f.addError(fmt.Sprintf("%s[%d]", key, i), "%v is not an object", briefText(element))
			return nil
		}
		out[i] = &configFields{path: fmt.Sprintf("%s%s[%d].", f.path, key, i), values: values, err: f.err}
	}
	return out
}

// sortedKeys lists the names that are there, sorted.
func (f *configFields) sortedKeys() []string {
	keys := make([]string, 0, len(f.values))
	for key := range f.values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return slices.Clip(keys)
}

func briefText(value any) string {
	text := fmt.Sprint(value)
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return fmt.Sprintf("%q", text)
}

// Numbers as a config.json states them.
const (
	jsonOne  = json.Number("1")
	jsonHalf = json.Number("0.5")
)

func jsonNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

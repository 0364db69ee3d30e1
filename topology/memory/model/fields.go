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

// fields reads one object of a config.json. The first thing that cannot be read is
// kept in the shared err and everything after it reads as zero, so that builders
// stay free of error handling; Parse looks at it once at the end.
type fields struct {
	path   string
	values map[string]any
	err    *error
}

func decode(text []byte) (*fields, error) {
	if len(text) > maxConfigSize {
		return nil, fmt.Errorf("config.json is %d bytes long, at most %d are read", len(text), maxConfigSize)
	}
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
	return &fields{values: values, err: new(error)}, nil
}

func (f *fields) fail(key, format string, arguments ...any) {
	if *f.err == nil {
		*f.err = fmt.Errorf("config.json: %s%s: %s", f.path, key, fmt.Sprintf(format, arguments...))
	}
}

// find returns the first of keys that is there and not null.
func (f *fields) find(keys []string) (string, any) {
	for _, key := range keys {
		if value, ok := f.values[key]; ok && value != nil {
			return key, value
		}
	}
	return "", nil
}

func (f *fields) has(keys ...string) bool {
	_, value := f.find(keys)
	return value != nil
}

// dimension reads the first of keys that is there, a whole number of at least 1; 0 if none is.
func (f *fields) dimension(keys ...string) int64 { return f.within(1, maxDimension, keys) }

// count is dimension for what may also be stated as 0.
func (f *fields) count(keys ...string) int64 { return f.within(0, maxDimension, keys) }

// required is dimension for what must be there.
func (f *fields) required(keys ...string) int64 {
	if !f.has(keys...) {
		f.fail(strings.Join(keys, " or "), "missing")
		return 0
	}
	return f.dimension(keys...)
}

// length is dimension for what counts tokens.
func (f *fields) length(keys ...string) int64 { return f.within(1, maxLength, keys) }

func (f *fields) within(low, high int64, keys []string) int64 {
	key, value := f.find(keys)
	if value == nil {
		return 0
	}
	number, ok := whole(value)
	if !ok {
		f.fail(key, "%v is not a whole number", brief(value))
		return 0
	}
	if number < low || number > high {
		f.fail(key, "%d is not between %d and %d", number, low, high)
		return 0
	}
	return number
}

func whole(value any) (int64, bool) {
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

func (f *fields) flag(otherwise bool, keys ...string) bool {
	key, value := f.find(keys)
	if value == nil {
		return otherwise
	}
	flag, ok := value.(bool)
	if !ok {
		f.fail(key, "%v is neither true nor false", brief(value))
	}
	return flag
}

func (f *fields) text(keys ...string) string {
	key, value := f.find(keys)
	if value == nil {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		f.fail(key, "%v is not a text", brief(value))
	}
	return text
}

// share reads a number above 0 and at most 1; otherwise if there is none.
func (f *fields) share(otherwise float64, keys ...string) float64 {
	return f.number(otherwise, 1, keys...)
}

// number reads a number above 0 and at most most; otherwise if there is none.
func (f *fields) number(otherwise, most float64, keys ...string) float64 {
	key, value := f.find(keys)
	if value == nil {
		return otherwise
	}
	if stated, ok := value.(json.Number); ok {
		if number, err := stated.Float64(); err == nil && number > 0 && number <= most {
			return number
		}
	}
	f.fail(key, "%v is not a number above 0 and at most %v", brief(value), most)
	return otherwise
}

// at is dimension for what may be stated once or as a list with one entry per layer.
func (f *fields) at(layer int64, keys ...string) int64 {
	key, value := f.find(keys)
	if _, isList := value.([]any); !isList {
		return f.count(keys...)
	}
	list := f.ints(key)
	if int64(len(list)) <= layer {
		f.fail(key, "has %d entries, and layer %d needs one", len(list), layer)
		return 0
	}
	return list[layer]
}

// list reads an array of strings or numbers, as strings.
func (f *fields) list(keys ...string) []string { return f.strings(maxEntries, keys) }

// array reads a list of at most most entries.
func (f *fields) array(most int, keys []string) (string, []any) {
	key, value := f.find(keys)
	if value == nil {
		return key, nil
	}
	array, ok := value.([]any)
	if !ok {
		f.fail(key, "%v is not a list", brief(value))
		return key, nil
	}
	if len(array) > most {
		f.fail(key, "has %d entries, at most %d are read", len(array), most)
		return key, nil
	}
	return key, array
}

func (f *fields) strings(most int, keys []string) []string {
	key, array := f.array(most, keys)
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
			f.fail(fmt.Sprintf("%s[%d]", key, i), "%v is neither a text nor a number", brief(element))
			return nil
		}
	}
	return out
}

// ints reads an array of numbers from 0 to maxDimension.
func (f *fields) ints(keys ...string) []int64 {
	key, array := f.array(maxEntries, keys)
	if array == nil {
		return nil
	}
	out := make([]int64, len(array))
	for i, element := range array {
		number, ok := whole(element)
		if !ok || number < 0 || number > maxDimension {
			f.fail(fmt.Sprintf("%s[%d]", key, i), "%v is not a whole number from 0 to %d", brief(element), maxDimension)
			return nil
		}
		out[i] = number
	}
	return out
}

// object returns a nested object, nil if it is not there.
func (f *fields) object(keys ...string) *fields {
	key, value := f.find(keys)
	if value == nil {
		return nil
	}
	values, ok := value.(map[string]any)
	if !ok {
		f.fail(key, "%v is not an object", brief(value))
		return nil
	}
	return &fields{path: f.path + key + ".", values: values, err: f.err}
}

// over returns fields that read from values first and from f for what is not there.
func (f *fields) over(values map[string]any) *fields {
	return &fields{path: f.path, values: merged(f.values, values), err: f.err}
}

// under returns fields that read from f first and from values for what is not there.
// A null counts as there: it says that a default does not hold.
func (f *fields) under(values map[string]any) *fields {
	return &fields{path: f.path, values: merged(values, f.values), err: f.err}
}

func merged(below, above map[string]any) map[string]any {
	out := make(map[string]any, len(below)+len(above))
	for key, value := range below {
		out[key] = value
	}
	for key, value := range above {
		out[key] = value
	}
	return out
}

// objects returns a list of nested objects, nil if it is not there.
func (f *fields) objects(key string) []*fields {
	_, array := f.array(maxEntries, []string{key})
	if array == nil {
		return nil
	}
	out := make([]*fields, len(array))
	for i, element := range array {
		values, ok := element.(map[string]any)
		if !ok {
			f.fail(fmt.Sprintf("%s[%d]", key, i), "%v is not an object", brief(element))
			return nil
		}
		out[i] = &fields{path: fmt.Sprintf("%s%s[%d].", f.path, key, i), values: values, err: f.err}
	}
	return out
}

// keys lists the names that are there, sorted.
func (f *fields) keys() []string {
	keys := make([]string, 0, len(f.values))
	for key := range f.values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return slices.Clip(keys)
}

func brief(value any) string {
	text := fmt.Sprint(value)
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return fmt.Sprintf("%q", text)
}

// Numbers as a config.json states them.
const (
	one  = json.Number("1")
	half = json.Number("0.5")
)

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

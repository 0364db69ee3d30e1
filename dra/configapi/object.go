package configapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// FieldError is one thing that is wrong with a config.
type FieldError struct {
	// Path is the field's, for example "sharing.mps.pinnedMemoryLimit"; "" for the whole.
	Path string
	// Problem says what is there and what is wanted.
	Problem string
}

// Error is the path and the problem.
func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// object is a JSON object of which fields are taken one after the other. What is wrong is
// gathered in problems, which all objects of one config share.
type object struct {
	path     string
	fields   map[string]json.RawMessage
	known    []string
	problems *[]error
}

// parseObject reads one JSON object. Fields that stand twice are a problem.
func parseObject(raw []byte, path string, problems *[]error) *object {
	o := &object{path: path, fields: map[string]json.RawMessage{}, problems: problems}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	start, err := decoder.Token()
	if err != nil {
		o.report("", "it is not JSON: %v", syntaxProblem(err))
		return o
	}
	if start != json.Delim('{') {
		o.report("", "got %s, want an object", typeName(raw))
		return o
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			o.report("", "it is not JSON: %v", syntaxProblem(err))
			return o
		}
		name := key.(string) // the keys of an object are strings
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			o.report("", "it is not JSON: %v", syntaxProblem(err))
			return o
		}
		if _, twice := o.fields[name]; twice {
			o.report(name, "it is given twice")
		}
		o.fields[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		o.report("", "it is not JSON: %v", syntaxProblem(err))
		return o
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		o.report("", "more follows after the object")
	}
	return o
}

func syntaxProblem(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}

// typeName is what a JSON value is, for messages.
func typeName(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "a list"
	case raw[0] == '"', raw[0] == 't', raw[0] == 'f':
		return shortText(string(raw))
	case raw[0] == 'n':
		return "null"
	}
	return shortText(string(raw))
}

// shortText cuts what somebody wrote, so that a message stays one.
func shortText(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

func (o *object) fieldPath(field string) string {
	switch {
	case field == "":
		return o.path
	case o.path == "":
		return shortText(field)
	}
	return o.path + "." + shortText(field)
}

func (o *object) report(field, format string, values ...any) {
	*o.problems = append(*o.problems, &FieldError{Path: o.fieldPath(field), Problem: fmt.Sprintf(format, values...)})
}

// take gives a field's value, and whether there is one. null counts as absent, as elsewhere
// in Kubernetes.
func (o *object) take(field string) (json.RawMessage, bool) {
	o.known = append(o.known, field)
	raw, ok := o.fields[field]
	if !ok || string(bytes.TrimSpace(raw)) == "null" {
		return nil, false
	}
	return raw, true
}

// takeText gives a string; "" if absent or wrong.
func (o *object) takeText(field string) string {
	raw, ok := o.take(field)
	if !ok {
		return ""
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		o.report(field, "got %s, want a string", typeName(raw))
	}
	return text
}

// takeChoice gives one of the words; "" if absent or wrong.
func (o *object) takeChoice(field string, words ...string) string {
	raw, ok := o.take(field)
	if !ok {
		return ""
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil || !slices.Contains(words, text) {
		o.report(field, "got %s, want one of %s", typeName(raw), strings.Join(words, ", "))
		return ""
	}
	return text
}

// takePercentage gives a whole number of 1 to 100; 0 if absent or wrong.
func (o *object) takePercentage(field string) int64 {
	raw, ok := o.take(field)
	if !ok {
		return 0
	}
	value, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
	if err != nil || value < 1 || value > 100 {
		o.report(field, "got %s, want a whole number from 1 to 100", typeName(raw))
		return 0
	}
	return value
}

// The limits of memory that can be asked for: MPS counts in MiB, and no GPU has a PiB.
const (
	leastMemory = topology.MiB
	mostMemory  = 1024 * 1024 * topology.GiB
)

// plainQuantity is what is read as a quantity: comparing one with an exponent of ten digits
// would take minutes.
var plainQuantity = regexp.MustCompile(`^[+-]?[0-9]{1,19}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,2}|[kKMGTPE]i?)?$`)

// takeMemory gives a quantity of memory, rounded down to MiB, in which MPS counts; 0 if
// absent or wrong.
func (o *object) takeMemory(field string) topology.Bytes {
	raw, ok := o.take(field)
	if !ok {
		return 0
	}
	text := string(bytes.TrimSpace(raw))
	if text[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			text = ""
		}
	}
	const wanted = `want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`
	if !plainQuantity.MatchString(text) {
		o.report(field, "got %s, %s", typeName(raw), wanted)
		return 0
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		o.report(field, "got %s, %s", typeName(raw), wanted)
		return 0
	}
	least, most := resource.NewQuantity(int64(leastMemory), resource.BinarySI), resource.NewQuantity(int64(mostMemory), resource.BinarySI)
	if quantity.Cmp(*least) < 0 || quantity.Cmp(*most) > 0 {
		o.report(field, "got %s, %s", typeName(raw), wanted)
		return 0
	}
	return topology.Bytes(quantity.Value()) / topology.MiB * topology.MiB
}

// takeObject gives an object, nil if absent or wrong. Its own fields must be taken and then closed.
func (o *object) takeObject(field string) *object {
	raw, ok := o.take(field)
	if !ok {
		return nil
	}
	before := len(*o.problems)
	member := parseObject(raw, o.fieldPath(field), o.problems)
	if len(*o.problems) > before {
		return nil
	}
	return member
}

// refuse reports a field that must not be there, with the reason.
func (o *object) refuse(field, reason string) {
	if _, there := o.take(field); there {
		o.report(field, "%s", reason)
	}
}

// close reports the fields that nobody took.
func (o *object) close() {
	var unknown []string
	for field := range o.fields {
		if !slices.Contains(o.known, field) {
			unknown = append(unknown, field)
		}
	}
	slices.Sort(unknown)
	for _, field := range unknown {
		if near := nearest.Names(shortText(field), o.known); len(near) > 0 {
			o.report(field, "there is no such field: did you mean %s?", near[0])
			continue
		}
		o.report(field, "there is no such field, want one of %s", strings.Join(o.known, ", "))
	}
}

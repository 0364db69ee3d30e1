// Package scenariofile reads scenarios from YAML, and says of everything that is wrong
// in which line.
package scenariofile

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// MaxText bounds the text of a scenario, in bytes.
const MaxText = 4 << 20

// File is a scenario with where its fields are.
type File struct {
	*scenario.Scenario
	file    string
	decoder decoder
}

// Build makes the input of a variant's run.
func (f *File) Build(c *catalogue.Catalogue, v scenario.Variant, seed int64) (*simulator.Input, error) {
	changed := f.With(v)
	in, err := changed.Build(c, seed)
	if err != nil {
		return nil, f.decoder.locate(f.file, err)
	}
	return in, nil
}

// Decode reads and checks a scenario. Errors name the file, the line and the
// field. JSON is YAML too.
func Decode(name string, text []byte) (*File, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%s:1: more than %d bytes: draw arrivals from a distribution instead of listing them", name, MaxText)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s:1: is empty: see ashlar simulate list for scenarios to start from", name)
	}
	s := &scenario.Scenario{}
	d := decoder{lines: map[string]int{}}
	err := d.decode(document.Content[0], reflect.ValueOf(s).Elem(), "")
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		return nil, d.locate(name, err)
	}
	return &File{Scenario: s, file: name, decoder: d}, nil
}

// decoder fills structs from YAML and remembers where each field is.
type decoder struct{ lines map[string]int }

// locate puts the file and line before an error about a field.
func (d *decoder) locate(name string, err error) error {
	var field *scenario.FieldError
	if !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", name, err)
	}
	for path := field.Path; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		if line, found := d.lines[path]; found {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	return fmt.Errorf("%s:1: %w", name, err)
}

func badField(path, format string, args ...any) error {
	if path == "" {
		path = "scenario"
	}
	return &scenario.FieldError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

func (d *decoder) decode(node *yaml.Node, v reflect.Value, path string) error {
	d.lines[path] = node.Line
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return badField(path, "anchors and aliases are not read: write it out")
	}
	if v.Kind() == reflect.Pointer {
		if node.Tag == "!!null" {
			return badField(path, "is empty")
		}
		v.Set(reflect.New(v.Type().Elem()))
		return d.decode(node, v.Elem(), path)
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if node.Kind != yaml.ScalarNode {
			return badField(path, "want one value")
		}
		if err := text.UnmarshalText([]byte(node.Value)); err != nil {
			return badField(path, "%v", err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(node, v, path)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return badField(path, "want a list: lines that start with -")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content)))
		for i, item := range node.Content {
			if err := d.decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	return d.scalar(node, v, path)
}

func (d *decoder) object(node *yaml.Node, v reflect.Value, path string) error {
	if node.Kind != yaml.MappingNode {
		return badField(path, "want fields: lines like name: value")
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = i
		names = append(names, name)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		inner := key.Value
		if path != "" {
			inner = path + "." + key.Value
		}
		index, known := fields[key.Value]
		if !known {
			d.lines[inner] = key.Line
			return badField(inner, "is not a field%s: want one of %s", nearField(key.Value, names), strings.Join(names, ", "))
		}
		if seen[key.Value] {
			d.lines[inner] = key.Line
			return badField(inner, "occurs twice")
		}
		seen[key.Value] = true
		if err := d.decode(value, v.Field(index), inner); err != nil {
			return err
		}
		d.lines[inner] = key.Line
	}
	return nil
}

// nearField suggests the field that was perhaps meant.
func nearField(given string, names []string) string {
	for _, name := range names {
		if strings.EqualFold(given, name) || strings.HasPrefix(name, given) && len(given) > 2 || strings.HasPrefix(given, name) {
			return ", did you mean " + name + "?"
		}
	}
	return ""
}

func (d *decoder) scalar(node *yaml.Node, v reflect.Value, path string) error {
	if node.Kind != yaml.ScalarNode {
		return badField(path, "want one value")
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(node.Value)
	case reflect.Int64:
		number, err := strconv.ParseInt(node.Value, 10, 64)
		if err != nil {
			return badField(path, "%q, want a whole number", node.Value)
		}
		v.SetInt(number)
	case reflect.Float64:
		number, err := strconv.ParseFloat(node.Value, 64)
		if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
			return badField(path, "%q, want a number", node.Value)
		}
		v.SetFloat(number)
	default:
		return badField(path, "cannot be read")
	}
	return nil
}

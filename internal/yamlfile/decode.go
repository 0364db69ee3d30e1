package yamlfile

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// Read reads the one document of a file into a struct, slice or map, and returns
// everything that is wrong. The document is nil if there is none to speak of; with faults
// in it, into has what could be read.
//
// Fields are matched by the names of json tags, exactly. Embedded structs without a tag
// are part of the struct that they are in. Types with UnmarshalText get scalars as they
// are written.
func Read(file string, text []byte, into any, options Options) (*Document, Faults) {
	documents, broken, faults := parseAll(file, text, options)
	if len(broken) > 0 {
		return nil, broken[:1]
	}
	if len(documents) == 0 {
		if len(faults) == 0 {
			faults = Faults{faultAt(file, nil, strings.TrimSuffix("is empty: "+options.Empty, ": "))}
		}
		return nil, faults
	}
	for _, second := range documents[1:] {
		faults.addFault(&Fault{File: file, Position: second.Root.Position, Problem: "is a second document: want one, without ---"})
	}
	return documents[0], append(faults, documents[0].Decode(into)...)
}

// Decode fills into from the document, as Read does.
func (d *Document) Decode(into any) Faults { return d.DecodeNode(d.Root, "", into) }

// DecodeNode fills into from a node of the document, whose path starts those of faults.
func (d *Document) DecodeNode(node *Node, path string, into any) Faults {
	decoding := nodeDecoder{file: d.File}
	decoding.decodeInto(node, reflect.ValueOf(into).Elem(), path)
	return decoding.faults
}

type nodeDecoder struct {
	file   string
	faults Faults
}

func (d *nodeDecoder) reportFault(at Position, path, format string, args ...any) *Fault {
	fault := &Fault{File: d.file, Position: at, Path: path, Problem: fmt.Sprintf(format, args...)}
	d.faults.addFault(fault)
	return fault
}

func (d *nodeDecoder) decodeInto(node *Node, v reflect.Value, path string) {
	if v.Kind() == reflect.Interface && v.NumMethod() == 0 {
		if value := node.Value(); value != nil {
			v.Set(reflect.ValueOf(value))
		}
		return
	}
	if node.faulty {
		return
	}
	if node.Kind == KindNull {
		d.reportFault(node.Position, path, "is empty: write a value, or leave the field out")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.decodeInto(node, v.Elem(), path)
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if !node.IsScalar() {
			d.reportFault(node.Position, path, "want one value")
		} else if err := text.UnmarshalText([]byte(node.Text)); err != nil {
			d.reportFault(node.Position, path, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(node, v, path)
	case reflect.Slice:
		d.decodeSlice(node, v, path)
	case reflect.Map:
		d.decodeMap(node, v, path)
	default:
		d.decodeScalar(node, v, path)
	}
}

const wantFields = "want fields: lines like name: value"

func (d *nodeDecoder) decodeStruct(node *Node, v reflect.Value, path string) {
	if node.Kind != KindMapping {
		d.reportFault(node.Position, path, wantFields)
		return
	}
	names, indices := fieldsOf(v.Type(), nil)
	for _, field := range node.Fields {
		inner := joinPath(path, field.Name)
		found := false
		for i, name := range names {
			if name == field.Name {
				d.decodeInto(field.Value, v.FieldByIndex(indices[i]), inner)
				found = true
				break
			}
		}
		if found {
			continue
		}
		hint, meant := "", ""
		if near := nearest.Names(field.Name, names); len(near) > 0 {
			hint, meant = ", did you mean "+near[0]+"?", joinPath(path, near[0])
		}
		d.reportFault(field.Position, inner, "is not a field%s: want one of %s", hint, strings.Join(names, ", ")).meant = meant
	}
}

// fieldsOf are the names of a struct's fields and where they are.
func fieldsOf(typ reflect.Type, outer []int) (names []string, indices [][]int) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		index := append(append([]int{}, outer...), i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			inner, innerIndices := fieldsOf(field.Type, index)
			names, indices = append(names, inner...), append(indices, innerIndices...)
		case name != "" && name != "-" && field.IsExported():
			names, indices = append(names, name), append(indices, index)
		}
	}
	return names, indices
}

func (d *nodeDecoder) decodeSlice(node *Node, v reflect.Value, path string) {
	if node.Kind != KindSequence {
		d.reportFault(node.Position, path, "want a list: lines that start with -")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(node.Items), len(node.Items)))
	for i, item := range node.Items {
		d.decodeInto(item, v.Index(i), path+"["+strconv.Itoa(i)+"]")
	}
}

func (d *nodeDecoder) decodeMap(node *Node, v reflect.Value, path string) {
	if node.Kind != KindMapping {
		d.reportFault(node.Position, path, wantFields)
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(node.Fields)))
	for _, field := range node.Fields {
		value := reflect.New(v.Type().Elem()).Elem()
		d.decodeInto(field.Value, value, joinPath(path, field.Name))
		v.SetMapIndex(reflect.ValueOf(field.Name).Convert(v.Type().Key()), value)
	}
}

func (d *nodeDecoder) decodeScalar(node *Node, v reflect.Value, path string) {
	if !node.IsScalar() {
		d.reportFault(node.Position, path, "want one value")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(node.Text)
	case reflect.Bool:
		truth, meant := olderTruth[strings.ToLower(node.Text)]
		if node.Kind == KindString && meant {
			v.SetBool(truth)
			return
		}
		if node.Kind != KindBoolean {
			d.reportFault(node.Position, path, "%q, want true or false", node.Text)
			return
		}
		v.SetBool(isTrue(node.Text))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number, err := strconv.ParseInt(node.Text, 10, v.Type().Bits())
		if err != nil || node.Kind != KindInteger {
			d.reportFault(node.Position, path, "%q, want a whole number%s", node.Text, quotesHint(node, err))
			return
		}
		v.SetInt(number)
	case reflect.Float32, reflect.Float64:
		number, err := strconv.ParseFloat(node.Text, v.Type().Bits())
		if err != nil || node.Kind != KindInteger && node.Kind != KindFloat || math.IsNaN(number) || math.IsInf(number, 0) {
			d.reportFault(node.Position, path, "%q, want a number%s", node.Text, quotesHint(node, err))
			return
		}
		v.SetFloat(number)
	default:
		d.reportFault(node.Position, path, "cannot be read into a %s", v.Type())
	}
}

// quotesHint says what to do about a number in quotes.
func quotesHint(node *Node, err error) string {
	if err == nil && node.Kind == KindString {
		return " without quotes"
	}
	return ""
}

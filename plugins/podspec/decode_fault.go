package podspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// wrongType matches what encoding/json, and Kubernetes' form of it, say of a value of another type
// than a field has.
var wrongType = regexp.MustCompile(`json: cannot unmarshal (\w+)(?: \S+)? into Go struct field [^ .]*\.(\S+) of type (\S+)`)

// ExplainDecoding says of the JSON of an object that could not be read which field is at fault, and
// what it may be, where Kubernetes' decoders speak of types of Go, or of no field at all.
func ExplainDecoding(text []byte, err error) error {
	if err == nil {
		return nil
	}
	if match := wrongType.FindStringSubmatch(err.Error()); match != nil {
		shape, want := nameShape(match[1]), nameType(match[3])
		if want == anyText && (match[1] == "number" || match[1] == "bool") {
			want += ": put it in quotes"
		}
		return fmt.Errorf("%s: %s, want %s", match[2], shape, want)
	}
	if !strings.Contains(err.Error(), resource.ErrFormatWrong.Error()) && !strings.Contains(err.Error(), resource.ErrNumeric.Error()) {
		return err
	}
	var value any
	if json.Unmarshal(text, &value) != nil {
		return err
	}
	if fault := quantityFault(value, "", false); fault != "" {
		return errors.New(fault)
	}
	return err
}

const anyText = "text"

// nameShape names a value of JSON as people do.
func nameShape(shape string) string {
	switch shape {
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "string":
		return anyText
	case "bool":
		return "true or false"
	}
	return "a number"
}

// nameType names what a field of a type of Go is in YAML.
func nameType(of string) string {
	of = strings.TrimLeft(of, "*")
	switch {
	case strings.HasPrefix(of, "[]"):
		return "a list"
	case of == "string" || strings.HasSuffix(of, ".UID"):
		return anyText
	case strings.HasPrefix(of, "int"), strings.HasPrefix(of, "uint"):
		return "a whole number"
	case of == "bool":
		return "true or false"
	}
	return "a mapping"
}

// quantityFields hold amounts by the names of resources.
var quantityFields = []string{
	"limits", "requests", "hard", "used", "allocatable", "capacity", "overhead", "default", "defaultRequest", "max", "min",
	"maxLimitRequestRatio",
}

// quantityFault names the first amount in a value that is none, "" if all are. amounts says that the
// value holds amounts.
func quantityFault(value any, path string, amounts bool) string {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if fault := quantityFault(item, path+"["+strconv.Itoa(i)+"]", false); fault != "" {
				return fault
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			text, isText := value[name].(string)
			if !isText || !amounts && name != "sizeLimit" {
				if fault := quantityFault(value[name], at, slices.Contains(quantityFields, name)); fault != "" {
					return fault
				}
				continue
			}
			if _, err := resource.ParseQuantity(text); err != nil {
				return fmt.Sprintf("%s: %q, want an amount such as 2, 500m or 16Gi", at, text)
			}
		}
	}
	return ""
}

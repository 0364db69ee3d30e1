package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	kubejson "sigs.k8s.io/json"
)

// unknownFields are those of an object that this version does not know, as JSON.
type unknownFields map[string]json.RawMessage

// decodeFields reads an object into a struct, field names exactly as tagged, and returns
// the fields that the struct does not have.
func decodeFields(text []byte, into any) (unknownFields, error) {
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(text, into); err != nil {
		return nil, err
	}
	fields := unknownFields{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, name := range knownFields(into) {
		delete(fields, name)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return fields, nil
}

// encodeFields writes a struct, and after its own fields the unknown ones by name.
func encodeFields(from any, unknown unknownFields) ([]byte, error) {
	text, err := json.Marshal(from)
	if err != nil || len(unknown) == 0 {
		return text, err
	}
	var out strings.Builder
	out.Write(text[:len(text)-1])
	separator := ","
	if len(text) == len("{}") {
		separator = ""
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s%s:%s", separator, key, unknown[name])
		separator = ","
	}
	out.WriteByte('}')
	return []byte(out.String()), nil
}

// knownFields are the names of a struct's fields in JSON.
func knownFields(pointer any) []string {
	structure := reflect.TypeOf(pointer).Elem()
	var names []string
	for i := range structure.NumField() {
		name, _, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ",")
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// The types without methods, so that JSON takes them as they are.
type (
	plainClaim    Claim
	plainDevice   Device
	plainInstance Instance
	plainLimits   MPSLimits
	plainHeader   fileHeader
)

// UnmarshalJSON keeps the fields that it does not know.
func (c *Claim) UnmarshalJSON(text []byte) (err error) {
	c.unknown, err = decodeFields(text, (*plainClaim)(c))
	return err
}

// MarshalJSON writes them back.
func (c Claim) MarshalJSON() ([]byte, error) { return encodeFields(plainClaim(c), c.unknown) }

// UnmarshalJSON keeps the fields that it does not know.
func (d *Device) UnmarshalJSON(text []byte) (err error) {
	d.unknown, err = decodeFields(text, (*plainDevice)(d))
	return err
}

// MarshalJSON writes them back.
func (d Device) MarshalJSON() ([]byte, error) { return encodeFields(plainDevice(d), d.unknown) }

// UnmarshalJSON keeps the fields that it does not know.
func (i *Instance) UnmarshalJSON(text []byte) (err error) {
	i.unknown, err = decodeFields(text, (*plainInstance)(i))
	return err
}

// MarshalJSON writes them back.
func (i Instance) MarshalJSON() ([]byte, error) { return encodeFields(plainInstance(i), i.unknown) }

// UnmarshalJSON keeps the fields that it does not know.
func (l *MPSLimits) UnmarshalJSON(text []byte) (err error) {
	l.unknown, err = decodeFields(text, (*plainLimits)(l))
	return err
}

// MarshalJSON writes them back.
func (l MPSLimits) MarshalJSON() ([]byte, error) { return encodeFields(plainLimits(l), l.unknown) }

// UnmarshalJSON keeps the fields that it does not know.
func (h *fileHeader) UnmarshalJSON(text []byte) (err error) {
	h.unknown, err = decodeFields(text, (*plainHeader)(h))
	return err
}

// MarshalJSON writes them back.
func (h fileHeader) MarshalJSON() ([]byte, error) { return encodeFields(plainHeader(h), h.unknown) }

package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// setKey sets a key like a.b in nested objects; a.b+ appends to a list.
func setKey(object map[string]any, keys, text string) error {
	keys, appends := strings.CutSuffix(keys, "+")
	parts := strings.Split(keys, ".")
	if len(parts) > 16 {
		return errors.New("more than 16 keys in one another")
	}
	for _, key := range parts[:len(parts)-1] {
		inner, isObject := object[key].(map[string]any)
		if !isObject {
			inner = map[string]any{}
			object[key] = inner
		}
		object = inner
	}
	last := parts[len(parts)-1]
	if appends {
		list, _ := object[last].([]any)
		for piece := range strings.SplitSeq(text, ",") {
			list = append(list, piece)
		}
		object[last] = list
		return nil
	}
	value := any(text)
	if parsed, err := parseJSON(text); err == nil {
		value = parsed
	} else if n, err := ParseNumber(text); err == nil {
		value = json.Number(strconv.FormatInt(n, 10))
	}
	object[last] = value
	return nil
}

// maxJSON bounds how deep JSON objects and lists lie in one another.
const maxJSON = 32

// parseJSON reads one JSON value, with its numbers as they are written.
func parseJSON(text string) (any, error) {
	if hasUnknown(text) {
		return nil, errors.New("is not known")
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			if depth++; depth > maxJSON {
				return nil, fmt.Errorf("is JSON more than %d deep", maxJSON)
			}
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("is not one JSON value")
	}
	return value, nil
}

// jsonObject is a flag's JSON object.
func (g givenFlag) jsonObject() (map[string]any, error) {
	if g.object != nil {
		return g.object, nil
	}
	value, err := parseJSON(g.text)
	if err != nil {
		return nil, g.refuseValue("%w", err)
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return nil, g.refuseValue("is not a JSON object")
	}
	return object, nil
}

// parseMember reads a whole number of a JSON object.
func (g givenFlag) parseMember(key string, value any, low, high int64) (int64, error) {
	one := givenFlag{name: g.name + " " + key, text: scalarText(value), place: g.place}
	return one.parseNumber(parseWhole, low, high)
}

// scalarText is a JSON or YAML value as a word.
func scalarText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return fmt.Sprint(value)
}

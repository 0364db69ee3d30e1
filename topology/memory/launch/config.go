package launch

import (
	"fmt"
	"path"
	"strings"
)

// config adds the flags of a configuration file, which stand behind the command
// line's, or says that they are out of sight.
func (a *application) config(d *dialect, words []argument, cl *commandLine) error {
	if d.config == "" {
		return nil
	}
	file, place := "", ""
	for i, w := range words {
		name, value, hasValue := strings.Cut(w.text, "=")
		switch {
		case spelled(name) != d.config:
		case hasValue:
			file, place = value, w.place
		case i+1 < len(words):
			file, place = words[i+1].text, w.place
		}
	}
	if place == "" {
		return nil
	}
	content, found := a.file(file)
	if !found {
		cl.anything = append(cl.anything, unseen{0, fmt.Sprintf("%s: %s %s is not in the pod", place, d.config, a.holes.show(file))})
		return nil
	}
	if inner, nested := content["vllm"].(map[string]any); nested {
		content = inner // Kaito's
	}
	return d.parse(flags(content, "file "+file), a.holes, cl)
}

func (a *application) file(name string) (map[string]any, bool) {
	if hasHole(name) {
		return nil, false
	}
	content, found := a.files[name]
	if !found {
		content, found = a.files[path.Clean(name)]
	}
	return content, found
}

// flags turns a parsed configuration file into words (vLLM's load_config_file).
func flags(content map[string]any, place string) []argument {
	var words []argument
	add := func(text string) { words = append(words, argument{text, place}) }
	for _, key := range sortedKeys(content) {
		switch value := content[key].(type) {
		case nil:
		case bool:
			if value {
				add("--" + key)
			} else {
				add("--no-" + key)
			}
		case []any:
			if len(value) > 0 {
				add("--" + key)
			}
			for _, element := range value {
				add(scalar(element))
			}
		case map[string]any:
			add("--" + key + "=" + scalar(value))
		default:
			add("--" + key + "=" + scalar(value))
		}
	}
	return words
}

package launch

import (
	"fmt"
	"path"
	"strings"
)

// readConfigFile adds the flags of a configuration file, which stand behind the command
// line's, or says that they are out of sight.
func (a *flagReader) readConfigFile(d *flagDialect, words []placedWord, cl *commandLine) error {
	if d.config == "" {
		return nil
	}
	file, place := "", ""
	for i, w := range words {
		name, value, hasValue := strings.Cut(w.text, "=")
		switch {
		case canonicalName(name) != d.config:
		case hasValue:
			file, place = value, w.place
		case i+1 < len(words):
			file, place = words[i+1].text, w.place
		}
	}
	if place == "" {
		return nil
	}
	content, found := a.knownFile(file)
	if !found {
		cl.anything = append(cl.anything, unseenFlags{0,
			fmt.Sprintf("%s: %s %s is not in the pod", place, d.config, a.unknowns.showText(file))})
		return nil
	}
	if inner, nested := content["vllm"].(map[string]any); nested {
		content = inner // Kaito's
	}
	return d.parseWords(configFlags(content, "file "+file), a.unknowns, cl)
}

func (a *flagReader) knownFile(name string) (map[string]any, bool) {
	if hasUnknown(name) {
		return nil, false
	}
	content, found := a.files[name]
	if !found {
		content, found = a.files[path.Clean(name)]
	}
	return content, found
}

// configFlags turns a parsed configuration file into words (vLLM's load_config_file).
func configFlags(content map[string]any, place string) []placedWord {
	var words []placedWord
	add := func(text string) { words = append(words, placedWord{text, place}) }
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
				add(scalarText(element))
			}
		case map[string]any:
			add("--" + key + "=" + scalarText(value))
		default:
			add("--" + key + "=" + scalarText(value))
		}
	}
	return words
}

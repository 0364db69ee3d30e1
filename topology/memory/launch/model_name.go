package launch

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

var (
	hubName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$`)
	hubFolder    = regexp.MustCompile(`(?:^|/)models--([A-Za-z0-9][A-Za-z0-9._-]*?)--([A-Za-z0-9][A-Za-z0-9._-]*)(?:/|$)`)
	hubQuantised = regexp.MustCompile(`^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+:[A-Za-z0-9_.-]+$`)
)

// setModel notes which model is served, by what the server was told.
func (a *flagReader) setModel(text string, g givenFlag) error {
	a.reading.Model = ""
	name, because := modelOf(text, a.stored)
	switch {
	case because != "":
		a.reading.markUnknown(FieldModel, fmt.Sprintf("%s: %s, name it with annotation %s", g.whereGiven(), because, ModelAnnotation))
	case name == "":
		return g.refuseValue("want a model's name like meta-llama/Llama-3.1-8B-Instruct, or a folder")
	}
	a.reading.Model = name
	return nil
}

// modelOf is the name on the hub of what a server is told to load, or why it has
// none. stored are sources by the folder that they are put in.
func modelOf(text string, stored map[string]string) (name, because string) {
	if found := hubFolder.FindStringSubmatch(text); found != nil {
		return found[1] + "/" + found[2], ""
	}
	if strings.Contains(strings.ToLower(text), "gguf") {
		return "", "the sizes of GGUF files are not known"
	}
	if rest, found := strings.CutPrefix(text, "hf://"); found {
		rest = strings.Trim(rest, "/")
		if end := strings.IndexAny(rest, ":@"); end >= 0 {
			rest = rest[:end] // the revision
		}
		if !hubName.MatchString(rest) {
			return "", fmt.Sprintf("%q names no model on the hub", text)
		}
		return rest, ""
	}
	if scheme, _, found := strings.Cut(text, "://"); found {
		return "", fmt.Sprintf("which model is behind %s:// is not in the pod", scheme)
	}
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasPrefix(text, "~") {
		return modelInFolder(text, stored)
	}
	if hubQuantised.MatchString(text) {
		return "", "the sizes of GGUF files are not known"
	}
	if !hubName.MatchString(text) {
		if strings.Count(text, "/") > 1 {
			return modelInFolder(text, stored)
		}
		return "", ""
	}
	return text, ""
}

// modelInFolder finds the model that was put in a folder.
func modelInFolder(folder string, stored map[string]string) (name, because string) {
	source, found := stored[path.Clean(folder)]
	if !found {
		return "", fmt.Sprintf("which model lies in folder %s is not in the pod", folder)
	}
	return modelOf(source, nil)
}

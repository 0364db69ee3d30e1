package podspec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// maxText bounds the text of a manifest; API servers take 3 MiB per object.
const maxText = 16 << 20

// Object is one object of a manifest.
type Object struct {
	File string
	// Line is where it starts.
	Line int
	// APIVersion, Kind, Namespace and Name are "" if it does not say.
	APIVersion, Kind, Namespace, Name string

	root *yamlfile.Node
	// beside are all objects of the file.
	beside []Object
}

// ReadObjects reads YAML or JSON with any number of documents. Lists are taken apart, and
// their items are of the list's kind if they name none. The error names file and line of
// everything that is no YAML; the objects of the other documents are there all the same.
func ReadObjects(file string, text []byte) ([]Object, error) {
	documents, err := yamlfile.Parse(file, text, yamlfile.Options{Aliases: true, MaxBytes: maxText})
	var objects []Object
	for _, document := range documents {
		if len(document.Faults) == 0 {
			objects = append(objects, objectsIn(file, document.Root)...)
		}
	}
	for i := range objects {
		objects[i].beside = objects
	}
	return objects, err
}

func objectsIn(file string, root *yamlfile.Node) []Object {
	object := Object{
		File: file, Line: root.Position.Line, APIVersion: root.Field("apiVersion").String(), Kind: root.Field("kind").String(),
		Namespace: root.Field("metadata").Field("namespace").String(), Name: root.Field("metadata").Field("name").String(), root: root,
	}
	element, isList := strings.CutSuffix(object.Kind, "List")
	items := root.Field("items")
	if !isList || object.Name != "" || items == nil || items.Kind != yamlfile.KindSequence {
		return []Object{object}
	}
	var objects []Object
	for _, item := range items.Items {
		for _, inner := range objectsIn(file, item) {
			if inner.Kind == "" && element != "" {
				inner.Kind, inner.APIVersion = element, object.APIVersion
			}
			objects = append(objects, inner)
		}
	}
	return objects
}

// Where names the object for people: "deploy.yaml:12: Deployment vllm".
func (o *Object) Where() string {
	where := fmt.Sprintf("%s:%d", o.File, o.Line)
	if title := titleOf(o.Kind, o.Name); title != "" {
		where += ": " + title
	}
	return where
}

// HasControllerBeside reports whether another object of the file makes this one, by what its
// metadata.ownerReferences say: a pod that a Deployment made, as kubectl get writes both.
func (o *Object) HasControllerBeside() bool {
	for _, owner := range itemsOf(nodeAt(o.root, "metadata", "ownerReferences")) {
		if owner.Field("controller").String() != "true" {
			continue
		}
		group, kind, name := groupOf(owner.Field("apiVersion").String()), owner.Field("kind").String(), owner.Field("name").String()
		isOwner := func(other Object) bool {
			return other.Name == name && other.Kind == kind && groupOf(other.APIVersion) == group && other.root != o.root &&
				nodeAt(other.root, "metadata", "namespace").String() == nodeAt(o.root, "metadata", "namespace").String()
		}
		if slices.ContainsFunc(o.beside, isOwner) {
			return true
		}
	}
	return false
}

// AsJSON is the object as API clients read it, with the kind of its list if it names none.
func (o *Object) AsJSON() ([]byte, error) {
	value := o.root.Value()
	if fields, ok := value.(map[string]any); ok && o.Kind != "" {
		fields["kind"], fields["apiVersion"] = o.Kind, o.APIVersion
	}
	return json.Marshal(value)
}

func titleOf(kind, name string) string { return strings.TrimSpace(kind + " " + name) }

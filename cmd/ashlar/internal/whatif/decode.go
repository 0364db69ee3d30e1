package whatif

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	apps "k8s.io/kubernetes/pkg/apis/apps/install"
	batch "k8s.io/kubernetes/pkg/apis/batch/install"
	core "k8s.io/kubernetes/pkg/apis/core/install"
	resource "k8s.io/kubernetes/pkg/apis/resource/install"
	scheduling "k8s.io/kubernetes/pkg/apis/scheduling/install"
)

// scheme knows the API server's own defaults and conversions.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme){core.Install, apps.Install, batch.Install, resource.Install, scheduling.Install} {
		install(s)
	}
	utilruntime.Must(s.SetVersionPriority(schema.GroupVersion{Group: "resource.k8s.io", Version: "v1"}))
	return s
}()

// strictness says what becomes of fields that an object does not have.
type strictness bool

const (
	lenient strictness = false // a snapshot may be of another release
	strict  strictness = true  // as kubectl apply is
)

// header is what is read of a document before its kind is known.
type header struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// unknownKind is a document of a kind that is not part of Kubernetes.
type unknownKind struct{ kind, name string }

// decode reads YAML or JSON with any number of documents, lists taken apart, and calls
// visit with each object: one of Kubernetes' with the API server's defaults, in the
// version that Objects holds, a *Group, or an unknownKind.
func decode(source string, text []byte, how strictness, visit func(where string, object any) error) error {
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 1<<16)
	for number := 1; ; number++ {
		var document runtime.RawExtension
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		where := source
		if number > 1 {
			where = fmt.Sprintf("%s, document %d", source, number)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if len(bytes.TrimSpace(document.Raw)) == 0 || bytes.Equal(document.Raw, []byte("null")) {
			continue // a comment between two ---
		}
		if err := decodeOne(where, document.Raw, header{}, how, visit); err != nil {
			return err
		}
	}
}

// decodeOne reads one document. of is what a list says of its items, which need not
// say it themselves.
func decodeOne(where string, text []byte, of header, how strictness, visit func(where string, object any) error) error {
	var about header
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if about.Kind == "" {
		about.Kind, about.APIVersion = of.Kind, of.APIVersion
	}
	if about.Kind == "" || about.APIVersion == "" {
		return fmt.Errorf("%s: no kind and apiVersion: want Kubernetes objects", where)
	}
	if element, isList := strings.CutSuffix(about.Kind, "List"); isList && about.Metadata.Name == "" {
		for i, item := range about.Items {
			if err := decodeOne(fmt.Sprintf("%s, item %d", where, i+1), item, header{Kind: element, APIVersion: about.APIVersion}, how, visit); err != nil {
				return err
			}
		}
		return nil
	}
	if about.Metadata.Name != "" {
		where = fmt.Sprintf("%s: %s %s", where, about.Kind, about.Metadata.Name)
	}
	version, err := schema.ParseGroupVersion(about.APIVersion)
	if err != nil {
		return fmt.Errorf("%s: apiVersion: %w", where, err)
	}
	kind := version.WithKind(about.Kind)
	switch {
	case about.Kind == "Secret":
		return nil // none of our business
	case kind.Group == groupAPI && kind.Kind == groupKind:
		group := &Group{}
		if err := json.Unmarshal(text, group); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		return visit(where, group)
	case !scheme.Recognizes(kind):
		return visit(where, unknownKind{about.Kind, about.Metadata.Name})
	}
	object, err := typed(text, kind, how)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return visit(where, object)
}

var decoders = map[strictness]runtime.Decoder{
	lenient: serializer.NewCodecFactory(scheme).UniversalDeserializer(),
	strict:  serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(),
}

// typed reads an object and brings it to the version of its API that is in use today.
func typed(text []byte, kind schema.GroupVersionKind, how strictness) (runtime.Object, error) {
	object, _, err := decoders[how].Decode(text, &kind, nil)
	if err != nil {
		return nil, err
	}
	scheme.Default(object)
	latest := scheme.PrioritizedVersionsForGroup(kind.Group)[0]
	if kind.GroupVersion() == latest || !scheme.Recognizes(latest.WithKind(kind.Kind)) {
		return object, nil
	}
	internal, err := scheme.ConvertToVersion(object, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return nil, err
	}
	converted, err := scheme.ConvertToVersion(internal, latest)
	if err != nil {
		return nil, err
	}
	scheme.Default(converted)
	return converted, nil
}

package dryrun

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
	autoscaling "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	batch "k8s.io/kubernetes/pkg/apis/batch/install"
	core "k8s.io/kubernetes/pkg/apis/core/install"
	policy "k8s.io/kubernetes/pkg/apis/policy/install"
	resource "k8s.io/kubernetes/pkg/apis/resource/install"
	scheduling "k8s.io/kubernetes/pkg/apis/scheduling/install"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// objectScheme knows the API server's own defaults and conversions.
var objectScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme){
		core.Install, apps.Install, autoscaling.Install, batch.Install, resource.Install, scheduling.Install,
		policy.Install,
	} {
		install(s)
	}
	utilruntime.Must(v1alpha1.AddToScheme(s))
	utilruntime.Must(s.SetVersionPriority(schema.GroupVersion{Group: "resource.k8s.io", Version: "v1"}))
	utilruntime.Must(s.SetVersionPriority(schema.GroupVersion{Group: "policy", Version: "v1"}))
	return s
}()

// fieldStrictness says what becomes of fields that an object does not have.
type fieldStrictness bool

const (
	lenient fieldStrictness = false // a snapshot may be of another release
	strict  fieldStrictness = true  // as kubectl apply is
)

// objectHeader is what is read of a document before its kind is known.
type objectHeader struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

// snapshotObject is an object that scheduling looks at, with where it is.
type snapshotObject struct {
	where string
	kind  schema.GroupVersionKind
	// typed has the API server's defaults, in the version that ClusterObjects holds; nil if the
	// version that it is written in is not read.
	typed any
}

// decodeSnapshot reads what API servers have written, YAML or JSON with any number of documents,
// lists taken apart, and calls visit with each object that scheduling looks at. Objects of other
// kinds and fields that are not known are passed over. Snapshots are larger than what people write,
// for which package podspec has bounds.
func decodeSnapshot(source string, text []byte, visit func(snapshotObject) error) error {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return fmt.Errorf("%s: is UTF-16, as > of PowerShell writes it: save it as UTF-8, or write it with ashlar whatif --save FILE", source)
	}
	if list, whole := splitList(text); whole {
		return decodeItems(source, list, visit)
	}
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
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s: is cut off in the midst of an object: take the snapshot anew", where)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if err := decodeDocument(where, document.Raw, objectHeader{}, visit); err != nil {
			return err
		}
	}
}

// decodeDocument reads one document. of is what a list says of its items, which need not
// say it themselves.
func decodeDocument(where string, text []byte, of objectHeader, visit func(snapshotObject) error) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return nil // a comment between two ---
	}
	if text[0] != '{' {
		return fmt.Errorf("%s: no Kubernetes object: want what kubectl get -o json or -o yaml writes", where)
	}
	var about objectHeader
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("%s: %w", where, podspec.ExplainDecoding(text, err))
	}
	if about.Kind == "" {
		about.Kind, about.APIVersion = of.Kind, of.APIVersion
	}
	if about.Kind == "" || about.APIVersion == "" {
		return fmt.Errorf("%s: no kind and apiVersion: want Kubernetes objects", where)
	}
	if element, isList := strings.CutSuffix(about.Kind, "List"); isList && about.Metadata.Name == "" {
		about.Kind = element
		return decodeItems(where, about, visit)
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
	case !isLookedAt(kind.GroupKind()):
		return nil
	case !objectScheme.Recognizes(kind):
		return visit(snapshotObject{where: where, kind: kind})
	}
	object, err := typedObject(text, kind, lenient)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return visit(snapshotObject{where, kind, object})
}

// isLookedAt reports whether scheduling looks at objects of a kind.
func isLookedAt(kind schema.GroupKind) bool {
	object, err := objectScheme.New(versionToday(kind.Group, kind.Kind).WithKind(kind.Kind))
	return err == nil && new(ClusterObjects).AddObject(object)
}

var objectDecoders = map[fieldStrictness]runtime.Decoder{
	lenient: serializer.NewCodecFactory(objectScheme).UniversalDeserializer(),
	strict:  serializer.NewCodecFactory(objectScheme, serializer.EnableStrict).UniversalDeserializer(),
}

// typedObject reads an object and brings it to the version of its API that is in use today.
func typedObject(text []byte, kind schema.GroupVersionKind, how fieldStrictness) (runtime.Object, error) {
	object, err := objectScheme.New(kind)
	if err != nil || how == strict || kjson.UnmarshalCaseSensitivePreserveInts(text, object) != nil {
		if object, _, err = objectDecoders[how].Decode(text, &kind, nil); err != nil { // which says what is wrong
			return nil, podspec.ExplainDecoding(text, err)
		}
	}
	objectScheme.Default(object)
	latest := versionToday(kind.Group, kind.Kind)
	if kind.GroupVersion() == latest {
		return object, nil
	}
	internal, err := objectScheme.ConvertToVersion(object, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return nil, err
	}
	converted, err := objectScheme.ConvertToVersion(internal, latest)
	if err != nil {
		return nil, err
	}
	objectScheme.Default(converted)
	return converted, nil
}

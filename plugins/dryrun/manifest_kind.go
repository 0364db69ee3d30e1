package dryrun

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// kindOf is the object's kind as its API has it.
func kindOf(object *podspec.Object) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
}

// unknownKind stands for an object of a kind that is not part of Kubernetes.
type unknownKind struct{}

// decodeObject reads an object of Kubernetes strictly, as kubectl apply is, in the version of its
// API that is in use today. It is nil for what is none of our business, and an unknownKind if it is
// no object of Kubernetes itself.
func (m *AppliedManifest) decodeObject(object *podspec.Object) (any, error) {
	text, err := object.AsJSON()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", object.Where(), err)
	case bytes.Equal(text, []byte("null")):
		return nil, nil
	case object.Kind == "" || object.APIVersion == "":
		return nil, fmt.Errorf("%s: no kind and apiVersion: want Kubernetes objects", object.Where())
	case strings.Count(object.APIVersion, "/") > 1:
		return nil, fmt.Errorf("%s: apiVersion: %q, want group/version, or v1", object.Where(), object.APIVersion)
	case object.Kind == "Secret" && object.APIVersion == "v1", strings.HasSuffix(object.Kind, "List") && object.Name == "":
		return nil, nil
	}
	kind := kindOf(object)
	if !objectScheme.Recognizes(kind) {
		if err := versionProblem(object); err != nil {
			return nil, err
		}
		return unknownKind{}, nil
	}
	typed, err := typedObject(text, kind, strict)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", object.Where(), explainDecoding(object, err))
	}
	if now := versionToday(kind.Group, kind.Kind); now != kind.GroupVersion() && kind.Group != "autoscaling" {
		m.Notes = append(m.Notes, fmt.Sprintf("%s %s was read as %s: API servers of today do not serve %s, "+
			"or only where it is switched on; write the former",
			object.Kind, object.Name, now, object.APIVersion))
	}
	return typed, nil
}

// versionToday is the version of a kind that is in use today.
func versionToday(group, kind string) schema.GroupVersion {
	for _, version := range objectScheme.PrioritizedVersionsForGroup(group) {
		if objectScheme.Recognizes(version.WithKind(kind)) {
			return version
		}
	}
	return schema.GroupVersion{}
}

// versionProblem says of an object that has a kind of Kubernetes under another API what to write.
func versionProblem(object *podspec.Object) error {
	kind := kindOf(object)
	if kind.Group == resourceGroup {
		return resourceVersionProblem(object)
	}
	if name := object.KindMeant(); name != "" {
		return fmt.Errorf("%s: there is no %s in %s: write kind: %s", object.Where(), object.Kind, object.APIVersion, name)
	}
	meant, found := kindMeant(kind)
	switch {
	case !found:
		return nil
	case meant.Kind != kind.Kind && meant.GroupVersion() == kind.GroupVersion():
		return fmt.Errorf("%s: there is no %s in %s: write kind: %s", object.Where(), object.Kind, object.APIVersion, meant.Kind)
	case meant.Kind != kind.Kind:
		return fmt.Errorf("%s: there is no %s in %s: write apiVersion: %s and kind: %s", object.Where(), object.Kind, object.APIVersion,
			meant.GroupVersion(), meant.Kind)
	}
	return fmt.Errorf("%s: there is no %s in %s: write apiVersion: %s", object.Where(), object.Kind, object.APIVersion, meant.GroupVersion())
}

// ownGroups are the API groups whose kinds are read here.
var ownGroups = []string{"", "apps", "batch", "autoscaling", resourceGroup, "scheduling.k8s.io"}

// kindMeant is a kind of Kubernetes, in the version of today, for what is none but is called like it
// but for case, in a group that only Kubernetes could have: names without a dot are kept for it.
func kindMeant(kind schema.GroupVersionKind) (schema.GroupVersionKind, bool) {
	if strings.Contains(kind.Group, ".") && !slices.Contains(ownGroups, kind.Group) {
		return schema.GroupVersionKind{}, false
	}
	for _, group := range append([]string{kind.Group}, ownGroups...) {
		for _, version := range objectScheme.PrioritizedVersionsForGroup(group) {
			for name := range objectScheme.KnownTypes(version) {
				if strings.EqualFold(name, kind.Kind) {
					return version.WithKind(name), true
				}
			}
		}
	}
	return schema.GroupVersionKind{}, false
}

// podlessGroups are API groups whose objects make no pods, podlessKinds kinds of other groups. They
// have nothing to do with scheduling, and are passed by without a word.
var (
	podlessGroups = []string{
		"networking.k8s.io", "gateway.networking.k8s.io", "rbac.authorization.k8s.io", "policy", "storage.k8s.io", "apiextensions.k8s.io",
		"admissionregistration.k8s.io", "node.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "autoscaling.k8s.io",
		"inference.networking.k8s.io", "inference.networking.x-k8s.io", "snapshot.storage.k8s.io", "monitoring.coreos.com", "cert-manager.io",
		"networking.istio.io", "security.istio.io", "external-secrets.io", "kueue.x-k8s.io", "kustomize.config.k8s.io", "traefik.io",
	}
	podlessKinds = []string{
		"serving.kserve.io/ServingRuntime", "serving.kserve.io/ClusterServingRuntime", "serving.kserve.io/LLMInferenceServiceConfig",
		"serving.kserve.io/TrainedModel",
		"trainer.kubeflow.org/TrainingRuntime", "trainer.kubeflow.org/ClusterTrainingRuntime", "keda.sh/TriggerAuthentication",
		"keda.sh/ClusterTriggerAuthentication",
	}
)

// readUnknown reads an object that is not one of Kubernetes itself.
func (m *AppliedManifest) readUnknown(object *podspec.Object) error {
	kind := kindOf(object)
	switch {
	case slices.Contains(podlessGroups, kind.Group), slices.Contains(podlessKinds, kind.Group+"/"+kind.Kind):
		return nil
	case kind.Group == computeDomainGroup:
		return m.readComputeDomain(object)
	}
	if autoscaler, err := object.ReadAutoscaler(); err != nil || autoscaler != nil {
		m.addAutoscaler(autoscaler)
		return err
	}
	before := len(m.Workloads)
	if err := m.readWorkloads(object); err != nil {
		return err
	}
	if len(m.Workloads) == before {
		m.Notes = append(m.Notes, fmt.Sprintf("%s %s is not understood: if it makes pods, ask about those", object.Kind, object.Name))
	}
	return nil
}

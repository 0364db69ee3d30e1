package doctor

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
)

// readLiveEvidence asks an API server for what a snapshot does not hold. What may not be read is left
// nil; another error ends it.
func readLiveEvidence(ctx context.Context, client kubernetes.Interface) (*LiveEvidence, error) {
	live := &LiveEvidence{Now: time.Now()}
	server, err := apiserver.DiscoverServer(ctx, discovery.ToDiscoveryInterfaceWithContext(client.Discovery()), apiserver.WatchedFeatures())
	if err != nil {
		return nil, err
	}
	live.Server = &server
	all := metav1.ListOptions{}
	for _, read := range []func() error{
		func() error {
			list, err := client.AppsV1().Deployments("").List(ctx, all)
			if err == nil {
				live.Deployments = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
		func() error {
			list, err := client.AppsV1().DaemonSets("").List(ctx, all)
			if err == nil {
				live.DaemonSets = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
		func() error {
			list, err := client.NodeV1().RuntimeClasses().List(ctx, all)
			if err == nil {
				live.RuntimeClasses = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
		func() error {
			list, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, all)
			if err == nil {
				live.Webhooks = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
		func() error {
			list, err := client.DiscoveryV1().EndpointSlices("").List(ctx, all)
			if err == nil {
				live.Endpoints = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
		func() error {
			list, err := client.CoordinationV1().Leases("").List(ctx, all)
			if err == nil {
				live.Leases = pointersTo(list.Items)
			}
			return unlessForbidden(err)
		},
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	live.readGates(ctx, client)
	live.readPodGroupCRD(ctx, client)
	return live, nil
}

// unlessForbidden drops the error that an account may not list something: it stays unread.
func unlessForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// pointersTo points to the items of a list; it is never nil.
func pointersTo[T any](items []T) []*T {
	pointers := make([]*T, 0, len(items))
	for i := range items {
		pointers = append(pointers, &items[i])
	}
	return pointers
}

var gateMetric = regexp.MustCompile(`(?m)^kubernetes_feature_enabled\{name="([A-Za-z0-9]+)",stage="[A-Z]*"\} ([01])$`)

// readGates reads the feature gates from the API server's metrics, which few accounts may see.
func (l *LiveEvidence) readGates(ctx context.Context, client kubernetes.Interface) {
	text, err := client.CoreV1().RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return
	}
	for _, match := range gateMetric.FindAllSubmatch(text, -1) {
		if l.Gates == nil {
			l.Gates = map[string]bool{}
		}
		l.Gates[string(match[1])] = string(match[2]) == "1"
	}
}

// readPodGroupCRD asks whether PodGroups are served, and who applied their definition.
func (l *LiveEvidence) readPodGroupCRD(ctx context.Context, client kubernetes.Interface) {
	rest := client.CoreV1().RESTClient()
	l.PodGroupCRD = rest.Get().AbsPath("/apis/"+v1alpha1.SchemeGroupVersion.String()).Do(ctx).Error() == nil
	text, err := rest.Get().AbsPath("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/podgroups."+v1alpha1.SchemeGroupVersion.Group).
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return
	}
	var crd metav1.PartialObjectMetadata
	if json.Unmarshal(text, &crd) == nil && len(crd.ManagedFields) > 0 {
		l.PodGroupManager = crd.ManagedFields[0].Manager
	}
}

// isReady reports whether a pod is.
func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/install"
)

// space is a test's namespace, with a client that keeps the warnings it is given.
type space struct {
	t      *testing.T
	ctx    context.Context
	name   string
	client kubernetes.Interface

	mutex    sync.Mutex
	warnings []string
}

// HandleWarningHeader keeps a warning.
func (s *space) HandleWarningHeader(_ int, _, text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.warnings = append(s.warnings, text)
}

// newSpace makes a namespace, opted in or not. Its pods are deleted when the test ends.
func newSpace(t *testing.T, optedIn bool) *space {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	s := &space{t: t, ctx: ctx, name: strings.ToLower(t.Name())}
	config := world.cluster.RESTConfig()
	config.WarningHandler = s
	var err error
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if err := install.EnsureNamespace(ctx, world.cluster, world.client, s.name); err != nil {
		t.Fatal(err)
	}
	if optedIn {
		if _, err := world.cluster.Kubectl(ctx, "label", "namespace", s.name, "ashlar.dev/webhook=enabled"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		now := *metav1.NewDeleteOptions(0)
		if err := world.client.CoreV1().Pods(s.name).DeleteCollection(s.ctx, now, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newPod is a pod of one container.
func newPod(name string, annotations map[string]string, limits ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example/job"}}},
	}
	for _, limit := range limits {
		key, value, _ := strings.Cut(limit, ": ")
		if pod.Spec.Containers[0].Resources.Limits == nil {
			pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{}
		}
		pod.Spec.Containers[0].Resources.Limits[corev1.ResourceName(key)] = resource.MustParse(value)
	}
	return pod
}

func (s *space) create(pod *corev1.Pod) *corev1.Pod {
	s.t.Helper()
	made, err := s.client.CoreV1().Pods(s.name).Create(s.ctx, pod, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

func (s *space) until(what string, ready func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	if err := world.cluster.Until(ctx, what, func(context.Context) error { return ready() }); err != nil {
		s.t.Fatal(err)
	}
}

// untilBound waits until a pod has a node and its devices.
func (s *space) untilBound(name string) (pod *corev1.Pod, results []resourceapi.DeviceRequestAllocationResult) {
	s.t.Helper()
	s.until("pod "+name+" to be bound", func() error {
		var err error
		if pod, err = s.client.CoreV1().Pods(s.name).Get(s.ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if pod.Spec.NodeName == "" {
			for _, c := range pod.Status.Conditions {
				if c.Message != "" {
					return errors.New(c.Message)
				}
			}
			return fmt.Errorf("it has no node")
		}
		results = nil
		for _, status := range pod.Status.ResourceClaimStatuses {
			claim, err := s.client.ResourceV1().ResourceClaims(s.name).Get(s.ctx, *status.ResourceClaimName, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if claim.Status.Allocation != nil {
				results = append(results, claim.Status.Allocation.Devices.Results...)
			}
		}
		return nil
	})
	return pod, results
}

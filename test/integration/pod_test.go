package integration

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/test/install"
)

// patience is how long a test waits for something to happen; nothing here takes
// more than a few seconds on an idle machine.
const patience = 60 * time.Second

const (
	ashlar = "ashlar-scheduler"
	stock  = "default-scheduler"
)

// Device classes of manifests/base.
const (
	whole = "gpu.ashlar.dev"
	mig   = "mig.gpu.ashlar.dev"
	share = "share.gpu.ashlar.dev"
)

// space is a test's namespace.
type space struct {
	t    *testing.T
	ctx  context.Context
	name string
}

// newSpace makes a namespace. Its pods are deleted, and their claims released,
// when the test ends.
func newSpace(t *testing.T) *space {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	s := &space{t: t, ctx: ctx, name: namespaceOf(t)}
	if err := install.EnsureNamespace(ctx, world.cluster, world.client, s.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.clear)
	return s
}

// namespaceOf is a test's name as that of a namespace.
func namespaceOf(t *testing.T) string {
	name := strings.ToLower(notInNames.ReplaceAllString(t.Name(), "-"))
	return strings.Trim(name[max(0, len(name)-validation.DNS1123LabelMaxLength):], "-")
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// clear deletes the namespace, and waits until nothing in it has devices.
func (s *space) clear() {
	if err := world.client.CoreV1().Namespaces().Delete(s.ctx, s.name, metav1.DeleteOptions{}); err != nil {
		s.t.Error(err)
	}
	now := *metav1.NewDeleteOptions(0)
	s.until("the namespace's claims to be released", func() error {
		if err := world.client.CoreV1().Pods(s.name).DeleteCollection(s.ctx, now, metav1.ListOptions{}); err != nil {
			return err
		}
		claims, err := world.client.ResourceV1().ResourceClaims(s.name).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range claims.Items {
			if claims.Items[i].Status.Allocation != nil {
				return fmt.Errorf("claim %s has devices", claims.Items[i].Name)
			}
		}
		return nil
	})
}

// request is one device request.
func request(class string, count int64, selectors ...string) resourceapi.DeviceRequest {
	exactly := &resourceapi.ExactDeviceRequest{
		DeviceClassName: class,
		AllocationMode:  resourceapi.DeviceAllocationModeExactCount,
		Count:           count,
	}
	for _, selector := range selectors {
		exactly.Selectors = append(exactly.Selectors, resourceapi.DeviceSelector{CEL: &resourceapi.CELDeviceSelector{Expression: selector}})
	}
	return resourceapi.DeviceRequest{Name: "r", Exactly: exactly}
}

// sharing asks for part of a GPU's memory.
func sharing(memory string, selectors ...string) resourceapi.DeviceRequest {
	r := request(share, 1, selectors...)
	r.Exactly.Capacity = &resourceapi.CapacityRequirements{
		Requests: map[resourceapi.QualifiedName]resource.Quantity{"memory": resource.MustParse(memory)},
	}
	return r
}

// gpu selects the GPU with an index.
func gpu(index int) string {
	return fmt.Sprintf(`device.attributes["gpu.ashlar.dev"].index == %d`, index)
}

// profile selects a MIG profile.
func profile(name string) string {
	return fmt.Sprintf(`device.attributes["gpu.ashlar.dev"].profile == %q`, name)
}

// pod starts from a pod for one of the given nodes.
func (s *space) pod(name, scheduler string, on ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.name},
		Spec: corev1.PodSpec{
			SchedulerName: scheduler,
			Containers:    []corev1.Container{{Name: "c", Image: "example.com/none"}},
			Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: on,
				}}}},
			}}},
		},
	}
}

// create creates the pod with a claim of its own for the requests, if any.
func (s *space) create(pod *corev1.Pod, requests ...resourceapi.DeviceRequest) *corev1.Pod {
	s.t.Helper()
	if len(requests) > 0 {
		claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: s.name}}
		claim.Spec.Devices.Requests = requests
		_, err := world.client.ResourceV1().ResourceClaims(s.name).Create(s.ctx, claim, metav1.CreateOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim.Name}}
		pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	}
	created, err := world.client.CoreV1().Pods(s.name).Create(s.ctx, pod, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return created
}

// delete deletes a pod with its claim, and waits until both are gone.
func (s *space) delete(name string) {
	s.t.Helper()
	now := int64(0)
	if err := world.client.CoreV1().Pods(s.name).Delete(s.ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		s.t.Fatal(err)
	}
	_ = world.client.ResourceV1().ResourceClaims(s.name).Delete(s.ctx, name, metav1.DeleteOptions{})
	s.until(name+" to be gone", func() error {
		if _, err := world.client.ResourceV1().ResourceClaims(s.name).Get(s.ctx, name, metav1.GetOptions{}); err == nil {
			return errors.New("its claim is still there")
		}
		return nil
	})
}

func (s *space) until(what string, ready func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := world.cluster.Until(ctx, what, func(context.Context) error { return ready() }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *space) get(name string) (*corev1.Pod, error) {
	return world.client.CoreV1().Pods(s.name).Get(s.ctx, name, metav1.GetOptions{})
}

// running waits until the pods run.
func (s *space) running(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.until(name+" to run", func() error {
			pod, err := s.get(name)
			if err != nil {
				return err
			}
			if pod.Status.Phase != corev1.PodRunning {
				return fmt.Errorf("it is %s: %s", pod.Status.Phase, unschedulable(pod))
			}
			return nil
		})
	}
}

// pending waits until the scheduler has said why the pod does not fit, and returns
// what it said.
func (s *space) pending(name string) string {
	s.t.Helper()
	message, node := "", ""
	s.until(name+" to be refused", func() error {
		pod, err := s.get(name)
		if err != nil {
			return err
		}
		message, node = unschedulable(pod), pod.Spec.NodeName
		if message == "" && node == "" {
			return errors.New("nothing was said yet")
		}
		return nil
	})
	if node != "" {
		s.t.Fatalf("%s was bound: node = %v, want none", name, node)
	}
	return message
}

func unschedulable(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return ""
}

// devices lists the devices that the pod's claims hold, sorted.
func (s *space) devices(name string) []string {
	s.t.Helper()
	pod, err := s.get(name)
	if err != nil {
		s.t.Fatal(err)
	}
	claims, err := world.client.ResourceV1().ResourceClaims(s.name).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	var devices []string
	for _, claim := range claims.Items {
		for _, user := range claim.Status.ReservedFor {
			if user.UID != pod.UID {
				continue
			}
			for _, result := range claim.Status.Allocation.Devices.Results {
				devices = append(devices, result.Device)
			}
		}
	}
	slices.Sort(devices)
	return devices
}

// holdings reads everything that is allocated on the nodes.
func holdings(ctx context.Context, t *testing.T, on ...string) []resourceslices.ClaimAllocation {
	t.Helper()
	published, err := world.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := world.client.ResourceV1().ResourceClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := resourceslices.ClaimAllocations(published.Items, claims.Items)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(h resourceslices.ClaimAllocation) bool { return !slices.Contains(on, h.Node) })
}

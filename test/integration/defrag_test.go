package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// defrag runs ashlar defrag and returns its exit code and all that it printed.
func (s *space) defrag(args ...string) (exit int, printed string) {
	s.t.Helper()
	binaries := world.cluster.Binaries()
	if err := binaries.Ensure(s.ctx, nil, "ashlar"); err != nil {
		s.t.Fatal(err)
	}
	command := exec.CommandContext(s.ctx, binaries.Command("ashlar"),
		append([]string{"defrag", "--kubeconfig", world.cluster.Kubeconfig(), "--timeout", "40s"}, args...)...)
	var text bytes.Buffer
	command.Stdout, command.Stderr = &text, &text
	err := command.Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return failed.ExitCode(), text.String()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return 0, text.String()
}

// cordon closes a node, or opens it again.
func (s *space) cordon(node string, closed bool) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, closed)
	if _, err := world.client.CoreV1().Nodes().Patch(s.ctx, node, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// deploy creates a Deployment of one pod like the given one, with a claim from a template, and
// waits until it runs.
func (s *space) deploy(pod *corev1.Pod, template string) {
	s.t.Helper()
	name := pod.Name
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: &template}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	labels := map[string]string{"app": name}
	_, err := world.client.AppsV1().Deployments(s.name).Create(s.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = world.client.AppsV1().Deployments(s.name).Delete(s.ctx, name, metav1.DeleteOptions{}) })
	s.until(name+" to run", func() error {
		if pod := s.podOf(name); pod == nil || pod.Status.Phase != corev1.PodRunning {
			return errors.New("it does not")
		}
		return nil
	})
}

// podOf is the pod of a Deployment, nil if there is none.
func (s *space) podOf(deployment string) *corev1.Pod {
	s.t.Helper()
	pods, err := world.client.CoreV1().Pods(s.name).List(s.ctx, metav1.ListOptions{LabelSelector: "app=" + deployment})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(pods.Items) != 1 {
		return nil
	}
	return &pods.Items[0]
}

// A slice on each of two nodes keeps a pod for four GPUs waiting. Moving one of them makes room:
// only with consent, only as far as the budget allows, and then it is done.
func TestDefragmentation(t *testing.T) {
	s := newSpace(t)
	const a, b = "defrag-a", "defrag-b"
	template := &resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Name: "slice"}}
	template.Spec.Spec.Devices.Requests = []resourceapi.DeviceRequest{request(mig, 1, profile("1g.6gb"))}
	if _, err := world.client.ResourceV1().ResourceClaimTemplates(s.name).Create(s.ctx, template, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, closed := range map[string]string{"left": b, "right": a} {
		s.cordon(closed, true)
		s.deploy(s.pod(name, ashlar, a, b), "slice")
		s.cordon(closed, false)
	}
	left, right := s.podOf("left"), s.podOf("right")
	if left.Spec.NodeName != a || right.Spec.NodeName != b {
		t.Fatalf("left is on %s and right on %s", left.Spec.NodeName, right.Spec.NodeName)
	}

	pod := s.pod("four", ashlar, a, b)
	s.create(pod, request(whole, 4))
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	text, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "four.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.pending("four")

	refused := func(want string) {
		t.Helper()
		exit, printed := s.defrag("--for", "-f", file, "--evict", "--yes")
		if exit != 3 || !strings.Contains(strings.Join(strings.Fields(printed), " "), want) {
			t.Fatalf("exit code %d, want 3 with %q:\n%s", exit, want, printed)
		}
		if l, r := s.podOf("left"), s.podOf("right"); l.UID != left.UID || r.UID != right.UID {
			t.Fatal("a pod was evicted without consent")
		}
	}
	refused("neither it nor its PriorityClass has the annotation ashlar.dev/movable")

	movable := []byte(`{"metadata":{"annotations":{"ashlar.dev/movable":"true"}}}`)
	if _, err := world.client.CoreV1().Pods(s.name).Patch(s.ctx, left.Name, types.MergePatchType, movable, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	none := intstr.FromInt32(0)
	budgets := world.client.PolicyV1().PodDisruptionBudgets(s.name)
	_, err = budgets.Create(s.ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "left"},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: &none, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "left"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refused("PodDisruptionBudget left allows no eviction now")
	if err := budgets.Delete(s.ctx, "left", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	exit, printed := s.defrag("--for", "-f", file, "--evict", "--yes")
	if exit != 0 || !strings.Contains(printed, "done: 1 pod moved") {
		t.Fatalf("exit code %d, want 0:\n%s", exit, printed)
	}
	t.Log(printed)
	s.running("four")
	four, err := s.get("four")
	if err != nil {
		t.Fatal(err)
	}
	moved := s.podOf("left")
	if moved == nil || moved.UID == left.UID || moved.Spec.NodeName != b || four.Spec.NodeName != a || s.podOf("right").UID != right.UID {
		t.Fatalf("four is on %s and left on %s; right must stay where it was:\n%s", four.Spec.NodeName, moved.Spec.NodeName, printed)
	}
	node, err := world.client.CoreV1().Nodes().Get(s.ctx, a, metav1.GetOptions{})
	if err != nil || node.Spec.Unschedulable {
		t.Fatalf("node %s is still cordoned: %v", a, err)
	}
	if exit, printed := s.defrag("--for", "-f", file); exit != 0 || !strings.Contains(printed, "nothing has to be moved") {
		t.Fatalf("exit code %d, want 0 with nothing to do:\n%s", exit, printed)
	}
}

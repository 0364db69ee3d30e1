package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// whatifPod is a pod in the JSON of ashlar whatif.
type whatifPod struct {
	Name    string `json:"name"`
	Node    string `json:"node"`
	Reason  string `json:"reason"`
	Devices []struct {
		Name string `json:"name"`
	} `json:"devices"`
}

// whatif runs ashlar whatif.
func (s *space) whatif(args ...string) map[string]whatifPod {
	s.t.Helper()
	binaries := world.cluster.Binaries()
	if err := binaries.Ensure(s.ctx, nil, "ashlar"); err != nil {
		s.t.Fatal(err)
	}
	command := exec.CommandContext(
		s.ctx,
		binaries.Command("ashlar"),
		append([]string{"whatif", "-o", "json", "--scheduler", "whatif-scheduler"}, args...)...)
	var problems bytes.Buffer
	command.Stderr = &problems
	text, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		err = nil // some pods do not fit
	}
	if err != nil {
		s.t.Fatalf("%v: %v", problems.String(), err)
	}
	var report struct {
		Answers []struct {
			Pods []whatifPod `json:"pods"`
		} `json:"answers"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		s.t.Fatal(err)
	}
	pods := map[string]whatifPod{}
	for _, pod := range report.Answers[0].Pods {
		pods[pod.Name] = pod
	}
	return pods
}

// manifest is a pod with its claim, which is nil if it asks for a plain resource.
type manifest struct {
	pod   *corev1.Pod
	claim *resourceapi.ResourceClaim
}

// ownScheduler runs another ashlar-scheduler with the profile of manifests/base under
// another name, and with changes to the text, in pairs of before and after. It has seen no
// pods but those of the test.
func (s *space) ownScheduler(name string, changes ...string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "manifests", "scheduler", "scheduler-config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	config := strings.NewReplacer(append([]string{
		"schedulerName: " + ashlar, "schedulerName: " + name,
		"leaderElect: true", "leaderElect: false",
		"clientConnection:", fmt.Sprintf("clientConnection:\n  kubeconfig: %q", world.cluster.Kubeconfig()),
	}, changes...)...).Replace(string(text))
	file := filepath.Join(s.t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	scheduler, err := world.cluster.Run(s.ctx, name, world.cluster.Binaries().Command("ashlar-scheduler"), "--config", file,
		"--secure-port", "0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := scheduler.Stop(); err != nil {
			s.t.Fatal(err)
		}
	})
}

// seenBefore is how many pods a scheduler sees before it learns from them which to
// expect, and some more.
const seenBefore = 70

// What if says beforehand on which node pods of all kinds go, with which devices, and
// why some will wait, from the API server and from a saved snapshot alike.
func TestWhatifIsWhatTheSchedulerDoes(t *testing.T) {
	const ashlar = "whatif-scheduler"
	s := newSpace(t)
	s.ownScheduler(ashlar)
	on := []string{"whatif-nvlink", "whatif-mig", "whatif-share", "whatif-pairs"}
	s.create(s.pod("busy-pair", ashlar, "whatif-pairs"), request(whole, 1, gpu(5)))
	s.create(s.pod("busy-mig", ashlar, "whatif-mig"), request(mig, 1, profile("1g.6gb")))
	busy := []string{"busy-pair", "busy-mig"}
	for i := range seenBefore {
		busy = append(busy, fmt.Sprintf("small-%d", i))
		s.create(s.pod(busy[len(busy)-1], ashlar, "whatif-share"), sharing("1Gi", gpu(i%2)))
	}
	s.running(busy...)

	var all []manifest
	add := func(pod *corev1.Pod, requests ...resourceapi.DeviceRequest) {
		m := manifest{pod: pod}
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		if len(requests) > 0 {
			m.claim = &resourceapi.ResourceClaim{
				TypeMeta:   metav1.TypeMeta{APIVersion: "resource.k8s.io/v1", Kind: "ResourceClaim"},
				ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: s.name},
			}
			m.claim.Spec.Devices.Requests = requests
			pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &pod.Name}}
			pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
		}
		all = append(all, m)
	}
	add(s.pod("single", ashlar, on...), request(whole, 1))
	add(s.pod("pair", ashlar, on...), request(whole, 2))
	add(s.pod("slice-a", ashlar, on...), request(mig, 1, profile("2g.12gb")))
	add(s.pod("share-a", ashlar, on...), sharing("20Gi"))
	add(server(s.pod("llama", ashlar, on...)), request(whole, 1))
	add(s.pod("four", ashlar, on...), request(whole, 4))
	add(s.pod("slice-b", ashlar, on...), request(mig, 1, profile("1g.6gb")))
	add(s.pod("share-b", ashlar, on...), sharing("30Gi"))
	// 128 CPUs on every node: no more than one of these on each.
	for _, name := range []string{"cpus-a", "cpus-b"} {
		pod := s.pod(name, ashlar, on...)
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100")}
		add(pod, request(whole, 1))
	}
	plain := s.pod("plain", ashlar, on...)
	plain.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	add(plain)
	add(s.pod("pair-b", ashlar, on...), request(whole, 2))
	add(s.pod("too-many", ashlar, "whatif-pairs"), request(whole, 8))
	add(s.pod("nowhere", ashlar, on...), request(whole, 1, `device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("180Gi"))`))

	folder := t.TempDir()
	file, saved := filepath.Join(folder, "pods.yaml"), filepath.Join(folder, "cluster.json")
	var text strings.Builder
	for _, m := range all {
		document, err := yaml.Marshal(m.pod)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "---\n%s", document)
		if m.claim != nil {
			document, err := yaml.Marshal(m.claim)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "---\n%s", document)
		}
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	said := s.whatif("--kubeconfig", world.cluster.Kubeconfig(), "--save", saved, "-f", file)
	if len(said) != len(all) {
		t.Fatalf("len(said) = %d, want %d: %v", len(said), len(all), said)
	}
	if diff := cmp.Diff(said, s.whatif("--snapshot", saved, "-f", file)); diff != "" {
		t.Fatalf("a saved snapshot is as good as the API server: s.whatif(\"--snapshot\", saved, \"-f\", file) (-want +got):\n%s", diff)
	}
	if other := s.whatif("--snapshot", saved, "-f", file, "--policy", "first-fit"); reflect.DeepEqual(said, other) {
		t.Fatalf("what is compared below depends on the policy: with --policy first-fit whatif says %+v, want anything else", other)
	}

	for _, m := range all {
		if m.claim != nil {
			_, err := world.client.ResourceV1().ResourceClaims(s.name).Create(s.ctx, m.claim, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err := world.client.CoreV1().Pods(s.name).Create(s.ctx, m.pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		name := m.pod.Name
		if said[name].Node == "" {
			// The status has 400 characters; then it says where the rest is.
			got, cut := strings.CutSuffix(s.pending(name), "; more: ashlar whatif --waiting")
			if !strings.HasPrefix(said[name].Reason, got) || !cut && got != said[name].Reason {
				t.Fatalf("%v: the scheduler says %q, cut: %t, and whatif %q", name, got, cut, said[name].Reason)
			}
			continue
		}
		s.running(name)
		pod, err := s.get(name)
		if err != nil {
			t.Fatal(err)
		}
		var devices []string
		for _, device := range said[name].Devices {
			devices = append(devices, device.Name)
		}
		slices.Sort(devices)
		if pod.Spec.NodeName != said[name].Node {
			t.Fatalf("%v: pod.Spec.NodeName = %q, want %q", name, pod.Spec.NodeName, said[name].Node)
		}
		if diff := cmp.Diff(devices, s.devices(name)); diff != "" {
			t.Fatalf("%v: s.devices(name) (-want +got):\n%s", name, diff)
		}
	}
	waiting := 0
	for _, pod := range said {
		if pod.Node == "" {
			waiting++
		}
	}
	if len(said)-waiting < 12 {
		t.Fatalf("most of the pods fit: %v: len(said) - waiting = %v, want at least %v", said, len(said)-waiting, 12)
	}
	if waiting < 2 {
		t.Fatalf("waiting = %v, want at least %v", waiting, 2)
	}
}

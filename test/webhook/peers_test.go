package webhook

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Pods as users of other schedulers write them are bound to what they mean.
func TestPeersAreBound(t *testing.T) {
	s := newSpace(t, true)
	for name, tc := range map[string]struct {
		pod *corev1.Pod
		// want are the pod's devices: how many, and how much memory of each in MiB, "" for a whole GPU;
		// "half" is half of what the GPU has.
		want []string
	}{
		"kai-half":     {newPod("kai-half", map[string]string{"gpu-fraction": "0.5"}), []string{"half"}},
		"kai-memory":   {newPod("kai-memory", map[string]string{"gpu-memory": "2000"}), []string{"2000Mi"}},
		"hami":         {newPod("hami", nil, "nvidia.com/gpu: 2", "nvidia.com/gpumem: 3000"), []string{"3000Mi", "3000Mi"}},
		"hami-alone":   {newPod("hami-alone", nil, "nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpucores: 100"), []string{""}},
		"volcano":      {newPod("volcano", nil, "volcano.sh/vgpu-number: 1", "volcano.sh/vgpu-memory-percentage: 50"), []string{"half"}},
		"koordinator":  {newPod("koordinator", nil, "koordinator.sh/gpu-memory: 4Gi"), []string{"4Gi"}},
		"koord-shared": {newPod("koord-shared", nil, "koordinator.sh/gpu.shared: 2", "koordinator.sh/gpu-memory: 8Gi"), []string{"4Gi", "4Gi"}},
	} {
		t.Run(name, func(t *testing.T) {
			own := &space{t: t, ctx: s.ctx, name: s.name, client: s.client}
			made := own.create(tc.pod)
			if made.Annotations["ashlar.dev/admission"] == "" || made.Spec.SchedulerName != "ashlar-scheduler" {
				t.Errorf("scheduler %s, annotations %v", made.Spec.SchedulerName, made.Annotations)
			}
			for name := range made.Spec.Containers[0].Resources.Limits {
				t.Errorf("the container still asks for %s", name)
			}
			pod, results := own.untilBound(name)
			var got, devices []string
			for _, result := range results {
				memory, shared := result.ConsumedCapacity["memory"]
				text := memory.String()
				if !shared {
					text = ""
				}
				if memory.Value() == own.halfOf(result) {
					text = "half"
				}
				got, devices = append(got, text), append(devices, result.Device)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("devices on %s (-want +got):\n%s", pod.Spec.NodeName, diff)
			}
			slices.Sort(devices)
			if len(slices.Compact(slices.Clone(devices))) != len(devices) {
				t.Errorf("several parts of one GPU: %v", devices)
			}
		})
	}
}

// halfOf is half of what a GPU has to share out, in whole MiB.
func (s *space) halfOf(result resourceapi.DeviceRequestAllocationResult) int64 {
	s.t.Helper()
	published, err := s.client.ResourceV1().ResourceSlices().List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range published.Items {
		if published.Items[i].Spec.Pool.Name != result.Pool {
			continue
		}
		for _, device := range published.Items[i].Spec.Devices {
			if memory := device.Capacity["memory"].Value; device.Name == result.Device {
				return memory.Value() / 2 >> 20 << 20
			}
		}
	}
	return 0
}

// A pod that names only its model is bound to a GPU on which the model fits, as the example says.
func TestModelIsBound(t *testing.T) {
	s := newSpace(t, true)
	example := filepath.Join("..", "..", "manifests", "examples", "vllm-by-name")
	pod, want := &corev1.Pod{}, struct {
		Node    string `json:"node"`
		Devices int    `json:"devices"`
	}{}
	for file, into := range map[string]any{"pod.yaml": pod, "expected/webhook.yaml": &want} {
		text, err := os.ReadFile(filepath.Join(example, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Fatal(err)
		}
	}
	made := s.create(pod)
	if made.Annotations["ashlar.dev/admission"] == "" {
		t.Fatalf("the pod is unchanged; warnings %q", s.warnings)
	}
	bound, results := s.untilBound(pod.Name)
	if bound.Spec.NodeName != want.Node || len(results) != want.Devices {
		t.Errorf(
			"%d devices on node %s, want %d on %s: 24 GB are too few for 64k tokens",
			len(results),
			bound.Spec.NodeName,
			want.Devices,
			want.Node,
		)
	}
}

// A pod whose keys contradict one another is refused with both of them.
func TestContradictionIsRefused(t *testing.T) {
	s := newSpace(t, true)
	pod := newPod("both", nil, "nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpumem-percentage: 50")
	_, err := s.client.CoreV1().Pods(s.name).Create(s.ctx, pod, metav1.CreateOptions{})
	if err == nil || !apierrors.IsForbidden(err) ||
		!strings.Contains(err.Error(), "nvidia.com/gpumem: 3000 and nvidia.com/gpumem-percentage: 50") {
		t.Errorf("got %v", err)
	}
}

// A namespace that did not ask is left alone, and so is what a dry run would create.
func TestNothingElseIsTouched(t *testing.T) {
	outside := newSpace(t, false)
	made := outside.create(newPod("hami", nil, "nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000"))
	if made.Annotations["ashlar.dev/admission"] != "" || len(made.Spec.ResourceClaims) > 0 ||
		len(made.Spec.Containers[0].Resources.Limits) != 2 {
		t.Errorf("a pod outside is changed: %v", made)
	}
	if _, err := world.cluster.Kubectl(outside.ctx, "label", "namespace", outside.name, "ashlar.dev/webhook=enabled"); err != nil {
		t.Fatal(err)
	}
	pod := newPod("dry", map[string]string{"gpu-memory": "2000"})
	dry, err := outside.client.CoreV1().Pods(outside.name).Create(outside.ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	if len(dry.Spec.ResourceClaims) != 1 {
		t.Errorf("a dry run does not show the claim: %v", dry.Spec)
	}
	templates, err := outside.client.ResourceV1().ResourceClaimTemplates(outside.name).List(outside.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(templates.Items) != 0 {
		t.Errorf("a dry run creates %d templates", len(templates.Items))
	}
}

// Clients see what the scheduler would refuse.
func TestWarningsReachTheClient(t *testing.T) {
	s := newSpace(t, true)
	pod := newPod("warned", map[string]string{"ashlar.dev/max-model-length": "8k"}, "nvidia.com/gpus: 1")
	pod.Spec.Containers[0].Resources.Requests = nil
	s.create(pod)
	want := []string{
		"nothing reads annotation ashlar.dev/max-model-length: did you mean ashlar.dev/max-model-len?",
		"container main: no node offers nvidia.com/gpus: did you mean nvidia.com/gpu?",
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if diff := cmp.Diff(want, s.warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

package admission

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/topology"
)

// podWith is a pod of one container: "key: value" in its limits; annotations begin with "@", labels
// with "#", and "scheduler" names its scheduler.
func podWith(statements ...string) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a-pod", Annotations: map[string]string{}, Labels: map[string]string{}},
		Spec:       v1.PodSpec{Containers: []v1.Container{containerWith("main")}},
	}
	for _, statement := range statements {
		key, value, _ := strings.Cut(statement, ": ")
		switch {
		case key == "scheduler":
			pod.Spec.SchedulerName = value
		case strings.HasPrefix(key, "@"):
			pod.Annotations[key[1:]] = value
		case strings.HasPrefix(key, "#"):
			pod.Labels[key[1:]] = value
		default:
			pod.Spec.Containers[0].Resources.Limits[v1.ResourceName(key)] = resource.MustParse(value)
		}
	}
	return pod
}

func containerWith(name string, limits ...string) v1.Container {
	c := v1.Container{Name: name, Image: "registry.example/job", Resources: v1.ResourceRequirements{Limits: v1.ResourceList{}}}
	for _, limit := range limits {
		key, value, _ := strings.Cut(limit, ": ")
		c.Resources.Limits[v1.ResourceName(key)] = resource.MustParse(value)
	}
	return c
}

// twoSizes is a cluster of GPUs with 24 and 80 GiB to share out.
func twoSizes() *Cluster {
	return &Cluster{ShareMemory: []topology.Bytes{80 * topology.GiB, 24 * topology.GiB, 80 * topology.GiB}}
}

// claimText is a claim in one line for each alternative.
func claimText(spec *resourceapi.ResourceClaimSpec) string {
	var lines []string
	add := func(class string, count int64, selectors []resourceapi.DeviceSelector, capacity *resourceapi.CapacityRequirements) {
		line := fmt.Sprintf("%d %s", count, class)
		if capacity != nil {
			memory := capacity.Requests["memory"]
			line += " " + memory.String()
		}
		for _, s := range selectors {
			line += " [" + strings.ReplaceAll(strings.ReplaceAll(s.CEL.Expression, `device.attributes["gpu.ashlar.dev"]`, "a"),
				`device.capacity["gpu.ashlar.dev"]`, "c") + "]"
		}
		lines = append(lines, line)
	}
	for _, request := range spec.Devices.Requests {
		if e := request.Exactly; e != nil {
			add(e.DeviceClassName, e.Count, e.Selectors, e.Capacity)
		}
		for _, sub := range request.FirstAvailable {
			add(sub.DeviceClassName, sub.Count, sub.Selectors, sub.Capacity)
		}
	}
	for _, c := range spec.Devices.Constraints {
		if c.DistinctAttribute != nil {
			lines = append(lines, "distinct "+string(*c.DistinctAttribute))
		}
		if c.MatchAttribute != nil {
			lines = append(lines, "match "+string(*c.MatchAttribute))
		}
	}
	for _, c := range spec.Devices.Config {
		lines = append(lines, string(c.Opaque.Parameters.Raw))
	}
	return strings.Join(lines, "\n")
}

const (
	half24 = `1 share.gpu.ashlar.dev 12Gi [c.memory.compareTo(quantity("24Gi")) == 0]`
	half80 = `1 share.gpu.ashlar.dev 40Gi [c.memory.compareTo(quantity("80Gi")) == 0]`
)

// What pods of other schedulers ask for is claimed in the units of those.
func TestPeersClaim(t *testing.T) {
	for name, tc := range map[string]struct {
		pod  []string
		want string
		// wantNote is in the one warning, "" for none.
		wantNote string
	}{
		"KAI half": {pod: []string{"@gpu-fraction: 0.5"}, want: half24 + "\n" + half80},
		"KAI third rounds down": {pod: []string{"@gpu-fraction: 0.333"},
			want: "1 share.gpu.ashlar.dev 8183Mi [c.memory.compareTo(quantity(\"24Gi\")) == 0]\n" +
				"1 share.gpu.ashlar.dev 27279Mi [c.memory.compareTo(quantity(\"80Gi\")) == 0]"},
		"KAI memory": {pod: []string{"@gpu-memory: 2000"}, want: "1 share.gpu.ashlar.dev 2000Mi"},
		"KAI memory on two": {pod: []string{"@gpu-memory: 2000", "@gpu-fraction-num-devices: 2"},
			want: "2 share.gpu.ashlar.dev 2000Mi\ndistinct gpu.ashlar.dev/parentUUID"},
		"KAI under MPS": {pod: []string{"@gpu-memory: 2000", "@mps: true"},
			want: "1 share.gpu.ashlar.dev 2000Mi\n" + `{"apiVersion":"gpu.ashlar.dev/v1alpha1","kind":"ShareConfig","strategy":"MPS"}`},
		"KAI of one container": {pod: []string{"@nvidia.com/container.main.gpu-memory.request: 4Gi"},
			want: "1 share.gpu.ashlar.dev 4Gi"},
		"KAI request and limit": {pod: []string{"@nvidia.com/container.main.gpu-memory.request: 4Gi",
			"@nvidia.com/container.main.gpu-memory.limit: 4096Mi"},
			want: "1 share.gpu.ashlar.dev 4Gi"},
		"KAI request under limit": {pod: []string{"@nvidia.com/container.main.gpu-memory.request: 4Gi",
			"@nvidia.com/container.main.gpu-memory.limit: 8Gi"},
			wantNote: "a share has one amount"},
		"KAI whole": {pod: []string{"scheduler: kai-scheduler", "nvidia.com/gpu: 2"}, want: "2 gpu.ashlar.dev"},
		"KAI slice": {pod: []string{"scheduler: kai-scheduler", "nvidia.com/mig-1g.10gb: 1"},
			want: `1 mig.gpu.ashlar.dev [a.profile == "1g.10gb"]`},
		"KAI queue": {pod: []string{"@gpu-memory: 2000", "#kai.scheduler/queue: team-a"}, want: "1 share.gpu.ashlar.dev 2000Mi",
			wantNote: "kai.scheduler/queue: team-a is not kept"},
		"device plugin": {pod: []string{"nvidia.com/gpu: 2"}},

		"HAMi memory": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000"}, want: "1 share.gpu.ashlar.dev 3000Mi"},
		"HAMi memory of each": {pod: []string{"nvidia.com/gpu: 2", "nvidia.com/gpumem: 3000"},
			want: "2 share.gpu.ashlar.dev 3000Mi\ndistinct gpu.ashlar.dev/parentUUID"},
		"HAMi memory alone": {pod: []string{"nvidia.com/gpumem: 3000"}, want: "1 share.gpu.ashlar.dev 3000Mi"},
		"HAMi percent":      {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem-percentage: 50"}, want: half24 + "\n" + half80},
		"HAMi all of it":    {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem-percentage: 100"}, want: "1 gpu.ashlar.dev"},
		"HAMi exclusive": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpucores: 100"},
			want: `1 gpu.ashlar.dev [c.memory.compareTo(quantity("3000Mi")) >= 0]`},
		"HAMi cores": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpucores: 30"},
			want:     "1 share.gpu.ashlar.dev 3000Mi",
			wantNote: "nvidia.com/gpucores: 30 is not kept"},
		"HAMi cores under MPS": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpucores: 30",
			"@nvidia.com/vgpu-mode: mps"},
			want: "1 share.gpu.ashlar.dev 3000Mi\n" +
				`{"apiVersion":"gpu.ashlar.dev/v1alpha1","kind":"ShareConfig","strategy":"MPS","defaultActiveThreadPercentage":30}`},
		"HAMi slice": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 8000", "@nvidia.com/vgpu-mode: mig"},
			want: `1 mig.gpu.ashlar.dev [c.memory.compareTo(quantity("8000Mi")) >= 0]`},
		"HAMi slice by percentage": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem-percentage: 10", "@nvidia.com/vgpu-mode: mig"},
			wantNote: "stays as it is"},
		"HAMi type": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "@nvidia.com/use-gputype: NVIDIA-A100,H100",
			"@nvidia.com/nouse-gputype: PCIe"},
			want: `1 share.gpu.ashlar.dev 3000Mi [a.productName.lowerAscii().contains("a100") || a.productName.lowerAscii().contains("h100")] ` +
				`[!(a.productName.lowerAscii().contains("pcie"))]`},
		"HAMi any NVIDIA": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "@nvidia.com/use-gputype: NVIDIA"},
			want: "1 share.gpu.ashlar.dev 3000Mi"},
		"HAMi UUID": {pod: []string{"nvidia.com/gpu: 1", "@nvidia.com/use-gpuuuid: GPU-1", "scheduler: hami-scheduler"},
			want: `1 gpu.ashlar.dev [a.uuid == "GPU-1"]`},
		"HAMi NUMA": {pod: []string{"nvidia.com/gpu: 2", "@nvidia.com/numa-bind: true", "scheduler: hami-scheduler"},
			want: "2 gpu.ashlar.dev\nmatch resource.kubernetes.io/numaNode"},
		"HAMi priority": {pod: []string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/priority: 1"},
			want:     "1 share.gpu.ashlar.dev 3000Mi",
			wantNote: "nvidia.com/priority: 1 is not kept"},
		"HAMi nothing": {pod: []string{"nvidia.com/gpu: 0", "scheduler: hami-scheduler"}},

		"Volcano memory": {pod: []string{"volcano.sh/vgpu-number: 1", "volcano.sh/vgpu-memory: 3000"},
			want: "1 share.gpu.ashlar.dev 3000Mi"},
		"Volcano memory alone": {pod: []string{"volcano.sh/vgpu-memory: 3000"}, want: "1 share.gpu.ashlar.dev 3000Mi"},
		"Volcano percent": {pod: []string{"volcano.sh/vgpu-number: 1", "volcano.sh/vgpu-memory-percentage: 50"},
			want: half24 + "\n" + half80},
		"Volcano whole": {pod: []string{"volcano.sh/vgpu-number: 4"}, want: "4 gpu.ashlar.dev"},
		"Volcano percent alone": {pod: []string{"volcano.sh/vgpu-memory-percentage: 50"},
			wantNote: "asks for no GPU without volcano.sh/vgpu-number"},
		"Volcano earlier memory": {pod: []string{"volcano.sh/gpu-memory: 1024"}, want: "1 share.gpu.ashlar.dev 1Gi"},
		"Volcano earlier number": {pod: []string{"volcano.sh/gpu-number: 2"}, want: "2 gpu.ashlar.dev"},
		"Volcano gang": {pod: []string{"volcano.sh/vgpu-number: 1", "@scheduling.k8s.io/group-name: job-1"}, want: "1 gpu.ashlar.dev",
			wantNote: "state the gang with label"},

		"Koordinator half": {pod: []string{"koordinator.sh/gpu: 50"}, want: half24 + "\n" + half80,
			wantNote: "koordinator.sh/gpu: 50 is not kept"},
		"Koordinator two":    {pod: []string{"koordinator.sh/gpu: 200"}, want: "2 gpu.ashlar.dev"},
		"Koordinator memory": {pod: []string{"koordinator.sh/gpu-memory: 8Gi"}, want: "1 share.gpu.ashlar.dev 8Gi"},
		"Koordinator memory of two": {pod: []string{"koordinator.sh/gpu.shared: 2", "koordinator.sh/gpu-memory: 16Gi"},
			want: "2 share.gpu.ashlar.dev 8Gi\ndistinct gpu.ashlar.dev/parentUUID"},
		"Koordinator ratio of two": {pod: []string{"koordinator.sh/gpu.shared: 2", "koordinator.sh/gpu-memory-ratio: 100"},
			want: strings.ReplaceAll(half24+"\n"+half80, "1 share", "2 share") + "\ndistinct gpu.ashlar.dev/parentUUID"},
		"Koordinator ratio": {pod: []string{"koordinator.sh/gpu-core: 100", "koordinator.sh/gpu-memory-ratio: 50"},
			want: half24 + "\n" + half80},
		"Koordinator bytes, not MiB": {pod: []string{"koordinator.sh/gpu-memory: 8192"}, want: "1 share.gpu.ashlar.dev 1Mi",
			wantNote: "is in bytes"},
		"Koordinator of device names": {pod: []string{"nvidia.com/gpu: 2", "scheduler: koord-scheduler"}, want: "2 gpu.ashlar.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podWith(tc.pod...)
			outcome, err := ReviewPod(pod, "team", twoSizes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, template := range outcome.Templates {
				got += claimText(&template.Spec.Spec)
				compileSelectors(t, &template.Spec.Spec)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("claim (-want +got):\n%s", diff)
			}
			if notes := strings.Join(outcome.Warnings, "\n"); (tc.wantNote == "") != (notes == "") || !strings.Contains(notes, tc.wantNote) {
				t.Errorf("warnings %q, want %q", notes, tc.wantNote)
			}
			if tc.want == "" {
				if outcome.Pod != pod {
					t.Error("the pod is changed")
				}
				return
			}
			checkClaims(t, outcome)
			again, err := ReviewPod(outcome.Pod, "team", twoSizes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if again.Pod != outcome.Pod || len(again.Templates) > 0 {
				t.Error("a second review changes the pod again")
			}
		})
	}
}

// checkClaims checks that the pod claims by the templates, asks no device plugin, and says so.
func checkClaims(t *testing.T, outcome *Outcome) {
	t.Helper()
	names := map[string]bool{}
	for _, claim := range outcome.Pod.Spec.ResourceClaims {
		names[claim.Name] = true
	}
	for _, c := range outcome.Pod.Spec.Containers {
		for name := range c.Resources.Limits {
			t.Errorf("container %s still asks for %s", c.Name, name)
		}
		for _, claim := range c.Resources.Claims {
			if !names[claim.Name] {
				t.Errorf("container %s has claim %s, which the pod lacks", c.Name, claim.Name)
			}
		}
	}
	if outcome.Pod.Spec.SchedulerName != SchedulerName {
		t.Errorf("scheduler %q", outcome.Pod.Spec.SchedulerName)
	}
	if text := outcome.Pod.Annotations[RecordAnnotation]; !strings.Contains(text, outcome.Templates[0].Name) {
		t.Errorf("%s does not name the template: %s", RecordAnnotation, text)
	}
}

// Statements that cannot all hold are refused with their keys and values.
func TestContradictionsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		pod  []string
		want []string
	}{
		"KAI fraction and memory": {[]string{"@gpu-fraction: 0.5", "@gpu-memory: 2000"},
			[]string{"gpu-fraction: 0.5", "gpu-memory: 2000"}},
		"KAI fraction and whole": {[]string{"@gpu-fraction: 0.5", "nvidia.com/gpu: 1"},
			[]string{"gpu-fraction: 0.5", "nvidia.com/gpu: 1"}},
		"KAI devices alone": {[]string{"@gpu-fraction-num-devices: 2"},
			[]string{"gpu-fraction-num-devices: 2", "gpu-fraction or gpu-memory"}},
		"KAI fraction of one":  {[]string{"@gpu-fraction: 1"}, []string{"gpu-fraction: 1", "less than 1"}},
		"KAI fraction below":   {[]string{"@gpu-fraction: -0.5"}, []string{"gpu-fraction: -0.5"}},
		"KAI quantity for MiB": {[]string{"@gpu-memory: 8Gi"}, []string{"gpu-memory: 8Gi", "MiB"}},
		"KAI container": {[]string{"@gpu-memory: 8", "@gpu-fraction-container-name: other"},
			[]string{"gpu-fraction-container-name: other"}},
		"KAI request above limit": {[]string{"@nvidia.com/container.main.gpu-memory.request: 8Gi",
			"@nvidia.com/container.main.gpu-memory.limit: 4Gi"},
			[]string{"gpu-memory.request: 8Gi", "gpu-memory.limit: 4Gi"}},
		"HAMi memory twice": {[]string{"nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpumem-percentage: 50"},
			[]string{"nvidia.com/gpumem: 3000", "nvidia.com/gpumem-percentage: 50"}},
		"HAMi memory of none": {[]string{"nvidia.com/gpu: 0", "nvidia.com/gpumem: 3000"},
			[]string{"nvidia.com/gpu: 0", "nvidia.com/gpumem: 3000"}},
		"HAMi percent above 100": {[]string{"nvidia.com/gpumem-percentage: 150"},
			[]string{"nvidia.com/gpumem-percentage: 150", "1 to 100"}},
		"HAMi quantity for MiB": {[]string{"nvidia.com/gpumem: 8Gi"}, []string{"nvidia.com/gpumem: 8Gi", "MiB"}},
		"HAMi type both ways": {[]string{"nvidia.com/gpumem: 8", "@nvidia.com/use-gputype: A100", "@nvidia.com/nouse-gputype: A100"},
			[]string{"nvidia.com/use-gputype: A100", "nvidia.com/nouse-gputype: A100"}},
		"HAMi and KAI": {[]string{"nvidia.com/gpumem: 8", "@gpu-memory: 8"},
			[]string{"nvidia.com/gpumem: 8", "gpu-memory: 8"}},
		"Volcano memory twice": {[]string{"volcano.sh/vgpu-memory: 8", "volcano.sh/vgpu-memory-percentage: 5"},
			[]string{"volcano.sh/vgpu-memory: 8", "volcano.sh/vgpu-memory-percentage: 5"}},
		"Volcano and whole": {[]string{"volcano.sh/vgpu-memory: 8", "nvidia.com/gpu: 1"},
			[]string{"volcano.sh/vgpu-memory: 8", "nvidia.com/gpu: 1"}},
		"Volcano earlier": {[]string{"volcano.sh/gpu-memory: 8", "volcano.sh/gpu-number: 1"},
			[]string{"volcano.sh/gpu-memory: 8", "volcano.sh/gpu-number: 1"}},
		"Koordinator memory twice": {[]string{"koordinator.sh/gpu-memory: 8Gi", "koordinator.sh/gpu-memory-ratio: 50"},
			[]string{"koordinator.sh/gpu-memory: 8Gi", "koordinator.sh/gpu-memory-ratio: 50"}},
		"Koordinator short and long": {[]string{"koordinator.sh/gpu: 50", "koordinator.sh/gpu-core: 50"},
			[]string{"koordinator.sh/gpu: 50", "koordinator.sh/gpu-core: 50"}},
		"Koordinator one and a half": {[]string{"koordinator.sh/gpu: 150"}, []string{"koordinator.sh/gpu: 150", "multiples of 100"}},
		"Koordinator cores alone":    {[]string{"koordinator.sh/gpu-core: 50"}, []string{"koordinator.sh/gpu-core: 50", "gpu-memory"}},
		"Koordinator more cores": {[]string{"koordinator.sh/gpu-core: 200", "koordinator.sh/gpu-memory: 8Gi"},
			[]string{"koordinator.sh/gpu-core: 200", "koordinator.sh/gpu-memory: 8Gi"}},
		"Koordinator shared by three": {[]string{"koordinator.sh/gpu.shared: 3", "koordinator.sh/gpu-memory-ratio: 100"},
			[]string{"koordinator.sh/gpu.shared: 3", "koordinator.sh/gpu-memory-ratio: 100"}},
		"two models": {[]string{"@ashlar.dev/model: Qwen/Qwen3-8B", "#ashlar.dev/model: Qwen3-4B"},
			[]string{"Qwen/Qwen3-8B", "Qwen3-4B"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReviewPod(podWith(tc.pod...), "team", twoSizes(), Options{})
			var refusal *Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, want a refusal", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(refusal.Reason, want) {
					t.Errorf("%q lacks %q", refusal.Reason, want)
				}
			}
		})
	}
}

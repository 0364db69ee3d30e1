package integration

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// plan runs ashlar plan and creates the ResourceClaimTemplate that it prints.
func (s *space) plan(args ...string) *resourceapi.ResourceClaimTemplate {
	s.t.Helper()
	binaries := world.cluster.Binaries()
	if err := binaries.Ensure(s.ctx, nil, "ashlar"); err != nil {
		s.t.Fatal(err)
	}
	command := exec.CommandContext(s.ctx, binaries.Command("ashlar"), append([]string{"plan", "-o", "claim"}, args...)...)
	var problems bytes.Buffer
	command.Stderr = &problems
	text, err := command.Output()
	if err != nil {
		s.t.Fatalf("%v: %v", problems.String(), err)
	}
	template := &resourceapi.ResourceClaimTemplate{}
	if err := yaml.UnmarshalStrict(text, template); err != nil {
		s.t.Fatal(err)
	}
	created, err := world.client.ResourceV1().ResourceClaimTemplates(s.name).Create(s.ctx, template, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return created
}

// granted is the alternative that the pod's claim got, and how many devices.
func (s *space) granted(pod string) (alternative string, devices int) {
	s.t.Helper()
	claims, err := world.client.ResourceV1().ResourceClaims(s.name).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, claim := range claims.Items {
		for _, user := range claim.Status.ReservedFor {
			if user.Name == pod {
				results := claim.Status.Allocation.Devices.Results
				return results[0].Request, len(results)
			}
		}
	}
	s.t.Fatalf("%s holds no claim", pod)
	return "", 0
}

// What plan asks for is had, by a server with the arguments that plan names, and the
// scheduler's own account of that server agrees. The nodes are those of other tests,
// which leave them empty.
func TestPlannedServersRun(t *testing.T) {
	const llama8, llama70 = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"
	for name, tc := range map[string]struct {
		node, model string
		// server are arguments that plan and the server both get.
		server, plan []string
		granted      string
		devices      int
	}{
		"slice":          {"score-large", llama8, nil, []string{"--max-model-len=4096", "--concurrency=8"}, "gpus/other-mig", 1},
		"slice-of-named": {"score-large", llama8, nil, []string{"--max-model-len=4096", "--gpu=H100-SXM5-80GB"}, "gpus/mig-1g-20gb", 1},
		"whole":          {"extended", llama8, nil, []string{"--max-model-len=4096", "--concurrency=8"}, "gpus/other-whole", 1},
		"share": {"extended", llama8, []string{"--quantization=fp8"},
			[]string{"--max-model-len=4096", "--gpu=L40S", "--share"}, "gpus/share-12219mi", 1},
		"several": {"score-large", llama70, nil, []string{"--max-model-len=8k", "--tp=4"}, "gpus/whole", 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpace(t)
			template := s.plan(slices.Concat([]string{tc.model, "--engine-version=0.11.0"}, tc.plan, tc.server)...)
			pod := server(s.pod(name, ashlar, tc.node))
			named := strings.Fields(template.Annotations["ashlar.dev/arguments"])
			pod.Spec.Containers[0].Args = slices.Concat([]string{"--model=" + tc.model}, named, tc.server)
			pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimTemplateName: &template.Name}}
			pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpus"}}
			s.create(pod)
			s.running(name)
			alternative, devices := s.granted(name)
			if alternative != tc.granted {
				t.Fatalf("alternative = %q, want %q", alternative, tc.granted)
			}
			if devices != tc.devices {
				t.Fatalf("devices = %v, want %v", devices, tc.devices)
			}
		})
	}
}

// The API server takes what plan prints, for small models and large.
func TestPlannedClaimsAreValid(t *testing.T) {
	s := newSpace(t)
	for _, args := range [][]string{
		{"Qwen/Qwen3-0.6B"},
		{"openai/gpt-oss-20b", "--concurrency=32"},
		{"Qwen/Qwen3-30B-A3B", "--max-model-len=32K", "--share"},
		{"mistralai/Mixtral-8x7B-Instruct-v0.1", "--tp=2"},
		{"meta-llama/Llama-3.1-405B-Instruct", "--max-model-len=8k"},
		{"deepseek-ai/DeepSeek-V3", "--max-model-len=8k"},
		{"google-bert/bert-base-uncased", "--engine=plain"},
	} {
		template := s.plan(args...)
		request := template.Spec.Spec.Devices.Requests[0]
		if len(request.FirstAvailable) == 0 {
			t.Fatalf("%v: no request.FirstAvailable", args)
		}
		if len(request.FirstAvailable) > resourceapi.FirstAvailableDeviceRequestMaxSize {
			t.Fatalf("%v: len(request.FirstAvailable) = %v, want at most %v",
				args, len(request.FirstAvailable), resourceapi.FirstAvailableDeviceRequestMaxSize)
		}
	}
}

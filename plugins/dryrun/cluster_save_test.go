package dryrun

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Nothing that an owner would not show to others is in a saved snapshot, and what the
// memory of model servers is read from is.
func TestSaveKeepsSecretsOut(t *testing.T) {
	ordinary := corev1.Container{
		Name: "c", Image: "corp/app:1", Command: []string{"hidden-1"}, Args: []string{"hidden-2"},
		Env: []corev1.EnvVar{{Name: "A", Value: "hidden-3"}},
	}
	server := corev1.Container{
		Name: "vllm", Image: "vllm/vllm-openai:v0.11.0",
		Args: []string{
			"--model=org/shown-1", "--max-num-batched-tokens", "4096", "--tokenizer", "shown-2", "--api-key", "hidden-4",
			"--ssl-keyfile-password=hidden-5",
		},
		Env: []corev1.EnvVar{
			{Name: "HF_TOKEN", Value: "hidden-6"}, {Name: "MAX_INPUT_TOKENS", Value: "shown-3"},
			{Name: "VLLM_ARGS", Value: "--api-key hidden-7 --seed shown-4"},
		},
	}
	shell := corev1.Container{
		Name: "sh", Image: "vllm/vllm-openai:v0.11.0", Command: []string{"bash", "-c",
			"export HF_TOKEN=hidden-8; vllm serve org/shown-5 --api-key 'hidden-9 hidden-10' --max-model-len 4096 --served-model-name shown-6"},
	}
	pod := func(name string, container corev1.Container) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"note": "hidden-11", "ashlar.dev/gpu-memory": "shown-7"}},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{container},
				Volumes: []corev1.Volume{
					{Name: "hidden-12", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "hidden-13"}}},
				},
			},
		}
	}
	o := &ClusterObjects{Pods: []*corev1.Pod{pod("ordinary", ordinary), pod("server", server), pod("shell", shell)}}
	var text bytes.Buffer
	if err := o.SaveObjects(&text); err != nil {
		t.Fatal(err)
	}
	saved := text.String()
	for line := range strings.Lines(saved) {
		if strings.Contains(line, "hidden") {
			t.Error(line)
		}
	}
	for _, want := range []string{"shown-1", "shown-2", "shown-3", "shown-4", "shown-5", "shown-6", "shown-7", `"4096"`} {
		if !strings.Contains(saved, want) {
			t.Errorf("%s is gone:\n%s", want, saved)
		}
	}
}

// Quotas, limits and autoscalers are saved and read again as they were.
func TestSaveKeepsLimits(t *testing.T) {
	const text = "apiVersion: v1\nkind: Node\nmetadata: {name: n0}\n" +
		"---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: a}\nspec: {hard: {pods: 4}}\nstatus: {used: {pods: 3}}\n" +
		"---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: l, namespace: a}\nspec: {limits: [{type: Container, max: {cpu: 4}}]}\n" +
		"---\napiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: a}\n" +
		"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, minReplicas: 2, maxReplicas: 5}\n"
	read := clusterFrom(t, text)
	var saved bytes.Buffer
	if err := read.SaveObjects(&saved); err != nil {
		t.Fatal(err)
	}
	again := clusterFrom(t, saved.String())
	if diff := cmp.Diff(read.Autoscalers, again.Autoscalers); diff != "" || len(again.Autoscalers) != 1 || again.Autoscalers[0].Max != 5 {
		t.Errorf("autoscalers (-read +read again):\n%s", diff)
	}
	if len(again.Quotas) != 1 || len(again.Limits) != 1 {
		t.Fatalf("%d quotas and %d limits, want one each", len(again.Quotas), len(again.Limits))
	}
	if diff := cmp.Diff(read.Quotas[0].Spec, again.Quotas[0].Spec); diff != "" {
		t.Errorf("quota (-read +read again):\n%s", diff)
	}
	if diff := cmp.Diff(read.Quotas[0].Status, again.Quotas[0].Status); diff != "" {
		t.Errorf("status of the quota (-read +read again):\n%s", diff)
	}
	if diff := cmp.Diff(read.Limits[0].Spec, again.Limits[0].Spec); diff != "" {
		t.Errorf("limits (-read +read again):\n%s", diff)
	}
}

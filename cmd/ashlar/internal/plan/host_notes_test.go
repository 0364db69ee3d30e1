package plan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notesOn are the causes of the notes beside the GPU on the pods of a manifest.
func notesOn(t *testing.T, args ...string) []string {
	t.Helper()
	out, _, err := runPlan(t, append([]string{"plan", "-o", "json"}, args...)...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	var report PlanReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Plans) == 0 {
		t.Fatalf("%q: nothing is planned", args)
	}
	var causes []string
	for _, server := range report.Plans {
		for _, note := range server.HostNotes {
			if note.Remedy == "" {
				t.Errorf("%s: no remedy", note.Cause)
			}
			causes = append(causes, note.Cause)
		}
	}
	return causes
}

// Nothing is said of pods as people publish them that have what they need.
func TestRightPodsHaveNoNotes(t *testing.T) {
	files, err := filepath.Glob("testdata/right-pods/*.yaml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, cause := range notesOn(t, "-f", file, "--gpu", "H100-SXM5-80GB") {
				t.Error(cause)
			}
		})
	}
}

// The same pods, each with one thing taken away or made smaller.
func TestWrongPodsHaveANote(t *testing.T) {
	for name, tc := range map[string]struct {
		file, old, new string
		flags          []string
		want           []string // what each note has
	}{
		"no shared memory": {"vllm-four-gpus", "mountPath: /dev/shm", "mountPath: /shm", nil, []string{"4 processes serve the model together"}},
		"shared memory too small": {"tgi-two-shards", "sizeLimit: 1Gi", "sizeLimit: 64Mi", nil,
			[]string{"is limited to 64Mi, no more than containers have without it"}},
		"no startup probe": {"vllm-four-gpus", "startupProbe", "readinessProbe", nil, []string{"the livenessProbe gives 30s"}},
		"a slower disk": {"vllm-shared-volume", "failureThreshold: 30", "failureThreshold: 12", []string{"--read-speed", "200MiB"},
			[]string{"the startupProbe gives 2m0s, and a start takes about 2m48s (15.26GiB of weights at 200MiB/s"}},
		"a command that asks the server": {"gpus-by-claim", "initialDelaySeconds: 120", "initialDelaySeconds: 5", nil,
			[]string{"the livenessProbe gives 35s"}},
		"memory below the weights": {"vllm-four-gpus", "memory: 180Gi", "memory: 48Gi", nil, []string{"pass through a memory limit of 48Gi"}},
		"too little CPU":           {"vllm-shared-volume", `cpu: "8"`, `cpu: "2"`, nil, []string{"the CPU limit of 2 is less than the 3 CPUs"}},
		"one node's volume": {"vllm-shared-volume", "ReadWriteMany", "ReadWriteOnce", nil,
			[]string{"8 replicas share the volume of PersistentVolumeClaim models, which is ReadWriteOnce"}},
		"a volume that is too small": {"vllm-one-gpu", "storage: 50Gi", "storage: 10Gi", nil,
			[]string{"PersistentVolumeClaim mistral-7b of 10Gi"}},
		"an emptyDir within too small a limit": {"gpus-by-claim", "ephemeral-storage: 40Gi", "ephemeral-storage: 10Gi", nil,
			[]string{"an emptyDir, which counts within limits.ephemeral-storage 10Gi"}},
		"locked memory": {"gpus-by-claim", "IPC_LOCK", "NET_RAW", nil, []string{"rdma/hca_shared_devices_a needs locked memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "right-pods", tc.file+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), tc.old, tc.new, 1)
			if changed == string(text) {
				t.Fatalf("%s has no %q", tc.file, tc.old)
			}
			file := filepath.Join(t.TempDir(), "pod.yaml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			got := notesOn(t, append([]string{"-f", file, "--gpu", "H100-SXM5-80GB"}, tc.flags...)...)
			if !slices.EqualFunc(got, tc.want, strings.Contains) {
				t.Errorf("notes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// KEDA and the cluster say how many replicas there may be, and how many there can be.
func TestCeilingOfTheCluster(t *testing.T) {
	const pods = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat}
spec: {scaleTargetRef: {name: chat}, maxReplicaCount: MOST}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  template:
    spec:
      containers:
      - name: engine
        image: vllm/vllm-openai:v0.11.0
        args: [--model=Qwen/Qwen3-8B, --max-model-len=8192]
        resources: {limits: {nvidia.com/gpu: "1"}}
`
	for most, want := range map[string]string{
		"400": "ScaledObject chat scales to 400 replicas of 1 GPU each, and all GPUs of the cluster on which one fits hold ",
		"2":   "",
	} {
		file := filepath.Join(t.TempDir(), "pod.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(pods, "MOST", most)), 0o600); err != nil {
			t.Fatal(err)
		}
		report := planned(t, "-f", file, "--snapshot", "testdata/gfd-cluster.yaml")
		found := slices.ContainsFunc(report.Notes, func(note string) bool { return want != "" && strings.HasPrefix(note, want) })
		if found != (want != "") || want == "" && len(report.Notes) > 0 {
			t.Errorf("up to %s: notes %q, want %q", most, report.Notes, want)
		}
	}
}

package serverhost

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Lines to type are YAML with the fields that they name, whatever the pod's names are.
func TestLinesAreYAML(t *testing.T) {
	s := readServer(t, `{containers: [{name: c, args: [--model=org/some-model], resources: {limits: {memory: 1Gi, cpu: 1, rdma/ib: 1}},
		livenessProbe: {httpGet: {port: "a: b", path: "/x?y={z}"}},
		volumeMounts: [{name: "a, b", mountPath: /dev/shm}, {name: "50%s", mountPath: /root/.cache/huggingface}]}],
		volumes: [{name: "a, b", emptyDir: {}}, {name: "50%s", emptyDir: {sizeLimit: 1Gi}}]}`)
	s.Weights, s.Launch.TensorParallel = 100*topology.GiB, 2
	notes := s.HostNotes()
	if len(notes) != 6 {
		t.Errorf("%d notes, want 6", len(notes))
	}
	for i := range notes {
		for _, line := range notes[i].Lines {
			container, pod := []byte(line), []byte("{}")
			if strings.HasPrefix(line, "volumes:") {
				container, pod = pod, container
			}
			var c corev1.Container
			var p corev1.PodSpec
			if err := errors.Join(yaml.UnmarshalStrict(container, &c), yaml.UnmarshalStrict(pod, &p)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// Warnings have the lines to type where they have room.
func TestWarning(t *testing.T) {
	n := HostNote{Cause: "cause", Detail: "what follows", Remedy: "remedy", Lines: []string{"a: 1", "b: 2"}}
	for limit, want := range map[int]string{100: "cause: remedy: a: 1; b: 2", 24: "cause: remedy", 20: "cause: remedy", 10: "cause: remedy"} {
		if got := n.WarningText(limit); got != want {
			t.Errorf("within %d: %q, want %q", limit, got, want)
		}
	}
	n.Lines = nil
	if got := n.WarningText(100); got != "cause: what follows: remedy" {
		t.Error(got)
	}
}

func FuzzHostNotes(f *testing.F) {
	f.Add("{containers: [{name: c, args: [--model=org/some-model], livenessProbe: {exec: {command: [curl]}}}]}", int64(1<<37), int64(2))
	f.Add("{containers: [{name: c, resources: {limits: {memory: -1, cpu: 1e30, rdma/x: 1}}}], volumes: [{name: c, emptyDir: {}}]}", int64(-1),
		int64(0))
	f.Fuzz(func(t *testing.T, spec string, weights, degree int64) {
		var pod corev1.PodSpec
		if yaml.Unmarshal([]byte(spec), &pod) != nil || len(pod.Containers) == 0 {
			return
		}
		s := ModelServer{Pod: &pod, Container: &pod.Containers[0], Model: "meta-llama/" + model, Weights: topology.Bytes(weights % (1 << 45)),
			Launch: memory.Launch{Engine: memory.VLLM, TensorParallel: degree % 4096}, Replicas: degree}
		for _, note := range s.HostNotes() {
			if note.Cause == "" || note.Remedy == "" || len(note.WarningText(200)) == 0 {
				t.Errorf("%+v", note)
			}
		}
	})
}

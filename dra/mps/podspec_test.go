package mps

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology"
)

var update = flag.Bool("update", false, "write testdata anew")

var testPods = NewPods(PodOptions{Node: "node-1", Namespace: "ashlar", Image: "registry.example/ashlar-dra-driver:v1"})

// Each file of testdata is the pod of one daemon.
func TestPodOf(t *testing.T) {
	elsewhere := testPods.PodOptions
	elsewhere.DriverRoot = "/run/nvidia/driver"
	elsewhere.Root = "/run/other/mps"
	for name, tc := range map[string]struct {
		options PodOptions
		spec    Spec
	}{
		"pod_of_gpu":                {testPods.PodOptions, Spec{UUID: gpu0}},
		"pod_of_gpu_with_settings":  {testPods.PodOptions, Spec{UUID: gpu0, ActiveThreadPercentage: 30, PinnedMemory: 8 * topology.GiB}},
		"pod_of_mig_slice":          {testPods.PodOptions, Spec{UUID: mig0, ActiveThreadPercentage: 50}},
		"pod_of_driver_in_a_volume": {elsewhere, Spec{UUID: gpu0}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := yaml.Marshal(podOf(tc.options, tc.spec))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestLabelValue(t *testing.T) {
	long := strings.Repeat("a.", 40)
	if got := labelValue("node-1"); got != "node-1" {
		t.Errorf("a short name becomes %s", got)
	}
	if got := labelValue(long); len(got) > 63 || got == labelValue(long+"b") || strings.Contains(got, ".-") {
		t.Errorf("a long name becomes %s, of %d characters", got, len(got))
	}
}

func TestPodState(t *testing.T) {
	status := func(state corev1.ContainerState) *corev1.Pod {
		return &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{State: state}}}}
	}
	for name, tc := range map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"new":     {&corev1.Pod{}, "the kubelet has not taken it up yet"},
		"pending": {status(corev1.ContainerState{}), "it is pending, but does not answer yet"},
		"no image": {
			status(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}),
			"it waits: ImagePullBackOff: no such image",
		},
		"creating": {
			status(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}),
			"it waits: ContainerCreating",
		},
		"ended": {
			status(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}),
			"it ended with exit code 3: see its log",
		},
	} {
		if got := podState(tc.pod); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// The scripts of the pod, run by a real shell, with a daemon that is none.
func TestPodScripts(t *testing.T) {
	_, daemons, root := newProcesses(t, slow)
	bin := filepath.Join(root, "bin")
	paths := pathsOf(root, gpu0)
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(daemons.program, filepath.Join(bin, controlProgram)); err != nil {
		t.Fatal(err)
	}
	if err := paths.create(); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(paths.Pipes, "control")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	shell := func(script string, arguments ...string) *exec.Cmd {
		command := exec.Command("sh", append([]string{"-c", script, "mps"}, arguments...)...)
		command.Env = append(paths.environment(), "CUDA_VISIBLE_DEVICES="+gpu0, "PATH="+bin+":"+os.Getenv("PATH"))
		return command
	}
	if err := shell(probeScript).Run(); err == nil {
		t.Error("a daemon that does not run is ready")
	}
	daemon := shell(daemonScript, Spec{UUID: gpu0, ActiveThreadPercentage: 30, PinnedMemory: topology.GiB}.settings()...)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for shell(probeScript).Run() != nil {
		if time.Now().After(deadline) {
			t.Fatal("the daemon does not become ready")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("the daemon does not end well: %v", err)
	}
	wantCommands(t, daemons, gpu0, "device "+gpu0, "set_default_active_thread_percentage 30",
		"set_default_device_pinned_mem_limit 0 1024M", "quit -t 10")
	if err := shell(probeScript).Run(); err == nil {
		t.Error("a daemon that has ended is ready")
	}
}

// A daemon that does not come up ends its container, which the kubelet then starts again.
func TestPodScriptEndsWithDaemon(t *testing.T) {
	_, daemons, root := newProcesses(t, dying)
	if err := os.Symlink(daemons.program, filepath.Join(root, controlProgram)); err != nil {
		t.Fatal(err)
	}
	paths := pathsOf(root, gpu0)
	if err := paths.create(); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("sh", "-c", daemonScript)
	daemon.Env = append(paths.environment(), "PATH="+root+":"+os.Getenv("PATH"))
	output, err := daemon.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "Cannot find a CUDA device") {
		t.Errorf("got %v, %s", err, output)
	}
}

package cdi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	oci "github.com/opencontainers/runtime-spec/specs-go"
	"tags.cncf.io/container-device-interface/pkg/cdi"
	specs "tags.cncf.io/container-device-interface/specs-go"

	"github.com/ashlar-dev/ashlar/topology"
)

func newWriter(t *testing.T, host HostFiles) (*Writer, string) {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "cdi")
	writer, err := NewWriter(directory, host)
	if err != nil {
		t.Fatal(err)
	}
	return writer, directory
}

// What a container runtime makes of two claims of one pod: everything once, and of two shares
// of different claims the environment of the latter.
func TestContainerRuntimeTakesSpecs(t *testing.T) {
	host := realHost()
	host.DeviceFile = func(string) string { return "/dev/null" }
	writer, directory := newWriter(t, host)
	var ids []string
	for uid, devices := range map[string][]Device{
		"claim-a": {wholeGPU("gpu", 2)}, "claim-b": {shareWithMPS("share", 0, 20*topology.GiB, 25)},
	} {
		got, err := writer.Write(context.Background(), Claim{UID: uid, Devices: devices})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, got...)
	}
	cache, err := cdi.NewCache(cdi.WithSpecDirs(directory), cdi.WithAutoRefresh(false))
	if err != nil {
		t.Fatal(err)
	}
	container := &oci.Spec{Process: &oci.Process{}, Linux: &oci.Linux{}}
	if unresolved, err := cache.InjectDevices(container, ids...); err != nil {
		t.Fatalf("unresolved %v: %v", unresolved, err)
	}
	var devices, mounts []string
	for _, device := range container.Linux.Devices {
		devices = append(devices, device.Path)
	}
	for _, mount := range container.Mounts {
		mounts = append(mounts, mount.Destination)
	}
	countOf := func(words []string) map[string]int {
		counts := map[string]int{}
		for _, word := range words {
			counts[word]++
		}
		return counts
	}
	wantDevices := map[string]int{"/dev/nvidia4": 1, "/dev/nvidia6": 1, "/dev/nvidiactl": 1, "/dev/nvidia-uvm": 1}
	if diff := cmp.Diff(wantDevices, countOf(devices)); diff != "" {
		t.Errorf("device files (-want +got):\n%s", diff)
	}
	wantMounts := map[string]int{"/usr/lib64/libcuda.so.580.95.05": 1, "/usr/bin/nvidia-smi": 1,
		"/run/ashlar/mps/GPU-00000000/pipe": 1, "/dev/shm": 1}
	if diff := cmp.Diff(wantMounts, countOf(mounts)); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	wantEnvironment := map[string]int{
		"NVIDIA_VISIBLE_DEVICES=void":                               1,
		"ASHLAR_DEVICE_GPU_2=GPU-00000002":                          1,
		"ASHLAR_DEVICE_GPU_0_SHARE=GPU-00000000":                    1,
		"CUDA_DEVICE_MEMORY_LIMIT_0=20480m":                         1,
		"ASHLAR_GPU_MEMORY_LIMIT=21474836480":                       1,
		"CUDA_MPS_PIPE_DIRECTORY=/run/ashlar/mps/GPU-00000000/pipe": 1,
		"CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=20480M":                 1,
		"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=25":                      1,
	}
	if diff := cmp.Diff(wantEnvironment, countOf(container.Process.Env)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestWriterKeepsSpecs(t *testing.T) {
	writer, directory := newWriter(t, HostFiles{})
	wantList := func(want ...string) {
		t.Helper()
		got, err := writer.List()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
	}
	wantList()
	write := func(uid string, device Device) []string {
		t.Helper()
		ids, err := writer.Write(context.Background(), Claim{UID: uid, Devices: []Device{device}})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	ids := write("b", wholeGPU("gpu/large", 2))
	if diff := cmp.Diff([]string{"k8s.gpu.ashlar.dev/claim=b_gpu.large_gpu-2"}, ids); diff != "" {
		t.Errorf("IDs (-want +got):\n%s", diff)
	}
	write("a", wholeGPU("gpu", 1))
	write("a", wholeGPU("gpu", 0)) // prepared again
	wantList("a", "b")
	spec, err := cdi.ReadSpec(filepath.Join(directory, "k8s.gpu.ashlar.dev-claim_a.json"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if spec.GetDevice("a_gpu_gpu-0") == nil || spec.GetDevice("a_gpu_gpu-1") != nil {
		t.Error("the spec of a claim that is prepared again is not the later one")
	}

	// Specs of others, and what is left of one whose writing was interrupted.
	for _, name := range []string{"nvidia.yaml", "k8s.gpu.nvidia.com-claim_x.yaml", "spec.1.tmp", ".k8s.gpu.ashlar.dev-claim_c.json.tmp"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wantList("a", "b", "c")
	for _, uid := range []string{"a", "c", "c", "never"} {
		if err := writer.Remove(uid); err != nil {
			t.Error(err)
		}
	}
	wantList("b")
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 4 {
		t.Errorf("%d files are left: %v, want b's and three of others", len(entries), entries)
	}

	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	wantList()
	write("d", wholeGPU("gpu", 0))
	wantList("d")
}

func TestWriterRefuses(t *testing.T) {
	writer, directory := newWriter(t, HostFiles{})
	for _, uid := range []string{"", "../../etc/passwd", "a b", "a_b", strings.Repeat("a", 129)} {
		if _, err := writer.Write(context.Background(), Claim{UID: uid, Devices: []Device{wholeGPU("gpu", 0)}}); err == nil ||
			!strings.Contains(err.Error(), "is no UID") {
			t.Errorf("UID %q: got %v", uid, err)
		}
		if err := writer.Remove(uid); err == nil {
			t.Errorf("UID %q is removed", uid)
		}
	}
	_, err := writer.Write(context.Background(), Claim{UID: "a", Namespace: "team", Name: "job"})
	const want = "write the CDI spec of claim team/job (a): there is no device: want at least one"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	bad := shareWithMPS("gpu", 0, topology.GiB, 10)
	bad.MPS.Shm = ""
	if _, err := writer.Write(context.Background(), Claim{UID: "a", Devices: []Device{bad}}); err == nil {
		t.Error("a spec that no container runtime takes is written")
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) > 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// A file where the directory should be fails for everybody, root among them.
func TestDirectoryCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cdi")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := NewWriter(file, HostFiles{})
	const want = "cannot be written: mkdir "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "mount the host's directory") {
		t.Errorf("got %v, want %q in it", err, want)
	}
	writer, directory := newWriter(t, HostFiles{})
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(directory, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = writer.Write(context.Background(), Claim{UID: "a", Devices: []Device{wholeGPU("gpu", 0)}})
	if err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("got %v", err)
	}
}

func TestInstallHook(t *testing.T) {
	directory := t.TempDir()
	source, target := filepath.Join(directory, "source"), filepath.Join(directory, "plugin", "nvidia-cdi-hook")
	if err := InstallHook(source, target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is no source", err)
	}
	for _, content := range []string{"first", "2nd"} {
		if err := os.WriteFile(source, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := InstallHook(source, target); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(target)
		if err != nil || string(got) != content {
			t.Errorf("got %q, %v, want %q", got, err, content)
		}
		if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("got %v, %v, want a program", info.Mode(), err)
		}
	}
}

// A driver of 70 files is usual.
func BenchmarkWriter(b *testing.B) {
	host := realHost()
	for i := range 70 {
		path := fmt.Sprintf("/usr/lib64/lib%d.so.580.95.05", i)
		host.Mounts = append(host.Mounts, &specs.Mount{HostPath: path, ContainerPath: path, Options: host.Mounts[0].Options})
	}
	writer, err := NewWriter(b.TempDir(), host)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := writer.Write(context.Background(), Claim{UID: "a", Devices: []Device{wholeGPU("gpu", 2)}}); err != nil {
			b.Fatal(err)
		}
	}
}

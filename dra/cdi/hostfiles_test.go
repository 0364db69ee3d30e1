package cdi

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2/ktesting"
)

// driverRoot is a directory that looks like a driver's installation.
func driverRoot(t *testing.T, version string, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, file := range append(files, "usr/lib64/libcuda.so."+version, "usr/lib64/libnvidia-ml.so."+version, "usr/bin/nvidia-smi") {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// versionedLibrary is all that is asked of NVML: the driver's version.
type versionedLibrary struct{ nvml.Interface }

func (versionedLibrary) Init() nvml.Return     { return nvml.SUCCESS }
func (versionedLibrary) Shutdown() nvml.Return { return nvml.SUCCESS }
func (versionedLibrary) SystemGetDriverVersion() (string, nvml.Return) {
	return "580.95.05", nvml.SUCCESS
}

func findFiles(t *testing.T, root string) (HostFiles, error) {
	t.Helper()
	logger, _ := ktesting.NewTestContext(t)
	return FindHostFiles(logger, HostOptions{Library: versionedLibrary{}, DriverRoot: root, HostDriverRoot: "/run/nvidia/driver",
		DevRoot: root, HostDevRoot: "/", Hook: "/plugins/nvidia-cdi-hook"})
}

func TestFindHostFiles(t *testing.T) {
	host, err := findFiles(t, driverRoot(t, "580.95.05", "dev/nvidiactl", "dev/nvidia-uvm", "tmp/nvidia-mps/control",
		"usr/lib64/libcuda.so.570.1", "usr/lib64/libother.so"))
	if err != nil {
		t.Fatal(err)
	}
	var mounts, hooks []string
	for _, mount := range host.Mounts {
		mounts = append(mounts, mount.HostPath+" "+mount.ContainerPath)
	}
	slices.Sort(mounts)
	wantMounts := []string{
		"/run/nvidia/driver/usr/bin/nvidia-smi /usr/bin/nvidia-smi",
		"/run/nvidia/driver/usr/lib64/libcuda.so.580.95.05 /usr/lib64/libcuda.so.580.95.05",
		"/run/nvidia/driver/usr/lib64/libnvidia-ml.so.580.95.05 /usr/lib64/libnvidia-ml.so.580.95.05",
	}
	if diff := cmp.Diff(wantMounts, mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	for _, hook := range host.Hooks {
		if hook.Path != "/plugins/nvidia-cdi-hook" {
			t.Errorf("a hook runs %s", hook.Path)
		}
		hooks = append(hooks, hook.Args[1])
	}
	slices.Sort(hooks)
	wantHooks := []string{"create-symlinks", "disable-device-node-modification", "enable-cuda-compat", "update-ldcache"}
	if diff := cmp.Diff(wantHooks, hooks); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/dev/nvidiactl", "/dev/nvidia-uvm"}, host.ControlDevices); diff != "" {
		t.Errorf("control devices (-want +got):\n%s", diff)
	}
}

func TestFindHostFilesRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ root, want string }{
		"an empty root":       {t.TempDir(), "see that it is the root directory of the driver's installation, and mounted"},
		"another version":     {driverRoot(t, "570.1", "dev/nvidiactl"), "see that it is the root directory"},
		"no control device":   {driverRoot(t, "580.95.05"), "dev/nvidiactl: see that the driver is loaded"},
		"a root that is gone": {"/nonexistent", "find the GPU driver's files in /nonexistent"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := findFiles(t, tc.root); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

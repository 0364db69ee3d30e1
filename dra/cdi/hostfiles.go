package cdi

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/nvidia-container-toolkit/pkg/nvcdi"
	"k8s.io/klog/v2"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// HostFiles is what every container with a device of this node gets. The zero value is that of a
// node without a GPU driver, as simulated nodes are: containers get the environment only.
type HostFiles struct {
	// Mounts and Hooks bring the driver's libraries and binaries.
	Mounts      []*specs.Mount
	Hooks       []*specs.Hook
	Environment []string
	// ControlDevices are those device files that there are beside those of the GPUs.
	ControlDevices []string
	// DeviceFile gives the host's device file that a container is to have under a path in
	// /dev, or "" for the same path. If it is nil, there are no device files.
	DeviceFile func(path string) string
}

// HostOptions say where FindHostFiles looks.
type HostOptions struct {
	// Library is asked for the driver's version.
	Library nvml.Interface
	// DriverRoot is the directory in which the driver is installed, as this process sees it, and
	// HostDriverRoot as the host does: "/driver-root" and "/", or "/" twice.
	DriverRoot, HostDriverRoot string
	// DevRoot and HostDevRoot are the same for the directory that has dev in it.
	DevRoot, HostDevRoot string
	// Hook is the path on the host of the program nvidia-cdi-hook, see InstallHook.
	Hook string
}

// defaultPipes is where CUDA looks for an MPS control daemon if nobody says where it is.
const defaultPipes = "/tmp/nvidia-mps"

// controlDevices are the device files that all GPUs have in common.
var controlDevices = []string{"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"}

// FindHostFiles finds the driver's files. What it finds is valid as long as the version of
// the driver stays.
func FindHostFiles(logger klog.Logger, options HostOptions) (HostFiles, error) {
	toolkit, err := nvcdi.New(
		nvcdi.WithLogger(toolkitLogger{logger}),
		nvcdi.WithNvmlLib(options.Library),
		nvcdi.WithMode(nvcdi.ModeNvml),
		nvcdi.WithDriverRoot(options.DriverRoot),
		nvcdi.WithDevRoot(options.DevRoot),
		nvcdi.WithNVIDIACDIHookPath(options.Hook),
		// It would load another library into this process.
		nvcdi.WithFeatureFlags(nvcdi.FeatureDisableNvsandboxUtils),
	)
	if err != nil {
		return HostFiles{}, fmt.Errorf("find the GPU driver's files in %s: %w", options.DriverRoot, err)
	}
	edits, err := toolkit.GetCommonEdits()
	if err != nil {
		return HostFiles{}, fmt.Errorf("find the GPU driver's files in %s: %w: "+
			"see that it is the root directory of the driver's installation, and mounted", options.DriverRoot, err)
	}
	host := HostFiles{Environment: edits.Env, Hooks: edits.Hooks, DeviceFile: func(path string) string {
		if options.HostDevRoot == "/" || options.HostDevRoot == "" {
			return ""
		}
		return filepath.Join(options.HostDevRoot, path)
	}}
	for _, mount := range edits.Mounts {
		if mount.ContainerPath == defaultPipes {
			continue // a control daemon of somebody else
		}
		mount.HostPath = moveRoot(mount.HostPath, options.DriverRoot, options.HostDriverRoot)
		host.Mounts = append(host.Mounts, mount)
	}
	for _, path := range controlDevices {
		if _, err := os.Stat(filepath.Join(options.DevRoot, path)); err == nil {
			host.ControlDevices = append(host.ControlDevices, path)
		}
	}
	if !slices.Contains(host.ControlDevices, controlDevices[0]) {
		return HostFiles{}, fmt.Errorf("find the GPU driver's device files: there is no %s: "+
			"see that the driver is loaded (nvidia-smi makes it)",
			filepath.Join(options.DevRoot, controlDevices[0]))
	}
	return host, nil
}

func moveRoot(path, from, to string) string {
	inside, ok := strings.CutPrefix(filepath.Clean(path), strings.TrimSuffix(filepath.Clean(from), "/")+"/")
	if !ok {
		return path
	}
	return filepath.Join("/", to, inside)
}

// commonEdits are those of all containers. NVIDIA_VISIBLE_DEVICES keeps a container runtime of
// NVIDIA, where there is one, from adding all GPUs.
func (h HostFiles) commonEdits() specs.ContainerEdits {
	environment := slices.DeleteFunc(slices.Clone(h.Environment), func(variable string) bool {
		return strings.HasPrefix(variable, "NVIDIA_VISIBLE_DEVICES=")
	})
	return specs.ContainerEdits{
		Env:         append(environment, "NVIDIA_VISIBLE_DEVICES=void"),
		DeviceNodes: h.deviceNodes(h.ControlDevices),
		Mounts:      h.Mounts,
		Hooks:       h.Hooks,
	}
}

func (h HostFiles) deviceNodes(paths []string) []*specs.DeviceNode {
	if h.DeviceFile == nil {
		return nil
	}
	var nodes []*specs.DeviceNode
	for _, path := range paths {
		nodes = append(nodes, &specs.DeviceNode{Path: path, HostPath: h.DeviceFile(path), Permissions: "rw"})
	}
	return nodes
}

// toolkitLogger writes what the container toolkit says of its search into our log. That it
// does not find one of the many files of which a driver may have some is no news.
type toolkitLogger struct{ klog.Logger }

func (l toolkitLogger) Debugf(format string, values ...any) {
	l.V(6).Info(fmt.Sprintf(format, values...))
}
func (l toolkitLogger) Tracef(format string, values ...any) {
	l.V(6).Info(fmt.Sprintf(format, values...))
}
func (l toolkitLogger) Infof(format string, values ...any) {
	l.V(5).Info(fmt.Sprintf(format, values...))
}
func (l toolkitLogger) Info(values ...any) { l.V(5).Info(fmt.Sprint(values...)) }
func (l toolkitLogger) Warningf(format string, values ...any) {
	l.V(4).Info(fmt.Sprintf(format, values...))
}
func (l toolkitLogger) Warning(values ...any) { l.V(4).Info(fmt.Sprint(values...)) }
func (l toolkitLogger) Errorf(format string, values ...any) {
	l.Error(nil, fmt.Sprintf(format, values...))
}

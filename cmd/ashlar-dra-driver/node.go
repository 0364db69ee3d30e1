package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra/cdi"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/dra/mps"
	"github.com/ashlar-dev/ashlar/dra/nodedriver"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// nodeOptions are the flags of a driver that prepares claims on its node.
type nodeOptions struct {
	kubeletDirectory, specDirectory string
	driverRoot, hostDriverRoot      string
	hook                            string
	reserved                        []string
	mpsImage                        string
	simulatedState                  string
	grpcHealth                      string
	unhealthyEffect                 string
}

// taintEffects are the values of --unhealthy-effect.
var taintEffects = map[string]resourceapi.DeviceTaintEffect{
	"NoSchedule": resourceapi.DeviceTaintEffectNoSchedule, "NoExecute": resourceapi.DeviceTaintEffectNoExecute, "None": "",
}

// hookName is the program of NVIDIA's container toolkit that CDI hooks run.
const hookName = "nvidia-cdi-hook"

// preparesClaims reports whether the driver serves a kubelet: not for simulated nodes whose
// GPUs have no state.
func (o *driverOptions) preparesClaims() bool {
	return o.nodesFile == "" && (o.machine == "" || o.node.simulatedState != "")
}

// runNode runs the driver of this machine.
func (o *driverOptions) runNode(ctx context.Context, client kubernetes.Interface, ready *atomic.Bool) error {
	options := nodedriver.Options{
		Client: client, NodeName: o.nodeName, PodUID: types.UID(os.Getenv("POD_UID")), Reserved: o.node.reserved, Forms: o.forms,
		PluginDirectory:    filepath.Join(o.node.kubeletDirectory, "plugins", deviceapi.Driver),
		RegistrarDirectory: filepath.Join(o.node.kubeletDirectory, "plugins_registry"),
		SpecDirectory:      o.node.specDirectory,
		Health:             health.PolicyOf(taintEffects[o.node.unhealthyEffect]),
		Ready:              func() { ready.Store(true) },
	}
	var err error
	if options.BootID, err = nodedriver.BootID(); err != nil {
		return err
	}
	if o.machine != "" {
		err = o.simulateNode(&options)
	} else {
		err = o.openNode(ctx, &options)
	}
	if err != nil {
		return err
	}
	if namespace := os.Getenv("POD_NAMESPACE"); o.node.mpsImage != "" && namespace != "" {
		options.MPS = mps.NewPods(mps.PodOptions{
			Client: client, Node: o.nodeName, Namespace: namespace, Image: o.node.mpsImage, DriverRoot: o.node.hostDriverRoot,
		})
	} else {
		options.MPS = mps.NewProcesses(mps.ProcessOptions{})
	}
	if o.node.grpcHealth != "" {
		if _, err := nodedriver.ServeHealth(ctx, o.node.grpcHealth, options.PluginDirectory); err != nil {
			return err
		}
	}
	return nodedriver.Run(ctx, options)
}

// noDriverPause is how often a pod looks again on a node that has no GPU driver yet: the GPU
// Operator installs it after the node has joined.
const noDriverPause = 30 * time.Second

// waitForGPUs finds the GPUs of this machine. In a pod it waits until there is a driver.
func (o *driverOptions) waitForGPUs(ctx context.Context) (nvml.Interface, *discovery.Node, error) {
	inPod := os.Getenv("KUBERNETES_SERVICE_HOST") != ""
	for {
		library := nvml.New()
		if path := libraryPath(o.node.driverRoot); path != "" {
			library = nvml.New(nvml.WithLibraryPath(path))
		}
		node, err := discoverWithin(ctx, library)
		switch {
		case !errors.Is(err, discovery.ErrNoDriver):
			return library, node, err
		case !inPod:
			return nil, nil, fmt.Errorf("%w; --driver-root names the directory in which it is installed, --machine simulates GPUs", err)
		}
		klog.FromContext(ctx).Info("Waiting for a GPU driver: no GPU is handed out until there is one, see that its root directory is "+
			"mounted, or take the label ashlar.dev/driver from the node", "reason", err, "driverRoot", o.node.driverRoot)
		if err := sleepFor(ctx, noDriverPause); err != nil {
			return nil, nil, err
		}
	}
}

// openNode finds the GPUs of this machine and the files of their driver.
func (o *driverOptions) openNode(ctx context.Context, options *nodedriver.Options) error {
	library, node, err := o.waitForGPUs(ctx)
	if err != nil {
		return err
	}
	options.Library, options.Node = library, node
	options.Hardware = hardware.Options{Proc: os.DirFS("/proc")}
	hook := o.node.hook
	if hook == "" {
		hook = filepath.Join(options.PluginDirectory, hookName)
		if err := os.MkdirAll(options.PluginDirectory, 0o750); err != nil {
			return fmt.Errorf("making the driver's directory: %w", err)
		}
		if err := cdi.InstallHook(filepath.Join(filepath.Dir(os.Args[0]), hookName), hook); err != nil {
			return fmt.Errorf("installing %s, which containers' hooks run: %w; --cdi-hook names one that the node has", hookName, err)
		}
	}
	options.Host, err = cdi.FindHostFiles(klog.FromContext(ctx), cdi.HostOptions{
		Library: library, DriverRoot: o.node.driverRoot, HostDriverRoot: o.node.hostDriverRoot,
		DevRoot: o.node.driverRoot, HostDevRoot: o.node.hostDriverRoot, Hook: hook,
	})
	return err
}

// libraryPath is where libnvidia-ml is under the root of a driver's installation, "" for
// where the dynamic linker finds it.
func libraryPath(root string) string {
	if root == "/" {
		return ""
	}
	for _, pattern := range []string{
		"usr/lib64/libnvidia-ml.so.1", "usr/lib/*-linux-gnu/libnvidia-ml.so.1", "lib64/libnvidia-ml.so.1", "lib/*-linux-gnu/libnvidia-ml.so.1",
		"usr/lib*/nvidia/libnvidia-ml.so.1", "home/kubernetes/bin/nvidia/lib64/libnvidia-ml.so.1", "lib64/nvidia/libnvidia-ml.so.1",
	} {
		if found, err := filepath.Glob(filepath.Join(root, pattern)); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// simulateNode makes GPUs whose state is in a directory.
func (o *driverOptions) simulateNode(options *nodedriver.Options) error {
	machine, err := catalogue.Default().Machine(o.machine)
	if err != nil {
		return err
	}
	library, err := simulated.New(o.nodeName, machine, catalogue.Default().MIG, simulated.WithDirectory(o.node.simulatedState))
	if err != nil {
		return err
	}
	options.Library = library
	options.Hardware = hardware.Options{Proc: library.Proc(), Command: library.RunCommand}
	options.Node, err = discovery.ReadNode(library, library.Sys())
	return err
}

// validate finds flags that do not go together.
func (o *nodeOptions) validate(driver *driverOptions) error {
	switch {
	case o.simulatedState != "" && driver.machine == "":
		return errors.New("--simulated-state needs --machine: real GPUs keep their state themselves")
	case o.simulatedState != "" && driver.dryRun:
		return errors.New("--simulated-state and --dry-run exclude each other: a dry run changes no GPU")
	case !knownEffect(o.unhealthyEffect):
		return fmt.Errorf("--unhealthy-effect %s: want NoSchedule, NoExecute or None", o.unhealthyEffect)
	case !filepath.IsAbs(o.kubeletDirectory),
		!filepath.IsAbs(o.specDirectory),
		!filepath.IsAbs(o.driverRoot),
		!filepath.IsAbs(o.hostDriverRoot):
		return errors.New(
			"--kubelet-directory, --cdi-directory, --driver-root and --host-driver-root are paths from the root, such as /var/run/cdi",
		)
	}
	return nil
}

func knownEffect(name string) bool {
	_, known := taintEffects[name]
	return known
}

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	// driverVariable makes the test binary the driver.
	driverVariable = "E2E_TEST_DRIVER"
	driverName     = "files.e2e.ashlar.dev"
	// deviceFolder holds the driver's devices on the node.
	deviceFolder = "/var/lib/e2e-devices"
	// Where a container finds what its claim gave it: a device node, a mounted file, a
	// variable with the devices' names.
	deviceInPod = "/dev/e2e-device"
	fileInPod   = "/e2e-device.txt"
	variable    = "E2E_DEVICES"
)

// testDriver is a DRA driver whose devices are files.
type testDriver struct{}

// runTestDriver is the driver's process, on the node.
func runTestDriver(args []string) error {
	flags := flag.NewFlagSet("driver", flag.ContinueOnError)
	node := flags.String("node", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data := filepath.Join(cluster.PluginFolder, driverName)
	for _, folder := range []string{data, cluster.CDIFolder, deviceFolder} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return err
		}
	}
	var devices []resourceapi.Device
	for _, name := range []string{"file-0", "file-1"} {
		if err := os.WriteFile(filepath.Join(deviceFolder, name+".txt"), []byte(name), 0o600); err != nil {
			return err
		}
		// The character device 1:3 is /dev/null.
		err := syscall.Mknod(filepath.Join(deviceFolder, name), syscall.S_IFCHR|0o666, 1<<8|3)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		devices = append(devices, resourceapi.Device{Name: name})
	}
	helper, err := kubeletplugin.Start(ctx, testDriver{},
		kubeletplugin.DriverName(driverName),
		kubeletplugin.NodeName(*node),
		kubeletplugin.KubeClient(client),
		kubeletplugin.PluginDataDirectoryPath(data),
	)
	if err != nil {
		return err
	}
	defer helper.Stop()
	slices := []resourceslice.Slice{{Devices: devices}}
	err = helper.PublishResources(ctx, resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{*node: {Slices: slices}}})
	if err != nil {
		return err
	}
	for status := helper.RegistrationStatus(); status == nil || !status.PluginRegistered; status = helper.RegistrationStatus() {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
	fmt.Println("registered")
	<-ctx.Done()
	return nil
}

func specFile(claim types.UID) string {
	return filepath.Join(cluster.CDIFolder, "e2e-"+string(claim)+".json")
}

// PrepareResourceClaims implements kubeletplugin.DRAPlugin.
func (testDriver) PrepareResourceClaims(_ context.Context, claims []*resourceapi.ResourceClaim) (
	map[types.UID]kubeletplugin.PrepareResult, error) {
	results := map[types.UID]kubeletplugin.PrepareResult{}
	for _, claim := range claims {
		results[claim.UID] = prepareClaim(claim)
	}
	return results, nil
}

func prepareClaim(claim *resourceapi.ResourceClaim) kubeletplugin.PrepareResult {
	var result kubeletplugin.PrepareResult
	var devices []any
	for _, allocated := range claim.Status.Allocation.Devices.Results {
		if allocated.Driver != driverName {
			continue
		}
		name := string(claim.UID) + "-" + allocated.Device
		path := filepath.Join(deviceFolder, allocated.Device)
		devices = append(devices, map[string]any{"name": name, "containerEdits": map[string]any{
			"env":         []string{variable + "=" + allocated.Device},
			"deviceNodes": []any{map[string]any{"path": deviceInPod, "hostPath": path}},
			"mounts": []any{map[string]any{
				"hostPath": path + ".txt", "containerPath": fileInPod, "options": []string{"bind", "ro"},
			}},
		}})
		result.Devices = append(result.Devices, kubeletplugin.Device{
			Requests: []string{allocated.Request}, PoolName: allocated.Pool, DeviceName: allocated.Device,
			CDIDeviceIDs: []string{driverName + "/claim=" + name},
		})
	}
	spec, err := json.Marshal(map[string]any{"cdiVersion": "0.6.0", "kind": driverName + "/claim", "devices": devices})
	if err == nil {
		err = os.WriteFile(specFile(claim.UID), spec, 0o600)
	}
	if err != nil {
		return kubeletplugin.PrepareResult{Err: err}
	}
	fmt.Printf("prepared %s\n", claim.UID)
	return result
}

// UnprepareResourceClaims implements kubeletplugin.DRAPlugin.
func (testDriver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	results := map[types.UID]error{}
	for _, claim := range claims {
		err := os.Remove(specFile(claim.UID))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // called twice
		}
		results[claim.UID] = err
		fmt.Printf("unprepared %s\n", claim.UID)
	}
	return results, nil
}

// HandleError implements kubeletplugin.DRAPlugin.
func (testDriver) HandleError(_ context.Context, err error, message string) {
	klog.ErrorS(err, message)
}

// WatchHealthStatus implements kubeletplugin.DRAPlugin.
func (testDriver) WatchHealthStatus(context.Context, chan<- kubeletplugin.DeviceHealthReport) error {
	return kubeletplugin.ErrHealthNotSupported
}

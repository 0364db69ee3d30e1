package nodedriver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// offeredDevices are what the node hands out at present. They change when somebody creates
// or destroys a MIG instance beside the driver, or changes a GPU's MIG mode.
type offeredDevices struct {
	node     *discovery.Node
	reserved map[string]bool
	// forms are those that are published, all if empty. What is allocated in another, by an
	// earlier publication, is prepared all the same.
	forms  []dra.DeviceForm
	reader hardware.Reader
	// foreign finds the MIG instances of a GPU that the driver did not create.
	foreign func(ctx context.Context, gpu string) ([]hardware.Instance, error)

	mutex   sync.RWMutex
	devices []dra.Device
	byName  map[string]dra.Device
}

// refresh looks at the GPUs again. It reports whether other devices are handed out now. Of a
// GPU that does not answer nothing changes.
func (o *offeredDevices) refresh(ctx context.Context) bool {
	logger := klog.FromContext(ctx)
	node, foreign := *o.node, map[string][]mig.Placement{}
	node.GPUs = slices.Clone(o.node.GPUs)
	for i := range node.GPUs {
		gpu := &node.GPUs[i]
		if gpu.Table == nil || o.reserved[gpu.UUID] {
			continue
		}
		current, pending, err := o.reader.MIGMode(ctx, gpu.UUID)
		if err != nil {
			logger.V(2).Info("MIG mode unknown", "gpu", gpu.UUID, "err", err)
			return false
		}
		gpu.MIGMode, gpu.MIGPending = current, pending
		instances, err := o.foreign(ctx, gpu.UUID)
		if err != nil {
			logger.V(2).Info("MIG instances unknown", "gpu", gpu.UUID, "err", err)
			return false
		}
		for _, instance := range instances {
			foreign[gpu.UUID] = append(foreign[gpu.UUID], instance.Placement)
		}
	}
	devices := node.ListDevices(discovery.DeviceOptions{Reserved: o.reserved, Foreign: foreign})
	byName := make(map[string]dra.Device, len(devices))
	for _, device := range devices {
		byName[device.Name()] = device
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	changed := o.byName == nil || !maps.EqualFunc(byName, o.byName, func(a, b dra.Device) bool { return a == b })
	o.devices, o.byName = discovery.SelectForms(devices, o.forms), byName
	if changed {
		o.tell(logger, &node, foreign)
	}
	return changed
}

// tell logs what keeps parts of the node from being handed out.
func (o *offeredDevices) tell(logger klog.Logger, node *discovery.Node, foreign map[string][]mig.Placement) {
	for _, unusable := range node.Unusable {
		logger.Error(unusable.Because, "A GPU is left out", "index", unusable.Index)
	}
	for i := range node.GPUs {
		gpu := &node.GPUs[i]
		if placements := foreign[gpu.UUID]; len(placements) > 0 {
			logger.Info("MIG instances that the driver did not create are left alone; nothing that overlaps them is handed out",
				"index", gpu.Index, "gpu", gpu.UUID, "placements", fmt.Sprint(placements))
		}
		if gpu.MIGMode != gpu.MIGPending {
			logger.Info("A change of MIG mode waits until the GPU is reset: it is handed out in its present mode",
				"index", gpu.Index, "gpu", gpu.UUID, "on", gpu.MIGMode, "afterReset", gpu.MIGPending)
		}
	}
}

// list are the devices in the order in which they are published.
func (o *offeredDevices) list() []dra.Device {
	o.mutex.RLock()
	defer o.mutex.RUnlock()
	return o.devices
}

// named are the devices by name.
func (o *offeredDevices) named() map[string]dra.Device {
	o.mutex.RLock()
	defer o.mutex.RUnlock()
	return o.byName
}

// checkReserved refuses UUIDs of GPUs that the node does not have: a typing error would hand
// out what is reserved.
func checkReserved(node *discovery.Node, reserved []string) (map[string]bool, error) {
	set := map[string]bool{}
	var errs []error
	for _, uuid := range reserved {
		if !slices.ContainsFunc(node.GPUs, func(gpu discovery.GPU) bool { return gpu.UUID == uuid }) {
			errs = append(errs, fmt.Errorf("GPU %s is to be reserved, and this node has no such GPU: nvidia-smi -L lists those that it has", uuid))
		}
		set[uuid] = true
	}
	return set, errors.Join(errs...)
}

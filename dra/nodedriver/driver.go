package nodedriver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/cdi"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/dra/kubelet"
	"github.com/ashlar-dev/ashlar/dra/mps"
	"github.com/ashlar-dev/ashlar/dra/prepare"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// ControlDaemons are MPS control daemons whose clients know where to find them.
type ControlDaemons interface {
	mps.Daemons
	Paths(uuid string) mps.Paths
}

// Options say what a node's driver works on. All but PodUID, Hardware, Reserved and Host are
// required.
type Options struct {
	Client   kubernetes.Interface
	NodeName string
	// PodUID is that of the driver's pod, so that a new version can start before this one
	// ends; "" outside of a pod.
	PodUID types.UID
	// Library is NVML, and Node what discovery found through it.
	Library  nvml.Interface
	Node     *discovery.Node
	Hardware hardware.Options
	// Reserved are the UUIDs of GPUs that are left to others.
	Reserved []string
	// Forms are the forms in which GPUs are published, all if empty.
	Forms []dra.DeviceForm
	// Health says what keeps pods from the devices of unhealthy GPUs.
	Health health.TaintPolicy
	// Host is what containers get of the node's GPU driver.
	Host cdi.HostFiles
	MPS  ControlDaemons
	// BootID tells this boot of the node from others.
	BootID string
	// PluginDirectory has the driver's socket and checkpoint, RegistrarDirectory is where
	// the kubelet looks for drivers, and SpecDirectory where container runtimes look for
	// CDI specs.
	PluginDirectory, RegistrarDirectory, SpecDirectory string
	// Ready is called once claims are prepared and devices are published, and also when the
	// driver stands by to take over from one that does: an upgrade waits for that. It may be
	// called twice.
	Ready func()
}

const (
	checkpointFile = "checkpoint"
	// lookInterval is how often the driver looks for MIG instances of others and for claims
	// that are gone.
	lookInterval = 30 * time.Second
)

// Run prepares claims and publishes devices until ctx ends or something fails that trying
// again does not mend. While another driver serves the node it waits. Devices stay published and claims prepared when it returns.
func Run(asked context.Context, options Options) error {
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	if err := os.MkdirAll(options.PluginDirectory, 0o750); err != nil {
		return fmt.Errorf("making the driver's directory: %w", err)
	}
	unlock, err := lockNode(ctx, options.PluginDirectory, options.Ready)
	if err != nil {
		if asked.Err() != nil {
			return nil
		}
		return err
	}
	defer unlock()
	d, err := newDriver(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		cancel(nil)
		d.close(context.WithoutCancel(ctx))
	}()
	if err := d.start(ctx, cancel); err != nil {
		return err
	}
	options.Ready()
	klog.FromContext(ctx).Info("serving the kubelet", "node", options.NodeName)
	d.look(ctx)
	if asked.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// driver is a running driver.
type driver struct {
	options Options
	nvml    *hardware.NVML
	store   *checkpoint.Store
	manager *prepare.Manager
	devices *offeredDevices

	monitor  *health.Monitor
	statuses *claimStatuses
	watching sync.WaitGroup

	helper      *kubeletplugin.Helper
	publication *publish.Publication
}

// newDriver reads the checkpoint and brings what it says and the hardware together.
func newDriver(ctx context.Context, options Options) (*driver, error) {
	logger := klog.FromContext(ctx)
	reserved, err := checkReserved(options.Node, options.Reserved)
	if err != nil {
		return nil, err
	}
	store, damage, err := checkpoint.OpenStore(checkpoint.StoreOptions{
		Path: filepath.Join(options.PluginDirectory, checkpointFile), BootID: options.BootID,
	})
	if err != nil {
		return nil, err
	}
	if damage != nil {
		logger.Error(damage, "The checkpoint is damaged")
	}
	writer, err := cdi.NewWriter(options.SpecDirectory, options.Host)
	if err != nil {
		return nil, err
	}
	d := &driver{options: options, store: store}
	if d.nvml, err = hardware.Open(options.Library, options.Hardware); err != nil {
		return nil, fmt.Errorf("opening NVML: %w", err)
	}
	d.manager = prepare.NewManager(prepare.ManagerOptions{
		Store: store, Reader: d.nvml, Writer: d.nvml, Clock: clock.RealClock{},
		CDI:       claimSpecs{writer: writer, paths: options.MPS.Paths},
		MPS:       controlDaemons{options.MPS},
		Inventory: d.inventory,
		Observe:   d.observe,
	})
	d.devices = &offeredDevices{
		node: options.Node, reserved: reserved, forms: options.Forms, reader: d.nvml, foreign: d.manager.ForeignInstances,
	}
	if err := d.manager.Recover(ctx); err != nil {
		// Claims on other GPUs are not affected, and those that are will be told why.
		logger.Error(err, "Not everything of before could be recovered, it is tried again when its claims are prepared or unprepared")
	}
	d.devices.refresh(ctx)
	registerMetrics()
	d.countDevices()
	return d, nil
}

func (d *driver) inventory() prepare.NodeInventory {
	return prepare.NodeInventory{Pool: d.options.NodeName, Devices: d.devices.named()}
}

// start connects to the kubelet and publishes.
func (d *driver) start(ctx context.Context, stop context.CancelCauseFunc) error {
	watch, err := publish.WatchRivals(ctx, d.options.Client, []string{d.options.NodeName})
	if err != nil {
		return err
	}
	if d.monitor, err = health.NewMonitor(health.MonitorOptions{
		Reader: d.nvml, Events: d.nvml, GPUs: d.watchedGPUs, Devices: d.devices.list, Pool: d.options.NodeName,
		Policy: d.options.Health, Clock: clock.RealClock{},
		TaintsChanged: d.publishAgain, HealthChanged: func() { d.statuses.queueClaims() },
		Tell: func(notice health.Notice) { d.tellNode(ctx, watch, notice) },
	}); err != nil {
		return err
	}
	health.RegisterMetrics()
	d.statuses = newClaimStatuses(claimStatusOptions{
		Claims: d.options.Client.ResourceV1(), Store: d.store, Pool: d.options.NodeName,
		Conditions: d.monitor.DeviceConditions, Clock: clock.RealClock{},
	})
	plugin := kubelet.NewPlugin(kubelet.PluginOptions{
		Claims: d.manager, Pool: d.options.NodeName, WatchHealth: d.monitor.WatchHealthStatus, Stop: func(err error) { stop(err) },
	})
	helperOptions := []kubeletplugin.Option{
		kubeletplugin.DriverName(deviceapi.Driver), kubeletplugin.KubeClient(d.options.Client), kubeletplugin.NodeName(d.options.NodeName),
		kubeletplugin.PluginDataDirectoryPath(d.options.PluginDirectory),
		kubeletplugin.RegistrarDirectoryPath(d.options.RegistrarDirectory),
		// Claims wait for others on the same GPUs only, see prepare.Manager.
		kubeletplugin.Serialize(false),
	}
	if d.options.PodUID != "" {
		helperOptions = append(helperOptions, kubeletplugin.RollingUpdate(d.options.PodUID))
	}
	if d.helper, err = kubeletplugin.Start(ctx, plugin, helperOptions...); err != nil {
		return fmt.Errorf("serving the kubelet: %w", err)
	}
	publication, err := publish.PublishSlices(ctx, d.options.Client, watch, d.helper, d.options.NodeName, d.resources())
	if err != nil {
		return err
	}
	d.publication = publication
	d.watching.Go(func() { d.statuses.writeStatuses(ctx) })
	d.watching.Go(func() { d.monitor.Run(ctx) })
	return nil
}

// resources are what is published at present.
func (d *driver) resources() resourceslice.DriverResources {
	return publish.DriverResources(d.options.NodeName, d.options.Node, d.devices.list(), d.monitor.DeviceTaints)
}

// publishAgain publishes what changed.
func (d *driver) publishAgain() { d.publication.Update(d.resources()) }

// watchedGPUs are the GPUs whose health is watched: not those that others hand out.
func (d *driver) watchedGPUs() []dra.GPUIdentity {
	var gpus []dra.GPUIdentity
	for i := range d.options.Node.GPUs {
		if gpu := d.options.Node.GPUs[i].GPUIdentity; !d.devices.reserved[gpu.UUID] {
			gpus = append(gpus, gpu)
		}
	}
	return gpus
}

// tellNode records an event about the node.
func (d *driver) tellNode(ctx context.Context, watch *publish.RivalWatch, notice health.Notice) {
	kind := corev1.EventTypeNormal
	if notice.Warning {
		kind = corev1.EventTypeWarning
	}
	klog.FromContext(ctx).Info(notice.Message, "gpu", notice.GPU.UUID, "reason", notice.Reason)
	watch.RecordEvent(d.options.NodeName, kind, notice.Reason, notice.Message)
}

// look follows what others change until ctx ends.
func (d *driver) look(ctx context.Context) {
	logger := klog.FromContext(ctx)
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if d.devices.refresh(ctx) {
			d.publishAgain()
			d.countDevices()
		}
		if err := d.manager.Prune(ctx, d.claimExists(ctx)); err != nil && ctx.Err() == nil {
			logger.Error(err, "Looking for claims that are gone")
		}
		d.statuses.queueClaims() // those that were prepared since
	}
}

// close ends what start began.
func (d *driver) close(ctx context.Context) {
	d.watching.Wait()
	if d.publication != nil {
		d.publication.Stop()
	}
	if d.helper != nil {
		d.helper.Stop()
	}
	if err := d.nvml.Close(); err != nil {
		klog.FromContext(ctx).Error(err, "Closing NVML")
	}
}

// BootID is that of this boot of the machine.
func BootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot id: %w", err)
	}
	if len(text) == 0 {
		return "", errors.New("reading the boot id: /proc/sys/kernel/random/boot_id is empty")
	}
	return string(text[:len(text)-1]), nil
}

package kubelet

import (
	"context"
	"errors"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
)

// ClaimPreparer is the part of prepare.Manager that the kubelet asks for.
type ClaimPreparer interface {
	Prepare(ctx context.Context, claim *resourceapi.ResourceClaim) (checkpoint.Claim, error)
	Unprepare(ctx context.Context, uid types.UID) error
}

// PluginOptions are what a Plugin works with.
type PluginOptions struct {
	Claims ClaimPreparer
	// Pool is the name of the node's pool, which is that of the node.
	Pool string
	// WatchHealth sends the health of devices until ctx ends, see
	// kubeletplugin.DRAPlugin; nil if there is none.
	WatchHealth func(ctx context.Context, reports chan<- kubeletplugin.DeviceHealthReport) error
	// Stop is called with an error after which the driver must end.
	Stop func(err error)
}

// Plugin is a kubeletplugin.DRAPlugin. Claims are prepared at the same time; the helper
// must be started with kubeletplugin.Serialize(false) for those of several pods to be, too.
type Plugin struct{ options PluginOptions }

var _ kubeletplugin.DRAPlugin = &Plugin{}

// NewPlugin returns a Plugin.
func NewPlugin(options PluginOptions) *Plugin { return &Plugin{options: options} }

// PrepareResourceClaims prepares claims, each with an error of its own.
func (p *Plugin) PrepareResourceClaims(
	ctx context.Context, claims []*resourceapi.ResourceClaim,
) (map[types.UID]kubeletplugin.PrepareResult, error) {
	results := make([]kubeletplugin.PrepareResult, len(claims))
	var group sync.WaitGroup
	for i, claim := range claims {
		group.Go(func() {
			record, err := p.options.Claims.Prepare(ctx, claim)
			if err != nil {
				results[i].Err = err
				return
			}
			results[i].Devices = p.devicesOf(record)
		})
	}
	group.Wait()
	byClaim := make(map[types.UID]kubeletplugin.PrepareResult, len(claims))
	for i, claim := range claims {
		byClaim[claim.UID] = results[i]
	}
	return byClaim, nil
}

func (p *Plugin) devicesOf(claim checkpoint.Claim) []kubeletplugin.Device {
	devices := make([]kubeletplugin.Device, 0, len(claim.Devices))
	for _, device := range claim.Devices {
		prepared := kubeletplugin.Device{
			Requests: []string{device.Request}, PoolName: p.options.Pool, DeviceName: device.Name, CDIDeviceIDs: device.CDI,
		}
		if device.ShareID != "" {
			prepared.ShareID = ptr.To(types.UID(device.ShareID))
		}
		devices = append(devices, prepared)
	}
	return devices
}

// UnprepareResourceClaims undoes claims, each with an error of its own.
func (p *Plugin) UnprepareResourceClaims(ctx context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	errs := make([]error, len(claims))
	var group sync.WaitGroup
	for i, claim := range claims {
		group.Go(func() { errs[i] = p.options.Claims.Unprepare(ctx, claim.UID) })
	}
	group.Wait()
	byClaim := make(map[types.UID]error, len(claims))
	for i, claim := range claims {
		byClaim[claim.UID] = errs[i]
	}
	return byClaim, nil
}

// HandleError logs what failed in the background, and stops the driver unless it passes.
func (p *Plugin) HandleError(ctx context.Context, err error, message string) {
	runtime.HandleErrorWithContext(ctx, err, message)
	if !errors.Is(err, kubeletplugin.ErrRecoverable) {
		p.options.Stop(err)
	}
}

// WatchHealthStatus reports the health of devices.
func (p *Plugin) WatchHealthStatus(ctx context.Context, reports chan<- kubeletplugin.DeviceHealthReport) error {
	if p.options.WatchHealth == nil {
		return kubeletplugin.ErrHealthNotSupported
	}
	return p.options.WatchHealth(ctx, reports)
}

package nodedriver

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	resourceapply "k8s.io/client-go/applyconfigurations/resource/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// claimStatus writes the health of devices into the status of the claims that have them, once
// a device was unhealthy: status.devices, the entries of this driver.
type claimStatus struct {
	client kubernetes.Interface
	pool   string
	// conditions are those of a device at present.
	conditions func(dra.Device) []metav1.Condition

	mutex sync.Mutex
	// written is what the status of a claim says, as far as this process wrote it.
	written map[types.UID]string
}

// write brings the status of the claims up to date. What fails is tried again at the next
// call; one claim's trouble does not stop the others.
func (s *claimStatus) write(ctx context.Context, claims []checkpoint.Claim) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known := map[types.UID]bool{}
	for i := range claims {
		claim := &claims[i]
		known[claim.UID] = true
		if claim.State != checkpoint.StatePrepareCompleted {
			continue
		}
		entries, text, healthy := s.describe(claim)
		if before, wrote := s.written[claim.UID]; text == before || healthy && !wrote {
			continue
		}
		if err := s.apply(ctx, claim, entries); err != nil {
			klog.FromContext(ctx).Error(err, "Writing the health of devices into a claim's status failed, it is tried again",
				"claim", klog.KRef(claim.Namespace, claim.Name))
			continue
		}
		s.written[claim.UID] = text
	}
	for uid := range s.written {
		if !known[uid] {
			delete(s.written, uid)
		}
	}
}

// describe are the entries of a claim's status, what they say in short, and whether all
// devices are healthy.
func (s *claimStatus) describe(claim *checkpoint.Claim) (entries []*resourceapply.AllocatedDeviceStatusApplyConfiguration, text string, healthy bool) {
	healthy = true
	for i := range claim.Devices {
		device := &claim.Devices[i]
		entry := resourceapply.AllocatedDeviceStatus().WithDriver(deviceapi.Driver).WithPool(s.pool).WithDevice(device.Name)
		if device.ShareID != "" {
			entry.WithShareID(device.ShareID)
		}
		for _, condition := range s.conditions(deviceOf(device)) {
			entry.WithConditions(metaapply.Condition().WithType(condition.Type).WithStatus(condition.Status).WithReason(condition.Reason).
				WithMessage(condition.Message).WithLastTransitionTime(condition.LastTransitionTime))
			healthy = healthy && (condition.Status != metav1.ConditionFalse || condition.Type != health.HealthyCondition)
			text += fmt.Sprintf("%s %s %s %s;", device.Name, condition.Type, condition.Status, condition.Reason)
		}
		entries = append(entries, entry)
	}
	return entries, text, healthy
}

// apply writes the driver's entries; those of other drivers stay. A claim that is gone, or
// allocated anew, is none of the driver's any more.
func (s *claimStatus) apply(ctx context.Context, claim *checkpoint.Claim, entries []*resourceapply.AllocatedDeviceStatusApplyConfiguration) error {
	configuration := resourceapply.ResourceClaim(claim.Name, claim.Namespace).WithUID(claim.UID).
		WithStatus(resourceapply.ResourceClaimStatus().WithDevices(entries...))
	_, err := s.client.ResourceV1().ResourceClaims(claim.Namespace).ApplyStatus(ctx, configuration,
		metav1.ApplyOptions{FieldManager: deviceapi.Driver, Force: true})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// deviceOf is the device of a record.
func deviceOf(record *checkpoint.Device) dra.Device {
	device := dra.Device{
		Form: record.Form, Placement: record.Placement(), Memory: record.Bytes,
		GPU: dra.GPUIdentity{UUID: record.GPU, BusID: record.BusID, Index: record.Index, Minor: record.Minor},
	}
	if record.Form == dra.FormMIG {
		device.Profile = &mig.Profile{ID: record.ProfileID, Name: record.Profile}
	}
	return device
}

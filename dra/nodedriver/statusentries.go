package nodedriver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	resourceapply "k8s.io/client-go/applyconfigurations/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/health"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// statusKey names a device of the node in the status of a claim.
type statusKey struct{ device, shareID string }

// claimEntries are the conditions of the node's devices in the status of one claim.
type claimEntries map[statusKey][]metav1.Condition

// entriesOf are the entries of a claim, never nil. Those of other drivers and of other
// nodes are not among them.
func entriesOf(claim *resourceapi.ResourceClaim, pool string) claimEntries {
	entries := claimEntries{}
	for _, device := range claim.Status.Devices {
		if device.Driver == deviceapi.Driver && device.Pool == pool {
			entries[statusKey{device.Device, ptr.Deref(device.ShareID, "")}] = device.Conditions
		}
	}
	return entries
}

// wantedEntries are what the status of a claim should have, given what it has, and whether
// that is another. A device comes in once it is unhealthy, and stays. Of a device whose
// health is not known nothing changes.
func (s *claimStatuses) wantedEntries(record *checkpoint.Claim, before claimEntries) (wanted claimEntries, changed bool) {
	wanted = claimEntries{}
	for i := range record.Devices {
		device := &record.Devices[i]
		key := statusKey{device.Name, device.ShareID}
		old, there := before[key]
		now := s.Conditions(deviceOf(device))
		isUnhealthy := meta.IsStatusConditionFalse(now, health.HealthyCondition)
		isKnown := isUnhealthy || meta.IsStatusConditionTrue(now, health.HealthyCondition)
		switch {
		case !there && !isUnhealthy:
		case !isKnown || there && sameOutcome(old, now):
			wanted[key] = old
		default:
			wanted[key] = s.timedConditions(old, now)
			changed = true
		}
	}
	return wanted, changed
}

// sameOutcome reports whether conditions say the same. Messages are not compared: they
// tell how far something is, too.
func sameOutcome(a, b []metav1.Condition) bool {
	same := func(a, b metav1.Condition) bool {
		return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason
	}
	byType := func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) }
	return slices.EqualFunc(slices.SortedFunc(slices.Values(a), byType), slices.SortedFunc(slices.Values(b), byType), same)
}

// timedConditions are the conditions of now, with the times of before where their status
// did not change: a driver that was started again does not know them.
func (s *claimStatuses) timedConditions(before, now []metav1.Condition) []metav1.Condition {
	timed := slices.Clone(now)
	for i := range timed {
		condition := &timed[i]
		if old := meta.FindStatusCondition(before, condition.Type); old != nil && old.Status == condition.Status {
			condition.LastTransitionTime = old.LastTransitionTime
		}
		if condition.LastTransitionTime.IsZero() { // which the API does not take
			condition.LastTransitionTime = metav1.NewTime(s.Clock.Now())
		}
	}
	return timed
}

// sortedKeys are the devices by name.
func (e claimEntries) sortedKeys() []statusKey {
	return slices.SortedFunc(maps.Keys(e), func(a, b statusKey) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.shareID, b.shareID))
	})
}

// applyStatus is the status of a claim that has these entries, and nothing else.
func (e claimEntries) applyStatus(pool string) *resourceapply.ResourceClaimStatusApplyConfiguration {
	status := resourceapply.ResourceClaimStatus()
	for _, key := range e.sortedKeys() {
		device := resourceapply.AllocatedDeviceStatus().WithDriver(deviceapi.Driver).WithPool(pool).WithDevice(key.device)
		if key.shareID != "" {
			device.WithShareID(key.shareID)
		}
		for _, c := range e[key] {
			device.WithConditions(metaapply.Condition().WithType(c.Type).WithStatus(c.Status).
				WithReason(c.Reason).WithMessage(c.Message).WithLastTransitionTime(c.LastTransitionTime))
		}
		status.WithDevices(device)
	}
	return status
}

// healthText tells the health of each device, for logs: "gpu-0 Xid79".
func (e claimEntries) healthText() string {
	words := make([]string, 0, len(e))
	for _, key := range e.sortedKeys() {
		reason := "unknown"
		if healthy := meta.FindStatusCondition(e[key], health.HealthyCondition); healthy != nil {
			reason = healthy.Reason
		}
		words = append(words, fmt.Sprintf("%s %s", key.device, reason))
	}
	return strings.Join(words, ", ")
}

package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// maxTaints is how many taints a device has at most, of the 16 that the API allows:
// somebody else may add some. The strongest and oldest are kept.
const maxTaints = 8

// placeOn is what a device takes of its GPU.
func placeOn(device dra.Device) mig.Placement {
	if device.Form == dra.FormMIG {
		return device.Placement
	}
	return wholeGPU
}

// faultsOf are the faults that hit a device, the strongest first.
func (m *StateMachine) faultsOf(device dra.Device) []*fault {
	g := m.gpus[device.GPU.UUID]
	if g == nil {
		return nil
	}
	return slices.DeleteFunc(g.sortedFaults(), func(f *fault) bool { return !f.isOn(placeOn(device)) })
}

// DeviceTaints are the taints of a device, at most one per cause, in an order that does not
// change as long as they do not. Their times are when they were set.
func (m *StateMachine) DeviceTaints(device dra.Device) []resourceapi.DeviceTaint {
	var taints []resourceapi.DeviceTaint
	for _, f := range m.faultsOf(device) {
		if f.effect == "" {
			continue
		}
		same := slices.IndexFunc(taints, func(t resourceapi.DeviceTaint) bool { return t.Key == f.taint && t.Value == f.cause })
		if same >= 0 { // the same in another instance: the stronger came first
			if taints[same].Effect == f.effect && f.since.Before(taints[same].TimeAdded.Time) {
				taints[same].TimeAdded = ptr.To(metav1.NewTime(f.since))
			}
			continue
		}
		taints = append(taints, resourceapi.DeviceTaint{
			Key: f.taint, Value: f.cause, Effect: f.effect, TimeAdded: ptr.To(metav1.NewTime(f.since)),
		})
	}
	taints = taints[:min(len(taints), maxTaints)]
	slices.SortStableFunc(taints, func(a, b resourceapi.DeviceTaint) int {
		return cmp.Or(a.TimeAdded.Compare(b.TimeAdded.Time), strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	})
	return taints
}

// DeviceHealth is the health of a device for the kubelet: unknown if no poll succeeded
// within the given time, unhealthy if a taint keeps pods away.
func (m *StateMachine) DeviceHealth(device dra.Device, now time.Time, fresh time.Duration) kubeletplugin.DeviceHealth {
	health := kubeletplugin.DeviceHealth{DeviceName: device.Name(), Health: kubeletplugin.HealthStatusUnknown}
	g := m.gpus[device.GPU.UUID]
	if g == nil {
		health.Message = fmt.Sprintf("GPU %d (%s) is not watched", device.GPU.Index, device.GPU.UUID)
		return health
	}
	health.LastUpdated = g.polled
	var texts []string
	for _, f := range m.faultsOf(device) {
		if effectStrength[f.effect] >= effectStrength[resourceapi.DeviceTaintEffectNoSchedule] {
			health.Health, health.LastUpdated = kubeletplugin.HealthStatusUnhealthy, g.now
			texts = append(texts, f.text()+f.standing())
		}
	}
	if len(texts) == 0 {
		switch {
		case g.polled.IsZero() && g.failed == nil:
			texts = append(texts, "not read yet")
		case now.Sub(g.polled) <= fresh:
			health.Health = kubeletplugin.HealthStatusHealthy
		case g.failed != nil:
			texts = append(texts, fmt.Sprintf("its health could not be read: %v", g.failed))
		default:
			texts = append(texts, fmt.Sprintf("not read since %s", g.polled.UTC().Format(time.RFC3339)))
		}
	}
	health.Message = shortened(strings.Join(append(texts, g.remarks()...), "; "))
	return health
}

// standing says how far a fault is from being cleared.
func (f *fault) standing() string {
	if f.wellSince.IsZero() {
		return ""
	}
	return fmt.Sprintf(", over since %s and watched for %s", f.wellSince.UTC().Format(time.RFC3339), shortTime(f.holds))
}

// remarks are what is not quite right but keeps nobody away.
func (g *gpuState) remarks() []string {
	var remarks []string
	if g.thermal.told {
		remarks = append(remarks, "clocks are held down because of heat")
	}
	if g.powerBrake.told {
		remarks = append(remarks, "clocks are held down because of the power supply")
	}
	if g.condition.RowsPending {
		remarks = append(remarks, "memory rows wait for a reset to be remapped")
	}
	return remarks
}

// maxMessage is how much text is told of a device.
const maxMessage = 1024

func shortened(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage-len("...")], "") + "..."
}

// HealthyCondition is the type of the condition of devices in a claim's status that says
// whether a device can be used; ThrottledCondition whether its clocks are held down.
const (
	HealthyCondition   = "Healthy"
	ThrottledCondition = "Throttled"
)

// DeviceConditions are the conditions of a device for the status of its claim.
func (m *StateMachine) DeviceConditions(device dra.Device, now time.Time, fresh time.Duration) []metav1.Condition {
	health := m.DeviceHealth(device, now, fresh)
	healthy := metav1.Condition{Type: HealthyCondition, Message: health.Message}
	g := m.gpus[device.GPU.UUID]
	switch health.Health {
	case kubeletplugin.HealthStatusHealthy:
		healthy.Status, healthy.Reason = metav1.ConditionTrue, "Healthy"
		healthy.LastTransitionTime = metav1.NewTime(g.changed)
	case kubeletplugin.HealthStatusUnhealthy:
		worst := m.faultsOf(device)[0]
		healthy.Status, healthy.Reason = metav1.ConditionFalse, reasonOf(worst.cause)
		healthy.LastTransitionTime = metav1.NewTime(worst.since)
	default:
		healthy.Status, healthy.Reason = metav1.ConditionUnknown, "NotRead"
		healthy.LastTransitionTime = metav1.NewTime(now)
		if g != nil && !g.polled.IsZero() {
			healthy.LastTransitionTime = metav1.NewTime(g.polled.Add(fresh))
		}
		return []metav1.Condition{healthy}
	}
	throttled := metav1.Condition{
		Type: ThrottledCondition, Status: metav1.ConditionFalse, Reason: "FullSpeed", LastTransitionTime: healthy.LastTransitionTime,
	}
	if g.thermal.told || g.powerBrake.told {
		throttled.Status, throttled.Reason = metav1.ConditionTrue, "ClocksHeldDown"
		throttled.Message = strings.Join(g.remarks(), "; ")
	}
	return []metav1.Condition{healthy, throttled}
}

// reasonOf writes a cause as conditions have their reasons: "xid-79" as "Xid79".
func reasonOf(cause string) string {
	reason := ""
	for word := range strings.SplitSeq(cause, "-") {
		reason += strings.ToUpper(word[:1]) + word[1:]
	}
	return reason
}

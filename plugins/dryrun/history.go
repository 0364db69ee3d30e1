package dryrun

import (
	"cmp"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
)

// replayPlaced tells the plugin of the pods that the cluster's scheduler placed: it learns
// from them which pods to expect. Pods that ended are forgotten, which a scheduler that
// has not been restarted since does not.
func (s *Snapshot) replayPlaced(scheduler string) error {
	claims, err := s.claims.List()
	if err != nil {
		return err
	}
	slices.SortFunc(claims, func(a, b *resourceapi.ResourceClaim) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	byUser := map[types.UID][]*resourceapi.ResourceClaim{}
	for _, claim := range claims {
		if claim.Status.Allocation == nil || len(claim.Status.ReservedFor) == 0 {
			continue
		}
		// Only the first of several users was given devices.
		first := claim.Status.ReservedFor[0].UID
		byUser[first] = append(byUser[first], claim)
	}
	var placed []deviceplacement.PlacedPod
	for _, pod := range s.pods {
		if pod.Spec.SchedulerName == scheduler && len(byUser[pod.UID]) > 0 {
			placed = append(placed, deviceplacement.PlacedPod{Pod: pod, Claims: byUser[pod.UID]})
		}
	}
	slices.SortStableFunc(placed, func(a, b deviceplacement.PlacedPod) int {
		return cmp.Or(a.Pod.CreationTimestamp.Compare(b.Pod.CreationTimestamp.Time), cmp.Compare(a.Pod.Name, b.Pod.Name))
	})
	return s.placement.ReplayPods(placed)
}

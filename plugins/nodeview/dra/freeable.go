package dra

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// FreeableHolders are the allocated claims that no pod keeps: all that use one could end. A
// claim that is reserved for anything but pods stays.
func (s *Source) FreeableHolders(keeps func(*v1.Pod) bool) (sets.Set[placement.HolderID], error) {
	claims, err := s.manager.ResourceClaims().List()
	if err != nil {
		return nil, err
	}
	freeable := sets.New[placement.HolderID]()
	for _, claim := range claims {
		kept := false
		for _, user := range claim.Status.ReservedFor {
			if user.APIGroup != "" || user.Resource != "pods" {
				kept = true
			} else if pod := s.findPod(claim.Namespace, user.Name); pod != nil && pod.UID == user.UID && !hasEnded(pod) && keeps(pod) {
				kept = true
			}
		}
		if !kept {
			freeable.Insert(holderOf(claim.UID))
		}
	}
	return freeable, nil
}

// holderOf is a claim as a holder in a snapshot.
func holderOf(claim types.UID) placement.HolderID { return placement.HolderID(claim) }

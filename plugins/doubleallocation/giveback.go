package doubleallocation

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// giveBack takes the allocation off a claim that nobody but the pod has reserved. The resource
// version that was read is a precondition of the write, so that nobody who reserves it in the
// meantime loses it.
func (g *Guard) giveBack(ctx context.Context, pod *v1.Pod, claim *resourceapi.ResourceClaim) error {
	if isExtended(claim) {
		g.countGivenBack()
		return nil // deleted with the attempt
	}
	claims := g.client.ResourceV1().ResourceClaims(claim.Namespace)
	current, err := claims.Get(ctx, claim.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("giving its allocation back: %w", err)
	}
	if current.UID != claim.UID || current.Status.Allocation == nil {
		return nil // gone already
	}
	for _, consumer := range current.Status.ReservedFor {
		if consumer.UID != pod.UID {
			return fmt.Errorf("its allocation stays, since %s %s has reserved the claim as well: delete the pods of one of the claims",
				consumer.Resource, consumer.Name)
		}
	}
	current.Status.Allocation, current.Status.ReservedFor, current.Status.Devices = nil, nil, nil
	if _, err := claims.UpdateStatus(ctx, current, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("giving its allocation back: %w", err)
	}
	g.countGivenBack()
	return nil
}

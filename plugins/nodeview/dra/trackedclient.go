package dra

import (
	"context"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	resourceclient "k8s.io/client-go/kubernetes/typed/resource/v1"
)

// trackedClient notes the claims to which an in-tree plugin writes allocations. After a conflict that
// plugin reads the claim of that name and writes what it had in mind into whatever it finds. Here it
// finds nothing but what its pod was placed for.
type trackedClient struct {
	kubernetes.Interface
	flights *allocationFlights
}

// ResourceV1 implements kubernetes.Interface.
func (c *trackedClient) ResourceV1() resourceclient.ResourceV1Interface {
	return &trackedResources{c.Interface.ResourceV1(), c.flights}
}

type trackedResources struct {
	resourceclient.ResourceV1Interface
	flights *allocationFlights
}

// ResourceClaims implements resourceclient.ResourceV1Interface.
func (r *trackedResources) ResourceClaims(namespace string) resourceclient.ResourceClaimInterface {
	return &trackedClaimClient{r.ResourceV1Interface.ResourceClaims(namespace), r.flights}
}

type trackedClaimClient struct {
	resourceclient.ResourceClaimInterface
	flights *allocationFlights
}

// Update implements resourceclient.ResourceClaimInterface.
func (c *trackedClaimClient) Update(
	ctx context.Context, claim *resourceapi.ResourceClaim, options metav1.UpdateOptions,
) (*resourceapi.ResourceClaim, error) {
	noteIntent(ctx, claim)
	return c.ResourceClaimInterface.Update(ctx, claim, options)
}

// UpdateStatus implements resourceclient.ResourceClaimInterface.
func (c *trackedClaimClient) UpdateStatus(
	ctx context.Context, claim *resourceapi.ResourceClaim, options metav1.UpdateOptions,
) (*resourceapi.ResourceClaim, error) {
	noteIntent(ctx, claim)
	c.flights.noteWrite(claim)
	return c.ResourceClaimInterface.UpdateStatus(ctx, claim, options)
}

// Get implements resourceclient.ResourceClaimInterface.
func (c *trackedClaimClient) Get(ctx context.Context, name string, options metav1.GetOptions) (*resourceapi.ResourceClaim, error) {
	claim, err := c.ResourceClaimInterface.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	return claim, checkIntent(ctx, claim)
}

// intentKey is that of claimIntents in a context.
type intentKey struct{}

// claimIntents are the claims for which a pod was placed, by name.
type claimIntents map[string]claimIntent

// claimIntent is a claim as it was to be written first.
type claimIntent struct {
	uid        types.UID
	allocation *resourceapi.AllocationResult
}

// HoldToIntent returns a context in which the in-tree plugin writes claims of one pod: none that was made
// again under its name since it began, or whose devices are other ones.
func HoldToIntent(ctx context.Context) context.Context {
	return context.WithValue(ctx, intentKey{}, claimIntents{})
}

// noteIntent remembers a claim that is about to be written.
func noteIntent(ctx context.Context, claim *resourceapi.ResourceClaim) {
	intents, ok := ctx.Value(intentKey{}).(claimIntents)
	if _, known := intents[claim.Name]; ok && !known {
		intents[claim.Name] = claimIntent{claim.UID, claim.Status.Allocation}
	}
}

// checkIntent returns an error if a claim is not the one any more that was to be written.
func checkIntent(ctx context.Context, claim *resourceapi.ResourceClaim) error {
	intents, _ := ctx.Value(intentKey{}).(claimIntents)
	intended, known := intents[claim.Name]
	switch {
	case !known:
		return nil
	case claim.UID != intended.uid:
		return fmt.Errorf("claim %s/%s was deleted and made again after its devices were chosen; the pod is tried again with the new claim",
			claim.Namespace, claim.Name)
	case !sameDevices(intended.allocation, claim.Status.Allocation):
		return fmt.Errorf("claim %s/%s was allocated other devices after the pod's node was chosen; the pod is tried again where they are",
			claim.Namespace, claim.Name)
	}
	return nil
}

// sameDevices reports whether two allocations, if there are two, are the same but for when they were made.
func sameDevices(a, b *resourceapi.AllocationResult) bool {
	return a == nil || b == nil ||
		equality.Semantic.DeepEqual(a.Devices, b.Devices) && equality.Semantic.DeepEqual(a.NodeSelector, b.NodeSelector)
}

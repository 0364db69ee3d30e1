package soak

import (
	"context"
	"math/rand"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var lateClaims = []lateKind{
	{"claims made after their pods", claimsAfterPods},
	{"claims made again for less", claimsForLess},
	{"claims made again for more", claimsForMore},
}

// claimsAfterPods makes some of the claims later, in any order.
func claimsAfterPods(random *rand.Rand, a *arrival) *lateChange {
	if len(a.claims) == 0 {
		return nil
	}
	withheld := someOf(random, a.claims)
	return &lateChange{withheld: withheld, make: oneByOne(random, withheld, makeClaim)}
}

func makeClaim(ctx context.Context, w *world, claim *resourceapi.ResourceClaim) error {
	return w.makeClaim(ctx, claim)
}

// claimsForLess has some of the claims ask for too much at first.
func claimsForLess(random *rand.Rand, a *arrival) *lateChange {
	if len(a.claims) == 0 {
		return nil
	}
	var again []*resourceapi.ResourceClaim
	for _, claim := range someOf(random, a.claims) {
		again = append(again, claim.DeepCopy())
		claim.Spec.Devices = *tooMuch(random)
	}
	return &lateChange{make: oneByOne(random, again, remakeClaim)}
}

// tooMuch is a claim for more GPUs than any node has, or than most have.
func tooMuch(random *rand.Rand) *resourceapi.DeviceClaim {
	return claimFor(asking("gpu", wholeClass, pick[int64](random, 8, 9)))
}

// claimsForMore has claims ask for one GPU more while the pods wait for another claim, or for a gate if there is none.
func claimsForMore(random *rand.Rand, a *arrival) *lateChange {
	if len(a.claims) == 0 {
		return nil
	}
	var again, withheld []*resourceapi.ResourceClaim
	others := a.claims
	if len(a.claims) > 1 {
		last := random.Intn(len(a.claims))
		withheld = a.claims[last : last+1]
		others = slices.Concat(a.claims[:last], a.claims[last+1:])
	}
	for _, claim := range someOf(random, others) {
		more := claim.DeepCopy()
		more.Spec.Devices.Requests = append(more.Spec.Devices.Requests, asking("more", wholeClass, 1))
		again = append(again, more)
	}
	remake := oneByOne(random, again, remakeClaim)
	release := oneByOne(random, withheld, makeClaim)
	if len(withheld) == 0 {
		gate(a.pods)
		release = oneByOne(random, a.pods, liftGate)
	}
	return &lateChange{withheld: withheld, make: func(ctx context.Context, w *world) error {
		if err := remake(ctx, w); err != nil {
			return err
		}
		return release(ctx, w)
	}}
}

// remakeClaim deletes the claim of this name and makes this one, unless the claim has devices already.
func remakeClaim(ctx context.Context, w *world, claim *resourceapi.ResourceClaim) error {
	api, allocated := w.client.ResourceV1().ResourceClaims(namespace), false
	err := w.persist(ctx, func(ctx context.Context) error {
		now, err := api.Get(ctx, claim.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if allocated = now.Status.Allocation != nil; allocated {
			return nil
		}
		return api.Delete(ctx, claim.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &now.ResourceVersion}})
	})
	if err != nil || allocated {
		return err
	}
	return w.makeClaim(ctx, claim)
}

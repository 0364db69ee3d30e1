package coexistence

import (
	"fmt"
	"slices"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// promise is what claims have of one GPU.
type promise struct {
	whole  []string
	shares []string
	memory resource.Quantity // of the shares
	total  resource.Quantity
}

// promisesByGPU is what claims have of each GPU of which they have anything.
func promisesByGPU(slicesOfGPUs []resourceapi.ResourceSlice, claims []resourceapi.ResourceClaim) map[string]*promise {
	type device struct{ driver, pool, name string }
	gpus := map[device]string{}
	totals := map[device]resource.Quantity{}
	shared := map[device]bool{}
	for i := range slicesOfGPUs {
		spec := &slicesOfGPUs[i].Spec
		for j := range spec.Devices {
			d := &spec.Devices[j]
			key := device{spec.Driver, spec.Pool.Name, d.Name}
			if index := d.Attributes["index"].IntValue; index != nil {
				gpus[key] = fmt.Sprintf("GPU %d of %s", *index, spec.Pool.Name)
			}
			shared[key] = d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations
			totals[key] = d.Capacity["memory"].Value
		}
	}
	promises := map[string]*promise{}
	for i := range claims {
		claim := &claims[i]
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			key := device{result.Driver, result.Pool, result.Device}
			gpu := gpus[key]
			if gpu == "" {
				gpu = fmt.Sprintf("unknown device %s of %s", key.name, key.pool)
			}
			p := promises[gpu]
			if p == nil {
				p = &promise{}
				promises[gpu] = p
			}
			if !shared[key] {
				p.whole = append(p.whole, claim.Name)
				continue
			}
			p.shares = append(p.shares, claim.Name)
			p.memory.Add(result.ConsumedCapacity["memory"])
			p.total = totals[key]
		}
	}
	return promises
}

// promisedTwice lists the GPUs that are promised to more than they can serve: whole and to another
// claim, or in shares of more memory than there is.
func promisedTwice(slicesOfGPUs []resourceapi.ResourceSlice, claims []resourceapi.ResourceClaim) []string {
	var twice []string
	for gpu, p := range promisesByGPU(slicesOfGPUs, claims) {
		if len(p.whole) > 1 || len(p.whole) == 1 && len(p.shares) > 0 || len(p.shares) > 0 && p.memory.Cmp(p.total) > 0 {
			twice = append(twice, fmt.Sprintf("%s: whole %v, shares %v", gpu, p.whole, p.shares))
		}
	}
	slices.Sort(twice)
	return twice
}

// promisedTwiceNow is promisedTwice of what the API server has.
func promisedTwiceNow(t *testing.T) []string {
	t.Helper()
	return promisedTwice(listAllocations(t))
}

// listAllocations are the published devices and the claims that the API server has.
func listAllocations(t *testing.T) ([]resourceapi.ResourceSlice, []resourceapi.ResourceClaim) {
	t.Helper()
	published, err := world.client.ResourceV1().ResourceSlices().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := world.client.ResourceV1().ResourceClaims(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return published.Items, claims.Items
}

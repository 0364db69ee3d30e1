package doctor

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/plugins/doubleallocation"
)

// checkDoubleAllocations looks for devices that are allocated twice now.
func checkDoubleAllocations(e *Evidence) checkOutcome {
	found, err := doubleallocation.FindDoubleAllocations(e.Slices, e.Claims)
	if err != nil {
		return notChecked(err.Error())
	}
	allocated := 0
	for _, claim := range e.Claims {
		if claim.Status.Allocation != nil {
			allocated++
		}
	}
	o := checkOutcome{well: fmt.Sprintf("none among %d allocated claims", allocated)}
	for _, one := range found {
		remedy := fmt.Sprintf("kubectl -n %s describe resourceclaim %s, and delete the pods that reserve it", one.Claim.Namespace, one.Claim.Name)
		for _, claim := range e.Claims {
			if claim.Namespace == one.Claim.Namespace && claim.Name == one.Claim.Name && len(claim.Status.ReservedFor) > 0 {
				remedy = fmt.Sprintf("kubectl -n %s delete pod %s", claim.Namespace, claim.Status.ReservedFor[0].Name)
			}
		}
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("ResourceClaim", one.Claim.Namespace, one.Claim.Name), Cause: one.Cause, Remedy: remedy,
		})
	}
	return o
}

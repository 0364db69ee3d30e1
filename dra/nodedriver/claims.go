package nodedriver

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// claimExists says of claims whether they are still there and allocated: one that was made
// anew under the same name is another.
func (d *driver) claimExists(ctx context.Context) func(namespace, name string, uid types.UID) (bool, error) {
	return func(namespace, name string, uid types.UID) (bool, error) {
		claim, err := d.options.Client.ResourceV1().ResourceClaims(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return claim.UID == uid && claim.Status.Allocation != nil, nil
	}
}

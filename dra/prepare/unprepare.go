package prepare

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
)

// Unprepare undoes what was done for a claim. A claim that is not known is no error. After
// an error the claim still has its devices, and the call has to be made again.
func (m *Manager) Unprepare(ctx context.Context, uid types.UID) (err error) {
	start := m.options.Clock.Now()
	var record checkpoint.Claim
	defer func() { m.options.Observe("unprepare", formOf(record), m.options.Clock.Since(start), err) }()
	return m.withLocks(ctx, uid, func(locked lockedKeys) ([]string, error) {
		var known bool
		record, known = m.store.PreparedClaim(uid)
		if !known {
			if err := m.options.CDI.RemoveSpec(ctx, uid); err != nil {
				return nil, fmt.Errorf("claim %s, %s: %w", uid, StepSpec, err)
			}
			return nil, nil
		}
		if missing := locked.missingOf(record); len(missing) > 0 {
			return missing, nil
		}
		return nil, m.unprepareLocked(ctx, record)
	})
}

func (m *Manager) unprepareLocked(ctx context.Context, claim checkpoint.Claim) error {
	if claim.State == checkpoint.StatePrepareCompleted {
		claim.State = checkpoint.StateUnprepareStarted
		if err := m.store.PutClaim(claim); err != nil {
			return fmt.Errorf("claim %s: %w", claim, err)
		}
	}
	if err := m.undoClaim(ctx, claim, nil); err != nil {
		return err
	}
	claimLogger(ctx, claim).Info("Unprepared claim")
	return nil
}

// Prune unprepares the claims that do not exist any more, as after a pod was deleted by
// force while the kubelet was down. exists reports whether the claim of that uid still
// does; a claim for which it fails is kept. One claim's trouble does not stop the others.
func (m *Manager) Prune(ctx context.Context, exists func(namespace, name string, uid types.UID) (bool, error)) error {
	var errs []error
	for _, claim := range m.store.PreparedClaims() {
		there, err := exists(claim.Namespace, claim.Name, claim.UID)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("whether claim %s exists: %w", claim, err))
		case !there:
			errs = append(errs, m.Unprepare(ctx, claim.UID))
		}
	}
	return errors.Join(errs...)
}

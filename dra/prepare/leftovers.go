package prepare

import (
	"context"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/topology"
)

// undoLeftovers undoes claims on the claim's GPUs that are half done. Nobody is at work on
// them: that would take the locks of the GPUs, which the caller has. It returns the locks
// of such a claim that are missing, and fails if one that is in the way cannot be undone.
func (m *Manager) undoLeftovers(
	ctx context.Context, claim checkpoint.Claim, memory map[string]topology.Bytes, locked lockedKeys,
) (missing []string, err error) {
	for _, other := range m.store.PreparedClaims() {
		halfDone := other.State == checkpoint.StatePrepareStarted || other.State == checkpoint.StateUnprepareStarted
		shared := slices.ContainsFunc(other.GPUs(), func(gpu string) bool { return slices.Contains(claim.GPUs(), gpu) })
		if other.UID == claim.UID || !halfDone || !shared {
			continue
		}
		if missing := locked.missingOf(other); len(missing) > 0 {
			return missing, nil
		}
		err := m.undoClaim(ctx, other, nil)
		if err == nil {
			continue
		}
		if conflict := findConflict(claim, []checkpoint.Claim{other}, memory); conflict != nil {
			return nil, fmt.Errorf("%w; the latter is half done, and undoing it failed: %w", conflict, err)
		}
		claimLogger(ctx, other).Error(err, "A claim that is half done cannot be undone")
	}
	return nil, nil
}

package prepare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
)

// Recover brings hardware, CDI specs and checkpoint together after a restart of the driver
// or of the node. Claims that were half done are undone. Those that were ready are kept if
// their MIG instances are still there, and lapse otherwise. CDI specs without a claim are
// removed, unless claims were lost with a damaged checkpoint: containers may need them.
//
// An error tells what could not be done. The driver can go on: such claims keep their
// devices, and undoing them is tried again when somebody asks for them.
func (m *Manager) Recover(ctx context.Context) error {
	var errs []error
	for _, claim := range m.store.PreparedClaims() {
		err := m.withLocks(ctx, claim.UID, func(locked lockedKeys) ([]string, error) {
			record, known := m.store.PreparedClaim(claim.UID)
			if !known {
				return nil, nil
			}
			if missing := locked.missingOf(record); len(missing) > 0 {
				return missing, nil
			}
			return nil, m.recoverClaim(ctx, record)
		})
		errs = append(errs, err)
	}
	return errors.Join(append(errs, m.recoverSpecs(ctx))...)
}

func (m *Manager) recoverClaim(ctx context.Context, claim checkpoint.Claim) error {
	logger := claimLogger(ctx, claim)
	switch claim.State {
	case checkpoint.StatePrepareStarted, checkpoint.StateUnprepareStarted:
		if err := m.undoClaim(ctx, claim, nil); err != nil {
			return fmt.Errorf("undo claim %s, which was left %s: %w", claim, claim.State, err)
		}
		logger.Info("Undid a claim that was half done", "state", claim.State)
		return nil
	case checkpoint.StateLapsed:
		// MPS daemons start again after a reboot, and specs may lie where they last.
		return m.undoSteps(ctx, claim, nil)
	}
	missing, err := m.missingInstance(ctx, claim)
	if err != nil {
		return fmt.Errorf("claim %s is kept without a look at its MIG instances: %w", claim, err)
	}
	if missing == "" {
		return nil
	}
	logger.Info("A claim lapsed, since a MIG instance is gone: it is prepared anew when the kubelet asks", "device", missing)
	if err := m.undoSteps(ctx, claim, nil); err != nil {
		return fmt.Errorf("undo claim %s, whose MIG instance %s is gone: %w", claim, missing, err)
	}
	m.options.Between("before Lapsed")
	claim.State = checkpoint.StateLapsed
	return m.store.PutClaim(claim)
}

// missingInstance is the name of a device of the claim whose MIG instance does not exist.
func (m *Manager) missingInstance(ctx context.Context, claim checkpoint.Claim) (string, error) {
	for _, device := range claim.Devices {
		if device.Instance == nil || device.Admin {
			continue
		}
		instances, err := m.instancesOf(ctx, device.GPU)
		if err != nil {
			return "", err
		}
		if !slices.ContainsFunc(instances, device.TakesInstance) {
			return device.Name, nil
		}
	}
	return "", nil
}

// recoverSpecs removes CDI specs that no claim has.
func (m *Manager) recoverSpecs(ctx context.Context) error {
	uids, err := m.options.CDI.SpecClaims(ctx)
	if err != nil {
		return fmt.Errorf("list CDI specs: %w", err)
	}
	orphans := slices.DeleteFunc(uids, func(uid types.UID) bool {
		_, known := m.store.PreparedClaim(uid)
		return known
	})
	if m.store.IsIncomplete() {
		if len(orphans) == 0 {
			return m.store.SetComplete()
		}
		klog.FromContext(ctx).Info("Kept CDI specs of claims that were lost with a damaged checkpoint", "uids", orphans)
		return nil
	}
	var errs []error
	for _, uid := range orphans {
		m.options.Between("before removing a CDI spec without claim")
		if err := m.options.CDI.RemoveSpec(ctx, uid); err != nil {
			errs = append(errs, fmt.Errorf("CDI spec of claim %s, which is not known: %w", uid, err))
		}
	}
	return errors.Join(errs...)
}

package prepare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// rollbackTime is how long undoing may take once the call that it belongs to has ended.
const rollbackTime = 30 * time.Second

// SpecWriter writes CDI specs, one per claim. A spec is named after the claim's uid.
type SpecWriter interface {
	// WriteSpec writes the spec of a claim, over one that may be there, and returns the
	// qualified names of the CDI devices, for each of the claim's devices in order.
	WriteSpec(ctx context.Context, claim checkpoint.Claim) ([][]string, error)
	// RemoveSpec removes the spec of a claim. One that is not there is no error.
	RemoveSpec(ctx context.Context, uid types.UID) error
	// SpecClaims are the uids of the claims that have a spec.
	SpecClaims(ctx context.Context) ([]types.UID, error)
}

// MPSDaemon says what an MPS control daemon serves.
type MPSDaemon struct {
	// GPU is the UUID of the GPU; Device that of the MIG instance, or the GPU's again.
	GPU, Device string
}

// MPSDaemons runs MPS control daemons, which outlive the driver's process.
type MPSDaemons interface {
	// EnsureDaemon starts the daemon unless it runs, and returns once it takes clients.
	EnsureDaemon(ctx context.Context, daemon MPSDaemon) error
	// RemoveDaemon ends the daemon of that device. One that does not run is no error.
	RemoveDaemon(ctx context.Context, device string) error
}

// ManagerOptions are what a Manager works on. All but Between and Observe are required.
type ManagerOptions struct {
	Store  *checkpoint.Store
	Reader hardware.Reader
	Writer hardware.Writer
	CDI    SpecWriter
	MPS    MPSDaemons
	Clock  clock.PassiveClock
	// Inventory returns what the node has at present. It is called for every claim.
	Inventory func() NodeInventory
	// Between is called between any two steps, for tests.
	Between func(step string)
	// Observe is told of each prepare and unprepare: of which form the claim's first
	// device is, "" if unknown, how long it took, and with what error.
	Observe func(operation string, form dra.DeviceForm, took time.Duration, err error)
}

// Manager prepares and unprepares claims. Its methods can be called at the same time;
// claims on different GPUs do not wait for each other.
type Manager struct {
	options ManagerOptions
	store   *checkpoint.Store
	locks   keyedLocks
}

// NewManager returns a Manager. Recover must be called before anything else.
func NewManager(options ManagerOptions) *Manager {
	if options.Between == nil {
		options.Between = func(string) {}
	}
	if options.Observe == nil {
		options.Observe = func(string, dra.DeviceForm, time.Duration, error) {}
	}
	return &Manager{options: options, store: options.Store}
}

// Prepare makes the devices ready that were allocated for the claim, and returns its
// record, whose devices have their CDI names. A claim that is ready is left as it is.
// After an error nothing is left of what was done; where that could not be undone, the
// next call for the claim or for its devices tries again.
func (m *Manager) Prepare(ctx context.Context, claim *resourceapi.ResourceClaim) (record checkpoint.Claim, err error) {
	start := m.options.Clock.Now()
	defer func() { m.options.Observe("prepare", formOf(record), m.options.Clock.Since(start), err) }()
	err = m.withLocks(ctx, claim.UID, func(locked lockedKeys) (missing []string, err error) {
		record, missing, err = m.prepareLocked(ctx, claim, locked)
		return missing, err
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("prepare claim %s/%s (%s): the call ended: %w", claim.Namespace, claim.Name, claim.UID, err)
	}
	return record, err
}

func formOf(claim checkpoint.Claim) dra.DeviceForm {
	if len(claim.Devices) == 0 {
		return ""
	}
	return claim.Devices[0].Form
}

// lockedKeys are the locks that are held, sorted.
type lockedKeys []string

// missingOf are those of the claim, and of its GPUs, that are not held.
func (l lockedKeys) missingOf(claim checkpoint.Claim) []string {
	keys := []string{claimKey(claim.UID)}
	for _, gpu := range claim.GPUs() {
		keys = append(keys, gpuKey(gpu))
	}
	return slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(l, key) })
}

// withLocks calls do with the lock of the claim, and again with more for as long as it
// says that locks are missing. It must have changed nothing then.
func (m *Manager) withLocks(ctx context.Context, uid types.UID, do func(locked lockedKeys) (missing []string, err error)) error {
	keys := lockedKeys{claimKey(uid)}
	for {
		unlock, err := m.locks.lockKeys(ctx, keys)
		if err != nil {
			return fmt.Errorf("waiting for other claims on the same GPUs: %w", err)
		}
		missing, err := do(keys)
		unlock()
		if len(missing) == 0 {
			return err
		}
		keys = append(keys, missing...)
		slices.Sort(keys)
		keys = slices.Compact(keys)
	}
}

// prepareLocked prepares a claim, unless locks are missing.
func (m *Manager) prepareLocked(
	ctx context.Context, claim *resourceapi.ResourceClaim, locked lockedKeys,
) (record checkpoint.Claim, missing []string, err error) {
	before, known := m.store.PreparedClaim(claim.UID)
	if known && before.State == checkpoint.StatePrepareCompleted && isSameAllocation(before, claim) {
		return before, nil, nil
	}
	inventory := m.options.Inventory()
	if record, err = PlanClaim(claim, inventory); err != nil {
		return record, nil, err
	}
	missing = append(locked.missingOf(record), locked.missingOf(before)...)
	if !known {
		missing = locked.missingOf(record)
	}
	if len(missing) > 0 {
		return record, missing, nil
	}
	if known {
		if err := m.unprepareLocked(ctx, before); err != nil {
			return record, nil, fmt.Errorf("claim %s: what was prepared for it before cannot be undone: %w", record, err)
		}
	}
	memory := sharedMemory(inventory)
	if missing, err := m.undoLeftovers(ctx, record, memory, locked); len(missing) > 0 || err != nil {
		return record, missing, err
	}
	others := m.store.PreparedClaims()
	if err := findConflict(record, others, memory); err != nil {
		return record, nil, err
	}
	adopted, err := m.checkForeign(ctx, record, others)
	if err != nil {
		return record, nil, err
	}
	if err := m.checkUnknownUse(ctx, record); err != nil {
		return record, nil, err
	}
	return m.doClaim(ctx, record, adopted)
}

// doClaim saves that the claim is begun, does its steps, and saves that it is ready; or
// undoes what was done.
func (m *Manager) doClaim(
	ctx context.Context, claim checkpoint.Claim, adopted map[int]hardware.Instance,
) (checkpoint.Claim, []string, error) {
	begun := claim.CloneRecord()
	if err := m.store.PutClaim(begun); err != nil {
		return claim, nil, fmt.Errorf("claim %s: %w", claim, err)
	}
	fail := func(err error, untouched map[int]bool) (checkpoint.Claim, []string, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		if undone := m.undoClaim(ctx, begun, untouched); undone != nil {
			err = fmt.Errorf("%w; undoing the claim failed as well and is tried again with the next call: %w", err, undone)
		}
		return begun, nil, err
	}
	for _, step := range PlanSteps(claim) {
		m.options.Between("before " + string(step.Kind))
		err := ctx.Err()
		if err == nil {
			err = m.doStep(ctx, &claim, step, adopted)
		}
		if err != nil {
			untouched := map[int]bool{}
			if step.Kind == StepInstance && errors.Is(err, hardware.ErrNoRoom) {
				untouched[step.Device] = true // what is there was made by somebody else
			}
			return fail(deviceError(claim, claim.Devices[step.Device], step.Kind, err), untouched)
		}
	}
	m.options.Between("before PrepareCompleted")
	claim.State = checkpoint.StatePrepareCompleted
	if err := m.store.PutClaim(claim); err != nil {
		return fail(fmt.Errorf("claim %s: %w", claim, err), nil)
	}
	claimLogger(ctx, claim).Info("Prepared claim")
	return claim, nil, nil
}

// checkUnknownUse keeps claims off GPUs that processes use while it is not known whether
// a claim that was lost with a damaged checkpoint has them.
func (m *Manager) checkUnknownUse(ctx context.Context, claim checkpoint.Claim) error {
	if !m.store.IsIncomplete() || m.hasSpec(ctx, claim) {
		return nil
	}
	for _, device := range claim.Devices {
		if device.Form != dra.FormGPU || device.Admin {
			continue
		}
		processes, err := m.options.Reader.Processes(ctx, device.GPU)
		if err != nil {
			return deviceError(claim, device, "processes", err)
		}
		if processes > 0 {
			return deviceError(claim, device, "processes", fmt.Errorf("%d process(es) use GPU %s, and claims were lost with a damaged checkpoint: "+
				"end them, or drain the node of pods with GPU claims", processes, device.GPU))
		}
	}
	return nil
}

// isSameAllocation reports whether a record is of what is allocated for the claim now.
func isSameAllocation(record checkpoint.Claim, claim *resourceapi.ResourceClaim) bool {
	if claim.Status.Allocation == nil {
		return false
	}
	devices := record.Devices
	for _, result := range claim.Status.Allocation.Devices.Results {
		if result.Driver != deviceapi.Driver {
			continue
		}
		if len(devices) == 0 || devices[0].Name != result.Device || devices[0].Request != result.Request ||
			devices[0].ShareID != string(ptr.Deref(result.ShareID, "")) || devices[0].Admin != ptr.Deref(result.AdminAccess, false) {
			return false
		}
		devices = devices[1:]
	}
	return len(devices) == 0
}

// sharedMemory is the memory of each GPU that has a device for shares.
func sharedMemory(inventory NodeInventory) map[string]topology.Bytes {
	memory := map[string]topology.Bytes{}
	for _, device := range inventory.Devices {
		if device.Form == dra.FormShare {
			memory[device.GPU.UUID] = device.Memory
		}
	}
	return memory
}

// claimLogger adds to the logger of ctx which claim it is about.
func claimLogger(ctx context.Context, claim checkpoint.Claim) klog.Logger {
	var names []string
	for _, device := range claim.Devices {
		names = append(names, device.Name)
	}
	return klog.FromContext(ctx).WithValues("claim", klog.KRef(claim.Namespace, claim.Name), "uid", claim.UID, "devices", names)
}

// deviceError says for which claim and device a step failed.
func deviceError(claim checkpoint.Claim, device checkpoint.Device, step StepKind, err error) error {
	return fmt.Errorf("claim %s, request %s, device %s, %s: %w", claim, device.Request, device.Name, step, err)
}

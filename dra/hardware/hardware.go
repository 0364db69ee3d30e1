package hardware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Reader tells what state a node's GPUs are in. GPUs are named by UUID. Every call ends
// by its context, or after a time of its own, even where the library hangs.
type Reader interface {
	// MIGMode is whether the GPU is in MIG mode, and whether it will be after a reset.
	// Both are false for a GPU that has no MIG.
	MIGMode(ctx context.Context, gpu string) (current, pending bool, err error)
	// Instances are the MIG instances that exist on the GPU, whoever created them. A GPU
	// instance with several compute instances is listed once for each.
	Instances(ctx context.Context, gpu string) ([]Instance, error)
	// Processes is how many processes use the GPU or a MIG instance of it.
	Processes(ctx context.Context, gpu string) (int, error)
	// Condition is what the GPU says of its health at present.
	Condition(ctx context.Context, gpu string) (Condition, error)
}

// Writer changes a node's GPUs. What it refuses can be told apart with errors.Is.
type Writer interface {
	// SetMIGMode switches MIG mode. The GPU must be idle. ErrNeedsReset means that the
	// mode is noted and takes effect once the GPU is reset, as on Ampere.
	SetMIGMode(ctx context.Context, gpu string, on bool) error
	// CreateInstance creates a GPU instance at the placement, and in it one compute
	// instance that takes all of it. If the latter fails, the former is destroyed again.
	CreateInstance(ctx context.Context, gpu string, profile mig.ProfileID, placement mig.Placement) (Instance, error)
	// DestroyInstance destroys the GPU instance of that number with its compute
	// instances. One that does not exist is no error.
	DestroyInstance(ctx context.Context, gpu string, instance uint32) error
	// SetTimeSlice says for how long a process of several has the GPU to itself.
	SetTimeSlice(ctx context.Context, gpu string, interval TimeSlice) error
	// SetExclusive makes the GPU take one process, which MPS is then, or any number.
	SetExclusive(ctx context.Context, gpu string, exclusive bool) error
}

// EventSource gives the events of a node's GPUs.
type EventSource interface {
	// NextEvent waits for an event until ctx ends; its error is then that of ctx, or
	// ErrClosed. Trouble of a GPU is an event, not an error. Each event is given once.
	NextEvent(ctx context.Context) (Event, error)
}

// Instance is a MIG instance: a GPU instance, and the compute instance in it.
type Instance struct {
	// GPU is the UUID of the GPU that it is on.
	GPU string
	// ID and ComputeID are NVML's numbers of the two.
	ID, ComputeID uint32
	// UUID is that of the MIG device, "MIG-..."; "" as long as there is no compute instance.
	UUID string
	// Minors are those of the capability files of the GPU and of the compute instance,
	// /dev/nvidia-caps/nvidia-cap<minor>; 0 if unknown.
	Minor, ComputeMinor int64
	Profile             mig.ProfileID
	Placement           mig.Placement
}

// TimeSlice is the interval of time-slicing, as nvidia-smi compute-policy numbers it.
type TimeSlice int

// The intervals.
const (
	DefaultTimeSlice TimeSlice = iota
	ShortTimeSlice
	MediumTimeSlice
	LongTimeSlice
)

// Event is what a GPU reports. GPU instance and compute instance are nil where the event
// does not name one.
type Event struct {
	GPU                          string // UUID
	Kind                         EventKind
	XID                          uint64 // of EventXID
	GPUInstance, ComputeInstance *uint32
	At                           time.Time
}

// EventKind is what an event is about.
type EventKind string

// The kinds of events.
const (
	EventXID             EventKind = "XID"             // XID is its number
	EventDoubleBitECC    EventKind = "DoubleBitECC"    // an uncorrectable memory error
	EventPoison          EventKind = "Poison"          // a fatal use of poisoned memory
	EventUnavailable     EventKind = "Unavailable"     // the GPU cannot be used
	EventRecoveryAction  EventKind = "RecoveryAction"  // what is needed to recover changed
	EventGPULost         EventKind = "GPULost"         // it fell off the bus
	EventNotResponding   EventKind = "NotResponding"   // a call did not return in time
	EventRespondingAgain EventKind = "RespondingAgain" // it did later, or a lost GPU is back
)

// RecoveryAction is what a GPU needs to be usable again (NVML field 230).
type RecoveryAction int

// The recovery actions, numbered as NVML does.
const (
	RecoverNothing RecoveryAction = iota
	RecoverReset
	RecoverReboot
	RecoverDrainP2P
	RecoverDrainAndReset
	RecoverIMEXDomain
	RecoverBusReset
	RecoverSystemReboot
)

// Condition is a GPU's health. What the GPU or its driver cannot tell is left at zero.
type Condition struct {
	// Recovery is valid if HasRecovery: drivers before R565 do not tell.
	Recovery    RecoveryAction
	HasRecovery bool
	// UncorrectableECC counts volatile uncorrectable memory errors.
	UncorrectableECC uint64
	// RowsPending is whether memory rows wait for a reset to be remapped, RowsFailed
	// whether remapping failed.
	RowsPending, RowsFailed bool
	// ThermalSlowdown and PowerBrake are whether clocks are held down at present.
	ThermalSlowdown, PowerBrake bool
}

// What the hardware refuses. Errors of this package wrap one of them where it applies.
var (
	// ErrNeedsReset means that the change takes effect once the GPU is reset.
	ErrNeedsReset = errors.New("the GPU must be reset for it")
	// ErrInUse means that processes, or compute instances, still use it.
	ErrInUse = errors.New("it is in use")
	// ErrNoRoom means that other MIG instances occupy the slices.
	ErrNoRoom = errors.New("other MIG instances are in the way")
	// ErrGPULost means that the GPU is off the bus, or needs a reset to answer.
	ErrGPULost = errors.New("the GPU is lost")
	// ErrHangs means that the library did not answer in time.
	ErrHangs = errors.New("the driver does not answer")
)

// CallError is a call that NVML refused, or that did not return.
type CallError struct {
	Call string // NVML's name of it, with what it was asked
	GPU  string // UUID, "" for the node
	Code nvml.Return
	Kind error // one of the errors above, nil for none
}

// Error names the call, the GPU and the reason.
func (e *CallError) Error() string {
	where := ""
	if e.GPU != "" {
		where = "GPU " + e.GPU + ": "
	}
	if e.Kind != nil {
		return fmt.Sprintf("%s%s: %s (%s)", where, e.Call, e.Kind, e.Code.Error())
	}
	return fmt.Sprintf("%s%s: %s", where, e.Call, e.Code.Error())
}

// Unwrap is the kind.
func (e *CallError) Unwrap() error { return e.Kind }

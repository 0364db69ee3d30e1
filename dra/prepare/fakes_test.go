package prepare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// fakeNode is a node's GPUs, CDI directory and MPS daemons. It refuses what hardware
// refuses. With a directory its state is in a file there, and outlives the process.
type fakeNode struct {
	mu        sync.Mutex
	directory string
	state     nodeState
	// between is called between the parts of a call that a crash can separate.
	between func(step string)
	// fails says with what error a call fails, by name; once it is used it is gone.
	fails map[string]error
	// takes says how long a call takes, by name.
	takes map[string]time.Duration
	calls []string
	// entering is called at the start of each call, before others have to wait.
	entering func(call string)
}

type nodeState struct {
	GPUs    map[string]*fakeGPU
	Specs   map[types.UID][]string // device names
	Daemons map[string]bool
	NextID  uint32
}

type fakeGPU struct {
	MIG, Pending, NeedsReset bool
	Instances                []hardware.Instance
	Exclusive                bool
	TimeSlice                hardware.TimeSlice
	Processes                int
}

// newFakeNode returns a node of so many GPUs that are in no MIG mode; or the one whose
// state is in the directory.
func newFakeNode(directory string, gpus int) (*fakeNode, error) {
	n := &fakeNode{directory: directory, between: func(string) {}, fails: map[string]error{}, takes: map[string]time.Duration{}}
	n.state = nodeState{GPUs: map[string]*fakeGPU{}, Specs: map[types.UID][]string{}, Daemons: map[string]bool{}, NextID: 1}
	for i := range gpus {
		n.state.GPUs[gpuUUID(i)] = &fakeGPU{}
	}
	if directory == "" {
		return n, nil
	}
	text, err := os.ReadFile(filepath.Join(directory, "node.json"))
	if errors.Is(err, os.ErrNotExist) {
		return n, nil
	}
	if err == nil {
		n.state = nodeState{}
		err = json.Unmarshal(text, &n.state)
	}
	return n, err
}

func gpuUUID(i int) string { return fmt.Sprintf("GPU-%02d", i) }

// begin starts a call, and returns what ends it.
func (n *fakeNode) begin(ctx context.Context, call string) (end func(), err error) {
	if n.entering != nil {
		n.entering(call)
	}
	if took := n.takes[call]; took > 0 {
		time.Sleep(took)
	}
	n.mu.Lock()
	n.calls = append(n.calls, call)
	err = n.fails[call]
	delete(n.fails, call)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		n.mu.Unlock()
		return nil, err
	}
	return n.mu.Unlock, nil
}

// save makes a change outlive the process.
func (n *fakeNode) save() error {
	if n.directory == "" {
		return nil
	}
	text, err := json.Marshal(n.state)
	if err != nil {
		return err
	}
	path := filepath.Join(n.directory, "node.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (n *fakeNode) MIGMode(ctx context.Context, gpu string) (current, pending bool, err error) {
	end, err := n.begin(ctx, "MIGMode")
	if err != nil {
		return false, false, err
	}
	defer end()
	return n.state.GPUs[gpu].MIG, n.state.GPUs[gpu].Pending, nil
}

func (n *fakeNode) Instances(ctx context.Context, gpu string) ([]hardware.Instance, error) {
	end, err := n.begin(ctx, "Instances")
	if err != nil {
		return nil, err
	}
	defer end()
	return slices.Clone(n.state.GPUs[gpu].Instances), nil
}

func (n *fakeNode) Processes(ctx context.Context, gpu string) (int, error) {
	end, err := n.begin(ctx, "Processes")
	if err != nil {
		return 0, err
	}
	defer end()
	return n.state.GPUs[gpu].Processes, nil
}

func (n *fakeNode) Condition(context.Context, string) (hardware.Condition, error) {
	return hardware.Condition{}, nil
}

func (n *fakeNode) SetMIGMode(ctx context.Context, gpu string, on bool) error {
	end, err := n.begin(ctx, "SetMIGMode")
	if err != nil {
		return err
	}
	defer end()
	state := n.state.GPUs[gpu]
	switch {
	case state.NeedsReset && on != state.MIG:
		state.Pending = on
		return errors.Join(n.save(), &hardware.CallError{Call: "SetMigMode", GPU: gpu, Kind: hardware.ErrNeedsReset})
	case len(state.Instances) > 0 || state.Processes > 0 || state.Exclusive:
		return &hardware.CallError{Call: "SetMigMode", GPU: gpu, Kind: hardware.ErrInUse}
	}
	state.MIG, state.Pending = on, on
	return n.save()
}

func (n *fakeNode) CreateInstance(
	ctx context.Context, gpu string, profile mig.ProfileID, placement mig.Placement,
) (hardware.Instance, error) {
	end, err := n.begin(ctx, "CreateInstance")
	if err != nil {
		return hardware.Instance{}, err
	}
	defer end()
	state := n.state.GPUs[gpu]
	if !state.MIG {
		return hardware.Instance{}, &hardware.CallError{Call: "CreateGpuInstance", GPU: gpu}
	}
	for _, other := range state.Instances {
		if other.Placement.Slices()&placement.Slices() != 0 {
			return hardware.Instance{}, &hardware.CallError{Call: "CreateGpuInstance", GPU: gpu, Kind: hardware.ErrNoRoom}
		}
	}
	instance := hardware.Instance{GPU: gpu, ID: n.state.NextID, Profile: profile, Placement: placement}
	n.state.NextID++
	state.Instances = append(state.Instances, instance)
	if err := n.save(); err != nil {
		return instance, err
	}
	n.between("before the compute instance")
	if err := n.fails["CreateComputeInstance"]; err != nil {
		delete(n.fails, "CreateComputeInstance")
		return hardware.Instance{}, err // and the GPU instance is left, as where destroying it failed
	}
	last := &state.Instances[len(state.Instances)-1]
	last.UUID = fmt.Sprintf("MIG-%04d", last.ID)
	return *last, n.save()
}

func (n *fakeNode) DestroyInstance(ctx context.Context, gpu string, id uint32) error {
	end, err := n.begin(ctx, "DestroyInstance")
	if err != nil {
		return err
	}
	defer end()
	state := n.state.GPUs[gpu]
	i := slices.IndexFunc(state.Instances, func(instance hardware.Instance) bool { return instance.ID == id })
	if i < 0 {
		return nil
	}
	if n.state.Daemons[state.Instances[i].UUID] {
		return &hardware.CallError{Call: "DestroyGpuInstance", GPU: gpu, Kind: hardware.ErrInUse}
	}
	if state.Instances[i].UUID != "" {
		state.Instances[i].UUID = ""
		if err := n.save(); err != nil {
			return err
		}
		n.between("before destroying the GPU instance")
	}
	state.Instances = slices.Delete(state.Instances, i, i+1)
	return n.save()
}

func (n *fakeNode) SetTimeSlice(ctx context.Context, gpu string, interval hardware.TimeSlice) error {
	end, err := n.begin(ctx, "SetTimeSlice")
	if err != nil {
		return err
	}
	defer end()
	n.state.GPUs[gpu].TimeSlice = interval
	return n.save()
}

func (n *fakeNode) SetExclusive(ctx context.Context, gpu string, exclusive bool) error {
	end, err := n.begin(ctx, "SetExclusive")
	if err != nil {
		return err
	}
	defer end()
	n.state.GPUs[gpu].Exclusive = exclusive
	return n.save()
}

func (n *fakeNode) EnsureDaemon(ctx context.Context, daemon MPSDaemon) error {
	end, err := n.begin(ctx, "EnsureDaemon")
	if err != nil {
		return err
	}
	defer end()
	if daemon.Device == daemon.GPU && !n.state.GPUs[daemon.GPU].Exclusive {
		return errors.New("the GPU takes processes beside the daemon")
	}
	n.state.Daemons[daemon.Device] = true
	return n.save()
}

func (n *fakeNode) RemoveDaemon(ctx context.Context, device string) error {
	end, err := n.begin(ctx, "RemoveDaemon")
	if err != nil {
		return err
	}
	defer end()
	delete(n.state.Daemons, device)
	return n.save()
}

func (n *fakeNode) WriteSpec(ctx context.Context, claim checkpoint.Claim) ([][]string, error) {
	end, err := n.begin(ctx, "WriteSpec")
	if err != nil {
		return nil, err
	}
	defer end()
	var names []string
	var ids [][]string
	for _, device := range claim.Devices {
		if device.Form == dra.FormMIG && device.Instance == nil {
			return nil, fmt.Errorf("device %s has no instance", device.Name)
		}
		names = append(names, device.Name)
		ids = append(ids, []string{fmt.Sprintf("k8s.gpu.ashlar.dev/claim=%s-%s", claim.UID, device.Name)})
	}
	n.state.Specs[claim.UID] = names
	return ids, n.save()
}

func (n *fakeNode) RemoveSpec(ctx context.Context, uid types.UID) error {
	end, err := n.begin(ctx, "RemoveSpec")
	if err != nil {
		return err
	}
	defer end()
	delete(n.state.Specs, uid)
	return n.save()
}

func (n *fakeNode) SpecClaims(ctx context.Context) ([]types.UID, error) {
	end, err := n.begin(ctx, "SpecClaims")
	if err != nil {
		return nil, err
	}
	defer end()
	return slices.Sorted(maps.Keys(n.state.Specs)), nil
}

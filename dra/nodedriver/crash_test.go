package nodedriver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/cdi"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/mps"
	"github.com/ashlar-dev/ashlar/dra/prepare"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var (
	crashCycles = flag.Int("crash-cycles", 20, "how often the driver's process is killed")
	crashSeed   = flag.Uint64("crash-seed", 0, "seed of what the process is asked for and when it is killed; 0 for the time")
)

const (
	crashDirectory = "ASHLAR_TEST_CRASH_DIRECTORY"
	crashMachine   = "dgx-h100"
)

// The whole stack but the kubelet, on simulated GPUs whose state outlives the process: NVML
// with its locks and checks, the checkpoint, CDI specs. The process is killed from outside at
// any moment, and started again. Each start finds nothing leaked, nothing used twice, nothing
// stuck; a MIG instance of somebody else outlives it all; at the end nothing is left.
func TestDriverKilledAtAnyMoment(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d cycles, -crash-seed %d", *crashCycles, seed)
	directory := t.TempDir()
	driver := openCrashing(t, directory)
	foreign := driver.addForeign(t)
	driver.close(t)
	random := rand.New(rand.NewPCG(seed, 1))
	killed := 0
	for cycle := range *crashCycles {
		wasKilled, err := runCrashing(t.Context(), directory, random.Uint64(), time.Duration(random.IntN(150))*time.Millisecond)
		if err != nil {
			t.Fatalf("cycle %d of -crash-seed %d: %v", cycle, seed, err)
		}
		if wasKilled {
			killed++
		}
	}
	driver = openCrashing(t, directory)
	driver.checkInvariants(t)
	left := driver.store.PreparedClaims()
	for _, claim := range left {
		if err := driver.manager.Unprepare(t.Context(), claim.UID); err != nil {
			t.Errorf("claim %s: %v", claim, err)
		}
	}
	driver.checkInvariants(t)
	if instances := driver.instances(t); len(instances) != 1 || instances[0].ID != foreign {
		t.Errorf("at the end there are MIG instances %+v, want that of somebody else", instances)
	}
	driver.close(t)
	t.Logf("killed %d times of %d, %d claims were prepared at the end", killed, *crashCycles, len(left))
	if killed < *crashCycles/2 {
		t.Errorf("killed %d times of %d: too few to mean anything", killed, *crashCycles)
	}
}

// runCrashing runs the driver's process, and kills it that long after it began to work.
func runCrashing(ctx context.Context, directory string, seed uint64, after time.Duration) (killed bool, err error) {
	process := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCrashingDriver$", "-test.timeout=60s")
	process.Env = append(os.Environ(), crashDirectory+"="+directory, "ASHLAR_TEST_CRASH_SEED="+strconv.FormatUint(seed, 10))
	var output lockedBuffer
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		return false, err
	}
	timer := make(chan struct{})
	go func() {
		defer close(timer)
		for !strings.Contains(output.String(), "working") && process.ProcessState == nil && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
			if strings.Contains(output.String(), "FAIL") {
				return
			}
		}
		time.Sleep(after)
		_ = process.Process.Kill()
	}()
	err = process.Wait()
	<-timer
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return true, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("%w\n%s", err, output.String())
	}
	return false, nil
}

// lockedBuffer is what a process wrote so far.
type lockedBuffer struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// TestCrashingDriver is the process that TestDriverKilledAtAnyMoment starts.
func TestCrashingDriver(t *testing.T) {
	directory := os.Getenv(crashDirectory)
	if directory == "" {
		t.Skip("it is started by TestDriverKilledAtAnyMoment")
	}
	seed, err := strconv.ParseUint(os.Getenv("ASHLAR_TEST_CRASH_SEED"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	driver := openCrashing(t, directory)
	driver.checkInvariants(t)
	if t.Failed() {
		t.FailNow()
	}
	fmt.Println("working")
	var claims atomic.Int64
	var group sync.WaitGroup
	for worker := range 4 {
		random := rand.New(rand.NewPCG(seed, uint64(worker)))
		group.Go(func() {
			for range 40 {
				driver.askOnce(t, random, fmt.Sprintf("%d-%d", seed, claims.Add(1)))
			}
		})
	}
	group.Wait()
	driver.checkInvariants(t)
	driver.close(t)
}

// crashingDriver is the stack without the kubelet.
type crashingDriver struct {
	manager *prepare.Manager
	store   *checkpoint.Store
	nvml    *hardware.NVML
	library *simulated.Library
	node    *discovery.Node
	specs   string
	daemons directoryDaemons
}

func openCrashing(t testing.TB, directory string) *crashingDriver {
	t.Helper()
	machine, err := catalogue.Default().Machine(crashMachine)
	if err != nil {
		t.Fatal(err)
	}
	d := &crashingDriver{specs: filepath.Join(directory, "cdi"), daemons: directoryDaemons(filepath.Join(directory, "mps"))}
	if d.library, err = simulated.New(
		"node",
		machine,
		catalogue.Default().MIG,
		simulated.WithDirectory(filepath.Join(directory, "gpus")),
	); err != nil {
		t.Fatal(err)
	}
	if d.node, err = discovery.ReadNode(d.library, d.library.Sys()); err != nil {
		t.Fatal(err)
	}
	if d.nvml, err = hardware.Open(d.library, hardware.Options{Proc: d.library.Proc(), Command: d.library.RunCommand}); err != nil {
		t.Fatal(err)
	}
	store, damage, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: filepath.Join(directory, checkpointFile), BootID: "boot"})
	if err != nil || damage != nil {
		t.Fatalf("the checkpoint: damage %v, error %v", damage, err)
	}
	d.store = store
	writer, err := cdi.NewWriter(d.specs, cdi.HostFiles{})
	if err != nil {
		t.Fatal(err)
	}
	devices := map[string]dra.Device{}
	for _, device := range d.node.ListDevices(discovery.DeviceOptions{}) {
		devices[device.Name()] = device
	}
	d.manager = prepare.NewManager(prepare.ManagerOptions{
		Store: store, Reader: d.nvml, Writer: d.nvml, Clock: clock.RealClock{},
		CDI:       claimSpecs{writer: writer, paths: func(string) mps.Paths { return mps.Paths{Pipes: "/pipes", Shm: "/dev/shm"} }},
		MPS:       controlDaemons{d.daemons},
		Inventory: func() prepare.NodeInventory { return prepare.NodeInventory{Pool: "node", Devices: devices} },
	})
	if err := d.manager.Recover(klog.NewContext(t.Context(), klog.Logger{})); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *crashingDriver) close(t testing.TB) {
	t.Helper()
	if err := d.nvml.Close(); err != nil {
		t.Error(err)
	}
}

// addForeign makes a MIG instance of somebody else on the last GPU, and returns its number.
func (d *crashingDriver) addForeign(t *testing.T) uint32 {
	t.Helper()
	last := len(d.node.GPUs) - 1
	if err := d.nvml.SetMIGMode(t.Context(), d.node.GPUs[last].UUID, true); err != nil {
		t.Fatal(err)
	}
	id, err := d.library.Control().AddInstance(last, 19, mig.Placement{Start: 0, Size: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// askOnce unprepares a claim, or prepares a new one: two claims in eight may want the same.
func (d *crashingDriver) askOnce(t *testing.T, random *rand.Rand, name string) {
	ctx := klog.NewContext(t.Context(), klog.Logger{})
	known := d.store.PreparedClaims()
	if len(known) > 8 || len(known) > 0 && random.IntN(3) == 0 {
		if err := d.manager.Unprepare(ctx, known[random.IntN(len(known))].UID); err != nil {
			t.Errorf("Unprepare: %v", err)
		}
		return
	}
	_, err := d.manager.Prepare(ctx, crashClaim(random, name))
	if err != nil && !strings.Contains(err.Error(), "delete the pod of one of the two claims") &&
		!strings.Contains(err.Error(), "which no claim has") {
		t.Errorf("Prepare: %v", err)
	}
}

// crashClaim asks for one or two devices, by MPS or not.
func crashClaim(random *rand.Rand, name string) *resourceapi.ResourceClaim {
	forms := []string{
		"gpu-%d",
		"gpu-%d-share",
		"gpu-%d-mig-1g10gb-19-0",
		"gpu-%d-mig-1g10gb-19-6",
		"gpu-%d-mig-3g40gb-9-4",
		"gpu-%d-mig-7g80gb-0-0",
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)}}
	claim.Status.Allocation = &resourceapi.AllocationResult{}
	allocated := &claim.Status.Allocation.Devices
	gpus := random.Perm(8)[:1+random.IntN(2)]
	share := false
	for _, gpu := range gpus {
		result := resourceapi.DeviceRequestAllocationResult{
			Request: "gpu", Driver: deviceapi.Driver, Pool: "node", Device: fmt.Sprintf(forms[random.IntN(len(forms))], gpu),
		}
		if strings.HasSuffix(result.Device, "-share") {
			share = true
			id := types.UID("share-" + name)
			result.ShareID = &id
			result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: resource.MustParse("20Gi")}
		}
		allocated.Results = append(allocated.Results, result)
	}
	if share && random.IntN(2) == 0 {
		allocated.Config = []resourceapi.DeviceAllocationConfiguration{{
			Source: resourceapi.AllocationConfigSourceClaim,
			DeviceConfiguration: resourceapi.DeviceConfiguration{Opaque: &resourceapi.OpaqueDeviceConfiguration{
				Driver:     deviceapi.Driver,
				Parameters: runtime.RawExtension{Raw: []byte(`{"apiVersion": "gpu.ashlar.dev/v1alpha1", "kind": "ShareConfig", "strategy": "MPS"}`)},
			}},
		}}
	}
	return claim
}

func (d *crashingDriver) instances(t *testing.T) []hardware.Instance {
	t.Helper()
	var all []hardware.Instance
	for i := range d.node.GPUs {
		if on, _, err := d.nvml.MIGMode(t.Context(), d.node.GPUs[i].UUID); err != nil || !on {
			continue
		}
		found, err := d.nvml.Instances(t.Context(), d.node.GPUs[i].UUID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// checkInvariants holds what must be true whenever nobody is being served.
func (d *crashingDriver) checkInvariants(t *testing.T) {
	t.Helper()
	claims := d.store.PreparedClaims()
	var held []checkpoint.Device
	served := map[string]bool{} // by MPS control daemons
	for _, claim := range claims {
		if claim.State != checkpoint.StatePrepareCompleted {
			t.Errorf("claim %s is stuck at %s", claim, claim.State)
		}
		for _, device := range claim.Devices {
			for _, other := range held {
				if device.ExcludesDevice(other) {
					t.Errorf("claim %s has %s of GPU %s beside %s of another claim", claim, device.Name, device.GPU, other.Name)
				}
			}
			if device.MPS != nil {
				served[device.GPU] = true
			}
		}
		held = append(held, claim.Devices...)
	}
	foreign := 0
	taken := 0
	for _, instance := range d.instances(t) {
		switch {
		case slices.ContainsFunc(held, func(device checkpoint.Device) bool { return device.TakesInstance(instance) }):
			taken++
		default:
			foreign++
		}
	}
	slicesHeld := len(slices.DeleteFunc(slices.Clone(held), func(device checkpoint.Device) bool { return device.Form != dra.FormMIG }))
	if foreign > 1 || taken != slicesHeld {
		t.Errorf("%d MIG instances that no claim has, want at most that of somebody else; %d of claims, want %d", foreign, taken, slicesHeld)
	}
	specs, err := filepath.Glob(filepath.Join(d.specs, "*"))
	if err != nil || len(specs) != len(claims) {
		t.Errorf("%d CDI specs for %d claims (%v): %v", len(specs), len(claims), err, specs)
	}
	daemons, err := d.daemons.List(t.Context())
	if err != nil || len(daemons) != len(served) {
		t.Errorf("MPS control daemons %v for GPUs %v (%v)", daemons, served, err)
	}
}

// directoryDaemons stands for MPS control daemons that outlive the driver: a directory each.
type directoryDaemons string

// Ensure implements mps.Daemons.
func (d directoryDaemons) Ensure(_ context.Context, spec mps.Spec) error {
	return os.MkdirAll(filepath.Join(string(d), spec.UUID), 0o700)
}

// Remove implements mps.Daemons.
func (d directoryDaemons) Remove(_ context.Context, uuid string) error {
	return os.RemoveAll(filepath.Join(string(d), uuid))
}

// List implements mps.Daemons.
func (d directoryDaemons) List(context.Context) ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}

package prepare

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/dra/hardware"
)

var (
	crashCycles = flag.Int("crash-cycles", 0, "how often the driver's process is killed; 0 for 1,000, and 50 with -short")
	crashSeed   = flag.Uint64("crash-seed", 0, "seed of what the process is asked for and when it is killed; 0 for the time")
)

// The variables by which this binary is told to be the driver's process.
const (
	processDirectory = "ASHLAR_TEST_DRIVER_DIRECTORY"
	processSeed      = "ASHLAR_TEST_DRIVER_SEED"
	processKillAt    = "ASHLAR_TEST_DRIVER_KILL_AT"
)

// The driver's process is killed between any two steps, by SIGKILL, and started anew on
// the node as it is: again and again. Four claims at a time are prepared and unprepared.
// After each start nothing may be leaked, used twice, or stuck, nor may anything be lost
// that the kubelet was told is ready.
func TestKilledAtRandom(t *testing.T) {
	cycles := *crashCycles
	if cycles == 0 {
		cycles = 1000
		if testing.Short() {
			cycles = 50
		}
	}
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d cycles, -crash-seed %d", cycles, seed)
	directory := memoryDirectory(t)
	node, err := newFakeNode(directory, 4)
	if err != nil {
		t.Fatal(err)
	}
	foreign := hardware.Instance{GPU: gpuUUID(3), ID: 900, UUID: "MIG-foreign", Profile: 19, Placement: gpuProfiles[0].Placements[0]}
	*node.state.GPUs[gpuUUID(3)] = fakeGPU{MIG: true, Pending: true, Instances: []hardware.Instance{foreign}}
	if err := node.save(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	killed := 0
	for cycle := range cycles {
		wasKilled, err := runProcess(t, directory, random.Uint64(), 1+random.IntN(100))
		if err != nil {
			t.Fatalf("cycle %d of -crash-seed %d: %v", cycle, seed, err)
		}
		if wasKilled {
			killed++
		}
	}
	// The last process is not killed, and unprepares everything.
	if _, err := runProcess(t, directory, 0, 0); err != nil {
		t.Fatalf("the last process of -crash-seed %d: %v", seed, err)
	}
	node, err = newFakeNode(directory, 4)
	if err != nil {
		t.Fatal(err)
	}
	for uuid, gpu := range node.state.GPUs {
		if want := map[bool]int{true: 1}[uuid == foreign.GPU]; len(gpu.Instances) != want {
			t.Errorf("-crash-seed %d: %s has instances %v at the end, want %d", seed, uuid, gpu.Instances, want)
		}
	}
	if len(node.state.Specs)+len(node.state.Daemons) > 0 {
		t.Errorf("-crash-seed %d: at the end there are CDI specs %v, MPS daemons %v", seed, node.state.Specs, node.state.Daemons)
	}
	journal, err := os.ReadFile(filepath.Join(directory, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	count := func(what string) int { return strings.Count(string(journal), "\n"+what+" ") }
	t.Logf("killed %d times; prepared %d claims (%d refused), unprepared %d", killed, count("ready"), count("refused"), count("gone"))
	if killed < cycles/2 || count("ready") < cycles/4 {
		t.Errorf("-crash-seed %d: killed %d times of %d, prepared %d claims: too few to mean anything", seed, killed, cycles, count("ready"))
	}
}

// runProcess runs the driver's process until it ends or is killed.
func runProcess(t *testing.T, directory string, seed uint64, killAt int) (killed bool, err error) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDriverProcess$", "-test.timeout=60s")
	process.Env = append(os.Environ(), processDirectory+"="+directory,
		fmt.Sprintf("%s=%d", processSeed, seed), fmt.Sprintf("%s=%d", processKillAt, killAt))
	output, err := process.CombinedOutput()
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL && killAt > 0 {
			return true, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("%w\n%s", err, output)
	}
	return false, nil
}

// TestDriverProcess is the process that TestKilledAtRandom starts.
func TestDriverProcess(t *testing.T) {
	directory := os.Getenv(processDirectory)
	if directory == "" {
		t.Skip("it is started by TestKilledAtRandom")
	}
	seed, err := strconv.ParseUint(os.Getenv(processSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	killAt, err := strconv.Atoi(os.Getenv(processKillAt))
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, directory, killAt)
	p.checkRecovered(t)
	if killAt == 0 {
		p.endAll(t)
		return
	}
	p.askAtRandom(t, seed)
	for _, problem := range leftoversOf(p.node.state, p.store.PreparedClaims()) {
		t.Error(problem)
	}
}

package simulated_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// workDirectory tells the process that killWorker starts where to work.
const workDirectory = "ASHLAR_SIMULATED_DIRECTORY"

func TestMain(m *testing.M) {
	if directory := os.Getenv(workDirectory); directory != "" {
		workUntilKilled(directory)
	}
	os.Exit(m.Run())
}

// workUntilKilled creates and destroys instances without end. It panics where NVML
// refuses what it must not.
func workUntilKilled(directory string) {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		panic(err)
	}
	library, err := simulated.New("node-0", machine, catalogue.Default().MIG, simulated.WithDirectory(directory))
	if err != nil {
		panic(err)
	}
	gpu := mustSucceed(library.DeviceGetHandleByIndex(0))
	quarter := mustSucceed(gpu.GetGpuInstanceProfileInfo(nvml.GPU_INSTANCE_PROFILE_2_SLICE))
	if _, err := os.Stdout.WriteString("started\n"); err != nil {
		panic(err)
	}
	for {
		instance, ret := gpu.CreateGpuInstance(&quarter)
		if ret == nvml.ERROR_INSUFFICIENT_RESOURCES {
			instance, ret = mustSucceed(gpu.GetGpuInstances(&quarter))[0], nvml.SUCCESS
		}
		mustSucceed(instance, ret)
		info := mustSucceed(instance.GetComputeInstanceProfileInfo(nvml.COMPUTE_INSTANCE_PROFILE_2_SLICE, 0))
		computes := mustSucceed(instance.GetComputeInstances(&info))
		for _, compute := range computes {
			mustSucceed(compute, compute.Destroy())
		}
		if len(computes) > 0 {
			mustSucceed(instance, instance.Destroy())
			continue
		}
		mustSucceed(instance.CreateComputeInstance(&info))
	}
}

func mustSucceed[T any](answer T, ret nvml.Return) T {
	if ret != nvml.SUCCESS {
		panic(ret)
	}
	return answer
}

// A process that is killed leaves a state that every call could have left, and no lock.
func TestKilledProcess(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 4
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	directory := t.TempDir()
	library := open(t, "dgx-h100", directory, simulated.WithMIG(true))
	gpu := simulatedGPU(t, library, 0)
	for range kills {
		killWorker(t, directory, time.Duration(random.Int64N(int64(30*time.Millisecond))))
		quarter := profileAt(t, gpu, nvml.GPU_INSTANCE_PROFILE_2_SLICE)
		instances, ret := gpu.GetGpuInstances(&quarter)
		succeeded(t, "GetGpuInstances", ret)
		used := map[uint32]bool{}
		for _, instance := range instances {
			info, ret := instance.GetInfo()
			succeeded(t, "GetInfo", ret)
			for slice := info.Placement.Start; slice < info.Placement.Start+info.Placement.Size; slice++ {
				if used[slice] {
					t.Fatalf("slice %d is used twice", slice)
				}
				used[slice] = true
			}
		}
		check(t, library.Control().SetThrottle(0, 0)) // the lock is free
	}
}

// killWorker starts the worker and kills it so long after it began to work.
func killWorker(t *testing.T, directory string, after time.Duration) {
	t.Helper()
	worker := exec.Command(os.Args[0])
	worker.Stderr = os.Stderr
	worker.Env = append(os.Environ(), workDirectory+"="+directory)
	output, err := worker.StdoutPipe()
	check(t, err)
	check(t, worker.Start())
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	time.Sleep(after)
	if killErr := worker.Process.Kill(); killErr != nil || err != nil || line != "started\n" {
		rest, _ := io.ReadAll(lines)
		t.Fatalf("the worker ended of itself: %q%s (%v, %v)", line, rest, err, killErr)
	}
	rest, _ := io.ReadAll(lines)
	_ = worker.Wait() // it was killed
	if len(rest) > 0 {
		t.Fatalf("the worker failed before it was killed: %s", rest)
	}
}

package cdi

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	specs "tags.cncf.io/container-device-interface/specs-go"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var update = flag.Bool("update", false, "write testdata anew")

const testUID = "4f1d3c1e-0f7f-4a37-9a40-3c8f4a0c6a11"

// realHost is a node with a driver of three files.
func realHost() HostFiles {
	options := []string{"ro", "nosuid", "nodev", "rbind", "rprivate"}
	return HostFiles{
		Mounts: []*specs.Mount{
			{HostPath: "/usr/lib64/libcuda.so.580.95.05", ContainerPath: "/usr/lib64/libcuda.so.580.95.05", Options: options},
			{HostPath: "/usr/bin/nvidia-smi", ContainerPath: "/usr/bin/nvidia-smi", Options: options},
		},
		Hooks: []*specs.Hook{{HookName: "createContainer", Path: "/usr/bin/nvidia-cdi-hook",
			Args: []string{"nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib64"}}},
		Environment:    []string{"NVIDIA_VISIBLE_DEVICES=all"},
		ControlDevices: []string{"/dev/nvidiactl", "/dev/nvidia-uvm"},
		DeviceFile:     func(string) string { return "" },
	}
}

func testGPU(index int64) dra.GPUIdentity {
	return dra.GPUIdentity{UUID: fmt.Sprintf("GPU-0000000%d", index), BusID: fmt.Sprintf("0000:1%x:00.0", 0xb+index),
		Index: index, Minor: index + 4}
}

func wholeGPU(request string, index int64) Device {
	return Device{Request: request, Device: dra.Device{Form: dra.FormGPU, GPU: testGPU(index), Memory: 79 * topology.GiB}}
}

func migSlice(request string, index, start int64) Device {
	placement := mig.Placement{Start: start, Size: 1}
	return Device{Request: request,
		Device: dra.Device{Form: dra.FormMIG, GPU: testGPU(index), Profile: &mig.Profile{ID: 19, Name: "1g.10gb"}, Placement: placement},
		Instance: &hardware.Instance{GPU: testGPU(index).UUID, ID: 13, UUID: "MIG-0000000" + string(rune('0'+start)),
			Minor: 120 + 9*start, ComputeMinor: 121 + 9*start, Placement: placement}}
}

func gpuShare(request string, index int64, memory topology.Bytes) Device {
	return Device{Request: request, MemoryLimit: memory,
		Device: dra.Device{Form: dra.FormShare, GPU: testGPU(index), Memory: 79 * topology.GiB}}
}

func shareWithMPS(request string, index int64, memory topology.Bytes, percentage int64) Device {
	device := gpuShare(request, index, memory)
	directory := "/run/ashlar/mps/" + device.GPU.UUID
	device.MPS = &MPSClient{Pipes: directory + "/pipe", Shm: directory + "/shm", ActiveThreadPercentage: percentage}
	return device
}

// Each file of testdata is the spec of one claim.
func TestClaimSpec(t *testing.T) {
	admin := shareWithMPS("watch", 2, 8*topology.GiB, 10)
	admin.AdminAccess = true
	first, second := gpuShare("a", 0, 8*topology.GiB), gpuShare("a", 0, 4*topology.GiB)
	first.ShareID, second.ShareID = "3c2a", "9b1f"
	simulated := realHost()
	simulated.DeviceFile = func(string) string { return "/dev/null" }
	for name, tc := range map[string]struct {
		host    HostFiles
		devices []Device
	}{
		"whole_gpu":                {realHost(), []Device{wholeGPU("gpu", 2)}},
		"two_gpus":                 {realHost(), []Device{wholeGPU("gpus", 3), wholeGPU("gpus", 1)}},
		"mig":                      {realHost(), []Device{migSlice("slice", 0, 6)}},
		"two_mig_slices":           {realHost(), []Device{migSlice("slices", 0, 5), migSlice("slices", 0, 6)}},
		"share_time_sliced":        {realHost(), []Device{gpuShare("share", 0, 20*topology.GiB)}},
		"share_with_mps":           {realHost(), []Device{shareWithMPS("share", 0, 20*topology.GiB, 25)}},
		"two_shares_of_two_gpus":   {realHost(), []Device{gpuShare("b", 3, 8*topology.GiB), gpuShare("a", 1, 20*topology.GiB)}},
		"two_shares_of_one_gpu":    {realHost(), []Device{first, second}},
		"subrequest":               {realHost(), []Device{wholeGPU("gpu/large", 0)}},
		"admin_access":             {realHost(), []Device{admin}},
		"simulated_node":           {HostFiles{}, []Device{shareWithMPS("share", 0, 20*topology.GiB, 25), wholeGPU("gpu", 1)}},
		"simulated_mig":            {HostFiles{}, []Device{migSlice("slice", 0, 6)}},
		"stand_ins_for_gpu_device": {simulated, []Device{wholeGPU("gpu", 2)}},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := ClaimSpec(tc.host, Claim{UID: testUID, Namespace: "team", Name: "job", Devices: tc.devices})
			if err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(spec)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestClaimSpecRefuses(t *testing.T) {
	notCreated, withoutMinors := migSlice("a", 0, 6), migSlice("a", 0, 6)
	notCreated.Instance = nil
	withoutMinors.Instance.ComputeMinor = 0
	for name, tc := range map[string]struct {
		devices []Device
		want    string
	}{
		"no device": {nil, "there is no device: want at least one"},
		"a request twice": {
			[]Device{gpuShare("a", 0, topology.GiB), gpuShare("a", 0, topology.GiB)},
			"device gpu-0-share of request a stands twice: want a share ID for each",
		},
		"a bad name": {[]Device{wholeGPU("a b", 0)}, `device gpu-0 of request a b: invalid character ' ' in device name`},
		"two MPS daemons": {
			[]Device{shareWithMPS("a", 0, topology.GiB, 10), shareWithMPS("b", 1, topology.GiB, 10)},
			"devices gpu-0-share and gpu-1-share both use MPS, and each has a control daemon of its own, of which a process " +
				"can reach one: use MPS with one device per claim",
		},
		"no MIG instance": {
			[]Device{notCreated},
			"device gpu-0-mig-1g10gb-19-6 of request a: its MIG instance is unknown: it was not created",
		},
		"no minors": {
			[]Device{withoutMinors},
			"device gpu-0-mig-1g10gb-19-6 of request a: the capability files of MIG instance MIG-00000006 are unknown: see " +
				"that /proc/driver/nvidia/capabilities of the host can be read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ClaimSpec(realHost(), Claim{UID: testUID, Devices: tc.devices})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

// Two shares of one GPU reach the same daemon.
func TestClaimSpecTakesOneDaemonTwice(t *testing.T) {
	if _, err := ClaimSpec(realHost(), Claim{UID: testUID, Devices: []Device{
		shareWithMPS("a", 0, topology.GiB, 10), shareWithMPS("b", 0, topology.GiB, 10)}}); err != nil {
		t.Error(err)
	}
}

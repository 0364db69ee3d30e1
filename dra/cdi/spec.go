package cdi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tags.cncf.io/container-device-interface/pkg/parser"
	specs "tags.cncf.io/container-device-interface/specs-go"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// The kind of the specs.
const (
	Vendor = "k8s." + deviceapi.Driver
	Class  = "claim"
	Kind   = Vendor + "/" + Class
)

// DeviceID is a device's full name in CDI, as the kubelet hands it to the container runtime.
func DeviceID(uid string, device Device) string {
	return parser.QualifiedName(Vendor, Class, deviceName(uid, device))
}

// deviceName is unique on the node. Names of requests and devices are DNS labels, so that
// neither "_" nor "." is in them.
func deviceName(uid string, device Device) string {
	name := uid + "_" + strings.ReplaceAll(device.Request, "/", ".") + "_" + device.Name()
	if device.ShareID != "" {
		name += "_" + device.ShareID
	}
	return name
}

// ClaimSpec makes the CDI spec of a claim. It fails if something of the claim cannot be handed to a
// container: names that CDI does not take, a MIG instance that is unknown, or two MPS control
// daemons, of which a process can reach one.
func ClaimSpec(host HostFiles, claim Claim) (*specs.Spec, error) {
	if err := checkClaim(claim); err != nil {
		return nil, err
	}
	spec := &specs.Spec{Kind: Kind, ContainerEdits: host.commonEdits()}
	ordinals := cudaOrdinals(claim.Devices)
	for _, device := range claim.Devices {
		edits, err := deviceEdits(host, device, ordinals[device.GPU.UUID])
		if err != nil {
			return nil, fmt.Errorf("device %s of request %s: %w", device.Name(), device.Request, err)
		}
		spec.Devices = append(spec.Devices, specs.Device{Name: deviceName(claim.UID, device), ContainerEdits: edits})
	}
	version, err := specs.MinimumRequiredVersion(spec)
	if err != nil {
		return nil, err
	}
	spec.Version = version
	return spec, nil
}

func checkClaim(claim Claim) error {
	if len(claim.Devices) == 0 {
		return fmt.Errorf("there is no device: want at least one")
	}
	names := map[string]bool{}
	var daemon *Device
	for i, device := range claim.Devices {
		name := deviceName(claim.UID, device)
		if err := parser.ValidateDeviceName(name); err != nil {
			return fmt.Errorf("device %s of request %s: %w", device.Name(), device.Request, err)
		}
		if names[name] {
			return fmt.Errorf("device %s of request %s stands twice: want a share ID for each", device.Name(), device.Request)
		}
		names[name] = true
		if device.MPS == nil || device.AdminAccess {
			continue
		}
		if daemon != nil && daemon.MPS.Pipes != device.MPS.Pipes {
			return fmt.Errorf("devices %s and %s both use MPS, and each has a control daemon of its own, "+
				"of which a process can reach one: use MPS with one device per claim", daemon.Name(), device.Name())
		}
		daemon = &claim.Devices[i]
	}
	return nil
}

// cudaOrdinals are the numbers under which CUDA has GPUs in a container that has all of the
// claim's: in the order of their PCI addresses. MIG instances are not among them.
func cudaOrdinals(devices []Device) map[string]int {
	var gpus []dra.GPUIdentity
	for _, device := range devices {
		if device.Form != dra.FormMIG && !slices.Contains(gpus, device.GPU) {
			gpus = append(gpus, device.GPU)
		}
	}
	slices.SortFunc(gpus, func(a, b dra.GPUIdentity) int {
		return cmp.Or(cmp.Compare(a.BusID, b.BusID), cmp.Compare(a.Index, b.Index), cmp.Compare(a.UUID, b.UUID))
	})
	ordinals := map[string]int{}
	for i, gpu := range gpus {
		ordinals[gpu.UUID] = i
	}
	return ordinals
}

func deviceEdits(host HostFiles, device Device, ordinal int) (specs.ContainerEdits, error) {
	paths := []string{fmt.Sprintf("/dev/nvidia%d", device.GPU.Minor)}
	if device.Form == dra.FormMIG && !device.AdminAccess {
		if device.Instance == nil || device.Instance.UUID == "" {
			return specs.ContainerEdits{}, fmt.Errorf("its MIG instance is unknown: it was not created")
		}
		if host.DeviceFile != nil && (device.Instance.Minor <= 0 || device.Instance.ComputeMinor <= 0) {
			return specs.ContainerEdits{}, fmt.Errorf("the capability files of MIG instance %s are unknown: "+
				"see that /proc/driver/nvidia/capabilities of the host can be read", device.Instance.UUID)
		}
		for _, minor := range []int64{device.Instance.Minor, device.Instance.ComputeMinor} {
			paths = append(paths, fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", minor))
		}
	}
	edits := specs.ContainerEdits{Env: deviceEnvironment(device), DeviceNodes: host.deviceNodes(paths)}
	if device.AdminAccess {
		return edits, nil
	}
	if device.MemoryLimit > 0 {
		edits.Env = append(edits.Env,
			fmt.Sprintf("CUDA_DEVICE_MEMORY_LIMIT_%d=%dm", ordinal, wholeMebibytes(device.MemoryLimit)),
			fmt.Sprintf("ASHLAR_GPU_MEMORY_LIMIT=%d", device.MemoryLimit))
	}
	if device.MPS != nil {
		addMPS(&edits, device)
	}
	return edits, nil
}

// deviceEnvironment says what a container has, for people and for programs that want to know it
// without NVML.
func deviceEnvironment(device Device) []string {
	uuid := device.GPU.UUID
	if device.Form == dra.FormMIG && device.Instance != nil {
		uuid = device.Instance.UUID
	}
	key := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(device.Name()))
	return []string{"ASHLAR_DEVICE_" + key + "=" + uuid}
}

func addMPS(edits *specs.ContainerEdits, device Device) {
	edits.Env = append(edits.Env, "CUDA_MPS_PIPE_DIRECTORY="+device.MPS.Pipes)
	if device.MemoryLimit > 0 {
		edits.Env = append(edits.Env, fmt.Sprintf("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=%dM", wholeMebibytes(device.MemoryLimit)))
	}
	if percentage := device.MPS.ActiveThreadPercentage; percentage > 0 {
		edits.Env = append(edits.Env, fmt.Sprintf("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=%d", percentage))
	}
	options := []string{"rw", "nosuid", "nodev", "bind"}
	edits.Mounts = append(edits.Mounts,
		&specs.Mount{HostPath: device.MPS.Pipes, ContainerPath: device.MPS.Pipes, Options: options},
		&specs.Mount{HostPath: device.MPS.Shm, ContainerPath: "/dev/shm", Options: options})
}

// wholeMebibytes rounds down, but not to nothing: a limit of 0 would be none.
func wholeMebibytes(b topology.Bytes) int64 { return max(1, int64(b/topology.MiB)) }

package hardware_test

import (
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// oddLibrary is a node of whose first GPU, and of whose MIG devices, the UUIDs are odd.
type oddLibrary struct {
	*simulated.Library
	gpu, mig string
}

func (l oddLibrary) DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return) {
	device, ret := l.Library.DeviceGetHandleByIndex(index)
	if index > 0 || ret != nvml.SUCCESS {
		return device, ret
	}
	return oddGPU{device, l}, ret
}

type oddGPU struct {
	nvml.Device
	says oddLibrary
}

func (g oddGPU) GetUUID() (string, nvml.Return) { return g.says.gpu, nvml.SUCCESS }

func (g oddGPU) GetMigDeviceHandleByIndex(index int) (nvml.Device, nvml.Return) {
	device, ret := g.Device.GetMigDeviceHandleByIndex(index)
	return oddMIGDevice{device, g.says}, ret
}

type oddMIGDevice struct {
	nvml.Device
	says oddLibrary
}

func (d oddMIGDevice) GetUUID() (string, nvml.Return) { return d.says.mig, nvml.SUCCESS }

func openOdd(t *testing.T, gpu, migDevice string) *hardware.NVML {
	t.Helper()
	machine, err := catalogue.Default().Machine(h100)
	if err != nil {
		t.Fatal(err)
	}
	library, err := simulated.New("node-0", machine, catalogue.Default().MIG, simulated.WithMIG(true))
	if err != nil {
		t.Fatal(err)
	}
	node, err := hardware.Open(oddLibrary{library, gpu, migDevice}, hardware.Options{ReadTimeout: time.Second, WriteTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// Strings that are no UUIDs are not passed on: they would become names of files and
// arguments of commands.
func FuzzUUIDs(f *testing.F) {
	f.Add("GPU-8f6b0c1d-0000-8000-8000-000000000000", "MIG-8f6b0c1d-0000-8000-8000-000000000000")
	f.Add("GPU-1", "MIG-GPU-8f6b0c1d-0000-8000-8000-000000000000/7/0")
	f.Add("", "MIG-../../x")
	f.Add("GPU-a\n-i 1", "MIG-\x00")
	f.Add("GPU-"+strings.Repeat("a", 300), "MIG-/")
	f.Add("-L", "GPU-a/b")
	f.Add("MIG-a/b", "MIG-GPU-")
	f.Fuzz(func(t *testing.T, gpu, migDevice string) {
		node := openOdd(t, gpu, migDevice)
		defer node.Close()
		for _, uuid := range node.GPUs() {
			if strings.ContainsAny(uuid, "/. \n\x00") || !strings.HasPrefix(uuid, "GPU-") {
				t.Errorf("GPU %q", uuid)
			}
		}
		if len(node.GPUs()) < 8 {
			return // it was passed over
		}
		created, err := node.CreateInstance(t.Context(), gpu, oneSlice, mig.Placement{Start: 6, Size: 1})
		if err == nil && (strings.Contains(created.UUID, "..") || strings.ContainsAny(created.UUID, " \n\x00")) {
			t.Errorf("instance %q", created.UUID)
		}
		if instances, listErr := node.Instances(t.Context(), gpu); err != nil && len(instances) > 0 {
			t.Errorf("after error %v there are %v, %v", err, instances, listErr)
		}
	})
}

func TestCheckUUID(t *testing.T) {
	for uuid, wanted := range map[string]bool{
		"GPU-8f6b0c1d-1111-2222-3333-0123456789ab":         true,
		"MIG-8f6b0c1d-1111-2222-3333-0123456789ab":         true,
		"MIG-GPU-8f6b0c1d-1111-2222-3333-0123456789ab/7/0": true,
		"GPU-":                     false,
		"":                         false,
		"GPU-1 --reset":            false,
		"GPU-1/7":                  false,
		"MIG-..":                   false,
		"MIG-1//2":                 false,
		"8f6b0c1d-1111-2222-3333":  false,
		"GPU-8f6b0c1d\n":           false,
		"GPU-" + string('a') + "я": false,
	} {
		if err := hardware.CheckUUID(uuid); (err == nil) != wanted {
			t.Errorf("%q: %v, want it accepted: %t", uuid, err, wanted)
		}
	}
}

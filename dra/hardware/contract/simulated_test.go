package contract_test

import (
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

func TestSimulatedGPUsKeepTheContract(t *testing.T) {
	for machine, hasMIG := range map[string]bool{
		"dgx-a100": true, "dgx-h100": true, "4xA30-pcie": true, "8xrtxpro6000-g7e": true,
		"8xL40S-2socket-node": false, "dgx1-v100": false,
	} {
		for store, options := range map[string][]simulated.Option{
			"memory": nil, "directory": {simulated.WithDirectory(t.TempDir())},
		} {
			t.Run(machine+" in "+store, func(t *testing.T) {
				machineType, err := catalogue.Default().Machine(machine)
				if err != nil {
					t.Fatal(err)
				}
				library, err := simulated.New("node-0", machineType, catalogue.Default().MIG, options...)
				if err != nil {
					t.Fatal(err)
				}
				gpu, ret := library.DeviceGetHandleByIndex(1)
				want(t, "DeviceGetHandleByIndex", ret, nvml.SUCCESS)
				s := subject{lib: library, gpu: gpu, note: func(string, any) {}}
				s.switchMode = func(t *testing.T, on bool) {
					t.Helper()
					mode := nvml.DEVICE_MIG_DISABLE
					if on {
						mode = nvml.DEVICE_MIG_ENABLE
					}
					activation, ret := gpu.SetMigMode(mode)
					want(t, "SetMigMode", ret, nvml.SUCCESS)
					if activation == nvml.ERROR_RESET_REQUIRED {
						if err := library.Control().ResetGPU(1); err != nil {
							t.Fatal(err)
						}
					}
					if current, pending, _ := gpu.GetMigMode(); current != mode || pending != mode {
						t.Fatalf("MIG mode %d, pending %d; want %d", current, pending, mode)
					}
				}
				if hasMIG {
					keepsContract(t, s)
				} else {
					lacksMIG(t, s)
				}
			})
		}
	}
}

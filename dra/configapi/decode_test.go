package configapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

const (
	ours   = `"apiVersion": "gpu.ashlar.dev/v1alpha1", "kind": `
	nvidia = `"apiVersion": "resource.nvidia.com/v1beta1", "kind": `
)

func TestDecode(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want Config
	}{
		"a GPU without settings": {`{` + ours + `"GpuConfig"}`, Config{Form: dra.FormGPU, Strategy: None}},
		"a MIG slice without":    {`{` + ours + `"MigConfig"}`, Config{Form: dra.FormMIG, Strategy: None}},
		"a share without":        {`{` + ours + `"ShareConfig"}`, Config{Form: dra.FormShare, Strategy: TimeSlicing}},
		"null counts as absent":  {`{` + ours + `"GpuConfig", "sharing": null}`, Config{Form: dra.FormGPU, Strategy: None}},
		"a GPU that is not shared": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "None"}}`,
			Config{Form: dra.FormGPU, Strategy: None},
		},
		"time slices of the default": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "TimeSlicing"}}`,
			Config{Form: dra.FormGPU, Strategy: TimeSlicing},
		},
		"long time slices": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "TimeSlicing", "timeSlicing": {"interval": "Long"}}}`,
			Config{Form: dra.FormGPU, Strategy: TimeSlicing, Interval: hardware.LongTimeSlice},
		},
		"MPS on a GPU": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS", "mps": {"defaultActiveThreadPercentage": 50, ` +
				`"pinnedMemoryLimit": "10Gi"}}}`,
			Config{Form: dra.FormGPU, Strategy: MPS, ActiveThreadPercentage: 50, PinnedMemory: 10 * topology.GiB},
		},
		"MPS on a MIG slice": {
			`{` + ours + `"MigConfig", "sharing": {"strategy": "MPS"}}`,
			Config{Form: dra.FormMIG, Strategy: MPS},
		},
		"a share with MPS": {`{` + ours + `"ShareConfig", "strategy": "MPS"}`, Config{Form: dra.FormShare, Strategy: MPS}},
		"a share with MPS and limits": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 30, "pinnedMemoryLimit": "8G"}`,
			Config{Form: dra.FormShare, Strategy: MPS, ActiveThreadPercentage: 30, PinnedMemory: 7629 * topology.MiB},
		},
		"memory in bytes": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": 1073741824}`,
			Config{Form: dra.FormShare, Strategy: MPS, PinnedMemory: topology.GiB},
		},

		"NVIDIA's GPU": {`{` + nvidia + `"GpuConfig"}`, Config{Form: dra.FormGPU, Strategy: None}},
		"NVIDIA's time slices": {
			`{` + nvidia + `"GpuConfig", "sharing": {"strategy": "TimeSlicing", "timeSlicingConfig": {"interval": "Short"}}}`,
			Config{Form: dra.FormGPU, Strategy: TimeSlicing, Interval: hardware.ShortTimeSlice},
		},
		"NVIDIA's MPS": {
			`{` + nvidia + `"GpuConfig", "sharing": {"strategy": "MPS", "mpsConfig": {"defaultActiveThreadPercentage": 20, ` +
				`"defaultPinnedDeviceMemoryLimit": "4Gi"}}}`,
			Config{Form: dra.FormGPU, Strategy: MPS, ActiveThreadPercentage: 20, PinnedMemory: 4 * topology.GiB},
		},
		"NVIDIA's MIG slice": {
			`{` + nvidia + `"MigDeviceConfig", "sharing": {"strategy": "TimeSlicing"}}`,
			Config{Form: dra.FormMIG, Strategy: None},
		},
		"NVIDIA's MPS on a MIG": {
			`{` + nvidia + `"MigDeviceConfig", "sharing": {"strategy": "MPS", "mpsConfig": {"defaultActiveThreadPercentage": 100}}}`,
			Config{Form: dra.FormMIG, Strategy: MPS, ActiveThreadPercentage: 100},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(tc.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want string // lines
	}{
		"nothing":     {``, `it is not JSON: it ends too early`},
		"half of it":  {`{"apiVersion": "gpu`, `it is not JSON: it ends too early`},
		"no object":   {`["GpuConfig"]`, `got a list, want an object`},
		"null":        {`null`, `got null, want an object`},
		"two objects": {`{}{}`, `more follows after the object`},
		"too long":    {`{"a": "` + strings.Repeat("a", 11000) + `"}`, `it has 11009 bytes, want at most 10240`},
		"no apiVersion": {
			`{"kind": "GpuConfig"}`,
			`apiVersion: it is missing, want gpu.ashlar.dev/v1alpha1 or resource.nvidia.com/v1beta1`,
		},
		"a later version": {
			`{"apiVersion": "gpu.ashlar.dev/v2", "kind": "GpuConfig"}`,
			`apiVersion: this driver does not know "gpu.ashlar.dev/v2", want gpu.ashlar.dev/v1alpha1 or ` +
				`resource.nvidia.com/v1beta1: another version of the driver may know it`,
		},
		"a version of 7": {
			`{"apiVersion": 7, "kind": "GpuConfig"}`,
			"apiVersion: got 7, want a string\napiVersion: it is empty, want gpu.ashlar.dev/v1alpha1 or resource.nvidia.com/v1beta1",
		},
		"no kind": {
			`{"apiVersion": "gpu.ashlar.dev/v1alpha1"}`,
			`kind: gpu.ashlar.dev/v1alpha1 has no "", want one of GpuConfig, MigConfig, ShareConfig`,
		},
		"NVIDIA's kind": {
			`{` + ours + `"MigDeviceConfig"}`,
			`kind: gpu.ashlar.dev/v1alpha1 has no "MigDeviceConfig", want one of GpuConfig, MigConfig, ShareConfig`,
		},
		"a typing error": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS", "mps": {"defaultActiveThreadPercentag": 50}}}`,
			`sharing.mps.defaultActiveThreadPercentag: there is no such field: did you mean defaultActiveThreadPercentage?`,
		},
		"another case": {`{` + ours + `"GpuConfig", "Sharing": {}}`, `Sharing: there is no such field: did you mean sharing?`},
		"a strange field": {
			`{` + ours + `"ShareConfig", "metadata": {"name": "x"}}`,
			`metadata: there is no such field, want one of apiVersion, kind, strategy, interval, defaultActiveThreadPercentage, ` +
				`pinnedMemoryLimit`,
		},
		"a field twice": {`{` + ours + `"ShareConfig", "strategy": "MPS", "strategy": "TimeSlicing"}`, `strategy: it is given twice`},
		"no strategy": {
			`{` + ours + `"GpuConfig", "sharing": {}}`,
			`sharing.strategy: it is missing, want one of None, TimeSlicing, MPS`,
		},
		"another strategy": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "mps"}}`,
			`sharing.strategy: got "mps", want one of None, TimeSlicing, MPS`,
		},
		"sharing is a word": {`{` + ours + `"GpuConfig", "sharing": "MPS"}`, `sharing: got "MPS", want an object`},
		"another interval": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "TimeSlicing", "timeSlicing": {"interval": "2ms"}}}`,
			`sharing.timeSlicing.interval: got "2ms", want one of Default, Short, Medium, Long`,
		},
		"MPS not chosen": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "TimeSlicing", "mps": {}}}`,
			`sharing.mps: the strategy is TimeSlicing: set it to MPS, or leave mps out`,
		},
		"slices not chosen": {
			`{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS", "timeSlicing": {}}}`,
			`sharing.timeSlicing: the strategy is MPS: set it to TimeSlicing, or leave timeSlicing out`,
		},
		"0 %": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 0}`,
			`defaultActiveThreadPercentage: got 0, want a whole number from 1 to 100`,
		},
		"101 %": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 101}`,
			`defaultActiveThreadPercentage: got 101, want a whole number from 1 to 100`,
		},
		"half a percent": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 0.5}`,
			`defaultActiveThreadPercentage: got 0.5, want a whole number from 1 to 100`,
		},
		"a percentage text": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": "50"}`,
			`defaultActiveThreadPercentage: got "50", want a whole number from 1 to 100`,
		},
		"GiB, not Gi": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": "10GiB"}`,
			`pinnedMemoryLimit: got "10GiB", want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"a number of GiB": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": 10}`,
			`pinnedMemoryLimit: got 10, want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"negative memory": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": "-1Gi"}`,
			`pinnedMemoryLimit: got "-1Gi", want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"memory for ever": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": "1e300"}`,
			`pinnedMemoryLimit: got "1e300", want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"memory that takes long to compare": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": "1e2147483647"}`,
			`pinnedMemoryLimit: got "1e2147483647", want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"memory of a list": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": [1]}`,
			`pinnedMemoryLimit: got a list, want a quantity of memory from 1Mi to 1Pi, for example "10Gi"`,
		},
		"limits without": {
			`{` + ours + `"ShareConfig", "pinnedMemoryLimit": "10Gi"}`,
			`pinnedMemoryLimit: it is a setting of MPS: set strategy to MPS, or leave it out`,
		},
		"slices of a MIG": {
			`{` + ours + `"MigConfig", "sharing": {"strategy": "MPS", "timeSlicing": {"interval": "Long"}}}`,
			`sharing.timeSlicing: MIG instances have no time slice of their own: leave it out`,
		},
		"two errors": {
			`{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 0, "limit": 1}`,
			"defaultActiveThreadPercentage: got 0, want a whole number from 1 to 100\nlimit: there is no such field: did you " +
				"mean pinnedMemoryLimit?",
		},

		"NVIDIA's limits per GPU": {
			`{` + nvidia + `"GpuConfig", "sharing": {"strategy": "MPS", "mpsConfig": {"defaultPerDevicePinnedMemoryLimit": ` +
				`{"0": "1Gi"}}}}`,
			`sharing.mpsConfig.defaultPerDevicePinnedMemoryLimit: this driver has a daemon for each GPU: give the requests ` +
				`config entries of their own, with defaultPinnedDeviceMemoryLimit`,
		},
		"NVIDIA's users": {
			`{` + nvidia + `"GpuConfig", "sharing": {"strategy": "MPS", "mpsConfig": {"multiUser": true}}}`,
			`sharing.mpsConfig.multiUser: this driver does not set up MPS for several users: leave it out`,
		},
		"NVIDIA's None": {
			`{` + nvidia + `"GpuConfig", "sharing": {"strategy": "None"}}`,
			`sharing.strategy: got "None", want one of TimeSlicing, MPS`,
		},
		"NVIDIA's VFIO": {
			`{` + nvidia + `"VfioDeviceConfig"}`,
			`kind: VfioDeviceConfig of NVIDIA's driver hands a GPU to a virtual machine, which this driver does not do`,
		},
		"NVIDIA's channels": {
			`{` + nvidia + `"ComputeDomainChannelConfig", "domainID": "x"}`,
			`kind: ComputeDomainChannelConfig of NVIDIA's driver is about multi-node memory, which NVIDIA's compute-domain ` +
				`driver sets up: keep it for requests of that driver`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(tc.raw))
			if err == nil {
				t.Fatalf("it is accepted: %+v", got)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is accepted keeps to its ranges, whatever the bytes; what is not is told in short.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS", ` +
		`"mps": {"defaultActiveThreadPercentage": 50, "pinnedMemoryLimit": "10Gi"}}}`))
	f.Add([]byte(`{` + nvidia + `"MigDeviceConfig", "sharing": {"strategy": "TimeSlicing"}}`))
	f.Add([]byte(`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": 1e9}`))
	f.Add([]byte(`{` + ours + `"ShareConfig", "strategy": "MPS", "pinnedMemoryLimit": "1e99999999"}`))
	f.Add([]byte(`{"a":{"a":{"a":[]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		config, err := Decode(raw)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if len(line) > 1000 {
					t.Errorf("a message of %d bytes: %s", len(line), line)
				}
			}
			return
		}
		if config.Form == "" || config.Strategy == "" || config.ActiveThreadPercentage < 0 || config.ActiveThreadPercentage > 100 ||
			config.PinnedMemory < 0 || config.PinnedMemory > mostMemory || config.PinnedMemory%topology.MiB != 0 {
			t.Errorf("%s gives %+v", raw, config)
		}
	})
}

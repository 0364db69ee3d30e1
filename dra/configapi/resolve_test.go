package configapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology"
)

const driver = "gpu.ashlar.dev"

type entry = resourceapi.DeviceAllocationConfiguration

func configEntry(source resourceapi.AllocationConfigSource, driver, raw string, requests ...string) entry {
	parameters := runtime.RawExtension{Raw: []byte(raw)}
	return entry{Source: source, Requests: requests, DeviceConfiguration: resourceapi.DeviceConfiguration{
		Opaque: &resourceapi.OpaqueDeviceConfiguration{Driver: driver, Parameters: parameters}}}
}

func fromClass(raw string, requests ...string) entry {
	return configEntry(resourceapi.AllocationConfigSourceClass, driver, raw, requests...)
}

func fromClaim(raw string, requests ...string) entry {
	return configEntry(resourceapi.AllocationConfigSourceClaim, driver, raw, requests...)
}

func TestResolveConfig(t *testing.T) {
	const (
		mps    = `{` + ours + `"ShareConfig", "strategy": "MPS"}`
		mps20  = `{` + ours + `"ShareConfig", "strategy": "MPS", "defaultActiveThreadPercentage": 20}`
		slices = `{` + ours + `"ShareConfig", "strategy": "TimeSlicing"}`
		gpu    = `{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS"}}`
		wrong  = `{` + ours + `"ShareConfig", "strategy": "Mps", "limit": 3}`
	)
	type entries = []entry
	shared := func(strategy Strategy, percentage int64) Config {
		return Config{Form: dra.FormShare, Strategy: strategy, ActiveThreadPercentage: percentage}
	}
	for name, tc := range map[string]struct {
		configs entries
		request string // "a" if empty
		form    dra.DeviceForm
		want    Config
		wantErr string
	}{
		"none":         {form: dra.FormShare, want: shared(TimeSlicing, 0)},
		"of the class": {configs: entries{fromClass(mps, "a")}, form: dra.FormShare, want: shared(MPS, 0)},
		"the claim's before the class's": {
			configs: entries{fromClaim(slices), fromClass(mps, "a")},
			form:    dra.FormShare,
			want:    shared(TimeSlicing, 0),
		},
		"the later of two": {
			configs: entries{fromClaim(mps), fromClaim(mps20)},
			form:    dra.FormShare,
			want:    shared(MPS, 20),
		},
		"a later one replaces the whole": {configs: entries{fromClaim(mps20), fromClaim(mps)}, form: dra.FormShare, want: shared(MPS, 0)},
		"of another request":             {configs: entries{fromClaim(mps, "b")}, form: dra.FormShare, want: shared(TimeSlicing, 0)},
		"of several requests":            {configs: entries{fromClaim(mps, "b", "a")}, form: dra.FormShare, want: shared(MPS, 0)},
		"of another driver": {configs: entries{configEntry(resourceapi.AllocationConfigSourceClaim, "gpu.nvidia.com", wrong)},
			form: dra.FormShare, want: shared(TimeSlicing, 0)},
		"without parameters of a driver": {
			configs: entries{{Source: resourceapi.AllocationConfigSourceClaim}},
			form:    dra.FormShare,
			want:    shared(TimeSlicing, 0),
		},
		"of the main request": {
			configs: entries{fromClaim(mps, "a")},
			request: "a/small",
			form:    dra.FormShare,
			want:    shared(MPS, 0),
		},
		"of the subrequest": {
			configs: entries{fromClaim(mps, "a"), fromClaim(mps20, "a/small")},
			request: "a/small",
			form:    dra.FormShare,
			want:    shared(MPS, 20),
		},
		"of another subrequest": {
			configs: entries{fromClaim(mps, "a/large")},
			request: "a/small",
			form:    dra.FormShare,
			want:    shared(TimeSlicing, 0),
		},
		"for another form, all requests": {configs: entries{fromClaim(gpu), fromClaim(mps)}, form: dra.FormShare, want: shared(MPS, 0)},
		"of the class for another form":  {configs: entries{fromClass(gpu, "a")}, form: dra.FormShare, want: shared(TimeSlicing, 0)},
		"for another form of subrequest": {
			configs: entries{fromClaim(gpu, "a")},
			request: "a/small",
			form:    dra.FormShare,
			want:    shared(TimeSlicing, 0),
		},
		"one for each form": {
			configs: entries{fromClaim(mps, "a"), fromClaim(gpu, "a")},
			form:    dra.FormShare,
			want:    shared(MPS, 0),
		},
		"broken, of another request": {configs: entries{fromClaim(wrong, "b")}, form: dra.FormShare, want: shared(TimeSlicing, 0)},
		"broken": {configs: entries{fromClass(mps, "a"), fromClaim(wrong, "a", "b")}, form: dra.FormShare,
			wantErr: `status.allocation.devices.config[1] (from the claim, for a, b): opaque.parameters: ` +
				`strategy: got "Mps", want one of TimeSlicing, MPS; limit: there is no such field: did you mean pinnedMemoryLimit?`},
		"for another form": {configs: entries{fromClass(mps, "a"), fromClaim(gpu, "a")}, form: dra.FormShare,
			wantErr: "status.allocation.devices.config[1] (from the claim, for a): it is for a whole GPU, " +
				"but request a was allocated a share of a GPU: use ShareConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			request := tc.request
			if request == "" {
				request = "a"
			}
			got, err := ResolveConfig(tc.configs, driver, request, tc.form)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(tc.wantErr, message); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitsOf(t *testing.T) {
	const memory = 80 * topology.GiB
	for name, tc := range map[string]struct {
		config    Config
		allocated topology.Bytes
		want      Limits
		wantErr   string
	}{
		"a whole GPU":          {config: Config{Form: dra.FormGPU, Strategy: None}, allocated: memory},
		"a whole GPU with MPS": {config: Config{Form: dra.FormGPU, Strategy: MPS}, allocated: memory},
		"a GPU with MPS and limits": {
			config:    Config{Form: dra.FormGPU, Strategy: MPS, ActiveThreadPercentage: 25, PinnedMemory: 20 * topology.GiB},
			allocated: memory,
			want:      Limits{25, 20 * topology.GiB},
		},
		"a time-sliced share": {
			config:    Config{Form: dra.FormShare, Strategy: TimeSlicing},
			allocated: 20 * topology.GiB,
			want:      Limits{0, 20 * topology.GiB},
		},
		"a share with MPS": {
			config:    Config{Form: dra.FormShare, Strategy: MPS},
			allocated: 20 * topology.GiB,
			want:      Limits{25, 20 * topology.GiB},
		},
		"a very small share": {
			config:    Config{Form: dra.FormShare, Strategy: MPS},
			allocated: topology.GiB / 2,
			want:      Limits{1, topology.GiB / 2},
		},
		"a percentage of its own": {
			config:    Config{Form: dra.FormShare, Strategy: MPS, ActiveThreadPercentage: 90},
			allocated: 20 * topology.GiB,
			want:      Limits{90, 20 * topology.GiB},
		},
		"less memory than it has": {
			config:    Config{Form: dra.FormShare, Strategy: MPS, PinnedMemory: topology.GiB},
			allocated: 20 * topology.GiB,
			want:      Limits{25, topology.GiB},
		},
		"more memory than it has": {
			config: Config{Form: dra.FormShare, Strategy: MPS, PinnedMemory: 30 * topology.GiB}, allocated: 20 * topology.GiB,
			wantErr: "pinnedMemoryLimit: 30GiB is more than the 20GiB that are allocated: ask for a larger share, or leave the field out"},
		"nothing": {
			config:  Config{Form: dra.FormShare},
			wantErr: "0B of 80GiB are allocated: want more than nothing, and at most what there is",
		},
		"more than the GPU has": {
			config:    Config{Form: dra.FormShare},
			allocated: 81 * topology.GiB,
			wantErr:   "81GiB of 80GiB are allocated: want more than nothing, and at most what there is",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.config.LimitsOf(tc.allocated, memory)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(tc.wantErr, message); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package configapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra"
)

func TestFindUnusedConfig(t *testing.T) {
	const (
		share = `{` + ours + `"ShareConfig", "strategy": "MPS"}`
		gpu   = `{` + ours + `"GpuConfig", "sharing": {"strategy": "MPS"}}`
		wrong = `{` + ours + `"GpuConfig", "shering": {}}`
	)
	aShare, aGPU := RequestDevice{"a", dra.FormShare}, RequestDevice{"a", dra.FormGPU}
	for name, tc := range map[string]struct {
		configs []entry
		devices []RequestDevice
		want    string
	}{
		"none":                           {nil, []RequestDevice{aShare}, ""},
		"one that counts":                {[]entry{fromClaim(share)}, []RequestDevice{aShare}, ""},
		"one for another device":         {[]entry{fromClaim(gpu)}, []RequestDevice{aShare, {"b", dra.FormGPU}}, ""},
		"one for each form":              {[]entry{fromClaim(gpu), fromClaim(share)}, []RequestDevice{aShare}, ""},
		"of the class":                   {[]entry{fromClass(gpu, "a")}, []RequestDevice{aShare}, ""},
		"of another driver":              {[]entry{configEntry("FromClaim", "gpu.nvidia.com", gpu)}, []RequestDevice{aShare}, ""},
		"for an alternative":             {[]entry{fromClaim(gpu, "a")}, []RequestDevice{{"a/small", dra.FormShare}}, ""},
		"for a request of other drivers": {[]entry{fromClaim(gpu, "b")}, []RequestDevice{aShare}, ""},
		"broken":                         {[]entry{fromClaim(wrong)}, []RequestDevice{aShare}, ""},
		"for all, of another form": {[]entry{fromClaim(gpu)}, []RequestDevice{aShare},
			"status.allocation.devices.config[0] (from the claim): it is for a whole GPU, " +
				"but request a was allocated a share of a GPU: use ShareConfig"},
		"beside one of the class": {[]entry{fromClass(gpu, "a"), fromClaim(share)}, []RequestDevice{aGPU},
			"status.allocation.devices.config[1] (from the claim): it is for a share of a GPU, " +
				"but request a was allocated a whole GPU: use GpuConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			message := ""
			if err := FindUnusedConfig(tc.configs, driver, tc.devices); err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(tc.want, message); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

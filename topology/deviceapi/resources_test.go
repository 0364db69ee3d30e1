package deviceapi

import "testing"

func TestGPUResources(t *testing.T) {
	for name, want := range map[string]struct {
		isGPU   bool // of NVIDIA
		isOther bool
		profile string
	}{
		"nvidia.com/gpu":                {isGPU: true},
		"nvidia.com/gpu.shared":         {isGPU: true},
		"nvidia.com/mig-3g.40gb":        {isGPU: true, profile: "3g.40gb"},
		"nvidia.com/mig-3g.40gb.shared": {isGPU: true, profile: "3g.40gb"},
		"nvidia.com/mig-1g.10gb.me":     {isGPU: true, profile: "1g.10gb+me"},
		"nvidia.com/mig-1g.5gb.me.shared": {
			isGPU: true, profile: "1g.5gb+me",
		},
		"nvidia.com/mig-1g.24gb.gfx": {isGPU: true, profile: "1g.24gb+gfx"},
		"nvidia.com/gpu.product":     {},
		"nvidia.com/mig-":            {},
		"nvidia.com/mig-.shared":     {},
		"nvidia.com/gpus":            {},
		"nvidia.com/hostdev":         {},
		"nvidia.com/":                {},
		"amd.com/gpu":                {isOther: true},
		"example.com/gpu.shared":     {isOther: true},
		"example.com/mig-3g.40gb":    {},
		"mig-3g.40gb":                {},
		"":                           {},
	} {
		if got := IsGPUResource(name); got != want.isGPU {
			t.Errorf("IsGPUResource(%q): got %t", name, got)
		}
		if got := IsAnyGPUResource(name); got != (want.isGPU || want.isOther) {
			t.Errorf("IsAnyGPUResource(%q): got %t", name, got)
		}
		if got := ResourceProfile(name); got != want.profile {
			t.Errorf("ResourceProfile(%q): got %q, want %q", name, got, want.profile)
		}
	}
}

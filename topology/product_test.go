package topology

import "testing"

func TestSameProduct(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"as it is":                  {"NVIDIA L40S", "NVIDIA L40S", true},
		"without NVIDIA":            {"A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB", true},
		"with NVIDIA before Tesla":  {"NVIDIA Tesla T4", "Tesla T4", true},
		"without Tesla":             {"V100-SXM2-16GB", "Tesla V100-SXM2-16GB", true},
		"without GeForce":           {"NVIDIA RTX 3090", "NVIDIA GeForce RTX 3090", true},
		"GeForce alone":             {"GeForce RTX 3090", "NVIDIA GeForce RTX 3090", true},
		"as a label":                {"NVIDIA-H100-80GB-HBM3", "NVIDIA H100 80GB HBM3", true},
		"socket without generation": {"A100-SXM-80GB", "NVIDIA A100-SXM4-80GB", true},
		"other socket":              {"Tesla V100-SXM3-32GB", "Tesla V100-SXM2-32GB", false},
		"other case":                {"nvidia h200 nvl", "NVIDIA H200 NVL", true},
		"other size":                {"A100-SXM4-40GB", "NVIDIA A100-SXM4-80GB", false},
		"other form factor":         {"NVIDIA H200", "NVIDIA H200 NVL", false},
		"Ti":                        {"GeForce RTX 3090 Ti", "NVIDIA GeForce RTX 3090", false},
		"virtual GPU":               {"GRID A100-40C", "NVIDIA A100-SXM4-40GB", false},
		"virtual GPU of all of it":  {"GRID T4", "Tesla T4", false},
		"names of two generations":  {"Quadro RTX 6000", "NVIDIA RTX 6000 Ada Generation", false},
		"nothing":                   {"", "", false},
		"punctuation alone":         {"-", "--", false},
		"the maker alone":           {"NVIDIA", "Tesla", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := SameProduct(tc.a, tc.b); got != tc.want {
				t.Errorf("%q and %q: got %t", tc.a, tc.b, got)
			}
			if got := SameProduct(tc.b, tc.a); got != tc.want {
				t.Errorf("%q and %q: got %t", tc.b, tc.a, got)
			}
		})
	}
}

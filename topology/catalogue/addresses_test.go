package catalogue

import (
	"slices"
	"testing"
)

func TestMachineAt(t *testing.T) {
	p3 := []string{
		"0000:00:17.0", "0000:00:18.0", "0000:00:19.0", "0000:00:1a.0", "0000:00:1b.0", "0000:00:1c.0", "0000:00:1d.0", "0000:00:1e.0",
	}
	reversed := slices.Clone(p3)
	slices.Reverse(reversed)
	dgx := []string{
		"0000:13:00.0", "0000:2f:00.0", "0000:4b:00.0", "0000:67:00.0", "0000:83:00.0", "0000:9f:00.0", "0000:bb:00.0", "0000:d7:00.0",
	}
	for name, tc := range map[string]struct {
		product   string
		addresses []string
		want      string
	}{
		"as captured":                 {"Tesla V100-SXM2-16GB", p3, "aws-p3.16xlarge"},
		"with more memory":            {"Tesla V100-SXM2-32GB", p3, "aws-p3.16xlarge"},
		"in another order":            {"Tesla V100-SXM2-16GB", reversed, "aws-p3.16xlarge"},
		"another model":               {"NVIDIA H100 80GB HBM3", p3, ""},
		"an unknown model":            {"NVIDIA of tomorrow", p3, ""},
		"a GPU is missing":            {"Tesla V100-SXM2-16GB", p3[1:], ""},
		"one is elsewhere":            {"Tesla V100-SXM2-16GB", append([]string{"0000:01:00.0"}, p3[1:]...), ""},
		"addresses that were made up": {"NVIDIA H100 80GB HBM3", dgx, ""},
		"addresses are not published": {"Tesla V100-SXM2-16GB", make([]string, 8), ""},
		"no GPU":                      {"Tesla V100-SXM2-16GB", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if machine := Default().MachineAt(tc.product, tc.addresses); machine != nil {
				got = machine.Name
			}
			if got != tc.want {
				t.Errorf("machine %q, want %q", got, tc.want)
			}
		})
	}
}

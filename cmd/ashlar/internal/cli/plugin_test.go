package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCalledAs(t *testing.T) {
	for program, want := range map[string]string{
		"ashlar": "ashlar", "/usr/bin/ashlar": "ashlar", "/tmp/bin-x": "ashlar",
		"kubectl-ashlar": "kubectl ashlar", "/home/a/.krew/bin/kubectl-ashlar": "kubectl ashlar",
		"kubectl-ashlar.exe": "kubectl ashlar", "kubectl_complete-ashlar": "kubectl ashlar", "kubectl-ashlar2": "ashlar",
	} {
		if got := CalledAs(program, "ashlar"); got != want {
			t.Errorf("started as %s it is called %q, want %q", program, got, want)
		}
	}
}

func TestPluginArguments(t *testing.T) {
	for name, tc := range map[string]struct{ started, want []string }{
		"by its name": {[]string{"ashlar", "plan", "x"}, []string{"plan", "x"}},
		"as plugin":   {[]string{"/bin/kubectl-ashlar", "plan"}, []string{"plan"}},
		"completing":  {[]string{"/bin/kubectl_complete-ashlar", "topology", ""}, []string{"__complete", "topology", ""}},
		"nothing":     {nil, nil},
	} {
		if diff := cmp.Diff(tc.want, PluginArguments(tc.started)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSayCalled(t *testing.T) {
	for text, want := range map[string]string{
		"  ashlar plan x\n  ashlar whatif -f a":                       "  kubectl ashlar plan x\n  kubectl ashlar whatif -f a",
		"see `ashlar demo --keep`":                                    "see `kubectl ashlar demo --keep`",
		"helm template ... | ashlar plan -f -":                        "helm template ... | kubectl ashlar plan -f -",
		"ashlar -h":                                                   "kubectl ashlar -h",
		"the ashlar-scheduler reads ashlar.dev/driver of /opt/ashlar": "the ashlar-scheduler reads ashlar.dev/driver of /opt/ashlar",
		"Ashlar plans":                                                "Ashlar plans",
	} {
		if got := SayCalled(text, "ashlar", "kubectl ashlar"); got != want {
			t.Errorf("%q is said as %q, want %q", text, got, want)
		}
		if got := SayCalled(text, "ashlar", "ashlar"); got != text {
			t.Errorf("%q is said as %q where nothing is to change", text, got)
		}
	}
}

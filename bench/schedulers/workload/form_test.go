package workload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// What each form's pod asks, and by which way.
func TestNewPod(t *testing.T) {
	type ask struct {
		Class string // of the pod's own claim
		First []string
		// Template and Limit are the other ways.
		Template, Limit string
	}
	for name, tc := range map[string]struct {
		form Form
		want ask
	}{
		"plain":           {PlainForm, ask{}},
		"claim":           {ClaimForm, ask{Class: "gpu.ashlar.dev"}},
		"template":        {formNamed(t, "template"), ask{Template: "gpu"}},
		"extended":        {formNamed(t, "extended"), ask{Limit: "1"}},
		"share":           {formNamed(t, "share"), ask{Class: "share.gpu.ashlar.dev"}},
		"mig":             {formNamed(t, "mig"), ask{Class: "mig-1g.10gb.gpu.ashlar.dev"}},
		"first-available": {formNamed(t, "first-available"), ask{First: []string{"large", "other"}}},
	} {
		t.Run(name, func(t *testing.T) {
			pod, claim := tc.form.NewPod("p", "run-1")
			if pod.Spec.SchedulerName != SchedulerName || pod.Labels[RunLabel] != "run-1" {
				t.Errorf("pod of scheduler %q, run %q", pod.Spec.SchedulerName, pod.Labels[RunLabel])
			}
			var got ask
			for _, source := range pod.Spec.ResourceClaims {
				if source.ResourceClaimTemplateName != nil {
					got.Template = *source.ResourceClaimTemplateName
				} else if *source.ResourceClaimName != claim.Name {
					t.Errorf("the pod names claim %s, not %s", *source.ResourceClaimName, claim.Name)
				}
			}
			if claim != nil {
				request := claim.Spec.Devices.Requests[0]
				if request.Exactly != nil {
					got.Class = request.Exactly.DeviceClassName
				}
				for _, sub := range request.FirstAvailable {
					got.First = append(got.First, sub.Name)
				}
			}
			if limit, ok := pod.Spec.Containers[0].Resources.Limits[corev1.ResourceName("nvidia.com/gpu")]; ok {
				got.Limit = limit.String()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func formNamed(t *testing.T, name string) Form {
	t.Helper()
	forms, err := ParseForms(name)
	if err != nil || len(forms) != 1 {
		t.Fatalf("form %s: %d, %v", name, len(forms), err)
	}
	return forms[0]
}

func TestParseFormsRefuses(t *testing.T) {
	_, err := ParseForms("mig,half")
	const want = `form "half": want some of template,extended,share,mig,first-available`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The shipped configuration is adapted in three places and in no other.
func TestShippedConfiguration(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	adapted, err := ShippedConfiguration(root, "/some/kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kubeconfig: /some/kubeconfig", "leaderElect: false", "schedulerName: measured"} {
		if !strings.Contains(adapted, want) {
			t.Errorf("no %q in:\n%s", want, adapted)
		}
	}
	shipped, err := os.ReadFile(filepath.Join(root, "manifests", "scheduler", "scheduler-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(shipped)) {
		name, found := strings.CutPrefix(strings.TrimSpace(line), "- name: ")
		if found && !strings.Contains(adapted, "name: "+strings.Trim(name, `"`)) && name != `"*"` {
			t.Errorf("plugin %s is lost in:\n%s", name, adapted)
		}
	}
}

func TestAdaptConfigurationRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no connection":   {"leaderElection: {}\n", "no clientConnection"},
		"no election":     {"clientConnection: {}\n", "no leaderElection"},
		"no profile":      {"clientConnection: {}\nleaderElection: {}\n", "0 profiles, want 1"},
		"a word for one":  {"clientConnection: {}\nleaderElection: {}\nprofiles: [a]\n", "the profile is a string"},
		"several of them": {"clientConnection: {}\nleaderElection: {}\nprofiles: [{}, {}]\n", "2 profiles, want 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := adaptConfiguration([]byte(tc.text), "k")
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestReadDeviceClasses(t *testing.T) {
	classes, err := ReadDeviceClasses(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, class := range classes {
		names = append(names, class.Name)
	}
	if diff := cmp.Diff([]string{"gpu.ashlar.dev", "mig.gpu.ashlar.dev", "share.gpu.ashlar.dev"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

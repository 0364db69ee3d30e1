package mps

import (
	"strings"
	"testing"

	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // its defaults
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/capabilities"

	"github.com/ashlar-dev/ashlar/topology"
)

// The API server's own rules accept the pods, whatever the names of node and device.
func TestPodsAreValid(t *testing.T) {
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true}) // as control planes with GPU drivers do
	longName := testPods.PodOptions
	longName.Node = strings.Repeat("node.", 40) + "example"
	for name, tc := range map[string]struct {
		options PodOptions
		spec    Spec
	}{
		"a GPU":                {testPods.PodOptions, Spec{UUID: gpu0}},
		"a MIG slice":          {testPods.PodOptions, Spec{UUID: mig0, ActiveThreadPercentage: 50, PinnedMemory: topology.GiB}},
		"a node of long name":  {longName, Spec{UUID: gpu0}},
		"the longest of UUIDs": {testPods.PodOptions, Spec{UUID: "GPU-" + strings.Repeat("A", 48)}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.spec.check(); err != nil {
				t.Fatal(err)
			}
			pod := podOf(tc.options, tc.spec)
			legacyscheme.Scheme.Default(pod)
			var internal core.Pod
			if err := legacyscheme.Scheme.Convert(pod, &internal, nil); err != nil {
				t.Fatal(err)
			}
			if problems := validation.ValidatePodCreate(&internal, validation.PodValidationOptions{}); len(problems) > 0 {
				t.Error(problems.ToAggregate())
			}
		})
	}
}

// A UUID becomes part of a pod's name, a label and a path.
func TestCheckUUID(t *testing.T) {
	for _, uuid := range []string{
		"", "GPU-", "gpu-1", "GPU-1/../..", "GPU-1\n", "GPU-" + strings.Repeat("a", 49), "MIG-GPU-1/7/0", "GPU-1-", "GPU--1",
	} {
		if err := checkUUID(uuid); err == nil {
			t.Errorf("%q is accepted", uuid)
		}
	}
}

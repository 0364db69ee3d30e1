package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery/fake"
	ktesting "k8s.io/client-go/testing"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/pkg/features"
)

// serverOf is an API server of that version with so many of the resources that matter.
func serverOf(gitVersion string, resources ...*metav1.APIResourceList) *fake.FakeDiscovery {
	return &fake.FakeDiscovery{Fake: &ktesting.Fake{Resources: resources}, FakedServerVersion: &version.Info{GitVersion: gitVersion}}
}

func resourcesOf(groupVersion string, names ...string) *metav1.APIResourceList {
	list := &metav1.APIResourceList{GroupVersion: groupVersion}
	for _, name := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	return list
}

func TestAdaptToServer(t *testing.T) {
	const noRules = "does not serve resource.k8s.io/v1/devicetaintrules (DRADeviceTaintRules): " +
		"DeviceTaintRules do not keep pods from devices; switched off here"
	const noGroups = "does not serve scheduling.k8s.io/v1beta1/podgroups (GenericWorkload): " +
		"pods with a spec.schedulingGroup are scheduled one by one; switched off here"
	const byDefault = " unless it was switched on there, which is the default from Kubernetes 1.36: else "
	devices := resourcesOf("resource.k8s.io/v1", "resourceclaims", "devicetaintrules")
	for name, tc := range map[string]struct {
		server *fake.FakeDiscovery
		on     map[string]bool // gates set before
		want   []string
		off    []featuregate.Feature
		stayOn []featuregate.Feature
	}{
		"of today": {server: serverOf("v1.37.2", devices), stayOn: []featuregate.Feature{features.DRADeviceTaintRules, features.DRADeviceTaints}},
		"1.36": {
			server: serverOf("v1.36.4", resourcesOf("resource.k8s.io/v1", "resourceclaims")),
			want:   []string{"the API server (v1.36.4) " + noRules},
			off:    []featuregate.Feature{features.DRADeviceTaintRules}, stayOn: []featuregate.Feature{features.DRADeviceTaints},
		},
		"1.36, the gate is off already": {
			server: serverOf("v1.36.4", resourcesOf("resource.k8s.io/v1", "resourceclaims")),
			on:     map[string]bool{"DRADeviceTaintRules": false},
		},
		"1.35": {
			server: serverOf("v1.35.2"),
			want: []string{
				"the API server (v1.35.2) has no DRAPartitionableDevices" + byDefault +
					"devices that share a GPU, MIG slices and whole GPUs beside each other, cannot be published",
				"the API server (v1.35.2) has no DRAConsumableCapacity" + byDefault + "shares of a GPU's memory cannot be published or claimed",
				"the API server (v1.35.2) has no DRADeviceTaints" + byDefault + "taints on devices and tolerations in claims are not kept",
				"the API server (v1.35.2) has no DRAExtendedResource" + byDefault +
					"pods cannot ask for devices as extended resources such as nvidia.com/gpu",
				"the API server (v1.35.2) " + noRules,
			},
			off: []featuregate.Feature{features.DRADeviceTaintRules},
		},
		"workloads on, not served": {
			server: serverOf("v1.37.2", devices),
			on:     map[string]bool{"GenericWorkload": true, "TopologyAwareWorkloadScheduling": true, "DRAWorkloadResourceClaims": true},
			want:   []string{"the API server (v1.37.2) " + noGroups},
			off:    []featuregate.Feature{features.GenericWorkload, features.TopologyAwareWorkloadScheduling, features.DRAWorkloadResourceClaims},
			stayOn: []featuregate.Feature{features.DRADeviceTaintRules},
		},
		"workloads on and served": {
			server: serverOf("v1.37.2", devices, resourcesOf("scheduling.k8s.io/v1beta1", "podgroups")),
			on:     map[string]bool{"GenericWorkload": true},
			stayOn: []featuregate.Feature{features.GenericWorkload},
		},
	} {
		t.Run(name, func(t *testing.T) {
			gates := utilfeature.DefaultFeatureGate.DeepCopy()
			if err := gates.SetFromMap(tc.on); err != nil {
				t.Fatal(err)
			}
			lines, err := adaptToServer(t.Context(), tc.server, gates)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			for _, gate := range tc.off {
				if gates.Enabled(gate) {
					t.Errorf("%s is still on", gate)
				}
			}
			for _, gate := range tc.stayOn {
				if !gates.Enabled(gate) {
					t.Errorf("%s is off", gate)
				}
			}
		})
	}
}

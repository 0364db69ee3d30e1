package apiserver

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissingFeatures(t *testing.T) {
	all := slices.Concat(SchedulerFeatures(), WatchedFeatures())
	served := func(apis ...string) map[string]bool {
		found := map[string]bool{}
		for _, api := range apis {
			found[api] = true
		}
		return found
	}
	const (
		rules     = "resource.k8s.io/v1/devicetaintrules"
		groups    = "scheduling.k8s.io/v1beta1/podgroups"
		composite = "scheduling.k8s.io/v1alpha3/compositepodgroups"
	)
	fields := []string{"DRAPartitionableDevices", "DRAConsumableCapacity", "DRADeviceTaints", "DRAExtendedResource"}
	apis := []string{"DRADeviceTaintRules", "GenericWorkload", "CompositePodGroup"}
	for name, tc := range map[string]struct {
		server Server
		want   []string
	}{
		"1.34":                    {Server{Version: "v1.34.1"}, slices.Concat(fields, apis)},
		"1.35":                    {Server{Version: "v1.35.0"}, slices.Concat(fields, apis)},
		"1.36":                    {Server{Version: "v1.36.4"}, apis},
		"1.37":                    {Server{Version: "v1.37.2", Served: served(rules)}, apis[1:]},
		"1.37 with workloads":     {Server{Version: "v1.37.2", Served: served(rules, groups)}, apis[2:]},
		"1.38 with everything":    {Server{Version: "v1.38.0", Served: served(rules, groups, composite)}, nil},
		"a provider's 1.35":       {Server{Version: "v1.35.3-gke.1200"}, slices.Concat(fields, apis)},
		"a provider's 1.36":       {Server{Version: "v1.36.0-eks-ab12cd3"}, apis},
		"built without a version": {Server{Version: "v0.0.0-master+$Format:%H$", Served: served(rules)}, apis[1:]},
		"no version":              {Server{Served: served(rules)}, apis[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, feature := range MissingFeatures(tc.server, all) {
				got = append(got, feature.Gate)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDescribeMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		feature Feature
		want    string
	}{
		"fields": {"v1.35.2", consumableCapacity, "the API server (v1.35.2) has no DRAConsumableCapacity " +
			"unless it was switched on there, which is the default from Kubernetes 1.36: " +
			"else shares of a GPU's memory cannot be published or claimed"},
		"an API": {"v1.36.4", deviceTaintRules, "the API server (v1.36.4) does not serve " +
			"resource.k8s.io/v1/devicetaintrules (DRADeviceTaintRules): DeviceTaintRules do not keep pods from devices"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, DescribeMissing(Server{Version: tc.version}, tc.feature)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// One line each, and everything that it takes to be told apart.
func TestFeaturesAreComplete(t *testing.T) {
	for _, feature := range slices.Concat(DriverFeatures(), SchedulerFeatures(), WatchedFeatures()) {
		if feature.Gate == "" || feature.Without == "" || feature.API == "" && feature.Since == 0 {
			t.Errorf("%+v lacks something", feature)
		}
		if strings.Contains(DescribeMissing(Server{Version: "v1.34.0"}, feature), "\n") {
			t.Errorf("%s is not described in one line", feature.Gate)
		}
	}
}

package manifests

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifestObject is what the test looks at of an object.
type manifestObject struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		ExtendedResourceName string `json:"extendedResourceName"`
		Template             struct {
			Spec struct {
				NodeSelector     map[string]string `json:"nodeSelector"`
				RuntimeClassName string            `json:"runtimeClassName"`
				Containers       []struct {
					Image string `json:"image"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// renderFolder is what kubectl apply -k would apply of a folder.
func renderFolder(t *testing.T, fs filesys.FileSystem, folder string) []manifestObject {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, folder)
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	text, err := rendered.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	var objects []manifestObject
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var object manifestObject
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
		objects = append(objects, object)
	}
	slices.SortFunc(objects, func(a, b manifestObject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Metadata.Name, b.Metadata.Name))
	})
	return objects
}

// What each folder that somebody applies installs, and what it must not.
func TestOverlays(t *testing.T) {
	schedulerOnly := []string{
		"ClusterRole/ashlar-scheduler", "ClusterRoleBinding/ashlar-scheduler",
		"ConfigMap/ashlar-scheduler-config", "CustomResourceDefinition/noderesourcetopologies.topology.node.k8s.io",
		"CustomResourceDefinition/podgroups.scheduling.x-k8s.io", "Deployment/ashlar-scheduler", "Namespace/ashlar-system",
		"PodDisruptionBudget/ashlar-scheduler", "Role/ashlar-scheduler:leader-election", "RoleBinding/ashlar-scheduler:authentication-reader",
		"RoleBinding/ashlar-scheduler:leader-election", "ServiceAccount/ashlar-scheduler",
	}
	withDriver := append(slices.Clone(schedulerOnly), "ClusterRole/ashlar-dra-driver", "ClusterRoleBinding/ashlar-dra-driver",
		"DaemonSet/ashlar-dra-driver", "Role/ashlar-dra-driver", "RoleBinding/ashlar-dra-driver", "ServiceAccount/ashlar-dra-driver",
		"ValidatingAdmissionPolicy/ashlar-dra-driver", "ValidatingAdmissionPolicyBinding/ashlar-dra-driver")
	slices.Sort(withDriver)
	for folder, tc := range map[string]struct {
		want      []string // all but DeviceClasses
		classes   bool     // whether there are any
		resources bool     // whether these stand behind nvidia.com/...
	}{
		"base":                        {want: withDriver, classes: true},
		"overlays/extended-resources": {want: withDriver, classes: true, resources: true},
		"overlays/nvidia-dra-driver":  {want: schedulerOnly},
		"overlays/device-plugin":      {want: schedulerOnly},
	} {
		t.Run(folder, func(t *testing.T) {
			var got []string
			classes := 0
			for _, object := range renderFolder(t, filesys.MakeFsOnDisk(), filepath.FromSlash(folder)) {
				checkWorkload(t, object)
				if object.Kind != "DeviceClass" {
					// The name of a generated ConfigMap ends in a hash.
					name, _, _ := strings.Cut(object.Metadata.Name, "-config-")
					if name != object.Metadata.Name {
						name += "-config"
					}
					got = append(got, object.Kind+"/"+name)
					continue
				}
				classes++
				want := ""
				if profile, mig := strings.CutSuffix(object.Metadata.Name, ".gpu.ashlar.dev"); tc.resources && mig && strings.HasPrefix(profile,
					"mig-") {
					want = "nvidia.com/" + profile
				} else if tc.resources && object.Metadata.Name == "gpu.ashlar.dev" {
					want = "nvidia.com/gpu"
				}
				if object.Spec.ExtendedResourceName != want {
					t.Errorf("DeviceClass %s stands behind %q, want %q", object.Metadata.Name, object.Spec.ExtendedResourceName, want)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got  %v\nwant %v", got, tc.want)
			}
			if tc.classes != (classes > 70) || !tc.classes && classes > 0 {
				t.Errorf("%d DeviceClasses", classes)
			}
		})
	}
}

// The optional policies are applied on their own, beside whatever was installed.
func TestPolicyComponents(t *testing.T) {
	for _, component := range []string{"exclusive-allocation", "leader-allocation"} {
		t.Run(component, func(t *testing.T) {
			var got []string
			for _, object := range renderFolder(t, filesys.MakeFsOnDisk(), filepath.Join("components", component)) {
				got = append(got, object.Kind+"/"+object.Metadata.Name)
			}
			want := []string{"ValidatingAdmissionPolicy/ashlar-" + component, "ValidatingAdmissionPolicyBinding/ashlar-" + component}
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// checkWorkload holds what is true of every Deployment and DaemonSet by default: named
// images, and nodes chosen by Ashlar's own label, without a RuntimeClass.
func checkWorkload(t *testing.T, object manifestObject) {
	t.Helper()
	pod := object.Spec.Template.Spec
	for _, container := range pod.Containers {
		if !strings.HasPrefix(container.Image, "ghcr.io/ashlar-dev/") || !strings.Contains(container.Image, ":v") {
			t.Errorf("%s %s runs image %q", object.Kind, object.Metadata.Name, container.Image)
		}
	}
	if object.Kind == "DaemonSet" && fmt.Sprint(pod.NodeSelector) != "map[ashlar.dev/driver:true]" {
		t.Errorf("%s selects nodes by %v", object.Metadata.Name, pod.NodeSelector)
	}
	if pod.RuntimeClassName != "" {
		t.Errorf("%s %s needs RuntimeClass %s", object.Kind, object.Metadata.Name, pod.RuntimeClassName)
	}
}

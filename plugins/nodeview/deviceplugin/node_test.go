package deviceplugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Each line of what is wanted is one resource: name, count, sharing, replicas, model,
// profile, usable memory, or why that is not known.
func TestReadNode(t *testing.T) {
	const sharing, replicas = "nvidia.com/gpu.sharing-strategy", "nvidia.com/gpu.replicas"
	for name, tc := range map[string]struct {
		labels      map[string]string
		allocatable map[string]string
		want        []string
	}{
		"whole GPUs": {
			labels:      labelsOf("Tesla-T4", "15360", "4", sharing, "none", replicas, "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 alone Tesla T4 14.56GiB"},
		},
		"name of a driver before 470": {
			labels:      labelsOf("A100-SXM4-40GB", "40536", "8"),
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want:        []string{"nvidia.com/gpu 8 alone NVIDIA A100-SXM4-40GB 38.97GiB"},
		},
		"time-slicing": {
			labels:      labelsOf("NVIDIA-L40S-SHARED", "46068", "2", sharing, "time-slicing", replicas, "12"),
			allocatable: map[string]string{"nvidia.com/gpu": "24"},
			want:        []string{"nvidia.com/gpu 24 time-slicing/12 on 2 NVIDIA L40S 44.42GiB"},
		},
		"time-slicing under a name of its own": {
			labels:      labelsOf("NVIDIA-L40S", "46068", "2", sharing, "time-slicing", replicas, "4"),
			allocatable: map[string]string{"nvidia.com/gpu.shared": "8"},
			want:        []string{"nvidia.com/gpu.shared 8 time-slicing/4 on 2 NVIDIA L40S 44.42GiB"},
		},
		"replicas not labelled": {
			labels:      labelsOf("NVIDIA-L40S-SHARED", "46068", "2"),
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want:        []string{"nvidia.com/gpu 8 time-slicing/4 on 2 NVIDIA L40S 44.42GiB"},
		},
		"MPS": {
			labels:      labelsOf("NVIDIA-A10G-SHARED", "23028", "1", sharing, "mps", replicas, "4"),
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 mps/4 on 1 NVIDIA A10G 21.99GiB"},
		},
		"MIG, strategy single": {
			labels:      labelsOf("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "4864", "7", "nvidia.com/mig.strategy", "single"),
			allocatable: map[string]string{"nvidia.com/gpu": "7"},
			want:        []string{"nvidia.com/gpu 7 alone NVIDIA A100-SXM4-40GB 1g.5gb 4.75GiB"},
		},
		"MIG, strategy mixed, beside whole GPUs": {
			labels: labelsOf("NVIDIA-H100-80GB-HBM3", "81559", "2", "nvidia.com/mig.strategy", "mixed",
				"nvidia.com/mig-1g.10gb.memory", "9984", "nvidia.com/mig-1g.10gb.count", "7",
				"nvidia.com/mig-1g.10gb.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"),
			allocatable: map[string]string{"nvidia.com/gpu": "1", "nvidia.com/mig-1g.10gb": "7"},
			want: []string{
				"nvidia.com/gpu 1 alone NVIDIA H100 80GB HBM3 79.14GiB", "nvidia.com/mig-1g.10gb 7 alone NVIDIA H100 80GB HBM3 1g.10gb 9.75GiB",
			},
		},
		"profiles with a plus": {
			labels:      labelsOf("NVIDIA-A100-SXM4-40GB", "40960", "1"),
			allocatable: map[string]string{"nvidia.com/mig-1g.5gb.me": "1"},
			want:        []string{"nvidia.com/mig-1g.5gb.me 1 alone NVIDIA A100-SXM4-40GB 1g.5gb+me 4.75GiB"},
		},
		"slices that are shared": {
			labels: labelsOf("NVIDIA-A100-SXM4-40GB", "40960", "1", "nvidia.com/mig-3g.20gb.replicas", "2",
				"nvidia.com/mig-3g.20gb.sharing-strategy", "time-slicing", "nvidia.com/mig-3g.20gb.count", "2",
				"nvidia.com/mig-3g.20gb.product", "NVIDIA-A100-SXM4-40GB-MIG-3g.20gb-SHARED"),
			allocatable: map[string]string{"nvidia.com/mig-3g.20gb": "4"},
			want:        []string{"nvidia.com/mig-3g.20gb 4 time-slicing/2 on 2 NVIDIA A100-SXM4-40GB 3g.20gb 19.5GiB"},
		},
		"memory of the host": {
			labels:      labelsOf("NVIDIA-GB10", "", "1", "nvidia.com/gpu.compute.major", "12", "nvidia.com/gpu.compute.minor", "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "1", "memory": "120Gi"},
			want:        []string{"nvidia.com/gpu 1 alone NVIDIA GB10 120GiB"},
		},
		"a product that nobody knows": {
			labels:      labelsOf("NVIDIA-Z9", "", "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "1"},
			want: []string{"nvidia.com/gpu 1 alone unknown: the product NVIDIA-Z9 is not in the catalogue and the node has no label " +
				"nvidia.com/gpu.memory"},
		},
		"an early driver's name": {
			labels:      labelsOf("A100-SXM-80GB", "81251", "8"),
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want:        []string{"nvidia.com/gpu 8 alone NVIDIA A100-SXM4-80GB 78.6GiB"},
		},
		"a virtual GPU": {
			labels:      labelsOf("NVIDIA-A10-8Q", "8192", "1", "nvidia.com/gpu.compute.major", "8", "nvidia.com/gpu.compute.minor", "6"),
			allocatable: map[string]string{"nvidia.com/gpu": "1"},
			want:        []string{"nvidia.com/gpu 1 alone NVIDIA A10 8Q 7.6GiB"},
		},
		"no labels": {
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want: []string{"nvidia.com/gpu 8 alone unknown: the node has no label nvidia.com/gpu.product (GPU feature discovery is " +
				"not running there)"},
		},
		"a cloud's instance without labels": {
			labels:      map[string]string{"node.kubernetes.io/instance-type": "g4dn.12xlarge"},
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 alone Tesla T4 14.56GiB"},
		},
		"Google's label": {
			labels:      map[string]string{"cloud.google.com/gke-accelerator": "nvidia-l4"},
			allocatable: map[string]string{"nvidia.com/gpu": "1"},
			want:        []string{"nvidia.com/gpu 1 alone NVIDIA L4 21.95GiB"},
		},
		"Google's label for slices": {
			labels: map[string]string{
				"cloud.google.com/gke-accelerator": "nvidia-tesla-a100", "cloud.google.com/gke-gpu-partition-size": "1g.5gb",
				"node.kubernetes.io/instance-type": "a2-highgpu-1g",
			},
			allocatable: map[string]string{"nvidia.com/gpu": "7"},
			want:        []string{"nvidia.com/gpu 7 alone NVIDIA A100-SXM4-40GB 1g.5gb 4.75GiB"},
		},
		"Google's labels for time-sharing": {
			labels: map[string]string{
				"cloud.google.com/gke-accelerator": "nvidia-tesla-t4", "cloud.google.com/gke-gpu-sharing-strategy": "time-sharing",
				"cloud.google.com/gke-max-shared-clients-per-gpu": "4",
			},
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want:        []string{"nvidia.com/gpu 8 time-slicing/4 on 2 Tesla T4 14.56GiB"},
		},
		"more than an instance has": {
			labels:      map[string]string{"node.kubernetes.io/instance-type": "g5.xlarge"},
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 time-slicing/4 on 1 NVIDIA A10G 21.99GiB"},
		},
		"more than an instance has, which may be slices": {
			labels:      map[string]string{"node.kubernetes.io/instance-type": "p4d.24xlarge"},
			allocatable: map[string]string{"nvidia.com/gpu": "56"},
			want: []string{"nvidia.com/gpu 56 time-slicing/7 on 8 unknown: it hands out 56 nvidia.com/gpu of 8 GPUs, as slices or shared, " +
				"and has no label nvidia.com/gpu.product"},
		},
		"more than the label counts": {
			labels:      labelsOf("NVIDIA-L40S", "46068", "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 time-slicing/4 on 1 NVIDIA L40S 44.42GiB"},
		},
		"two models, of which one is labelled": {
			labels:      labelsOf("NVIDIA-L40S", "46068", "4", sharing, "none", replicas, "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "6"},
			want: []string{"nvidia.com/gpu 6 alone unknown: the label nvidia.com/gpu.count counts 4 NVIDIA-L40S, the node has " +
				"6 nvidia.com/gpu, and nothing tells what the others are"},
		},
		"as many of another model, labelled before there was a label for the strategy": {
			labels:      labelsOf("NVIDIA-L40S", "46068", "4", replicas, "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want: []string{"nvidia.com/gpu 8 alone unknown: the label nvidia.com/gpu.count counts 4 NVIDIA-L40S, the node has " +
				"8 nvidia.com/gpu, and nothing tells what the others are"},
		},
		"two models, shared": {
			labels:      labelsOf("Tesla-T4-SHARED", "15360", "1", sharing, "time-slicing", replicas, "4"),
			allocatable: map[string]string{"nvidia.com/gpu": "8"},
			want: []string{"nvidia.com/gpu 8 time-slicing/4 on 2 unknown: the label nvidia.com/gpu.count counts 1 Tesla-T4 of " +
				"4 replicas each, the node has 8 nvidia.com/gpu, and nothing tells what the others are"},
		},
		"no whole number of replicas for each GPU that is labelled": {
			labels:      labelsOf("Tesla-T4", "15360", "2"),
			allocatable: map[string]string{"nvidia.com/gpu": "3"},
			want: []string{"nvidia.com/gpu 3 alone unknown: the label nvidia.com/gpu.count counts 2 Tesla-T4, the node has " +
				"3 nvidia.com/gpu, and nothing tells what the others are"},
		},
		"GPUs that are counted and not handed out": {
			labels:      labelsOf("Tesla-T4", "15360", "4", sharing, "none", replicas, "1"),
			allocatable: map[string]string{"nvidia.com/gpu": "3"},
			want:        []string{"nvidia.com/gpu 3 alone Tesla T4 14.56GiB"},
		},
		"labels that lie": {
			labels:      labelsOf("Tesla-T4", "-5", "99999999999999999999", sharing, "time-slicing", replicas, "1e9"),
			allocatable: map[string]string{"nvidia.com/gpu": "4"},
			want:        []string{"nvidia.com/gpu 4 time-slicing/? on 0 Tesla T4 14.56GiB"},
		},
		"other makers":             {allocatable: map[string]string{"amd.com/gpu": "8", "gpu.intel.com/i915": "1"}},
		"a name without a profile": {labels: labelsOf("Tesla-T4", "15360", "4"), allocatable: map[string]string{"nvidia.com/mig-": "4"}},
		"none left":                {labels: labelsOf("Tesla-T4", "15360", "4"), allocatable: map[string]string{"nvidia.com/gpu": "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			if node := ReadNode(nodeOf(tc.labels, tc.allocatable)); node != nil {
				for i := range node.Resources {
					got = append(got, spell(&node.Resources[i]))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// As many healthy GPUs as are labelled prove nothing where the node has more.
func TestReadNodeUnhealthy(t *testing.T) {
	node := nodeOf(labelsOf("Tesla-T4", "15360", "4"), map[string]string{"nvidia.com/gpu": "4"})
	for had, want := range map[string]string{
		"4": "nvidia.com/gpu 4 alone Tesla T4 14.56GiB",
		"6": "nvidia.com/gpu 4 alone unknown: the label nvidia.com/gpu.count counts 4 Tesla-T4, the node has 6 nvidia.com/gpu, " +
			"and nothing tells what the others are",
	} {
		node.Status.Capacity = v1.ResourceList{"nvidia.com/gpu": resource.MustParse(had)}
		if diff := cmp.Diff(want, spell(&ReadNode(node).Resources[0])); diff != "" {
			t.Errorf("%s GPUs (-want +got):\n%s", had, diff)
		}
	}
	shared := nodeOf(labelsOf("Tesla-T4-SHARED", "15360", "4"), map[string]string{"nvidia.com/gpu": "12"})
	shared.Status.Capacity = v1.ResourceList{"nvidia.com/gpu": resource.MustParse("16")}
	want := "nvidia.com/gpu 12 time-slicing/4 on 3 Tesla T4 14.56GiB"
	if diff := cmp.Diff(want, spell(&ReadNode(shared).Resources[0])); diff != "" {
		t.Errorf("one of four shared GPUs (-want +got):\n%s", diff)
	}
}

func spell(r *Resource) string {
	text := fmt.Sprintf("%s %d alone", r.Name, r.Count)
	if r.Sharing != Exclusive {
		replicas := fmt.Sprint(r.Replicas)
		if r.Replicas == 0 {
			replicas = "?"
		}
		strategy := map[Sharing]string{TimeSlicing: "time-slicing", MPS: "mps"}[r.Sharing]
		text = fmt.Sprintf("%s %d %s/%s on %d", r.Name, r.Count, strategy, replicas, r.CountDevices())
	}
	if r.UnknownBecause != "" {
		return text + " unknown: " + r.UnknownBecause
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", text, r.DescribeDevice(), r.Device.Total))
}

func TestHandsOutTwice(t *testing.T) {
	for name, tc := range map[string]struct {
		node      map[string]string
		count     string
		published int64
		want      bool
	}{
		"the same GPUs":        {node: labelsOf("Tesla-T4", "15360", "4"), count: "4", published: 4, want: true},
		"some of each":         {node: labelsOf("Tesla-T4", "15360", "8"), count: "4", published: 4},
		"overlapping":          {node: labelsOf("Tesla-T4", "15360", "8"), count: "5", published: 4, want: true},
		"no label counts them": {count: "4", published: 4, want: true},
		"no slices":            {node: labelsOf("Tesla-T4", "15360", "4"), count: "4"},
		"no device plugin":     {node: labelsOf("Tesla-T4", "15360", "4"), count: "0", published: 4},
		"replicas are one GPU": {
			node:  labelsOf("Tesla-T4-SHARED", "15360", "8", "nvidia.com/gpu.replicas", "4"),
			count: "16", published: 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := infoOf(nodeOf(tc.node, map[string]string{"nvidia.com/gpu": tc.count}))
			if got := NewSource().HandsOutTwice(node, tc.published); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

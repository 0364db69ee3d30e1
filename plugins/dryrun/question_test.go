package dryrun

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// claimText is a template with one request for devices, and a pod with such a claim.
func claimText(name, class, count, selectors string) string {
	return "---\napiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata: {name: " + name + "}\n" +
		"spec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: " + class + ", count: " + count +
		", selectors: [" + selectors + "]}}]}}}\n" +
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n" +
		"spec: {schedulerName: ashlar-scheduler, resourceClaims: [{name: c, resourceClaimTemplateName: " + name + "}],\n" +
		"  containers: [{name: c, image: i, resources: {claims: [{name: c}]}}]}\n"
}

// gpuPod is a pod that asks for GPUs of whoever has them.
func gpuPod(name, count string) string {
	return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n" +
		"spec: {schedulerName: ashlar-scheduler, containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: " + count + "}}}]}\n"
}

// An answer about a pod is that pod's alone.
func TestAnswersByThemselves(t *testing.T) {
	two := clusterFrom(t, gpuClasses,
		nodeText("n0", 16), sliceText("n0", "gpu.nvidia.com", nvidiaText(0, "NVIDIA L4", 24), nvidiaText(1, "NVIDIA L4", 24)),
		nodeText("n1", 16), sliceText("n1", "fpga.example.org", "{name: f0, attributes: {kind: {string: A}}}"))
	mixed := clusterFrom(t, gpuClasses, nodeText("n0", 16), sliceText("n0", "gpu.nvidia.com",
		nvidiaText(0, "NVIDIA L4", 24), nvidiaText(1, "NVIDIA L40S", 48), nvidiaText(2, "NVIDIA L4", 24)))
	domain := clusterFrom(t, gpuClasses, nodeText("n0", 16), sliceText("n0", "gpu.nvidia.com", nvidiaText(0, "NVIDIA GB200", 180)),
		sliceText("n0", "compute-domain.nvidia.com", "{name: channel-0, attributes: {type: {string: channel}, id: {int: 0}}}"))
	computeDomain := "---\napiVersion: resource.nvidia.com/v1beta1\nkind: ComputeDomain\nmetadata: {name: d}\n" +
		"spec: {numNodes: 0, channel: {resourceClaimTemplate: {name: d-channel}}}\n"
	channelPod := func(template string) string {
		return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: worker}\n" +
			"spec: {schedulerName: ashlar-scheduler, resourceClaims: [{name: c, resourceClaimTemplateName: " + template + "}],\n" +
			"  containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}, claims: [{name: c}]}}]}\n"
	}
	elsewhere := "---\napiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: shared, namespace: ml}\n" +
		"spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu.nvidia.com}}]}}\n"
	const claimUser = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {schedulerName: ashlar-scheduler, " +
		"resourceClaims: [{name: c, resourceClaimName: NAME}], containers: [{name: c, image: i, resources: {claims: [{name: c}]}}]}\n"
	for name, tc := range map[string]struct {
		cluster  *ClusterObjects
		manifest string
		want     []string
	}{
		"a plugin fails on one pod": {
			two,
			claimText("bad", "fpga.example.org", "1", `{cel: {expression: "device.attributes['fpga.example.org'].model == 'B'"}}`) +
				gpuPod("good", "1"),
			[]string{
				"bad waits: node n1: claim default/bad-c-dryrun-2: selector #0 on device fpga.example.org/n1/f0: " +
					"CEL runtime error: no such key: model. " +
					"consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has() for optional fields",
				"good on n0: L4 GPU 0",
			},
		},
		"a template is missing": {
			two, channelPod("nowhere") + gpuPod("good", "1"),
			[]string{
				"worker waits: spec.resourceClaims[0]: there is no ResourceClaimTemplate nowhere in namespace default, " +
					"neither in the manifests nor in the cluster: add it with -f",
				"good on n0: L4 GPU 0",
			},
		},
		"what no API server lets in": {
			two,
			gpuPod("minus", "-1") + gpuPod("half", "'0.5'") + gpuPod("many", "99999999999") + claimText("none", "gpu.nvidia.com", "-2", "") +
				gpuPod("good", "1"),
			[]string{
				"minus refused: spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"-1\": must be greater than or equal to 0; " +
					"spec.containers[0].resources.requests[nvidia.com/gpu]: Invalid value: \"-1\": must be greater than or equal to 0",
				"half refused: spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer; " +
					"spec.containers[0].resources.requests[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer",
				"many waits: node n0: claim default/<extended-resources>, request container-0-request-0: " +
					"adding 99999999999 devices exceeds the claim limit of 32, with 0 already accounted for",
				"none waits: its ResourceClaimTemplate none is at fault: see pods.yaml:17",
				"good on n0: L4 GPU 0",
			},
		},
		"several models": {mixed, claimText("all", "gpu.nvidia.com", "3", ""), []string{"all on n0: 2 x L4, 1 x L40S GPUs 0,1,2"}},
		"a channel of a ComputeDomain": {
			domain, channelPod("d-channel") + computeDomain, []string{"worker on n0: GB200 channel-0 of compute-domain.nvidia.com; GPU 0"},
		},
		"a channel by another name": {
			domain, channelPod("d-chanel") + computeDomain + gpuPod("good", "1"),
			[]string{
				"worker waits: spec.resourceClaims[0]: there is no ResourceClaimTemplate d-chanel in namespace default, " +
					"neither in the manifests nor in the cluster, where there is d-channel: add it with -f",
				"good on n0: GB200 GPU 0",
			},
		},
		"a claim of another namespace": {
			two, elsewhere + strings.ReplaceAll(claimUser, "NAME", "shared") + strings.ReplaceAll(claimUser, "NAME", "none") + gpuPod("good", "1"),
			[]string{
				"shared waits: spec.resourceClaims[0]: there is no ResourceClaim shared in namespace default, neither in the manifests nor " +
					"in the cluster; there is one in namespace ml, which other namespaces cannot use: add it with -f",
				"none waits: spec.resourceClaims[0]: there is no ResourceClaim none in namespace default, neither in the manifests nor " +
					"in the cluster: add it with -f",
				"good on n0: L4 GPU 0",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer, _ := answerTo(t, tc.cluster, tc.manifest)
			if diff := cmp.Diff(tc.want, describePods(answer)); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

// Where nothing can be answered the error names each mistake once.
func TestQuestionOfMistakes(t *testing.T) {
	const job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 3, template: {spec: {restartPolicy: Never, " +
		"priorityClassName: unheard-of, containers: [{name: c, image: i}]}}}\n"
	q := question(t, job)
	_, err := AnswerQuestion(context.Background(), clusterOf(4), q, placement.KeepPlaceable{})
	const want = "pod default/j-1: spec.priorityClassName: there is no PriorityClass unheard-of in the cluster: add it with -f"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want the mistake once", err)
	}
}

// A question of more pods than any cluster has is refused before they are made.
func TestQuestionOfTooManyPods(t *testing.T) {
	const set = "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: s}\nspec:\n  replicas: 1000000\n" +
		"  leaderWorkerTemplate: {size: 1000000, workerTemplate: {spec: {containers: [{name: c, image: i}]}}}\n"
	_, err := AnswerQuestion(context.Background(), clusterOf(4), question(t, set), placement.KeepPlaceable{})
	if err == nil || !strings.Contains(err.Error(), "pods.yaml:1: LeaderWorkerSet s: 1000000000000 pods, with 0 others: want at most 100000") {
		t.Errorf("got %v, want a refusal", err)
	}
}

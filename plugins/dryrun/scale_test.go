package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func deploymentText(name string, cpus int) string {
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s}\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n"+
		"  template:\n    metadata: {labels: {app: %[1]s}}\n    spec: {schedulerName: ashlar-scheduler, "+
		"containers: [{name: c, image: i, resources: {requests: {cpu: %[2]d}, limits: {cpu: %[2]d}}}]}\n", name, cpus)
}

func autoscalerText(name string, least, most int) string {
	return fmt.Sprintf("---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: %[1]s}\n"+
		"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}, minReplicas: %[2]d, maxReplicas: %[3]d}\n",
		name, least, most)
}

func quotaText(name, hard string) string {
	return "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: " + name + "}\nspec: {hard: {" + hard + "}}\n"
}

// Replicas that an autoscaler would add are tried after all other pods, and each workload's as if
// those of the others were not there.
func TestScaling(t *testing.T) {
	scaledObject := "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\n" +
		"spec: {scaleTargetRef: {name: a}, maxReplicaCount: 3}\n"
	for name, tc := range map[string]struct {
		manifest, cluster string
		copies            int
		want              []string
	}{
		"one": {
			manifest: deploymentText("a", 2) + autoscalerText("a", 2, 8),
			want:     []string{"HorizontalPodAutoscaler a of Deployment a: 2 at first, 5 of 2 to 8: 0/1 nodes are available: 1 Insufficient cpu."},
		},
		"one in the cluster": {
			manifest: deploymentText("a", 2), cluster: strings.Replace(autoscalerText("a", 2, 4), "{name: a}", "{name: a, namespace: default}", 1),
			want: []string{"HorizontalPodAutoscaler a of Deployment a: 2 at first, 4 of 2 to 4"},
		},
		"two": {
			manifest: deploymentText("a", 2) + autoscalerText("a", 1, 9) + deploymentText("b", 3) + autoscalerText("b", 1, 9),
			want: []string{
				"HorizontalPodAutoscaler a of Deployment a: 1 at first, 3 of 1 to 9: 0/1 nodes are available: 1 Insufficient cpu.",
				"HorizontalPodAutoscaler b of Deployment b: 1 at first, 2 of 1 to 9: 0/1 nodes are available: 1 Insufficient cpu.",
			},
		},
		"from none": {
			manifest: deploymentText("a", 2) + scaledObject, want: []string{"ScaledObject a of Deployment a: 1 at first, 3 of 0 to 3"},
		},
		"fewer than at first": {
			manifest: deploymentText("a", 4) + autoscalerText("a", 4, 9),
			want:     []string{"HorizontalPodAutoscaler a of Deployment a: 4 at first, 2 of 4 to 9: 0/1 nodes are available: 1 Insufficient cpu."},
		},
		"copies": {
			manifest: deploymentText("a", 2) + autoscalerText("a", 1, 4), copies: 3,
			want: []string{"HorizontalPodAutoscaler a of Deployment a: 3 at first, 4 of 1 to 4"},
		},
		"over a quota": {
			manifest: deploymentText("a", 2) + autoscalerText("a", 1, 9) + quotaText("q", "limits.cpu: 7"),
			want: []string{"HorizontalPodAutoscaler a of Deployment a: 1 at first, 3 of 1 to 9: refused: " +
				"exceeded quota: q, requested: limits.cpu=2, used: limits.cpu=6, limited: limits.cpu=7"},
		},
		"of something else": {manifest: deploymentText("a", 2) + autoscalerText("b", 1, 9)},
		"no further":        {manifest: deploymentText("a", 2) + autoscalerText("a", 2, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			q := question(t, tc.manifest)
			q.Copies = tc.copies
			answer := answerQuestion(t, clusterFrom(t, nodeText("n0", 10), tc.cluster), q)
			var got []string
			for _, scale := range answer.Scaling {
				line := fmt.Sprintf("%s of %s: %d at first, %d of %d to %d",
					scale.Autoscaler, scale.Target, scale.Asked, scale.Fit, scale.Min, scale.Max)
				if scale.Rejected {
					line += ": refused"
				}
				if scale.Reason != "" {
					line += ": " + scale.Reason
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("scaling (-want +got):\n%s", diff)
			}
		})
	}
}

// Quotas and limits refuse what the API server would, by their names and with figures.
func TestQuotasAndLimits(t *testing.T) {
	limits := "---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\n" +
		"spec: {limits: [{type: Container, default: {cpu: 3}, max: {cpu: 4}}]}\n"
	plain := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: plain}\nspec: {containers: [{name: c, image: i}]}\n"
	running := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: there, namespace: default}\n" +
		"spec: {nodeName: n0, containers: [{name: c, image: i, resources: {requests: {cpu: 2}}}]}\nstatus: {phase: Running}\n"
	elsewhere := "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: other}\nspec: {hard: {pods: 0}}\n"
	inCluster := "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: default}\nspec: {hard: {pods: 5}}\n"
	for name, tc := range map[string]struct {
		manifest, cluster string
		want              []string
	}{
		"pods that are there count": {
			deploymentText("a", 2) + quotaText("q", "requests.cpu: 3"), running,
			[]string{"a-1 refused: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=2, limited: requests.cpu=3"},
		},
		"what the status says counts": {
			plain, inCluster + "status: {hard: {pods: 5}, used: {pods: 5}}\n",
			[]string{"plain refused: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5"},
		},
		"that of the manifest stands above": {
			plain + quotaText("q", "pods: 1"), inCluster + "status: {used: {pods: 5}}\n", []string{"plain on n0"},
		},
		"another namespace": {plain, elsewhere, []string{"plain on n0"}},
		"nothing stated": {
			plain + quotaText("q", "limits.cpu: 4"), "", []string{"plain refused: failed quota: q: must specify limits.cpu for: c"},
		},
		"a default": {
			plain + limits + quotaText("q", "limits.cpu: 2"), "",
			[]string{"plain refused: exceeded quota: q, requested: limits.cpu=3, used: limits.cpu=0, limited: limits.cpu=2"},
		},
		"a bound": {
			deploymentText("a", 5) + limits, "", []string{"a-1 refused: LimitRange l: maximum cpu usage per Container is 4, but limit is 5"},
		},
		"devices of a class": {
			claimText("two", "fpga.example.org", "2", "") + quotaText("q", "fpga.example.org.deviceclass.resource.k8s.io/devices: 1") + plain, "",
			[]string{
				"two waits: spec.resourceClaims[0]: the claim of c cannot be made: exceeded quota: q, " +
					"requested: fpga.example.org.deviceclass.resource.k8s.io/devices=2, used: fpga.example.org.deviceclass.resource.k8s.io/devices=0, " +
					"limited: fpga.example.org.deviceclass.resource.k8s.io/devices=1",
				"plain on n0",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer, _ := answerTo(t, clusterFrom(t, gpuClasses, nodeText("n0", 10), tc.cluster), tc.manifest)
			if diff := cmp.Diff(tc.want, describePods(answer)); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Snapshots are what kubectl writes, in every form of it, beside things that are none of a
// scheduler's business.
func TestReadSnapshot(t *testing.T) {
	node := strings.TrimPrefix(nodeText("n0", 4), "---\n")
	const busy = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: busy, namespace: default%s}\n" +
		"spec: {nodeName: n0, containers: [{name: c}]}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing between": {"---\n# a comment\n---\n" + node + "---\n---\nnull\n", "1 nodes, 0 pods"},
		"lists": {
			node + "---\napiVersion: v1\nkind: PodList\nitems: null\n---\napiVersion: v1\nkind: List\nitems: [null]\n", "1 nodes, 0 pods",
		},
		"one after another": {
			`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}` + "\n" +
				`{"apiVersion": "v1", "kind": "NodeList", "items": [{"metadata": {"name": "b"}}]}`, "2 nodes, 0 pods",
		},
		"line ends and mark of Windows": {"\ufeff" + strings.ReplaceAll(node+fmt.Sprintf(busy, ""), "\n", "\r\n"), "1 nodes, 1 pods"},
		"none of its business": {
			node + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {a: 1}}\ndata: 7\n" +
				"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: many}\n", "1 nodes, 0 pods",
		},
		"twice the same": {node + fmt.Sprintf(busy, "") + fmt.Sprintf(busy, ""), "1 nodes, 1 pods"},
		"twice and unlike": {
			node + fmt.Sprintf(busy, "") + fmt.Sprintf(busy, ", labels: {a: b}"),
			"standard input, document 3: Pod busy: is there already (standard input, document 2: Pod busy), and the two differ: " +
				"want one snapshot of one cluster",
		},
		"an API that is not read": {
			node + "---\napiVersion: resource.k8s.io/v1alpha3\nkind: ResourceClaim\nmetadata: {name: c, namespace: default}\nspec: {}\n",
			"1 nodes, 0 pods; 1 ResourceClaim(s) of the snapshot were left out: they are of resource.k8s.io/v1alpha3, which is not read; " +
				"want resource.k8s.io/v1",
		},
		"table": {"NAME  STATUS\nn0    Ready\n", "standard input: no Kubernetes object: want what kubectl get -o json or -o yaml writes"},
		"cut off": {
			`{"apiVersion": "v1", "kind": "List", "items": [`,
			"standard input: is cut off in the midst of an object: take the snapshot anew",
		},
		"PowerShell": {
			"\xff\xfea\x00", "standard input: is UTF-16, as > of PowerShell writes it: save it as UTF-8, or write it with ashlar whatif --save FILE",
		},
		"no amount": {
			node + "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {allocatable: {cpu: four}}\n",
			`standard input, document 2: Node n1: status.allocatable.cpu: "four", want an amount such as 2, 500m or 16Gi`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ReadObjectFiles("-", strings.NewReader(tc.text))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = strings.Join(append([]string{fmt.Sprintf("%d nodes, %d pods", len(o.Nodes), len(o.Pods))}, o.notesOnUnread()...), "; ")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		})
	}
}

// A pod whose node is gone takes nothing of the nodes that are there, and stops no answer.
func TestPodOfNodeThatIsGone(t *testing.T) {
	lost := strings.ReplaceAll(boundText("lost", "", "Running"), "nodeName: n0", "nodeName: gone")
	cluster := clusterFrom(t, gpuClasses, nodeText("n0", 4), lost)
	answer, _ := answerTo(t, cluster, "apiVersion: v1\nkind: Pod\nmetadata: {name: next}\n"+
		"spec: {schedulerName: ashlar-scheduler, containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}]}\n")
	if len(answer.Pods) != 1 || answer.Pods[0].Node != "" {
		t.Fatalf("got %v", describePods(answer))
	}
}

// Pods that wait are asked about with whatever a snapshot has left of them, and it is said of those that
// no scheduler looks at.
func TestWaitingPods(t *testing.T) {
	waiting := strings.Replace(gpuPod("next", "1"), "{name: next}", "{name: next, namespace: default}", 1)
	gated := strings.Replace(strings.ReplaceAll(waiting, "next", "gated"), "spec: {", "spec: {schedulingGates: [{name: example.org/g}], ", 1)
	cluster := clusterFrom(t, gpuClasses, nodeText("n0", 4), sliceText("n0", "gpu.nvidia.com", nvidiaText(0, "NVIDIA L4", 24)), waiting, gated,
		boundText("there", "", "Running"))
	q := &PlacementQuestion{Manifest: &AppliedManifest{}, Scheduler: "ashlar-scheduler", Waiting: true}
	answer := answerQuestion(t, cluster, q)
	got := append(describePods(answer)[:1], answer.NotesFor(cluster, q)...)
	want := []string{
		"next on n0: L4 GPU 0",
		"gated: no scheduler looks at the pod before its spec.schedulingGates are gone; this is what would become of it then",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods and notes (-want +got):\n%s", diff)
	}
}

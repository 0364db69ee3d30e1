package podgroups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

const (
	namespace = "groups"
	// scheduler is the one that has the gates on, beside the one as it is shipped; placing is with placements.
	scheduler, placing = "gated-scheduler", "placing-scheduler"
	gates, morePlacing = "--feature-gates=GenericWorkload=true", ",TopologyAwareWorkloadScheduling=true"
	// rackLabel is that of the racks of the nodes.
	rackLabel = "example.com/rack"
)

// world is a control plane that serves PodGroups, with nodes of four GPUs each.
type world struct {
	t       *testing.T
	cluster *cluster.Cluster
	client  kubernetes.Interface
}

func startWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	say := func(what string) { t.Log(what) }
	binaries, err := cluster.FindBinaries()
	check(err)
	check(binaries.Ensure(ctx, say, install.Commands...))
	w.cluster, err = cluster.Start(ctx, cluster.Options{
		Binaries: binaries, Progress: say, Scheduler: cluster.NoScheduler, Flags: map[string][]string{
			"kube-apiserver":          {gates + morePlacing, "--runtime-config=scheduling.k8s.io/v1beta1=true"},
			"kube-controller-manager": {gates},
		},
	})
	check(err)
	t.Cleanup(func() {
		if err := w.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.client, err = kubernetes.NewForConfig(w.cluster.RESTConfig())
	check(err)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	check(err)
	var nodes []install.Node
	for _, name := range []string{"a", "b", "rack-1-a", "rack-1-b", "rack-2-a", "rack-2-b"} {
		nodes = append(nodes, install.Node{Name: name, Machine: "4xA30-pcie"})
	}
	_, err = install.Install(ctx, w.cluster, root, nodes, say)
	check(err)
	for _, node := range nodes {
		rack, _, found := strings.Cut(strings.TrimPrefix(node.Name, "rack-"), "-")
		if !found {
			rack = "none"
		}
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, rackLabel, rack)
		_, err := w.client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		check(err)
	}
	shipped, err := os.ReadFile(filepath.Join(root, "manifests", "scheduler", "scheduler-config.yaml"))
	check(err)
	for name, gates := range map[string]string{scheduler: gates, placing: gates + morePlacing} {
		config := filepath.Join(t.TempDir(), "config.yaml")
		text := strings.NewReplacer("schedulerName: ashlar-scheduler", "schedulerName: "+name, "leaderElect: true", "leaderElect: false",
			"clientConnection:", fmt.Sprintf("clientConnection:\n  kubeconfig: %q", w.cluster.Kubeconfig())).Replace(string(shipped))
		check(os.WriteFile(config, []byte(text), 0o600))
		_, err = w.cluster.Run(ctx, name, binaries.Command("ashlar-scheduler"), "--config", config, "--secure-port", "0", gates)
		check(err)
	}
	check(install.EnsureNamespace(ctx, w.cluster, w.client, namespace))
	return w
}

// makeGroup makes a group of pods that start together, each with a claim for so many GPUs, in this order. A pod whose
// name ends in a node's may go there alone.
func (w *world) makeGroup(name string, gpus int64, pods ...string) {
	w.t.Helper()
	w.makeGroupFor(scheduler, name, gpus, nil, pods...)
}

// makeGroupFor makes a group for a scheduler, with or without a topology.
func (w *world) makeGroupFor(by, name string, gpus int64, topology *schedulingv1beta1.PodGroupSchedulingConstraints, pods ...string) {
	w.t.Helper()
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	group.Spec.SchedulingPolicy.Gang = &schedulingv1beta1.GangSchedulingPolicy{MinCount: int32(len(pods))}
	group.Spec.SchedulingConstraints = topology
	if _, err := w.client.SchedulingV1beta1().PodGroups(namespace).Create(w.t.Context(), group, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	for _, pod := range pods {
		w.makePod(pod, gpus, func(p *corev1.Pod) {
			p.Spec.SchedulingGroup, p.Spec.SchedulerName = &corev1.PodSchedulingGroup{PodGroupName: &name}, by
		})
	}
}

func (w *world) makePod(name string, gpus int64, change ...func(*corev1.Pod)) {
	w.t.Helper()
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{
		Name: "gpus", Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: "gpu.ashlar.dev", Count: gpus},
	}}
	if _, err := w.client.ResourceV1().ResourceClaims(namespace).Create(w.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	pod.Spec.SchedulerName = scheduler
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimName: &name}}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/none", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}, Claims: []corev1.ResourceClaim{{Name: "gpus"}},
	}}}
	pod.Spec.NodeSelector = map[string]string{rackLabel: "none"}
	if _, node, found := strings.Cut(name, "-on-"); found {
		pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: node}
	}
	if strings.HasPrefix(name, "racked") {
		pod.Spec.NodeSelector = nil
	}
	for _, c := range change {
		c(pod)
	}
	if _, err := w.client.CoreV1().Pods(namespace).Create(w.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for something about a pod.
func (w *world) until(name, what string, ready func(*corev1.Pod) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	defer cancel()
	err := w.cluster.Until(ctx, name+" to be "+what, func(ctx context.Context) error {
		pod, err := w.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !ready(pod) {
			return fmt.Errorf("on node %q: %w", pod.Spec.NodeName, errors.New(waits(pod)))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// untilGroupTold waits until the status of a PodGroup has some words.
func (w *world) untilGroupTold(name, words string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	defer cancel()
	err := w.cluster.Until(ctx, "PodGroup "+name+" to be told what it lacks", func(ctx context.Context) error {
		group, err := w.client.SchedulingV1beta1().PodGroups(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range group.Status.Conditions {
			if strings.Contains(condition.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("conditions %v", group.Status.Conditions)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func waits(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return "nothing is said"
}

func (w *world) untilOn(node string, pods ...string) {
	w.t.Helper()
	for _, pod := range pods {
		w.until(pod, "on node "+node, func(p *corev1.Pod) bool { return p.Spec.NodeName == node })
	}
}

func (w *world) delete(pods ...string) {
	w.t.Helper()
	for _, pod := range pods {
		if err := w.client.CoreV1().Pods(namespace).Delete(w.t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// The pods of a PodGroup of Kubernetes itself get the nodes and devices that were chosen for all of them, or
// none; the PodGroup is told what it lacks, and they start once it is there.
func TestPodGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	w := startWorld(t)

	// One after another, the first two might take what alone serves the others.
	w.makeGroup("mixed", 2, "any-0", "any-1", "first-on-a", "second-on-a")
	w.untilOn("a", "first-on-a", "second-on-a")
	w.untilOn("b", "any-0", "any-1")

	// Nothing is left: nobody of a group that does not fit holds anything.
	w.delete("first-on-a", "any-0")
	w.makeGroup("large", 2, "large-0", "large-1", "large-2")
	told := "2 of the 3 pods that PodGroup large starts together have a place; free devices and hosts have room for 2 of 3"
	w.until("large-0", "told what its group lacks", func(p *corev1.Pod) bool { return strings.Contains(waits(p), told) })
	w.untilGroupTold("large", told)
	w.makePod("small", 2)
	w.until("small", "placed", func(p *corev1.Pod) bool { return p.Spec.NodeName != "" })

	// The group starts once there is room for all.
	w.delete("small", "second-on-a")
	for _, pod := range []string{"large-0", "large-1", "large-2"} {
		w.until(pod, "placed", func(p *corev1.Pod) bool { return p.Spec.NodeName != "" })
	}

	// A group that is to be in one rack gets nodes and devices of the rack that has room for all of it. Those that it
	// would fill to the last GPU are in two.
	for node, gpus := range map[string]int64{"rack-1-a": 2, "rack-1-b": 4, "rack-2-b": 1} {
		w.makePod("busy-on-"+node, gpus)
		w.untilOn(node, "busy-on-"+node)
	}
	racks := &schedulingv1beta1.PodGroupSchedulingConstraints{Topology: []schedulingv1beta1.TopologyConstraint{{Key: rackLabel}}}
	w.makeGroupFor(placing, "racked", 2, racks, "racked-0", "racked-1", "racked-2")
	for _, pod := range []string{"racked-0", "racked-1", "racked-2"} {
		w.until(pod, "in rack 2", func(p *corev1.Pod) bool { return strings.HasPrefix(p.Spec.NodeName, "rack-2") })
	}
}

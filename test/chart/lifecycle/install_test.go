package lifecycle

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

const (
	release   = "ashlar"
	namespace = "ashlar-system"

	// firstPodLimit is how long it may take from helm install to the first placed GPU pod.
	firstPodLimit = 2 * time.Minute
	// settleLimit is how long anything else may take on a busy machine.
	settleLimit = time.Minute
)

// chartNodes are the nodes: the driver is for those that are labelled, once it is installed.
var chartNodes = []install.Node{
	{Name: "gpus-a", Machine: "4xA30-pcie"},
	{Name: "gpus-b", Machine: "4xA30-pcie"},
	{Name: "plugin", Machine: "8xpcie-pix-pairs/T4", Offer: install.OfferedByPlugin},
}

// chartWorld is a cluster on which the chart is installed.
type chartWorld struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	runner  *podRunner
}

func (w *chartWorld) helm(t *testing.T, args ...string) {
	t.Helper()
	if out, err := w.cluster.RunHelm(t.Context(), append(args, "--namespace", namespace)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func (w *chartWorld) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.cluster.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *chartWorld) until(t *testing.T, what string, limit time.Duration, ready func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	err := w.cluster.Until(ctx, what, func(ctx context.Context) error { return ready(ctx) })
	if err != nil {
		t.Fatal(err)
	}
}

// placePods applies a file of testdata and waits until pods of namespace default are on nodes.
func (w *chartWorld) placePods(t *testing.T, file string, limit time.Duration, names ...string) {
	t.Helper()
	if file != "" {
		w.kubectl(t, "apply", "-n", "default", "-f", "testdata/"+file)
	}
	w.until(t, "pods "+strings.Join(names, ", ")+" to be placed", limit, func(ctx context.Context) error {
		for _, name := range names {
			pod, err := w.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if pod.Spec.NodeName == "" {
				for _, condition := range pod.Status.Conditions {
					if condition.Type == corev1.PodScheduled {
						return fmt.Errorf("pod %s is on no node: %s", name, condition.Message)
					}
				}
				return fmt.Errorf("pod %s is on no node", name)
			}
		}
		return nil
	})
}

// startWorld starts a cluster with nodes.
func startWorld(t *testing.T) *chartWorld {
	t.Helper()
	binaries, err := cluster.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	say := func(what string) { t.Log(what) }
	if err := binaries.EnsureHelm(t.Context(), say); err != nil {
		t.Fatal(err)
	}
	if err := binaries.Ensure(t.Context(), say, append(slices.Clone(install.Commands), webhookName)...); err != nil {
		t.Fatal(err)
	}
	w := &chartWorld{}
	if w.cluster, err = cluster.Start(t.Context(), cluster.Options{Binaries: binaries, Progress: say, Audit: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if w.client, err = kubernetes.NewForConfig(w.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	if err := install.AddNodes(t.Context(), w.cluster, chartNodes); err != nil {
		t.Fatal(err)
	}
	w.runner = &podRunner{cluster: w.cluster, client: w.client, machines: map[string]string{},
		running: map[types.UID]*cluster.Process{}, started: map[string]int{}, ports: map[string]int{}}
	for _, node := range chartNodes {
		w.runner.machines[node.Name] = node.Machine
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.runner.runPods(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		if w.runner.failed != nil {
			t.Error(w.runner.failed)
		}
	})
	return w
}

// TestLifecycle installs the chart in both modes, changes it while pods run, rolls it back and
// uninstalls it. What its accounts were allowed and asked for is compared meanwhile.
func TestLifecycle(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane")
	}
	w := startWorld(t)
	chart, err := filepath.Abs(filepath.Join("..", "..", "..", "manifests", "chart"))
	if err != nil {
		t.Fatal(err)
	}
	before := listObjects(t, w.cluster)

	began := time.Now()
	w.helm(t, "install", release, chart, "--create-namespace", "--set", "mode=full,deviceClasses.extendedResources=true")
	w.kubectl(t, "label", "node", "gpus-a", "gpus-b", "ashlar.dev/driver=true")
	w.placePods(t, "first.yaml", firstPodLimit, "first")
	t.Logf("mode full: %.1f s from helm install to the first placed GPU pod", time.Since(began).Seconds())
	first := w.getPod(t, "first")

	w.helm(t, "upgrade", release, chart, "--reset-then-reuse-values", "--set", "scheduler.gangWaitSeconds=60")
	w.checkRolled(t, "permitWaitingTimeSeconds: 60", 4)
	w.placePods(t, "second.yaml", settleLimit, "second")
	w.helm(t, "rollback", release)
	w.checkRolled(t, "permitWaitingTimeSeconds: 30", 6)
	w.placePods(t, "third.yaml", settleLimit, "third")
	if now := w.getPod(t, "first"); now.UID != first.UID || now.Spec.NodeName != first.Spec.NodeName {
		t.Errorf("pod first was on %s and is on %s", first.Spec.NodeName, now.Spec.NodeName)
	}

	t.Run("permissions", func(t *testing.T) { comparePermissions(t, w, chart) })

	w.uninstall(t)
	if now := w.getPod(t, "first"); now.UID != first.UID || now.DeletionTimestamp != nil {
		t.Error("pod first did not go on when Ashlar was uninstalled")
	}
	w.compareObjects(t, before)

	// Of an owner of its own, which Ashlar finds.
	const owned = "customresourcedefinition.apiextensions.k8s.io/podgroups.scheduling.x-k8s.io"
	w.kubectl(t, "apply", "-f", filepath.Join(chart, "..", "crds", "podgroups.yaml"))
	w.kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", owned)
	before = listObjects(t, w.cluster)
	generation := w.kubectl(t, "get", owned, "-o", "jsonpath={.metadata.uid} {.metadata.generation} {.metadata.labels}")

	began = time.Now()
	w.helm(t, "install", release, chart, "--create-namespace")
	w.placePods(t, "plugin.yaml", firstPodLimit, "plugin")
	t.Logf("mode scheduler-only: %.1f s from helm install to the first placed GPU pod", time.Since(began).Seconds())
	w.uninstall(t)
	w.compareObjects(t, before)
	if now := w.kubectl(t, "get", owned, "-o", "jsonpath={.metadata.uid} {.metadata.generation} {.metadata.labels}"); now != generation {
		t.Errorf("another owner's CustomResourceDefinition was %s and is %s", generation, now)
	}
}

func (w *chartWorld) getPod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	pod, err := w.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// checkRolled waits until the scheduler's pods have been replaced and run with a line of
// configuration; starts is how many of them there were in all.
func (w *chartWorld) checkRolled(t *testing.T, line string, starts int) {
	t.Helper()
	w.until(t, "the scheduler to be replaced", settleLimit, func(ctx context.Context) error {
		config, err := w.client.CoreV1().ConfigMaps(namespace).Get(ctx, "ashlar-scheduler-config", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !strings.Contains(config.Data["scheduler-config.yaml"], line) {
			return fmt.Errorf("the configuration does not say %s", line)
		}
		deployment, err := w.client.AppsV1().Deployments(namespace).Get(ctx, schedulerName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		s := deployment.Status
		if s.ObservedGeneration < deployment.Generation || s.UpdatedReplicas != 2 || s.Replicas != 2 || s.AvailableReplicas != 2 {
			return fmt.Errorf("%d of %d replicas are new, %d available", s.UpdatedReplicas, s.Replicas, s.AvailableReplicas)
		}
		return nil
	})
	w.until(t, "the new programs to be started", settleLimit, func(ctx context.Context) error {
		if have := w.runner.startedCount(schedulerName); have != starts {
			return fmt.Errorf("%d schedulers were started, want %d", have, starts)
		}
		return nil
	})
}

// uninstall does what docs/install.md says, and what the kubelets do afterwards: they remove
// the ResourceSlices of a driver that has ended.
func (w *chartWorld) uninstall(t *testing.T) {
	t.Helper()
	w.helm(t, "uninstall", release, "--wait")
	w.kubectl(t, "delete", "namespace", namespace, "--timeout=60s")
	w.until(t, "all programs to end", settleLimit, func(context.Context) error {
		if n := w.runner.runningCount(); n > 0 {
			return fmt.Errorf("%d programs run", n)
		}
		return nil
	})
	w.kubectl(t, "delete", "resourceslices", "--field-selector=spec.driver=gpu.ashlar.dev")
}

// compareObjects deletes the test's own pods and finds the cluster as it was.
func (w *chartWorld) compareObjects(t *testing.T, before []string) {
	t.Helper()
	w.kubectl(t, "delete", "-n", "default", "pods,deployments,resourceclaims,resourceclaimtemplates,pvc", "--all", "--grace-period=0",
		"--force")
	w.kubectl(t, "delete", "pv,storageclasses,priorityclasses", "-l", "ashlar.test/chart")
	w.kubectl(t, "label", "nodes", "--all", "ashlar.dev/driver-")
	w.until(t, "nothing of Ashlar to be left", settleLimit, func(context.Context) error {
		after := listObjects(t, w.cluster)
		if diff := cmp.Diff(before, after); diff != "" {
			return fmt.Errorf("objects (-before +after):\n%s", diff)
		}
		return nil
	})
	if labels := slices.DeleteFunc(strings.Fields(w.kubectl(t, "get", "nodes", "-o", "jsonpath={.items[*].metadata.annotations}")),
		func(text string) bool { return !strings.Contains(text, "ashlar") }); len(labels) > 0 {
		t.Errorf("nodes are annotated: %v", labels)
	}
}

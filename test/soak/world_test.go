package soak

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// world is a control plane with the fleet on it.
type world struct {
	t         *testing.T
	begin     time.Time
	cluster   *cluster.Cluster
	client    kubernetes.Interface
	groups    dynamic.ResourceInterface
	fleet     []*fleetNode
	scheduler *schedulerRunner
	history   *history
	tally     *tally
	// problems are what was found beside the replay.
	problems []violation
}

func (w *world) say(format string, args ...any) {
	w.t.Logf("[%6.1fs] %s", time.Since(w.begin).Seconds(), fmt.Sprintf(format, args...))
}

func (w *world) problem(what, format string, args ...any) {
	v := violation{what, fmt.Sprintf(format, args...)}
	w.say("VIOLATION: %s", v)
	w.problems = append(w.problems, v)
}

// startWorld starts a control plane with Ashlar as it is shipped, and publishes the fleet.
func startWorld(ctx context.Context, t *testing.T) *world {
	t.Helper()
	w := &world{t: t, begin: time.Now(), tally: newTally()}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	say := func(what string) { w.say("%s", what) }
	binaries, err := cluster.FindBinaries()
	check(err)
	check(binaries.Ensure(ctx, say, install.Commands...))
	w.cluster, err = cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say, Scheduler: cluster.NoScheduler})
	check(err)
	t.Cleanup(func() {
		if err := w.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := w.cluster.RESTConfig()
	w.client, err = kubernetes.NewForConfig(config)
	check(err)
	anything, err := dynamic.NewForConfig(config)
	check(err)
	groups := schema.GroupVersionResource{Group: "scheduling.x-k8s.io", Version: "v1alpha1", Resource: "podgroups"}
	w.groups = anything.Resource(groups).Namespace(namespace)
	w.fleet, err = newFleet()
	check(err)
	specs := []cluster.NodeSpec{{Name: "host-00"}}
	for _, n := range w.fleet {
		specs = append(specs, cluster.NodeSpec{Name: n.name})
	}
	check(w.cluster.AddNodes(ctx, specs))
	var nodes []install.Node
	for i, machine := range driven {
		nodes = append(nodes, install.Node{Name: drivenName(i), Machine: machine})
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	check(err)
	_, err = install.Install(ctx, w.cluster, root, nodes, say)
	check(err)
	for _, n := range w.fleet {
		check(w.publish(ctx, n))
	}
	_, err = w.client.ResourceV1().DeviceClasses().Create(ctx, &resourceapi.DeviceClass{
		ObjectMeta: metav1.ObjectMeta{Name: nicClass},
		Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
			Expression: fmt.Sprintf("device.driver == %q", nicDriver),
		}}}},
	}, metav1.CreateOptions{})
	check(err)
	important := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: urgent}, Value: 100}
	_, err = w.client.SchedulingV1().PriorityClasses().Create(ctx, important, metav1.CreateOptions{})
	check(err)
	check(install.EnsureNamespace(ctx, w.cluster, w.client, namespace))
	w.history, err = recordHistory(ctx, w.client)
	check(err)
	w.scheduler, err = takeOverScheduler(ctx, w)
	check(err)
	return w
}

// persist calls the API server until it answers; that an object is there already, or no longer,
// means that an earlier call was carried out whose answer was lost.
func (w *world) persist(ctx context.Context, call func(context.Context) error) error {
	begin := time.Now()
	for {
		once, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := call(once)
		cancel()
		switch {
		case err == nil || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err):
			return nil
		case apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || time.Since(begin) > 2*time.Minute || ctx.Err() != nil:
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

package whatif

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	fwk "k8s.io/kube-scheduler/framework"
	snapshots "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// world is a copy of a cluster with a scheduler of its own. It belongs to one
// goroutine.
type world struct {
	framework framework.Framework
	placement *deviceplacement.Plugin
	claims    *claims
	lister    *lister
	nodes     []*corev1.Node
	pods      []*corev1.Pod // bound ones
	slices    []*resourceapi.ResourceSlice
	admission *admission
	stop      context.CancelFunc
}

// lister lets the plugins see the current snapshot.
type lister struct {
	fwk.SharedLister
	current *snapshots.Snapshot
}

// newWorld copies the cluster, to which the extra objects are added, with a scheduler
// that has seen the pods that the named one placed there. Its plugins work until it is
// closed.
func newWorld(ctx context.Context, cluster, extra *Objects, scheduler string, policy placement.Policy) (*world, error) {
	metrics.InitMetrics() // plugins count into them
	ctx, stop := context.WithCancel(ctx)
	w := &world{
		lister: &lister{}, nodes: slices.Clone(cluster.Nodes), pods: cluster.Bound(), slices: cluster.Slices,
		admission: newAdmission(extra, cluster), stop: stop,
	}
	// Nothing is ever asked of this address: informers are filled by hand and not started.
	client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://snapshot.invalid"})
	if err != nil {
		stop()
		return nil, fmt.Errorf("preparing a client that is never used: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	for _, namespace := range slices.Concat(cluster.Namespaces, extra.Namespaces) {
		if err := factory.Core().V1().Namespaces().Informer().GetIndexer().Add(namespace); err != nil {
			stop()
			return nil, fmt.Errorf("namespace %s: %w", namespace.Name, err)
		}
	}
	w.rebuild()
	if err := w.build(ctx, client, factory, together(cluster, extra), policy); err != nil {
		stop()
		return nil, err
	}
	if err := w.remember(scheduler); err != nil {
		stop()
		return nil, err
	}
	return w, nil
}

// together are the objects of which the scheduler finds one by its name: those of the
// manifests, and those of the cluster that have other names.
func together(cluster, extra *Objects) *Objects {
	all := &Objects{Slices: cluster.Slices, Classes: slices.Clone(extra.Classes), Claims: slices.Clone(cluster.Claims)}
	for _, class := range cluster.Classes {
		if !slices.ContainsFunc(extra.Classes, func(c *resourceapi.DeviceClass) bool { return c.Name == class.Name }) {
			all.Classes = append(all.Classes, class)
		}
	}
	for _, claim := range extra.Claims {
		// A claim cannot be changed: the one that is there stays.
		if !slices.ContainsFunc(cluster.Claims, func(c *resourceapi.ResourceClaim) bool {
			return c.Namespace == claim.Namespace && c.Name == claim.Name
		}) {
			all.Claims = append(all.Claims, claim)
		}
	}
	return all
}

func (w *world) build(ctx context.Context, client kubernetes.Interface, factory informers.SharedInformerFactory, o *Objects, policy placement.Policy) error {
	for _, claim := range o.Claims {
		if claim.UID == "" {
			claim.UID = w.admission.uid()
		}
	}
	dra, err := newManager(ctx, factory, o)
	if err != nil {
		return err
	}
	w.claims = dra.claims
	wanted, err := readProfile([]byte(profile))
	if err != nil {
		return err
	}
	registry := plugins.NewInTreeRegistry()
	err = registry.Merge(frameworkruntime.Registry{
		deviceplacement.Name:      deviceplacement.NewWith(policy, func(p *deviceplacement.Plugin) { w.placement = p }),
		deviceplacement.ScoreName: deviceplacement.NewScore,
	})
	if err != nil {
		return err
	}
	w.framework, err = frameworkruntime.NewFramework(ctx, registry, wanted,
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSharedDRAManager(dra),
		frameworkruntime.WithSnapshotSharedLister(w.lister),
	)
	if err != nil {
		return fmt.Errorf("building the scheduler: %w", err)
	}
	return nil
}

// close ends what the scheduler runs in the background, which is not waited for: it
// writes metrics once a second.
func (w *world) close() { w.stop() }

// rebuild takes the snapshot anew, after nodes or pods changed.
func (w *world) rebuild() {
	w.lister.current = snapshots.NewSnapshot(w.pods, w.nodes)
	w.lister.SharedLister = w.lister.current
}

// bind books a pod on its node.
func (w *world) bind(pod *corev1.Pod) error {
	w.pods = append(w.pods, pod)
	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		w.rebuild() // the snapshot lists nodes with such pods apart
		return nil
	}
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return w.lister.current.AssumePod(info)
}

// unbind takes pods off their nodes, and gives back what their claims hold.
func (w *world) unbind(gone ...*corev1.Pod) error {
	w.pods = slices.DeleteFunc(slices.Clone(w.pods), func(pod *corev1.Pod) bool { return slices.Contains(gone, pod) })
	for _, pod := range gone {
		if err := w.claims.release(pod); err != nil {
			return err
		}
	}
	w.rebuild()
	return nil
}

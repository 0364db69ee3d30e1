package dryrun

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	fwk "k8s.io/kube-scheduler/framework"
	schedulercache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/ashlar-dev/ashlar/manifests"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Snapshot is a copy of a cluster with a scheduler of its own. What is scheduled,
// drained or unbound changes the copy alone. It belongs to one goroutine.
type Snapshot struct {
	framework framework.Framework
	placement placementPlugin
	claims    *claimStore
	lister    *snapshotLister
	nodes     []*corev1.Node
	pods      []*corev1.Pod // bound ones, on nodes that there are
	pools     *resourceslices.PoolCache
	groups    map[resourceslices.PoolKey][]*resourceapi.ResourceSlice // all that is published, by pool
	admission *podAdmission
	stop      context.CancelFunc
}

// SnapshotOptions say what a Snapshot's scheduler is like.
type SnapshotOptions struct {
	// Policy ranks the choices of devices.
	Policy placement.Policy
	// SchedulerName is spec.schedulerName of the cluster's pods that this scheduler is
	// taken to have placed: it learns from them which pods to expect.
	SchedulerName string
	// Applied are objects that are added to the cluster's; may be nil. Where two have the
	// same name, those for pods to come (classes, templates, priorities) take the place of
	// the cluster's, and claims, which cannot be changed, do not.
	Applied *ClusterObjects
}

// snapshotLister lets the plugins see the nodes and pods as they are now.
type snapshotLister struct {
	fwk.SharedLister
	current *schedulercache.Snapshot
}

// NewSnapshot copies a cluster, which stays as it is. The context's logger is that of
// the scheduler; some of Kubernetes' plugins log to klog's global one all the same.
// Plugins work in the background until the context ends or Close is called.
func NewSnapshot(ctx context.Context, cluster *ClusterObjects, options SnapshotOptions) (*Snapshot, error) {
	metrics.InitMetrics() // plugins count into them
	applied := options.Applied
	if applied == nil {
		applied = &ClusterObjects{}
	}
	ctx, stop := context.WithCancel(ctx)
	s := &Snapshot{
		lister: &snapshotLister{}, nodes: slices.Clone(cluster.Nodes),
		pools: cluster.PoolCache(), groups: resourceslices.GroupByPool(cluster.Slices),
		admission: newPodAdmission(applied, cluster), stop: stop,
	}
	var reading sync.WaitGroup // of pools, which takes longest, while the rest is built
	reading.Go(func() { s.pools.ReadPools(s.groups) })
	defer reading.Wait()
	for _, pod := range cluster.placedPods() {
		s.pods = append(s.pods, s.admission.identifyPod(pod))
	}
	s.rebuildLister()
	if err := s.buildScheduler(ctx, cluster, applied, options.Policy); err != nil {
		stop()
		return nil, err
	}
	if err := s.replayPlaced(options.SchedulerName); err != nil {
		stop()
		return nil, err
	}
	return s, nil
}

// buildScheduler builds the scheduling framework on the objects of the cluster and those
// applied.
func (s *Snapshot) buildScheduler(ctx context.Context, cluster, applied *ClusterObjects, policy placement.Policy) error {
	// Nothing is ever asked of this address: informers are filled by hand and not started.
	client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://snapshot.invalid"})
	if err != nil {
		return fmt.Errorf("preparing a client that is never used: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	for _, namespace := range slices.Concat(cluster.Namespaces, applied.Namespaces) {
		if err := factory.Core().V1().Namespaces().Informer().GetIndexer().Add(namespace); err != nil {
			return fmt.Errorf("namespace %s: %w", namespace.Name, err)
		}
	}
	dra, err := newDRAManager(ctx, factory, mergedDevices(cluster, applied, s.admission))
	if err != nil {
		return err
	}
	s.claims = dra.claims
	s.admission.quotas = newQuotaLedger(cluster, dra.extendedNames(), applied, cluster)
	s.chargeApplied(cluster, applied)
	profile, err := dryRunProfile(manifests.SchedulerConfig)
	if err != nil {
		return err
	}
	registry, err := pluginRegistry(policy, s.pools, func(p placementPlugin) { s.placement = p })
	if err != nil {
		return fmt.Errorf("building the scheduler: %w", err)
	}
	s.framework, err = frameworkruntime.NewFramework(ctx, registry, profile,
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSharedDRAManager(dra),
		frameworkruntime.WithSnapshotSharedLister(s.lister),
	)
	if err != nil {
		return fmt.Errorf("building the scheduler: %w", err)
	}
	return nil
}

// chargeApplied charges quotas with the claims that are applied, and notes those that exceed one.
func (s *Snapshot) chargeApplied(cluster, applied *ClusterObjects) {
	for _, claim := range applied.Claims {
		if cluster.hasClaim(claim) {
			continue
		}
		if err := s.admission.quotas.chargeClaim(claim); err != nil {
			s.admission.overQuota[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = err
		}
	}
}

// mergedDevices are the slices, classes and claims that the scheduler finds: those
// applied, and those of the cluster that have other names.
func mergedDevices(cluster, applied *ClusterObjects, admission *podAdmission) *ClusterObjects {
	all := &ClusterObjects{Slices: cluster.Slices, Classes: slices.Clone(applied.Classes), Claims: slices.Clone(cluster.Claims)}
	for _, class := range cluster.Classes {
		if !slices.ContainsFunc(applied.Classes, func(c *resourceapi.DeviceClass) bool { return c.Name == class.Name }) {
			all.Classes = append(all.Classes, class)
		}
	}
	for _, claim := range applied.Claims {
		// A claim cannot be changed: the one that is there stays.
		if !cluster.hasClaim(claim) {
			all.Claims = append(all.Claims, claim)
		}
	}
	for i, claim := range all.Claims {
		if claim.UID == "" {
			all.Claims[i] = claim.DeepCopy()
			all.Claims[i].UID = admission.newUID()
		}
	}
	return all
}

// hasClaim reports whether there is a claim of the same name.
func (o *ClusterObjects) hasClaim(claim *resourceapi.ResourceClaim) bool {
	return slices.ContainsFunc(o.Claims, func(c *resourceapi.ResourceClaim) bool {
		return c.Namespace == claim.Namespace && c.Name == claim.Name
	})
}

// Close ends what the scheduler runs in the background, which is not waited for: it
// writes metrics once a second.
func (s *Snapshot) Close() { s.stop() }

// rebuildLister takes the list of nodes and pods anew, after some changed.
func (s *Snapshot) rebuildLister() {
	s.lister.current = schedulercache.NewSnapshot(s.pods, s.nodes)
	s.lister.SharedLister = s.lister.current
}

// bindPod books a pod on its node.
func (s *Snapshot) bindPod(pod *corev1.Pod) error {
	s.pods = append(s.pods, pod)
	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		s.rebuildLister() // it lists nodes with such pods apart
		return nil
	}
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return s.lister.current.AssumePod(info)
}

// UnbindPods takes pods off their nodes, and gives back what their claims hold.
func (s *Snapshot) UnbindPods(gone ...*corev1.Pod) error {
	s.pods = slices.DeleteFunc(slices.Clone(s.pods), func(pod *corev1.Pod) bool { return slices.Contains(gone, pod) })
	for _, pod := range gone {
		if err := s.claims.releasePod(pod); err != nil {
			return err
		}
	}
	s.rebuildLister()
	return nil
}

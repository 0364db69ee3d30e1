package dryrun

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	configscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	_ "github.com/ashlar-dev/ashlar/plugins/apis/config/scheme" // arguments in the profile
	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// skippedPlugins are those of the installed profile that do not run here. They act on a
// cluster, need objects that a snapshot lacks, or are done in another way: gangs by
// enforceGang, preemption not at all.
var skippedPlugins = []string{
	"Coscheduling", "DefaultPreemption", "NodeVolumeLimits", "Preemption", "VolumeBinding", "VolumeRestrictions", "VolumeZone",
}

// dryRunProfile is the first profile of a KubeSchedulerConfiguration, with Kubernetes'
// defaults and without skippedPlugins. Pods come in an order of our own, so that the
// queue is Kubernetes' default one.
func dryRunProfile(text string) (*config.KubeSchedulerProfile, error) {
	object, _, err := configscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the scheduler configuration: %w", err)
	}
	read, ok := object.(*config.KubeSchedulerConfiguration)
	if !ok || len(read.Profiles) == 0 {
		return nil, fmt.Errorf("reading the scheduler configuration: got a %T without profiles", object)
	}
	profile := &read.Profiles[0]
	skipped := func(p config.Plugin) bool { return slices.Contains(skippedPlugins, p.Name) }
	all := profile.Plugins
	all.QueueSort = config.PluginSet{}
	for _, set := range []*config.PluginSet{
		&all.MultiPoint, &all.PreEnqueue, &all.PreFilter, &all.Filter, &all.PostFilter, &all.PreScore, &all.Score,
		&all.Reserve, &all.Permit, &all.PreBind, &all.Bind, &all.PostBind, &all.PodGroupPostFilter,
	} {
		set.Enabled = slices.DeleteFunc(set.Enabled, skipped)
	}
	profile.PluginConfig = slices.DeleteFunc(profile.PluginConfig, func(c config.PluginConfig) bool {
		return slices.Contains(skippedPlugins, c.Name)
	})
	return profile, nil
}

// placementPlugin is what a dry run asks of plugins/deviceplacement beside its extension
// points.
type placementPlugin interface {
	// ReplayPods lets the plugin learn from pods that were placed before.
	ReplayPods(placed []deviceplacement.PlacedPod) error
	// ExplainRefusal is why no node takes a pod, and the smallest changes after which one would,
	// as far as they are found within the time given.
	ExplainRefusal(
		ctx context.Context, state fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader, timeout time.Duration,
	) string
	// ListWaysOut is what would let a pod's model server start, where nodes refuse it for its memory.
	ListWaysOut(ctx context.Context, pod *corev1.Pod, refusals []string) []modelmemory.Remedy
	// CountedGPUs are what a reserved pod got from a device plugin.
	CountedGPUs(state fwk.CycleState) (deviceplacement.CountedGPUs, bool)
	// SnapshotNodes, RankPod and ProfileNames are the nodes and pods as the core sees them.
	SnapshotNodes(
		state fwk.CycleState, nodes []deviceplacement.NodeHost, identify func(string, placement.Allocation) placement.Allocation,
	) (*cluster.Snapshot, error)
	RankPod(ctx context.Context, state fwk.CycleState, s *cluster.Snapshot, admits func(string) bool) (*cluster.NodeRanking, error)
	ProfileNames(state fwk.CycleState, node string) []string
}

var _ placementPlugin = (*deviceplacement.Plugin)(nil)

// pluginRegistry has kube-scheduler's plugins and Ashlar's, the latter under a policy. pools reads pools;
// built is called with the plugin that chooses devices once the framework makes it.
func pluginRegistry(
	policy placement.Policy, pools *resourceslices.PoolCache, built func(placementPlugin),
) (frameworkruntime.Registry, error) {
	options := deviceplacement.DefaultOptions()
	options.Policy, options.Pools = policy, pools
	options.Candidates = 0 // what is said of a pod is said of all nodes
	registry := plugins.NewInTreeRegistry()
	err := registry.Merge(frameworkruntime.Registry{
		deviceplacement.Name: func(ctx context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			plugin, err := deviceplacement.Build(ctx, h, options)
			if err != nil {
				return nil, err
			}
			built(plugin)
			return plugin, nil
		},
		deviceplacement.ScoreName: deviceplacement.NewScore,
	})
	return registry, err
}

package deviceplacement

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"

	"github.com/ashlar-dev/ashlar/plugins/doubleallocation"
	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// Name is the plugin's name in a KubeSchedulerConfiguration. It takes the place
// of DynamicResources, which must be disabled.
const Name = "DevicePlacement"

// Plugin steers the in-tree DynamicResources plugin, which it embeds: every
// method that is not overridden here is the in-tree one. Its fields outlive scheduling
// cycles; what belongs to one is in the cycle's state.
type Plugin struct {
	*dynamicresources.DynamicResources

	source *dra.Source
	client kubernetes.Interface
	// counted reads the nodes whose GPUs a device plugin hands out.
	counted *deviceplugin.Source
	// nominator knows which pods wait for which node.
	nominator fwk.PodNominator
	// pods are all pods, also those without a node.
	pods corelisters.PodLister
	// lister has the nodes as the scheduler sees them; may be nil.
	lister   fwk.SharedLister
	options  Options
	forecast *nodeForecast
	// profile is the name that its pods give as their scheduler's, "" if it is not known.
	profile string
	// extensions are what plugins of the profile wait for; nil where that is not known.
	extensions func() []fwk.EnqueueExtensions
	// recorder is nil where nobody listens to events.
	recorder events.EventRecorder
	// activator brings a pod back into the queue at once; nil where there is no queue.
	activator fwk.PodActivator
	// refusedNarrow are pods for which other plugins refused all candidates.
	refusedNarrow recentPods
	// nodesAt is where the nodes were in the last cycle.
	nodesAt []int
	// plans has the places of groups that are placed together.
	plans *groupPlans
	// doubted are pods about whose model server an event was sent.
	doubted recentPods
	// guard keeps devices from being allocated twice; nil where nothing is bound.
	guard *doubleallocation.Guard
	// unanswered has the UIDs of pods that may be bound although the scheduler was told otherwise.
	unanswered sync.Map
	// unended are pods by UID that wait for others to be where they can be ended.
	unended sync.Map
	// pending remembers why pods wait.
	pending pendingPods
	// lastTrace is that of the last cycle, nil if there is none.
	lastTrace atomic.Pointer[tracing.CycleTrace]
}

var (
	_ fwk.PreEnqueuePlugin  = &Plugin{}
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.PreScorePlugin    = &Plugin{}
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PreBindPlugin     = &Plugin{}
	_ fwk.PostBindPlugin    = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// extensionLister is a profile that lists what its plugins wait for.
type extensionLister interface {
	EnqueueExtensions() []fwk.EnqueueExtensions
}

// New builds the plugin for a scheduler. args are DevicePlacementArgs, nil for the
// defaults.
func New(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	options, err := optionsFrom(args)
	if err != nil {
		return nil, err
	}
	metrics.Register()
	p, err := Build(ctx, h, options)
	if err != nil {
		return nil, err
	}
	if p.guard, err = guardBinding(ctx, h); err != nil {
		return nil, err
	}
	metrics.RegisterUsage(p.source.NewMeter(ctx).MeasureUsage)
	metrics.RegisterPending(ctx, p.measurePending)
	metrics.RegisterDrift(p.forecast.measureDrift)
	go p.tellUntold(ctx)
	return p, nil
}

// Build builds the plugin with options that need not come from a file. It is an error if
// a feature gate is off that it cannot do without.
func Build(ctx context.Context, h fwk.Handle, options Options) (*Plugin, error) {
	source, inTree, err := dra.NewSource(ctx, h, options.Pools)
	if err != nil {
		return nil, err
	}
	p := &Plugin{
		DynamicResources: inTree, source: source, client: h.ClientSet(), counted: deviceplugin.NewSource(), nominator: h,
		lister: h.SnapshotSharedLister(), options: options, forecast: newNodeForecast(), activator: h,
		pods: h.SharedInformerFactory().Core().V1().Pods().Lister(),
	}
	p.plans = newGroupPlans(func(pods []*v1.Pod) { p.tryAtOnce(klog.FromContext(ctx), pods...) })
	p.plans.landing = source.IsLanding
	source.FollowLandings(p.plans.retryWaiting)
	if err := p.followMembers(h.SharedInformerFactory().Core().V1().Pods().Informer()); err != nil {
		return nil, fmt.Errorf("following pods: %w", err)
	}
	if err := p.counted.FollowNodes(h.SharedInformerFactory().Core().V1().Nodes().Informer()); err != nil {
		return nil, fmt.Errorf("following nodes: %w", err)
	}
	if named, ok := h.(interface{ ProfileName() string }); ok {
		p.profile = named.ProfileName()
	}
	if listing, ok := h.(extensionLister); ok {
		p.extensions = listing.EnqueueExtensions // all of them are known once the profile is built
	}
	p.forecast.recall = p.recallBound
	if recorder := h.EventRecorder(); recorder != nil {
		p.recorder = recorder
	}
	return p, nil
}

// Name implements fwk.Plugin.
func (p *Plugin) Name() string { return Name }

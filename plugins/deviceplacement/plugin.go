package deviceplacement

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	dracel "k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"

	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Name is the plugin's name in a KubeSchedulerConfiguration. It takes the place
// of DynamicResources, which must be disabled.
const Name = "DevicePlacement"

const cycleKey fwk.StateKey = Name

// Plugin steers the in-tree DynamicResources plugin, which it embeds: every
// method that is not overridden here is the in-tree one.
type Plugin struct {
	*dynamicresources.DynamicResources

	// recorder is a second instance of the in-tree plugin, of which only Reserve is
	// called; recorded is what it would have stored.
	recorder *dynamicresources.DynamicResources
	recorded *recordedClaims

	dra     fwk.SharedDRAManager
	policy  placement.Policy
	outlook nodeOutlook
	// patience is how long the plugin may look for what would fit.
	patience    time.Duration
	expressions *dracel.Cache
	pools       pools
	dryRuns     sync.Pool // *dryRun
	// current is the cycle whose in-tree PreFilter is running. Scheduling cycles
	// are serial, over all profiles.
	current *cycle
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
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New builds the plugin for a scheduler. It takes no arguments.
func New(ctx context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	p, err := newPlugin(ctx, h, placement.KeepPlaceable{})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func newPlugin(ctx context.Context, h fwk.Handle, policy placement.Policy) (*Plugin, error) {
	features := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	if !features.EnableDRAConsumableCapacity || !features.EnableDRAPartitionableDevices || !features.EnableDRADeviceTaints {
		return nil, errors.New("the feature gates DRAConsumableCapacity, DRAPartitionableDevices and DRADeviceTaints must be on, as they are by default")
	}
	p := &Plugin{
		dra:      h.SharedDRAManager(),
		policy:   policy,
		outlook:  nodeOutlook{forecast.NewDemandForecast(), map[types.UID]struct{}{}},
		patience: explainWithin,
		expressions: dracel.NewCache(compiledExpressions, dracel.Features{
			EnableConsumableCapacity: features.EnableDRAConsumableCapacity,
		}),
	}
	inTree := func(claims fwk.ResourceClaimTracker, slices fwk.ResourceSliceLister, pods informers.SharedInformerFactory) (*dynamicresources.DynamicResources, error) {
		own := &handle{Handle: h, dra: &manager{SharedDRAManager: p.dra, claims: claims, slices: slices}, informers: pods}
		plugin, err := dynamicresources.New(ctx, inTreeArgs(features), own, features)
		if err != nil {
			return nil, fmt.Errorf("embedding %s: %w", dynamicresources.Name, err)
		}
		return plugin.(*dynamicresources.DynamicResources), nil
	}
	var err error
	observed := &observedClaims{ResourceClaimTracker: p.dra.ResourceClaims(), seen: func(state *structured.AllocatedState) {
		if p.current != nil {
			p.current.allocated = state
		}
	}}
	if p.DynamicResources, err = inTree(observed, p, h.SharedInformerFactory()); err != nil {
		return nil, err
	}
	p.recorded = &recordedClaims{ResourceClaimTracker: p.dra.ResourceClaims()}
	if p.recorder, err = inTree(p.recorded, p.dra.ResourceSlices(), noInformers(h)); err != nil {
		return nil, err
	}
	p.dryRuns.New = func() any {
		run := &dryRun{ResourceClaimTracker: p.dra.ResourceClaims()}
		run.inTree, run.err = inTree(run, run, noInformers(h))
		return run
	}
	return p, nil
}

// inTreeArgs are the in-tree plugin's arguments with the defaults that a
// configuration file would give them.
func inTreeArgs(features feature.Features) *config.DynamicResourcesArgs {
	args := &config.DynamicResourcesArgs{}
	if features.EnableDRASchedulerFilterTimeout {
		args.FilterTimeout = &metav1.Duration{Duration: config.DynamicResourcesFilterTimeoutDefault}
	}
	if features.EnableDRADeviceBindingConditions {
		args.BindingTimeout = &metav1.Duration{Duration: config.DynamicResourcesBindingTimeoutDefault}
	}
	return args
}

// Name implements fwk.Plugin.
func (p *Plugin) Name() string { return Name }

// cycle is what is known about the pod that is being scheduled.
type cycle struct {
	ask       *ask
	allocated *structured.AllocatedState
	held      heldDevices
	// scores holds the score of each feasible node; filled in PreScore.
	scores map[string]int64
}

// Clone implements fwk.StateData. A cycle does not change after PreScore, which
// runs after every clone was made.
func (c *cycle) Clone() fwk.StateData { return c }

func cycleOf(state fwk.CycleState) *cycle {
	data, err := state.Read(cycleKey)
	if err != nil {
		return nil
	}
	return data.(*cycle)
}

// ListWithDeviceTaintRules implements fwk.ResourceSliceLister for the embedded
// plugin, which calls it from PreFilter.
func (p *Plugin) ListWithDeviceTaintRules() ([]*resourceapi.ResourceSlice, error) {
	slices, err := p.dra.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil || p.current == nil {
		return slices, err
	}
	p.pools.update(slices)
	for _, pool := range p.pools.byKey {
		pool.empty()
	}
	return p.pools.placeholders, nil
}

// PreFilter runs the in-tree PreFilter on placeholders and reads the pod.
func (p *Plugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	c := &cycle{}
	p.current = c
	result, status := p.DynamicResources.PreFilter(ctx, state, pod, nodes)
	p.current = nil
	state.Delete(cycleKey)
	if !status.IsSuccess() || c.allocated == nil {
		return result, status // nothing to allocate, or not now
	}
	claims, err := p.claimsToAllocate(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if c.ask, err = askOf(pod, claims, p.dra); err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	c.held = p.pools.held(c.allocated)
	state.Write(cycleKey, c)
	return result, status
}

// claimsToAllocate returns the pod's claims that have no allocation yet.
func (p *Plugin) claimsToAllocate(pod *v1.Pod) ([]*resourceapi.ResourceClaim, error) {
	var claims []*resourceapi.ResourceClaim
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, err
		}
		if name == nil {
			continue // none was generated for this one
		}
		claim, err := p.dra.ResourceClaims().Get(pod.Namespace, *name)
		if err != nil {
			return nil, err
		}
		if claim.Status.Allocation == nil && p.dra.ResourceClaims().GetPendingAllocation(claim.UID) == nil {
			claims = append(claims, claim)
		}
	}
	return claims, nil
}

package gang

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/utils/clock"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/config/validation"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// Name is the plugin's name in a KubeSchedulerConfiguration: that of the plugin in
// sigs.k8s.io/scheduler-plugins, whose arguments it takes.
const Name = "Coscheduling"

// Plugin schedules the pods of a PodGroup together.
type Plugin struct {
	handle  fwk.Handle
	groups  groupReader
	heard   *heardGroups
	members memberReader
	ledger  *groupLedger

	// permitTimeout is how long members wait for the others where their group does
	// not say.
	permitTimeout time.Duration
	// rejectBackoff is how long a group rests after a rejection; 0 for no rest.
	rejectBackoff time.Duration
	// toleratedGap is the share of minMember, 0 to 1, that may lack a node when a
	// member fails without the group being rejected.
	toleratedGap float64
	// leaveSchedulingGroups is whether kube-scheduler itself cares for pods that name
	// a group in spec.schedulingGroup.
	leaveSchedulingGroups bool
	// lastGroup is the last of those groups of which a member came.
	lastGroup *groupcycle.Group

	// profile is the name that its pods give as their scheduler's, "" if it is not known.
	profile string
	// schedules says that this process has tried a pod.
	schedules atomic.Bool
}

var (
	_ fwk.QueueSortPlugin   = &Plugin{}
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PermitPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}

	_ fwk.PodGroupPostFilterPlugin = &Plugin{}
)

// New builds the plugin from CoschedulingArgs. It returns once PodGroups have been
// read from the API server; an error says what of the arguments or the connection is
// wrong.
func New(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	options, ok := args.(*config.CoschedulingArgs)
	if !ok {
		return nil, fmt.Errorf("arguments of %s: want CoschedulingArgs, got %T", Name, args)
	}
	if err := validation.ValidateCoschedulingArgs(options, nil); err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", Name, err)
	}
	groups, err := startGroupInformer(ctx, handle.KubeConfig())
	if err != nil {
		return nil, fmt.Errorf("reading PodGroups: %w", err)
	}
	plugin, err := newPlugin(options, handle, groups.Lister(), clock.RealClock{})
	if err != nil {
		return nil, err
	}
	if err := plugin.forgetDeletedGroups(groups.Informer()); err != nil {
		return nil, fmt.Errorf("watching PodGroups: %w", err)
	}
	if named, ok := handle.(interface{ ProfileName() string }); ok {
		plugin.profile = named.ProfileName()
	}
	metrics.RegisterGangs(ctx, plugin.measureWaiting)
	return plugin, nil
}

// newPlugin builds the plugin from arguments that are valid, without asking the API
// server for anything.
func newPlugin(args *config.CoschedulingArgs, handle fwk.Handle, groups groupReader, clock clock.PassiveClock) (*Plugin, error) {
	pods := handle.SharedInformerFactory().Core().V1().Pods().Informer()
	members, err := indexMembers(pods)
	if err != nil {
		return nil, fmt.Errorf("indexing pods by group: %w", err)
	}
	plugin := &Plugin{
		handle:                handle,
		groups:                groups,
		heard:                 newHeardGroups(clock),
		members:               members,
		ledger:                newGroupLedger(clock),
		permitTimeout:         time.Duration(args.PermitWaitingTimeSeconds) * time.Second,
		rejectBackoff:         time.Duration(args.PodGroupBackoffSeconds) * time.Second,
		toleratedGap:          float64(args.PodGroupRejectPercentage) / 100,
		leaveSchedulingGroups: utilfeature.DefaultFeatureGate.Enabled(features.GenericWorkload),
	}
	if err := plugin.followAssignedPods(pods); err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	return plugin, nil
}

// Name returns the plugin's name.
func (p *Plugin) Name() string { return Name }

// waitingMembers visits the group's members that wait at Permit.
func (p *Plugin) waitingMembers(group groupKey, visit func(fwk.WaitingPod)) {
	p.handle.IterateOverWaitingPods(func(waiting fwk.WaitingPod) {
		if key, ok := p.groupOf(waiting.GetPod()); ok && key == group {
			visit(waiting)
		}
	})
}

// rejectWaiting makes the group's members that wait at Permit give their nodes back.
func (p *Plugin) rejectWaiting(group groupKey, reason string) {
	p.waitingMembers(group, func(waiting fwk.WaitingPod) { waiting.Reject(Name, reason) })
}

// groupOf returns the group that the pod names in its label; ok is false if there is
// none, or if kube-scheduler itself cares for the pod's group.
func (p *Plugin) groupOf(pod *v1.Pod) (key groupKey, ok bool) {
	if p.leaveSchedulingGroups && pod.Spec.SchedulingGroup != nil {
		return groupKey{}, false
	}
	return labelledGroup(pod)
}

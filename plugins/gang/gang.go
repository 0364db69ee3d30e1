// Package gang is the Coscheduling plugin of sigs.k8s.io/scheduler-plugins, which
// starts the pods of a PodGroup together or not at all, without its remark on every
// pod that is in no group.
package gang

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
	"sigs.k8s.io/scheduler-plugins/pkg/coscheduling"
)

// Name is the plugin's name in a KubeSchedulerConfiguration: that of the plugin which
// it embeds, with the same arguments.
const Name = coscheduling.Name

// Plugin embeds the Coscheduling plugin.
type Plugin struct {
	*coscheduling.Coscheduling
}

var _ fwk.PostFilterPlugin = &Plugin{}

// New builds the plugin from CoschedulingArgs.
func New(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	plugin, err := coscheduling.New(ctx, args, h)
	if err != nil {
		return nil, err
	}
	inner, ok := plugin.(*coscheduling.Coscheduling)
	if !ok {
		return nil, fmt.Errorf("embedding %s: got a %T", Name, plugin)
	}
	return &Plugin{inner}, nil
}

// PostFilter rejects the rest of a gang of which one pod does not fit. Of a pod that
// is in no group it says nothing, where the embedded plugin would end every message
// with "can not find pod group".
func (p *Plugin) PostFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	if pod.Labels[v1alpha1.PodGroupLabel] == "" {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	return p.Coscheduling.PostFilter(ctx, state, pod, statuses)
}

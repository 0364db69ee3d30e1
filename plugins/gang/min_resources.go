package gang

import (
	"maps"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// admissionPeriod is how long minResources that were there are not asked for again:
// as long as members wait where their group does not say.
func (p *Plugin) admissionPeriod() time.Duration {
	if p.permitTimeout > 0 {
		return p.permitTimeout
	}
	return defaultPermitTimeout
}

// resourceGap is what of the group's minResources, and of room for minMember pods, the
// nodes have not free together; empty if they have it all. What members hold already
// counts as free.
func (p *Plugin) resourceGap(group *v1alpha1.PodGroup, nodes []fwk.NodeInfo) v1.ResourceList {
	gap := group.Spec.MinResources.DeepCopy()
	gap[v1.ResourcePods] = *resource.NewQuantity(int64(group.Spec.MinMember), resource.DecimalSI)
	key := groupKey{Namespace: group.Namespace, Name: group.Name}
	for _, node := range nodes {
		if node == nil || node.Node() == nil {
			continue
		}
		free := p.freeForGroup(key, node)
		for name, lacking := range gap {
			lacking.Sub(free(name))
			gap[name] = lacking
			if lacking.Sign() <= 0 {
				delete(gap, name)
			}
		}
		if len(gap) == 0 {
			return nil
		}
	}
	return gap
}

// freeForGroup returns what the node has free of a resource if the group's own pods
// were not there.
func (p *Plugin) freeForGroup(key groupKey, node fwk.NodeInfo) func(v1.ResourceName) resource.Quantity {
	pods := node.GetPods()
	var own []fwk.Resource
	for _, info := range pods {
		if held, ok := p.groupOf(info.GetPod()); ok && held == key {
			own = append(own, info.CalculateResource().Resource)
		}
	}
	return func(name v1.ResourceName) resource.Quantity {
		if name == v1.ResourcePods {
			return quantityOf(name, int64(node.GetAllocatable().GetAllowedPodNumber()-len(pods)+len(own)))
		}
		free := amountOf(node.GetAllocatable(), name) - amountOf(node.GetRequested(), name)
		for _, held := range own {
			free += amountOf(held, name)
		}
		return quantityOf(name, free)
	}
}

// amountOf is the resource's amount in the scheduler's unit: thousandths for cpu, bytes
// or pieces for all others.
func amountOf(resources fwk.Resource, name v1.ResourceName) int64 {
	switch name {
	case v1.ResourceCPU:
		return resources.GetMilliCPU()
	case v1.ResourceMemory:
		return resources.GetMemory()
	case v1.ResourceEphemeralStorage:
		return resources.GetEphemeralStorage()
	}
	return resources.GetScalarResources()[name]
}

func quantityOf(name v1.ResourceName, amount int64) resource.Quantity {
	if name == v1.ResourceCPU {
		return *resource.NewMilliQuantity(amount, resource.DecimalSI)
	}
	return *resource.NewQuantity(amount, resource.DecimalSI)
}

// describeResources lists resources by name: "cpu 8, memory 64Gi".
func describeResources(resources v1.ResourceList) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		amount := resources[name]
		parts = append(parts, string(name)+" "+amount.String())
	}
	return strings.Join(parts, ", ")
}

package deviceplacement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// maxNamedInstead is how many names are listed that somebody may have meant.
const maxNamedInstead = 6

// unservedResources says of each extended resource of a pod that no device class and no
// node serves it, and what there is instead.
func (p *Plugin) unservedResources(pod *v1.Pod) []string {
	asked := extendedResources(pod)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(asked)), func(name v1.ResourceName) bool { return p.source.ClassFor(name) })
	if len(names) == 0 {
		return nil
	}
	served := p.servedResources()
	var sentences []string
	for _, name := range names {
		if !served[name] {
			amount := asked[name]
			sentences = append(sentences, fmt.Sprintf("no DeviceClass and no node serves %s%s", name, p.insteadOf(name, amount, served)))
		}
	}
	return sentences
}

// extendedResources are those that the pod's containers ask for, with the largest amount.
func extendedResources(pod *v1.Pod) map[v1.ResourceName]int64 {
	asked := map[v1.ResourceName]int64{}
	for _, containers := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for name, quantity := range containers[i].Resources.Requests {
				if !quantity.IsZero() && util.IsDRAExtendedResourceName(name) {
					asked[name] = max(asked[name], quantity.Value())
				}
			}
		}
	}
	return asked
}

// servedResources are the extended resources that device classes stand behind, or that
// device plugins hand out on some node.
func (p *Plugin) servedResources() map[v1.ResourceName]bool {
	served := map[v1.ResourceName]bool{}
	for _, name := range p.source.ExtendedResourceNames() {
		served[name] = true
	}
	for _, node := range p.listNodes() {
		for name, amount := range node.GetAllocatable().GetScalarResources() {
			if amount > 0 {
				served[name] = true
			}
		}
	}
	return served
}

// insteadOf names what is near to a resource that nothing serves.
func (p *Plugin) insteadOf(name v1.ResourceName, amount int64, served map[v1.ResourceName]bool) string {
	if one, shared := strings.CutSuffix(string(name), deviceapi.SharedResourceSuffix); shared && served[v1.ResourceName(one)] {
		kind := "GPUs"
		if deviceapi.ResourceProfile(one) != "" {
			kind = "MIG slices"
		}
		return fmt.Sprintf(": it stands for time-sliced %s; there is %s", kind, one)
	}
	domain, short, _ := strings.Cut(string(name), "/")
	switch short {
	case "gpumem", "gpumem-percentage", "gpucores":
		if short == "gpumem" && slices.Contains(p.source.ClassNames(), memoryShareClass) {
			return fmt.Sprintf(": claim a device of class %s with capacity memory: %dMi in its place", memoryShareClass, amount)
		}
		return ": it is a name of HAMi's scheduler"
	}
	var sameDomain, sameKind []string
	kind, _, _ := strings.Cut(short, "-")
	for other := range served {
		theirs, theirShort, _ := strings.Cut(string(other), "/")
		if theirs != domain {
			continue
		}
		sameDomain = append(sameDomain, string(other))
		if strings.HasPrefix(theirShort, kind) {
			sameKind = append(sameKind, string(other))
		}
	}
	slices.Sort(sameDomain)
	near := nearest.Names(string(name), sameDomain)
	if len(near) == 0 && len(sameKind) > 0 {
		near = sameKind
		slices.Sort(near)
	}
	if profile := deviceapi.ResourceProfile(string(name)); profile != "" && len(near) == 0 {
		if profiles := p.source.ProfileNames(); len(profiles) > 0 {
			return fmt.Sprintf("; MIG profiles to claim here are %s", strings.Join(nearFirst(profile, profiles), ", "))
		}
	}
	if len(near) == 0 {
		near = sameDomain
	}
	return namedInstead(near)
}

// memoryShareClass is the class of shares of a GPU's memory.
const memoryShareClass = "share.gpu.ashlar.dev"

// namedInstead lists what there is: "; there are a, b".
func namedInstead(names []string) string {
	switch {
	case len(names) == 0:
		return ""
	case len(names) == 1:
		return "; there is " + names[0]
	case len(names) > maxNamedInstead+1:
		names = append(slices.Clone(names[:maxNamedInstead]), "...")
	}
	return "; there are " + strings.Join(names, ", ")
}

// unknownClass is how the in-tree plugin begins and ends what it says of a device class
// that is not there.
const unknownClass, notThere = "device class ", " does not exist"

// withClasses adds to what the in-tree plugin says of an unknown device class which
// classes there are.
func (p *Plugin) withClasses(reasons []string) []string {
	reasons = slices.Clone(reasons)
	for i, reason := range reasons {
		_, after, found := strings.Cut(reason, unknownClass)
		name, _, complete := strings.Cut(after, notThere)
		if !found || !complete {
			continue
		}
		classes := p.source.ClassNames()
		if len(classes) == 0 {
			reasons[i] += "; there is no device class"
			continue
		}
		reasons[i] += namedInstead(nearFirst(name, classes))
	}
	return reasons
}

// nearFirst lists names, those first that are near to another, and not all of many.
func nearFirst(name string, names []string) []string {
	near := nearest.Names(name, names)
	for _, other := range names {
		if !slices.Contains(near, other) {
			near = append(near, other)
		}
	}
	if len(near) > maxNamedInstead {
		near = append(near[:maxNamedInstead:maxNamedInstead], "...")
	}
	return near
}

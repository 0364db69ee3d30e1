package deviceplacement

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	inTree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/ashlar-dev/ashlar/plugins/gpuchain"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// maxRemedies is how many ways out are named: the cheapest, and one more.
const maxRemedies = 2

// explainCounted says why a pod fits on no node whose device plugin it could be served
// by, beyond what the nodes' own reasons say, and what would help.
func (p *Plugin) explainCounted(ctx context.Context, c *countedCycle, statuses fwk.NodeToStatusReader) []textClause {
	nodes := p.listNodes()
	if selected := selectedNodes(nodes, statuses); slices.ContainsFunc(selected, func(node fwk.NodeInfo) bool {
		return p.counted.ServesAny(c.request, node)
	}) {
		nodes = selected
	}
	for _, name := range c.request.Names() {
		supplies := p.counted.ListSupplies(name, nodes)
		if len(supplies) == 0 {
			continue // it is served from slices, or not at all
		}
		for _, part := range c.request.SplitServers() {
			if part.Server == nil || part.Amounts[name] == 0 {
				continue
			}
			if clauses := p.explainServer(ctx, c.pod, part.Server, supplies, nodes); len(clauses) > 0 {
				return clauses
			}
			supplies = slices.DeleteFunc(supplies, func(s deviceplugin.Supply) bool { return s.Resource.RefusesServer(part.Server) != "" })
		}
		if clauses := explainSupply(c.request.Amounts[name], name, supplies, c.request.Server); len(clauses) > 0 {
			return clauses
		}
	}
	return nil
}

// selectedNodes are the nodes that the pod does not rule out itself, by its selector, its affinity
// or a node's name.
func selectedNodes(nodes []fwk.NodeInfo, statuses fwk.NodeToStatusReader) []fwk.NodeInfo {
	return slices.DeleteFunc(slices.Clone(nodes), func(node fwk.NodeInfo) bool {
		status := statuses.Get(node.Node().Name)
		return status != nil && (status.Plugin() == inTree.NodeAffinity || status.Plugin() == inTree.NodeName)
	})
}

// explainChain says which link of the chain is broken at whose end GPUs are offered, "" if
// none is, or the pod asks for none.
func (p *Plugin) explainChain(pod *v1.Pod) string {
	if finding, found := gpuchain.FirstBrokenLink(p.chainEvidence(pod, p.listNodes())); found {
		return finding.String()
	}
	return ""
}

// chainEvidence is what the scheduler knows of the chain at whose end GPUs are offered.
func (p *Plugin) chainEvidence(pod *v1.Pod, nodes []fwk.NodeInfo) gpuchain.Evidence {
	evidence := gpuchain.Evidence{Pod: pod}
	for _, node := range nodes {
		evidence.Nodes = append(evidence.Nodes, node.Node())
		for _, info := range node.GetPods() {
			evidence.Pods = append(evidence.Pods, info.GetPod())
		}
	}
	evidence.ResourceSlices, evidence.DeviceClasses = p.source.PublishedObjects()
	return evidence
}

// explainServer says, if a model server of the pod starts on none of the devices that it asks
// for, why not on the largest, and on what it would.
func (p *Plugin) explainServer(
	ctx context.Context, pod *v1.Pod, server *modelmemory.Server, supplies []deviceplugin.Supply, nodes []fwk.NodeInfo,
) []textClause {
	because, heldTo := "", false
	largest := int64(-1)
	for i := range supplies {
		refused := supplies[i].Resource.RefusesServer(server)
		if refused == "" {
			return nil
		}
		if total := int64(supplies[i].Resource.Device.Total); total > largest {
			because, largest, heldTo = refused, total, supplies[i].Resource.MayHold(server)
		}
	}
	offers := p.listOffers(ctx, pod, nodes)
	remedies := server.FindRemedies(offers)
	if len(remedies) == 0 && heldTo {
		return []textClause{{text: because}} // it says how
	}
	clauses := []textClause{{text: because, kind: detailClause}}
	if profile := describeOtherProfile(server, supplies); len(remedies) == 0 && profile != "" {
		clauses = append(clauses, textClause{text: profile, kind: remedyClause})
	}
	if remedies = withChange(server, remedies, offers); len(remedies) == 0 && len(clauses) == 1 {
		return append(clauses, textClause{text: nothingWouldDo, kind: remedyClause})
	}
	return append(clauses, remedyClausesOf(remedies)...)
}

// nothingWouldDo says that no device in reach holds a model server, whatever it is told.
const nothingWouldDo = "no device on a node that the pod selects would do: ashlar plan -f FILE lists GPUs that would"

// withChange adds the best change of the server's own settings where few devices would do for it.
func withChange(server *modelmemory.Server, remedies []modelmemory.Remedy, offers []modelmemory.Offer) []modelmemory.Remedy {
	if len(remedies) >= maxRemedies {
		return remedies
	}
	for _, change := range server.FindChanges(offers) {
		// More devices have been named, by a faster way to use them.
		if len(remedies) == 0 || change.Count <= server.Degree() {
			return append(remedies, change)
		}
	}
	return remedies
}

// findRemedies are the devices on which the pod's model server would start if it starts on
// none that its claims accept, and no change of a claim was found that helps.
func (p *Plugin) findRemedies(ctx context.Context, c *podCycle, pod *v1.Pod, nodes []string, e *podExplanation) []textClause {
	server := c.Request().ModelServer()
	if server == nil || len(e.suggestions) > 0 || len(e.counted) > 0 || ctx.Err() != nil {
		return nil
	}
	tooSmall := false
	for _, name := range nodes {
		view := c.ViewNode(name, nil)
		if view == nil {
			continue
		}
		if view.WhyTooSmall(ctx) == "" {
			return nil
		}
		tooSmall = true
	}
	if !tooSmall {
		return nil
	}
	e.tooSmall = true
	offers := p.listOffers(ctx, pod, p.listNodes())
	return remedyClausesOf(withChange(server, server.FindRemedies(offers), offers))
}

// remedyClausesOf names the first of some remedies.
func remedyClausesOf(remedies []modelmemory.Remedy) []textClause {
	var clauses []textClause
	for i := range remedies[:min(maxRemedies, len(remedies))] {
		word := "would fit: "
		if i > 0 {
			word = "or "
		}
		clauses = append(clauses, textClause{text: word + remedies[i].String(), kind: remedyClause, joined: i > 0})
	}
	return clauses
}

// describeOtherProfile says which MIG profile of the GPUs at hand would do, were they cut
// so; "" if none would.
func describeOtherProfile(server *modelmemory.Server, supplies []deviceplugin.Supply) string {
	for i := range supplies {
		if profile, found := supplies[i].Resource.SmallestProfile(server); found {
			return fmt.Sprintf(
				"as it is, no device on a node that the pod selects would do; MIG profile %s of %s is the smallest that would",
				profile,
				supplies[i].Resource.Model.Product,
			)
		}
	}
	return ""
}

// listOffers are the kinds of devices that there are on the nodes that a pod may go to, but
// for the lack of devices.
func (p *Plugin) listOffers(ctx context.Context, pod *v1.Pod, nodes []fwk.NodeInfo) []modelmemory.Offer {
	var offers []modelmemory.Offer
	for _, node := range nodes {
		if node.Node().Spec.Unschedulable || !admitsPod(ctx, pod, node.Node()) {
			continue
		}
		if offered := p.counted.LookUpNode(node.Node()); offered != nil {
			offers = append(offers, offered.ListOffers()...)
		}
		offers = append(offers, p.source.ListOffers(node.Node().Name)...)
	}
	if name := p.wholeGPUResource(pod); name != "" {
		for i := range offers {
			if offers[i].Request == deviceapi.Driver {
				offers[i].Request = string(name)
			}
		}
	}
	return offers
}

// wholeGPUResource is the extended resource by which a pod asks for whole GPUs that DRA serves, ""
// if it asks by claim.
func (p *Plugin) wholeGPUResource(pod *v1.Pod) v1.ResourceName {
	for name := range extendedResources(pod) {
		if string(name) == deviceapi.GPUResource && p.source.ClassFor(name) {
			return name
		}
	}
	return ""
}

// explainSupply says who has the devices of the node that has the most, or that it has too
// few.
func explainSupply(count int64, name v1.ResourceName, supplies []deviceplugin.Supply, server *modelmemory.Server) []textClause {
	if len(supplies) == 0 {
		return nil
	}
	most := supplies[0]
	if most.Count < count {
		text := fmt.Sprintf("%d node(s) hand out fewer than %d %s; the most on one node is %d (%s)", len(supplies), count, name, most.Count,
			most.Node)
		for i := range supplies {
			if s := &supplies[i]; s.Had >= count {
				text += fmt.Sprintf("; node %s has %d, of which %d are unhealthy", s.Node, s.Had, s.Had-s.Count)
				break
			}
		}
		return []textClause{{text: text}}
	}
	free := func(s deviceplugin.Supply) bool { return s.Count-s.Used >= count }
	if !slices.ContainsFunc(supplies, func(s deviceplugin.Supply) bool { return free(s) && !s.Cordoned }) {
		if cordoned := slices.IndexFunc(supplies, free); cordoned >= 0 {
			return []textClause{{text: fmt.Sprintf("%d %s are free on node %s, which is cordoned: kubectl uncordon %s",
				supplies[cordoned].Count-supplies[cordoned].Used, name, supplies[cordoned].Node, supplies[cordoned].Node)}}
		}
	}
	full := slices.IndexFunc(supplies, func(s deviceplugin.Supply) bool { return s.Count >= count && s.Count-s.Used < count })
	if full < 0 || slices.ContainsFunc(supplies, func(s deviceplugin.Supply) bool { return s.Count-s.Used >= count }) {
		return nil // something else is in the way
	}
	s := supplies[full]
	text := fmt.Sprintf("it fits once %d %s of node %s are free (held by %s)", count, name, s.Node, nameHolders(s.Holders))
	if count == 1 {
		text = fmt.Sprintf("it fits once one %s of node %s is free (held by %s)", name, s.Node, nameHolders(s.Holders))
	}
	clauses := []textClause{{text: text, kind: remedyClause}}
	if sharing := describeSharing(s.Resource, server); sharing != "" {
		clauses = append(clauses, textClause{text: sharing, kind: remedyClause, joined: true})
	}
	return clauses
}

// describeSharing says how many servers like the pod's a whole GPU has room for.
func describeSharing(r *deviceplugin.Resource, server *modelmemory.Server) string {
	if server == nil || r.Sharing != deviceplugin.Exclusive || r.Profile != "" {
		return ""
	}
	if needed, fixed := server.FixedClaim(); fixed && r.Device.Total == 0 {
		return fmt.Sprintf("each such pod takes %s, and more of them would fit on a GPU that is shared, by time-slicing or by claims of memory",
			needed)
	}
	if r.Device.Total == 0 {
		return ""
	}
	needed := server.Claims(modelmemory.Device{GPU: r.Device})
	if needed <= 0 || r.Device.Total/needed < 2 {
		return ""
	}
	return fmt.Sprintf("or where %s is shared, by time-slicing or by claims of memory: it has room for %d such pods (%s each of %s)",
		r.DescribeDevice(), r.Device.Total/needed, needed, r.Device.Total)
}

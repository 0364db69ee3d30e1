package deviceplacement

import (
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
)

// groupVersion tells apart all that decides whether a group fits: as long as it is the same, so is the
// answer. What is left out here lets a group wait for ever that was refused once.
type groupVersion struct {
	// devices, nodes and plans are the cluster's; among are the nodes to which pods may go.
	devices, nodes, plans int64
	among                 nodeSpan
	// asked is what its pods without a node ask for.
	asked       uint64
	assigned    int
	minMember   int
	constraints string
}

// nodeSpan tells placements of a group apart, by how many nodes they have, and the first and the last.
type nodeSpan struct {
	count       int
	first, last string
}

func spanOf(nodes []fwk.NodeInfo) nodeSpan {
	if len(nodes) == 0 {
		return nodeSpan{}
	}
	return nodeSpan{len(nodes), nodes[0].Node().Name, nodes[len(nodes)-1].Node().Name}
}

// versionOf is a group's version in a cycle, but for the plans.
func (p *Plugin) versionOf(c *dra.Cycle, group *groupcycle.Group, nodes []fwk.NodeInfo) groupVersion {
	version := groupVersion{
		devices: c.Snapshot().Version(), asked: p.source.AskedVersion(group.Pending), assigned: len(group.Assigned),
		minMember: group.MinMember, constraints: fmt.Sprint(group.Constraints), among: spanOf(nodes),
	}
	for _, node := range nodes {
		version.nodes = max(version.nodes, node.GetGeneration())
	}
	return version
}

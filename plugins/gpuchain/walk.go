package gpuchain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// FirstBrokenLink names the link because of which no node offers GPUs to the evidence's
// pod: the one that most nodes with NVIDIA hardware break at, the earlier in the chain of
// two. It reports false if the pod asks for no GPU, or if some node offers GPUs as the
// pod asks for them.
func FirstBrokenLink(evidence Evidence) (Finding, bool) {
	asked, found := evidence.requestedGPUs()
	if !found || len(evidence.Nodes) == 0 {
		return Finding{}, false
	}
	walk := newChainWalk(&evidence, asked)
	offered, otherwise := walk.offeringNodes()
	switch {
	case len(offered) > 0 || walk.elsewhere:
		return Finding{}, false
	case len(otherwise) > 0:
		return walk.offeredOtherwise(otherwise), true
	}
	if findings := walk.brokenLinks(); len(findings) > 0 {
		return findings[0], true
	}
	return walk.noHardware(), true
}

// BrokenLinks are the links that nodes with NVIDIA hardware that offer no GPU break at,
// whatever the evidence's pod asks for: first the one that most nodes break at.
func BrokenLinks(evidence Evidence) []Finding {
	asked, _ := evidence.requestedGPUs()
	return newChainWalk(&evidence, asked).brokenLinks()
}

// chainWalk is one look at all nodes.
type chainWalk struct {
	*Evidence
	asked gpuRequest
	pools map[string][]*publishedPool
	// elsewhere reports that GPUs are published for no node by name, and may be of use.
	elsewhere bool
	// operator reports that the GPU Operator is there.
	operator bool
}

func newChainWalk(evidence *Evidence, asked gpuRequest) *chainWalk {
	walk := &chainWalk{Evidence: evidence, asked: asked}
	var elsewhere []string
	walk.pools, elsewhere = publishedPools(evidence.ResourceSlices)
	walk.elsewhere = slices.ContainsFunc(elsewhere, walk.takesSlicesOf)
	return walk
}

// brokenLinks walks the chain on every node that has NVIDIA hardware and offers no GPU.
func (w *chainWalk) brokenLinks() []Finding {
	pods := podsByNode(w.Pods)
	for _, node := range w.Nodes {
		w.operator = w.operator || node != nil && hasOperatorLabels(node)
	}
	for _, onNode := range pods {
		w.operator = w.operator || len(onNode) > 0 && hasOperatorPod(onNode)
	}
	var groups linkGroups
	for _, node := range w.Nodes {
		if node == nil || w.isOffering(node) {
			continue
		}
		label := hardwareLabel(node)
		if label == "" {
			continue
		}
		groups.hardware = append(groups.hardware, label)
		evidence := &nodeEvidence{chainWalk: w, node: node, pods: pods[node.Name], pools: w.pools[node.Name]}
		for _, check := range nodeChecks {
			if broken := check(evidence); broken != nil {
				groups.addNode(node.Name, broken)
				break
			}
		}
	}
	return groups.listFindings()
}

func hasOperatorPod(pods nodePods) bool {
	for c := range pods {
		if c.link == LinkOperator {
			return true
		}
	}
	return false
}

// isOffering reports whether a node offers a GPU in any way.
func (w *chainWalk) isOffering(node *corev1.Node) bool {
	return pluginGPUs(node.Status.Allocatable) > 0 ||
		slices.ContainsFunc(w.pools[node.Name], func(p *publishedPool) bool { return p.isOffered() })
}

// linkGroups are nodes by what is broken.
type linkGroups struct {
	hardware []string // the label of each node
	groups   []*linkGroup
}

type linkGroup struct {
	broken []*brokenLink
	nodes  []string
}

func (g *linkGroups) addNode(name string, broken *brokenLink) {
	for _, group := range g.groups {
		if group.broken[0].link == broken.link && group.broken[0].subject == broken.subject {
			group.broken = append(group.broken, broken)
			group.nodes = append(group.nodes, name)
			return
		}
	}
	g.groups = append(g.groups, &linkGroup{broken: []*brokenLink{broken}, nodes: []string{name}})
}

// listFindings puts the groups into words, the one with most nodes first.
func (g *linkGroups) listFindings() []Finding {
	var all []Finding
	for _, group := range g.groups {
		first := slices.MinFunc(group.broken, func(a, b *brokenLink) int { return strings.Compare(a.command, b.command) })
		cause, command := first.cause, first.command
		if first.mixed != "" && slices.ContainsFunc(group.broken, func(b *brokenLink) bool { return b.cause != cause }) {
			cause, command = first.mixed, cmp.Or(first.mixedCommand, command)
		}
		where := ""
		if len(group.nodes) < len(g.hardware) {
			where = fmt.Sprintf("on %d of them ", len(group.nodes))
		}
		slices.Sort(group.nodes)
		all = append(all, Finding{
			Link: first.link, Nodes: group.nodes, Command: command,
			Cause: fmt.Sprintf("%d node(s) have NVIDIA hardware (label %s) and offer no GPU: %s%s",
				len(g.hardware), mostFrequent(g.hardware), where, cause),
		})
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		if len(a.Nodes) != len(b.Nodes) {
			return len(b.Nodes) - len(a.Nodes)
		}
		if order := slices.Index(linkOrder, a.Link) - slices.Index(linkOrder, b.Link); order != 0 {
			return order
		}
		return strings.Compare(a.Cause, b.Cause)
	})
	return all
}

// mostFrequent is the text that is there most often, the lesser of two.
func mostFrequent(texts []string) string {
	count := map[string]int{}
	best := ""
	for _, text := range texts {
		count[text]++
	}
	for text, n := range count {
		if best == "" || n > count[best] || n == count[best] && text < best {
			best = text
		}
	}
	return best
}

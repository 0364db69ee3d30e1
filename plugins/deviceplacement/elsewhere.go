package deviceplacement

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	inTree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// maxNamedNodes is how many nodes a sentence names.
const maxNamedNodes = 3

// refusedElsewhere says of the nodes with GPUs that kube-scheduler's own plugins refused
// what those leave out: which label no node carries, which nodes are cordoned although they
// have room, and, apart from these, which taint is in the way.
func (p *Plugin) refusedElsewhere(
	ctx context.Context, c *podCycle, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (sentences, tainted []string) {
	refused := map[string][]fwk.NodeInfo{} // by plugin
	var withGPUs []fwk.NodeInfo
	nodes := p.listNodes()
	asked := extendedResources(pod)
	for _, node := range nodes {
		if !hasAsked(c, node, asked) {
			continue
		}
		withGPUs = append(withGPUs, node)
		if status := statuses.Get(node.Node().Name); status != nil {
			refused[status.Plugin()] = append(refused[status.Plugin()], node)
		}
	}
	if len(refused[inTree.NodeAffinity]) > 0 {
		sentences = append(sentences, p.labelSentences(c, pod, nodes, withGPUs)...)
	}
	var open []string
	for _, node := range refused[inTree.NodeUnschedulable] {
		if admitsPod(ctx, pod, node.Node()) && p.hasRoom(ctx, c, node) {
			open = append(open, node.Node().Name)
		}
	}
	if len(open) > 0 {
		sentences = append(sentences, "there is room for what it asks of GPUs on a node that is cordoned: "+someNames(open))
	}
	return sentences, taintSentences(ctx, pod, refused[inTree.TaintToleration])
}

// hasAsked reports whether a node has GPUs that are understood, or hands out by a device
// plugin what a pod asks for.
func hasAsked(c *podCycle, node fwk.NodeInfo, asked map[v1.ResourceName]int64) bool {
	if c != nil && c.ViewNode(node.Node().Name, nil) != nil {
		return true
	}
	provided := providedResources(node)
	for name := range asked {
		if provided[name] > 0 {
			return true
		}
	}
	return false
}

// admitsPod reports whether a node's labels and taints, but for being cordoned, would let
// a pod in.
func admitsPod(ctx context.Context, pod *v1.Pod, node *v1.Node) bool {
	matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return err == nil && matches && !slices.ContainsFunc(node.Spec.Taints, func(taint v1.Taint) bool {
		return taint.Key != v1.TaintNodeUnschedulable && keepsAway(ctx, pod, &taint)
	})
}

// keepsAway reports whether a taint keeps a pod from a node.
func keepsAway(ctx context.Context, pod *v1.Pod, taint *v1.Taint) bool {
	return taint.Effect != v1.TaintEffectPreferNoSchedule &&
		!corev1.TolerationsTolerateTaint(klog.FromContext(ctx), pod.Spec.Tolerations, taint, true)
}

// hasRoom reports whether the devices of a node would serve the pod now.
func (p *Plugin) hasRoom(ctx context.Context, c *podCycle, node fwk.NodeInfo) bool {
	if c == nil {
		return false
	}
	view := c.ViewNode(node.Node().Name, providedResources(node))
	if view == nil {
		return false
	}
	verdict, asked := p.placeFirst(ctx, view, view.GPUs())
	return asked && verdict.Outcome == placement.Fits
}

// listNodes are the nodes of the scheduler's snapshot, sorted by name.
func (p *Plugin) listNodes() []fwk.NodeInfo {
	if p.lister == nil {
		return nil
	}
	nodes, err := p.lister.NodeInfos().List()
	if err != nil {
		return nil
	}
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b fwk.NodeInfo) int { return strings.Compare(a.Node().Name, b.Node().Name) })
	return nodes
}

// someNames lists names, not all of many.
func someNames(names []string) string {
	if more := len(names) - maxNamedNodes; more > 0 {
		names = append(slices.Clone(names[:maxNamedNodes]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// taintSentences name the taints of nodes that the pod does not tolerate.
func taintSentences(ctx context.Context, pod *v1.Pod, nodes []fwk.NodeInfo) []string {
	counts := map[string]int{}
	for _, node := range nodes {
		for i := range node.Node().Spec.Taints {
			taint := &node.Node().Spec.Taints[i]
			if keepsAway(ctx, pod, taint) {
				counts[taint.ToString()]++
			}
		}
	}
	var sentences []string
	for _, taint := range slices.Sorted(maps.Keys(counts)) {
		have := "node(s) with GPUs have"
		sentences = append(sentences, fmt.Sprintf("%d %s the taint %s, which the pod does not tolerate", counts[taint], have, taint))
	}
	return sentences
}

// labelPublishers say who sets labels, by their prefix.
var labelPublishers = []struct{ prefix, publisher string }{
	{"nvidia.com/", "GPU feature discovery"}, {"feature.node.kubernetes.io/", "node feature discovery"},
	{"amd.com/", "AMD's node labeller"}, {"gpu.intel.com/", "Intel's node feature rules"},
}

// labelSentences say which labels that the pod asks for no node carries, or which values
// the nodes with GPUs have, and how to ask for what such a label stands for.
func (p *Plugin) labelSentences(c *podCycle, pod *v1.Pod, nodes, withGPUs []fwk.NodeInfo) []string {
	var sentences []string
	for _, wanted := range wantedLabels(pod) {
		if wanted.key == v1.LabelHostname {
			continue // it asks for a node, not for what is on it
		}
		carried := slices.ContainsFunc(nodes, func(node fwk.NodeInfo) bool { _, has := node.Node().Labels[wanted.key]; return has })
		if carried {
			if text := labelValues(wanted, withGPUs); text != "" {
				sentences = append(sentences, text)
			}
			continue
		}
		text := "no node carries the label " + wanted.key
		for _, by := range labelPublishers {
			if strings.HasPrefix(wanted.key, by.prefix) && !carriesAny(nodes, by.prefix) {
				text += " (" + by.publisher + " is not running)"
				break
			}
		}
		sentences = append(sentences, text)
		if wanted.key == deviceapi.ProductLabel {
			sentences = append(sentences, p.productSentences(c, wanted.values, withGPUs)...)
		}
	}
	return sentences
}

// carriesAny reports whether a node has a label with a prefix.
func carriesAny(nodes []fwk.NodeInfo, prefix string) bool {
	return slices.ContainsFunc(nodes, func(node fwk.NodeInfo) bool {
		for key := range node.Node().Labels {
			if strings.HasPrefix(key, prefix) {
				return true
			}
		}
		return false
	})
}

// wantedLabel is a label that a pod asks of its node, with the values that would do; none
// for any.
type wantedLabel struct {
	key    string
	values []string
}

// wantedLabels are the labels of the pod's node selector and required affinity, in order.
func wantedLabels(pod *v1.Pod) []wantedLabel {
	var wanted []wantedLabel
	add := func(key string, values ...string) {
		if at := slices.IndexFunc(wanted, func(w wantedLabel) bool { return w.key == key }); at >= 0 {
			wanted[at].values = append(wanted[at].values, values...)
			return
		}
		wanted = append(wanted, wantedLabel{key: key, values: values})
	}
	for _, key := range slices.Sorted(maps.Keys(pod.Spec.NodeSelector)) {
		add(key, pod.Spec.NodeSelector[key])
	}
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return wanted
	}
	if required := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		for _, term := range required.NodeSelectorTerms {
			for _, expression := range term.MatchExpressions {
				switch expression.Operator {
				case v1.NodeSelectorOpIn, v1.NodeSelectorOpExists, v1.NodeSelectorOpGt, v1.NodeSelectorOpLt:
					add(expression.Key, expression.Values...)
				}
			}
		}
	}
	return wanted
}

// labelValues says which values of a label the nodes with GPUs have; "" if one has a
// value that would do, so that something else is in the way.
func labelValues(wanted wantedLabel, withGPUs []fwk.NodeInfo) string {
	values := map[string]bool{}
	for _, node := range withGPUs {
		value, has := node.Node().Labels[wanted.key]
		if has && (len(wanted.values) == 0 || slices.Contains(wanted.values, value)) {
			return ""
		}
		if has {
			values[value] = true
		}
	}
	if len(values) == 0 {
		return fmt.Sprintf("no node with GPUs carries the label %s", wanted.key)
	}
	return fmt.Sprintf("the label %s of nodes with GPUs is %s", wanted.key, someNames(slices.Sorted(maps.Keys(values))))
}

// productSentences say where the products are that a missing label was to find, and how
// to ask for them.
func (p *Plugin) productSentences(c *podCycle, labels []string, nodes []fwk.NodeInfo) []string {
	best, where, product, driver := 0, "", "", ""
	if c == nil {
		return nil
	}
	for _, node := range nodes {
		view := c.ViewNode(node.Node().Name, nil)
		if view == nil {
			continue
		}
		counts := map[string]int{}
		free := view.GPUs().FreeGPUs()
		for i, gpu := range view.Inventory().Node.GPUs {
			if free.Has(i) && slices.ContainsFunc(labels, sameProduct(gpu.Model.Product)) {
				counts[gpu.Model.Product]++
			}
		}
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			if counts[name] > best {
				best, where, product, driver = counts[name], node.Node().Name, name, view.DriverName()
			}
		}
	}
	if best == 0 {
		return nil
	}
	return []string{
		fmt.Sprintf("node %s publishes %d free %s", where, best, product),
		fmt.Sprintf("ask for the product by CEL: device.attributes[%q].productName == %q", driver, product),
	}
}

// sameProduct reports whether a label that GPU feature discovery writes names the product.
func sameProduct(product string) func(label string) bool {
	return func(label string) bool { return topology.SameProduct(label, product) }
}

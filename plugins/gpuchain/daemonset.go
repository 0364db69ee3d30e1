package gpuchain

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// checkDaemonSets says why the DaemonSets of a component have no pod on the node, nil if
// one has to have, or if none was read.
func (n *nodeEvidence) checkDaemonSets(c *chainComponent) *brokenLink {
	if len(n.pods[c]) > 0 {
		return nil
	}
	var first *brokenLink
	for _, set := range n.DaemonSets {
		if set == nil {
			continue
		}
		label, mine := c.labelOf(set.Spec.Template.Labels, &set.Spec.Template.Spec)
		if !mine {
			continue
		}
		broken := n.checkDaemonSet(c, set, label)
		if broken == nil {
			return nil
		}
		if first == nil {
			first = broken
		}
	}
	return first
}

func (n *nodeEvidence) checkDaemonSet(c *chainComponent, set *appsv1.DaemonSet, label componentLabel) *brokenLink {
	name := "daemonset " + cutText(set.Namespace+"/"+set.Name, 90)
	spec := &set.Spec.Template.Spec
	command := fmt.Sprintf("kubectl -n %s get daemonsets -l %s=%s", set.Namespace, label.key, label.value)
	if len(set.Name) <= 80 {
		command = fmt.Sprintf("kubectl -n %s describe daemonset %s", set.Namespace, set.Name)
	}
	if key := missingLabel(spec, n.node); key != "" {
		want := cutText(key+"="+spec.NodeSelector[key], 80)
		broken := &brokenLink{
			link: sourceOfLabel(key, c.link), subject: name + want,
			cause:   fmt.Sprintf("%s, the %s, runs on nodes labelled %s only", name, c.link, want),
			command: "kubectl get nodes -L " + cutText(key, 120),
		}
		if key == driverNodeLabel {
			broken.command = fmt.Sprintf("kubectl label node %s %s=%s", shellName(n.node.Name), key, spec.NodeSelector[key])
		}
		return broken
	}
	if keys := unmatchedAffinity(spec, n.node); len(keys) > 0 {
		return &brokenLink{
			link: sourceOfLabel(keys[0], c.link), subject: name + "affinity",
			cause:   fmt.Sprintf("the node affinity of %s, the %s, does not match them (%s)", name, c.link, cutText(strings.Join(keys, ", "), 110)),
			command: "kubectl get nodes -L " + cutText(keys[0], 120),
		}
	}
	if taint := untoleratedTaint(spec.Tolerations, n.node); taint != nil {
		return &brokenLink{
			link: c.link, subject: name + taint.Key,
			cause:   fmt.Sprintf("%s, the %s, does not tolerate the taint %s", name, c.link, cutText(taint.Key, 60)),
			command: command,
		}
	}
	if class := spec.RuntimeClassName; class != nil && n.RuntimeClasses != nil && !n.hasRuntimeClass(*class) {
		return &brokenLink{
			link: LinkToolkit, subject: name + *class,
			cause:   fmt.Sprintf("%s asks for RuntimeClass %s, which does not exist, so that none of its pods is made", name, cutText(*class, 60)),
			command: "kubectl get runtimeclasses",
		}
	}
	if set.Spec.Selector == nil || !n.PodsComplete {
		return nil
	}
	return &brokenLink{
		link: c.link, subject: name,
		cause:   fmt.Sprintf("%s, the %s, has no pod there, though its node selector, node affinity and tolerations let it", name, c.link),
		command: command,
	}
}

func (n *nodeEvidence) hasRuntimeClass(name string) bool {
	for _, class := range n.RuntimeClasses {
		if class != nil && class.Name == name {
			return true
		}
	}
	return false
}

// missingLabel is the first label of a node selector that a node lacks, by name.
func missingLabel(spec *corev1.PodSpec, node *corev1.Node) string {
	var missing []string
	for key, value := range spec.NodeSelector {
		if have, found := node.Labels[key]; !found || have != value {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return slices.Min(missing)
}

// unmatchedAffinity are the labels that a required node affinity asks about, sorted, if it
// does not match the node; none if it does.
func unmatchedAffinity(spec *corev1.PodSpec, node *corev1.Node) []string {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Affinity: spec.Affinity}}
	if matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err != nil || matches {
		return nil
	}
	var keys []string
	for _, term := range spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, expression := range term.MatchExpressions {
			keys = append(keys, expression.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// sourceOfLabel is the link that sets a label, or the link that selects by it if none
// does.
func sourceOfLabel(key string, selects Link) Link {
	switch {
	case strings.HasPrefix(key, nfdPrefix):
		return LinkNFD
	case strings.HasPrefix(key, deployPrefix):
		return LinkOperator
	case strings.HasPrefix(key, nvidiaPrefix):
		return LinkGFD
	}
	return selects
}

// untoleratedTaint is the first taint of a node that keeps the pods of a DaemonSet out. Those
// that Kubernetes lets all DaemonSets tolerate are left out.
func untoleratedTaint(tolerations []corev1.Toleration, node *corev1.Node) *corev1.Taint {
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule || strings.HasPrefix(taint.Key, "node.kubernetes.io/") {
			continue
		}
		if !slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool { return toleratesTaint(&t, taint) }) {
			return taint
		}
	}
	return nil
}

func toleratesTaint(toleration *corev1.Toleration, taint *corev1.Taint) bool {
	if toleration.Effect != "" && toleration.Effect != taint.Effect || toleration.Key != "" && toleration.Key != taint.Key {
		return false
	}
	if toleration.Operator == corev1.TolerationOpExists {
		return true
	}
	return (toleration.Operator == "" || toleration.Operator == corev1.TolerationOpEqual) && toleration.Key != "" &&
		toleration.Value == taint.Value
}

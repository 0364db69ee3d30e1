package gpuchain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// brokenLink is what is broken on one node. Nodes with the same link and subject are
// counted together.
type brokenLink struct {
	link    Link
	subject string // what the cause is about
	cause   string
	command string
	// mixed and mixedCommand stand in for cause and command if the nodes of the group have
	// different causes; "" if these are the same in essence.
	mixed, mixedCommand string
}

// nodeEvidence is what was read of one node.
type nodeEvidence struct {
	*chainWalk
	node  *corev1.Node
	pods  nodePods
	pools []*publishedPool
}

// nodeChecks look at the links of one node in the order of the chain.
var nodeChecks = []func(*nodeEvidence) *brokenLink{
	(*nodeEvidence).checkReady,
	(*nodeEvidence).checkDeployed,
	(*nodeEvidence).checkWorkload,
	(*nodeEvidence).checkDriver,
	(*nodeEvidence).checkToolkit,
	(*nodeEvidence).checkMIGManager,
	(*nodeEvidence).checkOffer,
}

func (n *nodeEvidence) checkReady() *brokenLink {
	for _, condition := range n.node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
			return &brokenLink{
				link: LinkNode, subject: "ready", cause: "the kubelet is not ready",
				command: "kubectl describe node " + shellName(n.node.Name),
			}
		}
	}
	return nil
}

// checkDeployed finds nodes that the GPU Operator leaves alone.
func (n *nodeEvidence) checkDeployed() *brokenLink {
	const operands = deployPrefix + "operands"
	if value := n.node.Labels[operands]; value == "false" {
		return &brokenLink{
			link: LinkOperator, subject: operands, cause: "the label " + operands + "=false keeps the GPU Operator's components off",
			command: "kubectl get nodes -L " + operands,
		}
	}
	if n.operator && !hasOperatorLabels(n.node) && len(n.pods[pluginComponent])+len(n.pods[draComponent]) == 0 {
		if !hasNFDLabels(n.node) {
			return &brokenLink{
				link: LinkNFD, subject: "labels", cause: "node feature discovery has not labelled them, which the GPU Operator waits for",
				command: "kubectl get pods -A -o wide | grep -i node-feature-discovery",
			}
		}
		return &brokenLink{
			link: LinkOperator, subject: "labels",
			cause:   "the GPU Operator has not labelled them (" + deployPrefix + "*), so that it deploys nothing there",
			command: "kubectl get pods -A -l app=gpu-operator -o wide",
		}
	}
	return nil
}

// checkWorkload finds nodes whose GPUs are for virtual machines: these are handed out
// under other names.
func (n *nodeEvidence) checkWorkload() *brokenLink {
	workload := n.node.Labels[workloadLabel]
	if workload != "vm-passthrough" && workload != "vm-vgpu" {
		return nil
	}
	return &brokenLink{
		link: LinkOperator, subject: workloadLabel,
		cause:   fmt.Sprintf("the label %s=%s sets their GPUs up for virtual machines, not for containers", workloadLabel, workload),
		command: "kubectl get nodes -L " + workloadLabel,
	}
}

func (n *nodeEvidence) checkDriver() *brokenLink {
	if state := n.node.Labels[upgradeLabel]; state == "upgrade-failed" {
		return &brokenLink{
			link: LinkDriver, subject: upgradeLabel, cause: "the driver's upgrade has failed (" + upgradeLabel + "=" + state + ")",
			command: "kubectl get pods -A -l app=nvidia-driver-daemonset -o wide",
		}
	}
	if broken := n.checkPods(driverComponent); broken != nil {
		return broken
	}
	if broken := n.validationBroken("driver-validation", LinkDriver, "the NVIDIA driver is not loaded"); broken != nil {
		return broken
	}
	return n.checkMissing(driverComponent)
}

func (n *nodeEvidence) checkToolkit() *brokenLink {
	if broken := n.checkPods(toolkitComponent); broken != nil {
		return broken
	}
	broken := n.validationBroken("toolkit-validation", LinkToolkit, "containers do not get the driver's libraries")
	if broken != nil {
		return broken
	}
	return n.checkMissing(toolkitComponent)
}

func (n *nodeEvidence) checkMIGManager() *brokenLink {
	switch state := n.node.Labels[migStateLabel]; state {
	case "failed", "pending", "rebooting":
		cause := fmt.Sprintf("the MIG manager is changing the GPUs (%s=%s)", migStateLabel, state)
		if state == "failed" {
			config := n.node.Labels["nvidia.com/mig.config"]
			cause = fmt.Sprintf("the MIG manager failed to apply %q (%s=failed)", cutText(config, 63), migStateLabel)
		}
		return &brokenLink{
			link: LinkMIGManager, subject: migStateLabel + state, cause: cause,
			command: "kubectl get pods -A -l app=nvidia-mig-manager -o wide",
		}
	}
	return nil
}

// checkPods finds a component whose pods on the node are not ready.
func (n *nodeEvidence) checkPods(c *chainComponent) *brokenLink {
	var first *componentPod
	for i := range n.pods[c] {
		p := &n.pods[c][i]
		if podTrouble(p.pod) == "" {
			return nil
		}
		// Ended pods stay until they are collected: one that is there says more.
		if first == nil || isEnded(first.pod) && !isEnded(p.pod) {
			first = p
		}
	}
	if first == nil {
		return nil
	}
	subject := fmt.Sprintf("the %s pods of %s", c.link, ownerOf(first.pod))
	trouble := podTrouble(first.pod)
	all := fmt.Sprintf("kubectl -n %s get pods -l %s=%s -o wide", first.pod.Namespace, first.label.key, first.label.value)
	command := all
	if trouble == notScheduled || strings.HasPrefix(trouble, noContainer) {
		command = fmt.Sprintf("kubectl -n %s describe pods -l %s=%s", first.pod.Namespace, first.label.key, first.label.value)
	}
	return &brokenLink{
		link: c.link, subject: subject, cause: subject + " " + trouble, command: command,
		mixed: subject + " " + notReady, mixedCommand: all,
	}
}

func isEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// validationBroken finds a pod whose init container of this name does not end well. The
// GPU Operator's pods wait in them for the links before their own, so that they say
// which link is broken whatever pod they are in.
func (n *nodeEvidence) validationBroken(container string, link Link, meaning string) *brokenLink {
	for _, c := range components {
		for _, p := range n.pods[c] {
			if isEnded(p.pod) || p.pod.DeletionTimestamp != nil || isPodReady(p.pod) || unfinishedInit(p.pod) != container {
				continue
			}
			return &brokenLink{
				link: link, subject: container,
				cause: fmt.Sprintf("init container %s of %s does not end: %s", container, ownerOf(p.pod), meaning),
				command: fmt.Sprintf("kubectl -n %s logs -l %s=%s -c %s --prefix --tail=5", p.pod.Namespace, p.label.key, p.label.value,
					container),
			}
		}
	}
	return nil
}

// checkMissing finds a component that has no pod on the node although the GPU Operator
// or a DaemonSet means it to. The operator labels nodes for a driver and a toolkit also
// where it is told that the host has them, so that the labels alone prove nothing of these.
func (n *nodeEvidence) checkMissing(c *chainComponent) *brokenLink {
	if len(n.pods[c]) > 0 {
		return nil
	}
	key := deployPrefix + c.deploy
	value := n.node.Labels[key]
	if reason, paused := strings.CutPrefix(value, "paused-for-"); paused {
		return &brokenLink{
			link: c.link, subject: "paused", cause: fmt.Sprintf("the %s is paused for %s (%s)", c.link, cutText(reason, 40), key),
			command: fmt.Sprintf("kubectl get nodes -L %s,%s,%s", key, migStateLabel, upgradeLabel),
		}
	}
	if broken := n.checkDaemonSets(c); broken != nil {
		return broken
	}
	if value != "true" || !n.PodsComplete || c == toolkitComponent || c == driverComponent && n.isDriverThere() {
		return nil
	}
	cause := fmt.Sprintf("%s=true asks for a %s pod and there is none", key, c.link)
	if c == driverComponent {
		cause += ", nor a sign of a driver on the host"
	}
	if keys := foreignTaints(n.node); keys != "" {
		cause += "; a taint may keep it off (" + keys + ")"
	}
	return &brokenLink{
		link: c.link, subject: "no pod", cause: cause,
		command: fmt.Sprintf("kubectl get daemonsets -A -l %s=%s", c.labels[0].key, c.labels[0].value),
	}
}

// foreignTaints are the keys of a node's taints that keep pods out and that are not for
// GPUs or by the node's lifecycle, sorted.
func foreignTaints(node *corev1.Node) string {
	var keys []string
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule || taint.Key == deviceapi.GPUResource ||
			strings.HasPrefix(taint.Key, "node.kubernetes.io/") {
			continue
		}
		keys = append(keys, cutText(taint.Key, 60))
	}
	slices.Sort(keys)
	return strings.Join(keys[:min(2, len(keys))], ", ")
}

// shellName is a name as it goes into a command; a long one is cut, so that the command
// shows where to fill it in.
func shellName(name string) string {
	if len(name) > 80 {
		return "NODE"
	}
	return name
}

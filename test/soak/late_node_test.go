package soak

import (
	"context"
	"fmt"
	"math/rand"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var lateNodes = []lateKind{
	{"scheduling gates lifted", gatesLifted},
	{"tolerations added to pods", tolerationsAdded},
	{"node uncordoned", nodeUncordoned},
	{"node labelled", nodeLabelled},
}

// reserved is the key of a node's label that pods select.
const reserved = "example.com/reserved"

func gatesLifted(random *rand.Rand, a *arrival) *lateChange {
	gated := someOf(random, a.pods)
	gate(gated)
	return &lateChange{make: oneByOne(random, gated, liftGate)}
}

// tolerationsAdded has the pods select a node with a taint of their own.
func tolerationsAdded(random *rand.Rand, a *arrival) *lateChange {
	node := drawNodeName(random)
	a.selectNode(corev1.LabelHostname, node)
	taint := corev1.Taint{Key: a.name + ".example.com/only", Effect: corev1.TaintEffectNoSchedule}
	isIt := func(other corev1.Taint) bool { return other.Key == taint.Key }
	tolerate := func(ctx context.Context, w *world, pod *corev1.Pod) error {
		return w.changePod(ctx, pod.Name, func(now *corev1.Pod) {
			toleration := corev1.Toleration{Key: taint.Key, Operator: corev1.TolerationOpExists}
			if !slices.Contains(now.Spec.Tolerations, toleration) {
				now.Spec.Tolerations = append(now.Spec.Tolerations, toleration)
			}
		})
	}
	return &lateChange{
		before: func(ctx context.Context, w *world) error {
			return w.changeNode(ctx, node, func(now *corev1.Node) {
				now.Spec.Taints = append(slices.DeleteFunc(now.Spec.Taints, isIt), taint)
			})
		},
		make: oneByOne(random, a.pods, tolerate),
		undo: func(ctx context.Context, w *world) error {
			return w.changeNode(ctx, node, func(now *corev1.Node) { now.Spec.Taints = slices.DeleteFunc(now.Spec.Taints, isIt) })
		},
	}
}

// nodeUncordoned has the pods select a node that is cordoned.
func nodeUncordoned(random *rand.Rand, a *arrival) *lateChange {
	node := drawNodeName(random)
	a.selectNode(corev1.LabelHostname, node)
	cordon := func(on bool) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			return w.changeNode(ctx, node, func(now *corev1.Node) { now.Spec.Unschedulable = on })
		}
	}
	return &lateChange{before: cordon(true), make: cordon(false)}
}

// nodeLabelled has the pods select a label that no node has yet.
func nodeLabelled(random *rand.Rand, a *arrival) *lateChange {
	node := drawNodeName(random)
	a.selectNode(reserved, a.name)
	return &lateChange{make: func(ctx context.Context, w *world) error {
		return w.changeNode(ctx, node, func(now *corev1.Node) { now.Labels[reserved] = a.name })
	}}
}

func (a *arrival) selectNode(label, value string) {
	for _, pod := range a.pods {
		pod.Spec.NodeSelector = map[string]string{label: value}
	}
}

// nodeNames are the nodes with GPUs.
func nodeNames() (names []string) {
	for i := range driven {
		names = append(names, drivenName(i))
	}
	for i := range changing {
		names = append(names, changingName(i))
	}
	return names
}

func drivenName(i int) string   { return fmt.Sprintf("driven-%02d", i) }
func changingName(i int) string { return fmt.Sprintf("changing-%02d", i) }

func drawNodeName(random *rand.Rand) string { return pick(random, nodeNames()...) }

// changeNode changes a node, if it is there.
func (w *world) changeNode(ctx context.Context, name string, change func(*corev1.Node)) error {
	return w.persist(ctx, func(ctx context.Context) error {
		now, err := w.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(now)
		_, err = w.client.CoreV1().Nodes().Update(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

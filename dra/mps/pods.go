package mps

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// PodOptions are how Pods are made.
type PodOptions struct {
	Client kubernetes.Interface
	// Node is where the daemons run: the driver's.
	Node string
	// Namespace is the driver's.
	Namespace string
	// Image has chroot; everything else is the driver's.
	Image string
	// DriverRoot is the directory on the host in which the GPU driver is installed; "" means "/".
	DriverRoot string
	// Root has the daemons' directories, at the same path on the host and in the driver's
	// container; "" means DefaultRoot.
	Root string
	// Clock measures how long a daemon takes; nil means the real one.
	Clock clock.Clock
}

// Pods are control daemons as pods of one node.
type Pods struct {
	PodOptions
	locks sync.Map // UUID to *sync.Mutex
}

// NewPods manages daemons as pods.
func NewPods(options PodOptions) *Pods {
	if options.DriverRoot == "" {
		options.DriverRoot = "/"
	}
	if options.Root == "" {
		options.Root = DefaultRoot
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Pods{PodOptions: options}
}

// podPollTime is how often a pod is looked at that is starting or ending.
const podPollTime = 250 * time.Millisecond

// Paths are the directories of a daemon, for its clients.
func (p *Pods) Paths(uuid string) Paths { return pathsOf(p.Root, uuid) }

func (p *Pods) lock(uuid string) func() {
	mutex, _ := p.locks.LoadOrStore(uuid, &sync.Mutex{})
	mutex.(*sync.Mutex).Lock()
	return mutex.(*sync.Mutex).Unlock
}

// Ensure creates the daemon's pod, or finds it, and waits until it is ready. It gives up with
// the context; the pod then stays, so that the next attempt finds it further on.
func (p *Pods) Ensure(ctx context.Context, spec Spec) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("start the MPS control daemon of %s, pod %s/%s: %w", spec.UUID, p.Namespace, podName(spec.UUID), err)
		}
	}()
	if err := spec.check(); err != nil {
		return err
	}
	defer p.lock(spec.UUID)()
	if err := pathsOf(p.Root, spec.UUID).create(); err != nil {
		return err
	}
	wanted := podOf(p.PodOptions, spec)
	state := "it was not seen"
	for {
		pod, err := p.Client.CoreV1().Pods(p.Namespace).Get(ctx, wanted.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			state = "it was created"
			_, err := p.Client.CoreV1().Pods(p.Namespace).Create(ctx, wanted, metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		case ctx.Err() != nil: // told below
		case err != nil:
			return err
		case pod.DeletionTimestamp != nil:
			state = "the former one is ending"
		case pod.Spec.NodeName != p.Node:
			return fmt.Errorf("there is one of that name on node %s: two nodes say that they have this GPU", pod.Spec.NodeName)
		case isOver(pod) || !hasSettings(pod, wanted):
			klog.FromContext(ctx).Info("Replacing an MPS control daemon", "pod", klog.KObj(pod), "phase", pod.Status.Phase,
				"had", pod.Annotations[settingsAnnotation], "wants", wanted.Annotations[settingsAnnotation])
			if err := p.deletePod(ctx, pod); err != nil {
				return err
			}
		case isReady(pod):
			return nil
		default:
			state = podState(pod)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", state, ctx.Err())
		case <-p.Clock.After(podPollTime):
		}
	}
}

// Remove deletes the daemon's pod, waits until it is gone, and removes its directories.
func (p *Pods) Remove(ctx context.Context, uuid string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("end the MPS control daemon of %s, pod %s/%s: %w", uuid, p.Namespace, podName(uuid), err)
		}
	}()
	if err := checkUUID(uuid); err != nil {
		return err
	}
	defer p.lock(uuid)()
	for {
		pod, err := p.Client.CoreV1().Pods(p.Namespace).Get(ctx, podName(uuid), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && pod.Spec.NodeName != p.Node:
			return os.RemoveAll(pathsOf(p.Root, uuid).directory)
		case err != nil:
			return err
		case pod.DeletionTimestamp == nil:
			if err := p.deletePod(ctx, pod); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it is still ending: %w", ctx.Err())
		case <-p.Clock.After(podPollTime):
		}
	}
}

// deletePod deletes this very pod, not one that has taken its name.
func (p *Pods) deletePod(ctx context.Context, pod *corev1.Pod) error {
	options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
	err := p.Client.CoreV1().Pods(p.Namespace).Delete(ctx, pod.Name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// List returns the UUIDs of the node's daemons: those of pods, and those of which there are directories.
func (p *Pods) List(ctx context.Context) ([]string, error) {
	uuids, err := listDirectories(p.Root)
	if err != nil {
		return nil, err
	}
	selector := labels.Set{nameLabel: nameValue, nodeLabel: labelValue(p.Node)}.String()
	pods, err := p.Client.CoreV1().Pods(p.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list the pods of MPS control daemons in namespace %s: %w", p.Namespace, err)
	}
	for _, pod := range pods.Items {
		if uuid := pod.Labels[deviceLabel]; pod.Spec.NodeName == p.Node && checkUUID(uuid) == nil {
			uuids = append(uuids, uuid)
		}
	}
	slices.Sort(uuids)
	return slices.Compact(uuids), nil
}

func hasSettings(pod, wanted *corev1.Pod) bool {
	return pod.Annotations[settingsAnnotation] == wanted.Annotations[settingsAnnotation]
}

// isOver reports whether the pod runs no more, as after an eviction.
func isOver(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// podState says why a pod is not ready.
func podState(pod *corev1.Pod) string {
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			return strings.TrimSuffix("it waits: "+waiting.Reason+": "+waiting.Message, ": ")
		}
		if ended := container.State.Terminated; ended != nil {
			return fmt.Sprintf("it ended with exit code %d: see its log", ended.ExitCode)
		}
	}
	if pod.Status.Phase == "" {
		return "the kubelet has not taken it up yet"
	}
	return fmt.Sprintf("it is %s, but does not answer yet", strings.ToLower(string(pod.Status.Phase)))
}

func shortHash(text string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(text))
	return fmt.Sprintf("%08x", hash.Sum32())
}

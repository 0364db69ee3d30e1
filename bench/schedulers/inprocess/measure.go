package inprocess

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/bench/procfs"
	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// Job is what a process measures.
type Job struct {
	Size workload.Size `json:"size"`
	// Configuration is the scheduler's, without a kubeconfig.
	Configuration string `json:"configuration"`
	// Classes are the DeviceClasses.
	Classes []resourceapi.DeviceClass `json:"classes"`
	// Pods is how many have a claim each.
	Pods int `json:"pods"`
	// Gang is whether all pods are of one PodGroup and start together.
	Gang bool `json:"gang,omitempty"`
	// Limit is how long the scheduler may take from the first pod on.
	Limit time.Duration `json:"limit"`
	// Explains is whether to time refusals, too.
	Explains bool `json:"explains"`
}

// Outcome is what was measured.
type Outcome struct {
	Binding  binding.Result    `json:"binding"`
	Refusals []binding.Refusal `json:"refusals,omitempty"`
	// PeakMiB is the most memory that the process had. It is less than a real scheduler takes:
	// nodes share what is equal in their slices.
	PeakMiB int `json:"peakMiB"`
}

// startsWithin is how long the first pod may take.
const startsWithin = 2 * time.Minute

// MeasureBinding binds the job's pods by one scheduler. It is to be called once in a process:
// CPU time and memory are the process's own.
func MeasureBinding(ctx context.Context, job Job) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := fillCluster(job)
	if err != nil {
		return Outcome{}, err
	}
	var gangs []v1alpha1.PodGroup
	if job.Gang {
		gangs = append(gangs, newGang(workload.Namespace, job.Pods))
	}
	groups := servePodGroups(gangs...)
	defer func() {
		cancel() // otherwise the scheduler connects again
		groups.CloseClientConnections()
		groups.Close()
	}()
	watch, err := binding.NewWatch(ctx, client, workload.Namespace, "", job.Pods)
	if err != nil {
		return Outcome{}, err
	}
	defer watch.Stop()
	var outcome Outcome
	outcome.Binding, err = watch.Measure(ctx, func(ctx context.Context) (binding.Subject, error) {
		subject := binding.Subject{CPU: procfs.OwnCPUTime, Failed: func() error { return nil }}
		if err := startScheduler(ctx, client, &rest.Config{Host: groups.URL}, job.Configuration); err != nil {
			return subject, err
		}
		if err := awaitRest(ctx); err != nil {
			return subject, err
		}
		return subject, createPods(ctx, client, job)
	}, binding.Patience{First: startsWithin, Limit: job.Limit})
	if err != nil {
		return Outcome{}, err
	}
	if job.Explains {
		if err := removeWaiting(ctx, client); err != nil {
			return Outcome{}, err
		}
		if outcome.Refusals, err = timeRefusals(ctx, client); err != nil {
			return Outcome{}, err
		}
	}
	outcome.PeakMiB, err = procfs.OwnPeakMiB()
	return outcome, err
}

// removeWaiting removes the pods that are not bound.
func removeWaiting(ctx context.Context, client kubernetes.Interface) error {
	pods := client.CoreV1().Pods(workload.Namespace)
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range list.Items {
		if pod := &list.Items[i]; pod.Spec.NodeName == "" {
			if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
				return fmt.Errorf("removing pod %s: %w", pod.Name, err)
			}
		}
	}
	return nil
}

// refusalPatience is how long an explanation may take.
const refusalPatience = time.Minute

// timeRefusals creates pods that fit nowhere, one after the other.
func timeRefusals(ctx context.Context, client kubernetes.Interface) ([]binding.Refusal, error) {
	var all []binding.Refusal
	for _, refusal := range workload.Refusals {
		pod, claim := refusal.NewPod(refusal.Name, refusal.Name)
		pod.UID, claim.UID = types.UID(pod.Name), types.UID(claim.Name)
		timed, err := binding.TimeRefusal(ctx, client, pod, claim, refusal.Explained, refusalPatience)
		if err != nil {
			return nil, err
		}
		all = append(all, timed)
	}
	return all, nil
}

// fillCluster is a cluster of nodes with devices.
func fillCluster(job Job) (kubernetes.Interface, error) {
	maker, err := workload.NewNodeMaker(job.Size)
	if err != nil {
		return nil, err
	}
	var devices []resourceapi.ResourceSlice
	var first []*resourceapi.ResourceSlice
	objects := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload.Namespace}}}
	for i := range job.Classes {
		objects = append(objects, &job.Classes[i])
	}
	for i := range job.Size.Nodes {
		objects = append(objects, newNode(i))
		made, err := maker.MakeSlices(i)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = made
		} else {
			shareEqual(made, first)
		}
		for number, slice := range made {
			slice.Name = fmt.Sprintf("%s%d", slice.GenerateName, number)
			slice.UID, slice.ResourceVersion = types.UID(slice.Name), "1"
			devices = append(devices, *slice)
		}
	}
	return newFakeAPI(devices, objects...)
}

// awaitRest waits until this process does next to nothing. A scheduler that has seen all objects goes on
// for seconds to hand thousands of nodes and slices to its handlers, which is no pod's cost.
func awaitRest(ctx context.Context) error {
	const (
		between  = 500 * time.Millisecond
		resting  = between / 10
		readings = 600
	)
	before, err := procfs.OwnCPUTime()
	for range readings {
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(between):
		}
		var now time.Duration
		if now, err = procfs.OwnCPUTime(); now-before < resting {
			return err
		}
		before = now
	}
	return errors.New("the scheduler does not come to rest before there are pods")
}

// createPods creates the pods, and before them what they claim. It is done before the first of them can be
// bound.
func createPods(ctx context.Context, client kubernetes.Interface, job Job) error {
	var pods []*corev1.Pod
	for i := range job.Pods {
		pod, claim := workload.ClaimForm.NewPod(fmt.Sprintf("pod-%d", i), "run")
		pod.UID, claim.UID = types.UID(pod.Name), types.UID(claim.Name)
		if job.Gang {
			pod.Labels = map[string]string{v1alpha1.PodGroupLabel: gangName}
		}
		if _, err := client.ResourceV1().ResourceClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating claim %s: %w", claim.Name, err)
		}
		pods = append(pods, pod)
	}
	for _, pod := range pods {
		if _, err := client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod %s: %w", pod.Name, err)
		}
	}
	return nil
}

// newNode is a node as test/cluster makes it.
func newNode(number int) *corev1.Node {
	name := workload.NodeName(number)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("128"), corev1.ResourceMemory: resource.MustParse("1Ti"),
		corev1.ResourcePods: resource.MustParse("110"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{corev1.LabelHostname: name}},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
}

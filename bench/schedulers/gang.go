package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

const (
	gangName = "gang"
	// gangPatience is how long a gang may take, and how long its first pods wait for the others.
	gangPatience = 5 * time.Minute
)

// measureGang times a gang of pods with a claim each, which is created while Ashlar's
// scheduler runs, from its last pod's creation until all are bound.
func (s *benchmarkSession) measureGang(ctx context.Context, pods int) (report gangReport, err error) {
	ctx, cancel := context.WithTimeout(ctx, startsWithin+gangPatience)
	defer cancel()
	report = gangReport{Size: s.size, Pods: pods}
	process, err := s.startScheduler(ctx, ashlarScheduler)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.endScheduler(process)) }()
	if err := s.bindOne(ctx); err != nil {
		return report, fmt.Errorf("waiting for the scheduler to read the cluster: %w", err)
	}
	if err := s.createPodGroup(ctx, pods); err != nil {
		return report, err
	}
	watch, err := binding.NewWatch(ctx, s.client, workload.Namespace, selectRun(gangName), pods)
	if err != nil {
		return report, err
	}
	defer watch.Stop()
	begin := time.Now()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range pods {
		group.Go(func() error {
			return s.createPod(groupCtx, workload.ClaimForm, fmt.Sprintf("%s-%d", gangName, i), gangName,
				map[string]string{v1alpha1.PodGroupLabel: gangName})
		})
	}
	if err := group.Wait(); err != nil {
		return report, err
	}
	created := time.Now()
	result, err := watch.Measure(ctx, func(context.Context) (binding.Subject, error) { return s.subjectOf(process), nil },
		binding.Patience{First: gangPatience, Limit: gangPatience})
	if err == nil && result.Bound < pods {
		err = fmt.Errorf("%d of %d pods are bound after %s", result.Bound, pods, gangPatience)
	}
	report.CreateSeconds, report.Seconds = created.Sub(begin).Seconds(), time.Since(created).Seconds()
	return report, err
}

// bindOne binds a pod that fills the scheduler's caches.
func (s *benchmarkSession) bindOne(ctx context.Context) error {
	const run = "warm"
	if err := s.createPod(ctx, workload.ClaimForm, run, run, nil); err != nil {
		return err
	}
	return s.cluster.Until(ctx, "the first pod to be bound", func(ctx context.Context) error {
		pod, err := s.client.CoreV1().Pods(workload.Namespace).Get(ctx, run, metav1.GetOptions{})
		if err == nil && pod.Spec.NodeName == "" {
			err = errors.New("it waits")
		}
		return err
	})
}

func (s *benchmarkSession) createPodGroup(ctx context.Context, pods int) error {
	client, err := dynamic.NewForConfig(s.cluster.RESTConfig())
	if err != nil {
		return err
	}
	group := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "PodGroup",
		"metadata": map[string]any{"name": gangName},
		"spec":     map[string]any{"minMember": int64(pods), "scheduleTimeoutSeconds": int64(gangPatience.Seconds())},
	}}
	_, err = client.Resource(v1alpha1.SchemeGroupVersion.WithResource("podgroups")).Namespace(workload.Namespace).
		Create(ctx, group, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating PodGroup %s: %w", gangName, err)
	}
	return nil
}

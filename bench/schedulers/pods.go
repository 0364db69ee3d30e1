package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// writers is how many pods are created at a time.
const writers = 16

// selectRun is the label selector of a run's pods.
func selectRun(run string) string { return workload.RunLabel + "=" + run }

// createPods creates so many pods of a form, and returns once they have their claims.
func (s *benchmarkSession) createPods(ctx context.Context, form workload.Form, run string, pods int) error {
	if form.FromTemplate() {
		_, err := s.client.ResourceV1().ResourceClaimTemplates(workload.Namespace).Create(ctx, workload.NewTemplate(), metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating the ResourceClaimTemplate: %w", err)
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range pods {
		group.Go(func() error { return s.createPod(groupCtx, form, fmt.Sprintf("%s-%d", run, i), run, nil) })
	}
	if err := group.Wait(); err != nil || !form.FromTemplate() {
		return err
	}
	return s.cluster.Until(ctx, "the controller-manager to make claims", func(ctx context.Context) error {
		list, err := s.client.CoreV1().Pods(workload.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selectRun(run)})
		if err != nil {
			return err
		}
		for i := range list.Items {
			if len(list.Items[i].Status.ResourceClaimStatuses) == 0 {
				return fmt.Errorf("pod %s has none", list.Items[i].Name)
			}
		}
		return nil
	})
}

// createPod creates a pod, with more labels, and its claim.
func (s *benchmarkSession) createPod(ctx context.Context, form workload.Form, name, run string, labels map[string]string) error {
	pod, claim := form.NewPod(name, run)
	for key, value := range labels {
		pod.Labels[key] = value
	}
	if claim != nil {
		if _, err := s.client.ResourceV1().ResourceClaims(workload.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating claim %s: %w", name, err)
		}
	}
	if _, err := s.client.CoreV1().Pods(workload.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating pod %s: %w", name, err)
	}
	return nil
}

// removeWaiting removes the pods that are not bound.
func (s *benchmarkSession) removeWaiting(ctx context.Context) error {
	waiting := metav1.ListOptions{FieldSelector: "spec.nodeName="}
	if err := s.client.CoreV1().Pods(workload.Namespace).DeleteCollection(ctx, *metav1.NewDeleteOptions(0), waiting); err != nil {
		return fmt.Errorf("removing pods that wait: %w", err)
	}
	return nil
}

// clearPods removes all pods and claims, so that the next scheduler finds the same cluster.
func (s *benchmarkSession) clearPods(ctx context.Context) error {
	now := metav1.NewDeleteOptions(0)
	if err := s.client.CoreV1().Pods(workload.Namespace).DeleteCollection(ctx, *now, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("removing pods: %w", err)
	}
	if err := s.client.ResourceV1().ResourceClaims(workload.Namespace).DeleteCollection(ctx, *now, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("removing claims: %w", err)
	}
	return s.cluster.Until(ctx, "claims to be released", func(ctx context.Context) error {
		list, err := s.client.ResourceV1().ResourceClaims(workload.Namespace).List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return err
		}
		if len(list.Items) > 0 {
			return fmt.Errorf("claim %s is left", list.Items[0].Name)
		}
		return nil
	})
}

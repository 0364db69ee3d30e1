package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ashlar-dev/ashlar/plugins/admission"
)

// Start sweeps until the context ends.
func (k *templateKeeper) Start(ctx context.Context) error {
	ticker := time.NewTicker(k.period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := k.sweepTemplates(ctx); err != nil && ctx.Err() == nil {
				klog.ErrorS(err, "ResourceClaimTemplates were not swept; it is tried again", "in", k.period)
			}
		}
	}
}

// NeedLeaderElection says that every replica sweeps: what one deletes, others do not find.
func (k *templateKeeper) NeedLeaderElection() bool { return false }

// sweepTemplates deletes the templates that were made here, that nobody has wanted for a while, and
// that no pod names. Workloads name none: their pods come by here again.
func (k *templateKeeper) sweepTemplates(ctx context.Context) error {
	var made resourceapi.ResourceClaimTemplateList
	if err := k.client.List(ctx, &made, client.MatchingLabels{admission.ManagedByLabel: admission.ManagedBy}); err != nil {
		return fmt.Errorf("listing ResourceClaimTemplates: %w", err)
	}
	old := map[string][]*resourceapi.ResourceClaimTemplate{}
	for i := range made.Items {
		if template := &made.Items[i]; k.now().Sub(lastWanted(template)) > k.age {
			old[template.Namespace] = append(old[template.Namespace], template)
		}
	}
	for namespace, templates := range old {
		named, err := k.namedTemplates(ctx, namespace)
		if err != nil {
			return err
		}
		for _, template := range templates {
			if named[template.Name] {
				continue
			}
			// Only as it was when it was old: it may have been wanted since.
			seen := client.Preconditions{UID: &template.UID, ResourceVersion: &template.ResourceVersion}
			err := k.client.Delete(ctx, template.DeepCopy(), seen)
			switch {
			case err == nil:
				klog.InfoS("A ResourceClaimTemplate that no pod names is deleted", "namespace", namespace, "name", template.Name)
			case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
				return fmt.Errorf("deleting ResourceClaimTemplate %s/%s: %w", namespace, template.Name, err)
			}
		}
	}
	return nil
}

// podPage is how many pods are read at once.
const podPage = 500

// namedTemplates are the templates that pods of a namespace name.
func (k *templateKeeper) namedTemplates(ctx context.Context, namespace string) (map[string]bool, error) {
	named, next := map[string]bool{}, ""
	for {
		var pods corev1.PodList
		if err := k.direct.List(ctx, &pods, client.InNamespace(namespace), client.Limit(podPage), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("listing pods of namespace %s: %w", namespace, err)
		}
		for i := range pods.Items {
			for _, claim := range pods.Items[i].Spec.ResourceClaims {
				if claim.ResourceClaimTemplateName != nil {
					named[*claim.ResourceClaimTemplateName] = true
				}
			}
		}
		if next = pods.Continue; next == "" {
			return named, nil
		}
	}
}

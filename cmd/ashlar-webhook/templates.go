package main

import (
	"context"
	"fmt"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// wantedAnnotation says when a template was last wanted by a new pod, roughly.
const wantedAnnotation = "ashlar.dev/last-wanted"

// templateKeeper makes ResourceClaimTemplates for pods, and deletes those that no pod names any more.
type templateKeeper struct {
	// client reads from the cache, direct from the API server.
	client client.Client
	direct client.Reader
	// age is how long a template stays after it was last wanted.
	age, period time.Duration
	now         func() time.Time
}

// ensureTemplate makes sure that a template is there, and stays for a while. Its name tells its contents.
func (k *templateKeeper) ensureTemplate(ctx context.Context, template *resourceapi.ResourceClaimTemplate) error {
	known := &resourceapi.ResourceClaimTemplate{}
	err := k.client.Get(ctx, client.ObjectKeyFromObject(template), known)
	switch {
	case apierrors.IsNotFound(err):
		err = k.client.Create(ctx, template.DeepCopy())
		if apierrors.IsAlreadyExists(err) {
			return nil // another replica made it
		}
	case err == nil && k.now().Sub(lastWanted(known)) > k.age/2:
		err = k.markWanted(ctx, known)
		if apierrors.IsNotFound(err) { // swept a moment ago
			err = k.client.Create(ctx, template.DeepCopy())
		}
	}
	if err != nil {
		return fmt.Errorf("making ResourceClaimTemplate %s/%s: %w", template.Namespace, template.Name, err)
	}
	return nil
}

// markWanted keeps the sweep from a template for a while.
func (k *templateKeeper) markWanted(ctx context.Context, known *resourceapi.ResourceClaimTemplate) error {
	marked := known.DeepCopy()
	if marked.Annotations == nil {
		marked.Annotations = map[string]string{}
	}
	marked.Annotations[wantedAnnotation] = k.now().UTC().Format(time.RFC3339)
	return k.client.Patch(ctx, marked, client.MergeFrom(known))
}

// lastWanted is when a pod last wanted a template: when it was made, or marked since.
func lastWanted(template *resourceapi.ResourceClaimTemplate) time.Time {
	wanted := template.CreationTimestamp.Time
	if marked, err := time.Parse(time.RFC3339, template.Annotations[wantedAnnotation]); err == nil && marked.After(wanted) {
		wanted = marked
	}
	return wanted
}

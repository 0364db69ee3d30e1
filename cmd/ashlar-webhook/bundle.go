package main

import (
	"bytes"
	"context"
	"fmt"

	admissionapi "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// injectBundle makes the API server trust the bundle's authorities when it calls. A
// configuration that is not there yet is no error: then nobody calls.
func (k *certificateKeeper) injectBundle(ctx context.Context, bundle []byte) error {
	configuration := &admissionapi.MutatingWebhookConfiguration{}
	err := k.client.Get(ctx, client.ObjectKey{Name: k.options.configuration}, configuration)
	if apierrors.IsNotFound(err) {
		klog.V(2).InfoS("There is no such MutatingWebhookConfiguration; nobody calls", "name", k.options.configuration)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading MutatingWebhookConfiguration %s: %w", k.options.configuration, err)
	}
	before := configuration.DeepCopy()
	changed := false
	for i := range configuration.Webhooks {
		if own := &configuration.Webhooks[i].ClientConfig; !bytes.Equal(own.CABundle, bundle) {
			own.CABundle, changed = bundle, true
		}
	}
	if !changed {
		return nil
	}
	if err := k.client.Patch(ctx, configuration, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing caBundle of MutatingWebhookConfiguration %s: %w", k.options.configuration, err)
	}
	klog.InfoS("The API server trusts the certificate", "webhookConfiguration", k.options.configuration)
	return nil
}

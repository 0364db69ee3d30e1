package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// exerciseWebhook switches the webhook on, has it give a pod a claim, and waits until it has
// removed what it made. The API server reaches no Service here: it is told the webhook's port.
func exerciseWebhook(t *testing.T, w *chartWorld, chart string) {
	t.Helper()
	w.helm(t, "upgrade", release, chart, "--reset-then-reuse-values", "--set", "webhook.enabled=true,webhook.replicas=1")
	w.until(t, "the webhook to be trusted", settleLimit, func(ctx context.Context) error {
		configuration, err := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, webhookName, metav1.GetOptions{})
		if err == nil && len(configuration.Webhooks[0].ClientConfig.CABundle) == 0 {
			err = errors.New("no caBundle")
		}
		return err
	})
	w.kubectl(t, "patch", "mutatingwebhookconfiguration", webhookName, "--type=json", "-p", fmt.Sprintf(
		`[{"op":"remove","path":"/webhooks/0/clientConfig/service"},{"op":"add","path":"/webhooks/0/clientConfig/url","value":%q}]`,
		fmt.Sprintf("https://127.0.0.1:%d/mutate-pods", w.runner.lastPort(webhookName))))
	w.kubectl(t, "label", "namespace", "default", "ashlar.dev/webhook=enabled")
	w.until(t, "the webhook to give a pod a claim", settleLimit, func(ctx context.Context) error {
		if _, err := w.cluster.Kubectl(ctx, "apply", "-n", "default", "-f", "testdata/model.yaml"); err != nil {
			return err
		}
		pod, err := w.client.CoreV1().Pods("default").Get(ctx, "model", metav1.GetOptions{})
		if err != nil || len(pod.Spec.ResourceClaims) > 0 {
			return err
		}
		_, err = w.cluster.Kubectl(ctx, "delete", "pod", "-n", "default", "model", "--grace-period=0", "--force")
		return errors.Join(errors.New("the pod was created as it was"), err)
	})
	w.placePods(t, "", settleLimit, "model")
	// A second pod that asks alike, once what was made for the first is of some age.
	w.until(t, "what the webhook made to be wanted again", settleLimit, func(ctx context.Context) error {
		if _, err := w.cluster.Kubectl(ctx, "create", "-n", "default", "--dry-run=none", "-f", "testdata/again.yaml"); err != nil {
			return err
		}
		templates, err := w.client.ResourceV1().ResourceClaimTemplates("default").List(ctx, metav1.ListOptions{LabelSelector: madeByWebhook})
		if err != nil {
			return err
		}
		for _, template := range templates.Items {
			if template.Annotations["ashlar.dev/last-wanted"] != "" {
				return nil
			}
		}
		return errors.New("no template is marked")
	})
	w.kubectl(t, "delete", "pods", "-n", "default", "-l", "ashlar.test/webhook", "--grace-period=0", "--force")
	w.until(t, "what the webhook made to be removed", settleLimit, func(ctx context.Context) error {
		templates, err := w.client.ResourceV1().ResourceClaimTemplates("default").List(ctx, metav1.ListOptions{LabelSelector: madeByWebhook})
		if err == nil && len(templates.Items) > 0 {
			err = fmt.Errorf("%d templates are there", len(templates.Items))
		}
		return err
	})
	w.kubectl(t, "label", "namespace", "default", "ashlar.dev/webhook-")
}

// madeByWebhook selects the ResourceClaimTemplates that the webhook has made.
const madeByWebhook = "app.kubernetes.io/managed-by=ashlar-webhook"

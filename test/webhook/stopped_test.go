package webhook

import "testing"

// Without the webhook pods are created as they are. This test is the last, as its file is: it ends the webhook.
func TestWebhookStopped(t *testing.T) {
	s := newSpace(t, true)
	for _, process := range world.webhook.processes {
		if err := process.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	made := s.create(newPod("as-it-is", map[string]string{"gpu-memory": "2000"}))
	if len(made.Spec.ResourceClaims) > 0 || made.Annotations["ashlar.dev/admission"] != "" {
		t.Errorf("the pod is changed: %v", made)
	}
}

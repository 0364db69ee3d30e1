package webhook

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Templates that no pod names go; those of pods that wait or run stay.
func TestTemplatesAreSwept(t *testing.T) {
	s := newSpace(t, true)
	s.create(newPod("stays", map[string]string{"gpu-memory": "1001"}))
	s.create(newPod("goes", map[string]string{"gpu-memory": "1002"}))
	count := func() int {
		templates, err := s.client.ResourceV1().ResourceClaimTemplates(s.name).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(templates.Items)
	}
	if got := count(); got != 2 {
		t.Fatalf("%d templates, want 2", got)
	}
	if err := s.client.CoreV1().Pods(s.name).Delete(s.ctx, "goes", *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	s.until("the template without a pod to go", func() error {
		if got := count(); got != 1 {
			return fmt.Errorf("there are %d", got)
		}
		return nil
	})
	time.Sleep(2 * time.Second) // two sweeps
	if got := count(); got != 1 {
		t.Errorf("the template of a pod that is there is gone")
	}
}

// While the certificate is replaced, pods are created and none is missed.
func TestCertificateIsReplacedUnderLoad(t *testing.T) {
	s := newSpace(t, true)
	first, err := world.webhook.servedCertificate(s.ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	after := 0 // pods since the certificate was replaced
	for start, i := time.Now(), 0; after < 20; i++ {
		if time.Since(start) > 3*certLifetime {
			t.Fatalf("the certificate was not replaced within %s", 3*certLifetime)
		}
		made := s.create(newPod(fmt.Sprintf("pod-%d", i), map[string]string{"gpu-memory": "16"}))
		if len(made.Spec.ResourceClaims) == 0 {
			t.Fatalf("pod %d is unchanged; warnings %q", i, s.warnings)
		}
		for replica := range world.webhook.ports {
			served, err := world.webhook.servedCertificate(s.ctx, replica)
			if err != nil {
				t.Fatalf("replica %d is not trusted: %v", replica, err)
			}
			if replica == 0 && served != first {
				after++
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

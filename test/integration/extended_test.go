package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The plain extended resource works without a claim, and its devices are chosen
// like any others: the two GPUs share a NUMA node.
func TestExtendedResourceWithoutClaim(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("busy", ashlar, "extended"), request(whole, 1, gpu(3)))
	s.running("busy")
	for name, count := range map[string]string{"one": "1", "two": "2"} {
		pod := s.pod(name, ashlar, "extended")
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(count)}
		s.create(pod)
		s.running(name)
		if got := s.devices(name); len(got) != int(count[0]-'0') {
			t.Fatalf("len(s.devices(name)) = %d, want %d: %v", len(got), int(count[0]-'0'), got)
		}
	}
	for _, holding := range holdings(s.ctx, t, "extended") {
		if len(holding.Devices) == 2 {
			if got := holding.Link.String(); got != "NODE" {
				t.Fatalf("the pair must not cross sockets: holding.Link.String() = %q, want %q", got, "NODE")
			}
		}
	}
}

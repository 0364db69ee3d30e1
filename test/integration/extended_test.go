package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
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
		require.Len(t, s.devices(name), int(count[0]-'0'))
	}
	for _, holding := range holdings(s.ctx, t, "extended") {
		if len(holding.Devices) == 2 {
			require.Equal(t, "NODE", holding.Link.String(), "the pair must not cross sockets")
		}
	}
}

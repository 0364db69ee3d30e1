package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// On a machine whose NVLink pairs are (0,2) (1,3) (4,5) (6,7), a single GPU belongs
// beside the one that has lost its partner already. In-tree takes the first.
func TestSingleGPUKeepsPairsWhole(t *testing.T) {
	s := newSpace(t)
	for _, tc := range []struct{ node, scheduler, want string }{
		{"choice-intree", stock, "gpu-0"},
		{"choice-ashlar", ashlar, "gpu-4"},
	} {
		s.create(s.pod(tc.node+"-busy", ashlar, tc.node), request(whole, 1, gpu(5)))
		s.running(tc.node + "-busy")
		s.create(s.pod(tc.node, tc.scheduler, tc.node), request(whole, 1))
		s.running(tc.node)
		if diff := cmp.Diff([]string{tc.want}, s.devices(tc.node)); diff != "" {
			t.Fatalf("%v: s.devices(tc.node) (-want +got):\n%s", tc.scheduler, diff)
		}
	}
}

// Two GPUs of a machine with the pairs (0,1) (2,3) of which GPU 0 is taken: first fit
// takes one of each pair, over PCIe, and leaves no pair for anybody.
func TestPairIsConnectedByNVLink(t *testing.T) {
	s := newSpace(t)
	for _, tc := range []struct {
		node, scheduler string
		want            []string
	}{
		{"pair-intree", stock, []string{"gpu-1", "gpu-2"}},
		{"pair-ashlar", ashlar, []string{"gpu-2", "gpu-3"}},
	} {
		s.create(s.pod(tc.node+"-busy", ashlar, tc.node), request(whole, 1, gpu(0)))
		s.running(tc.node + "-busy")
		s.create(s.pod(tc.node, tc.scheduler, tc.node), request(whole, 2))
		s.running(tc.node)
		if diff := cmp.Diff(tc.want, s.devices(tc.node)); diff != "" {
			t.Fatalf("%v: s.devices(tc.node) (-want +got):\n%s", tc.scheduler, diff)
		}
	}
}

// A small request does not take a large GPU that NVLink connects.
func TestSmallRequestTakesSmallGPU(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("small", ashlar, "score-small", "score-large"), request(whole, 1))
	s.running("small")
	pod, err := s.get("small")
	if err != nil {
		t.Fatal(err)
	}
	if pod.Spec.NodeName != "score-small" {
		t.Fatalf("pod.Spec.NodeName = %q, want %q", pod.Spec.NodeName, "score-small")
	}
}

package integration

import (
	"strings"
	"testing"
)

// What the scheduler says of a pod that does not fit.
func TestPendingPodsAreExplained(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("busy", ashlar, "explain"), request(whole, 5))
	s.running("busy")
	for name, tc := range map[string]struct {
		selectors []string
		class     string
		count     int64
		want      string
	}{
		"no-such-memory": {
			class: whole, count: 1, selectors: []string{`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("500Gi"))`},
			want: `no GPU of node explain satisfies device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("500Gi")) (memory here: `,
		},
		"no-mig": { // a V100 has none, whatever other nodes have: the pod cannot go there
			class: mig, count: 1, selectors: []string{profile("1g.10gb")},
			want: `no GPU of node explain satisfies device.attributes["gpu.ashlar.dev"].type == "mig" (type here: gpu, share)`,
		},
		"too-many": {
			class: whole, count: 8,
			want: "1 node(s) have fewer than 8 GPUs free",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.create(s.pod(name, ashlar, "explain"), request(tc.class, tc.count, tc.selectors...))
			message := s.pending(name)
			if !strings.Contains(message, tc.want) {
				t.Fatalf("%q does not contain %q", message, tc.want)
			}
			for _, noise := range []string{"pod group", "reemption", "optimistic", "deallocate", "still not schedulable"} {
				if strings.Contains(message, noise) {
					t.Fatalf("%q contains %q", message, noise)
				}
			}
			if len(message) > 400 {
				t.Errorf("%d characters, want 400 at most: %q", len(message), message)
			}
		})
	}
}

// A pod that waits for others is told for which, and what it could ask for instead.
func TestPendingPodIsToldWhatWouldFit(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("holder", ashlar, "suggestion"), request(whole, 3))
	s.running("holder")
	s.create(s.pod("waits", ashlar, "suggestion"), request(whole, 2))
	message := s.pending("waits")
	if !strings.Contains(message, "request r: 1 GPU fits on node suggestion") {
		t.Fatalf("%q does not contain %q", message, "request r: 1 GPU fits on node suggestion")
	}
	if !strings.Contains(message, "it fits once GPU") {
		t.Fatalf("%q does not contain %q", message, "it fits once GPU")
	}
	if !strings.Contains(message, "(held by "+s.name+"/holder)") {
		t.Fatalf("%q does not contain %q", message, "(held by "+s.name+"/holder)")
	}
}

// A pod whose claim is not there is in no queue, and told so all the same. It starts once the claim is made.
func TestPendingPodIsToldWhichClaimIsMissing(t *testing.T) {
	s := newSpace(t)
	s.create(s.claiming(s.pod("early", ashlar, "explain"), "claim"))
	want := "ResourceClaim claim does not exist in namespace " + s.name + ": create it, or correct its name in the pod's spec.resourceClaims"
	if message := s.pending("early"); message != want {
		t.Fatalf("%q, want %q", message, want)
	}
	s.makeClaim("claim", request(whole, 1))
	s.running("early")
}

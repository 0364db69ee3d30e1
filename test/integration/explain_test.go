package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
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
			want: `no GPU satisfies device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("500Gi")) (memory here: `,
		},
		"no-such-profile": {
			class: mig, count: 1, selectors: []string{profile("9g.90gb")},
			want: `no GPU satisfies device.attributes["gpu.ashlar.dev"].profile == "9g.90gb" (profile here: `,
		},
		"too-many": {
			class: whole, count: 8,
			want: "fewer than 8 matching GPUs free",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.create(s.pod(name, ashlar, "explain"), request(tc.class, tc.count, tc.selectors...))
			require.Contains(t, s.pending(name), tc.want)
		})
	}
}

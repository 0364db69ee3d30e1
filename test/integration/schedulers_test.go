package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The stock scheduler keeps serving its pods, with and without devices, while
// Ashlar serves others on the same node, and no device is given twice.
func TestTwoSchedulersSideBySide(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("plain", stock, "side-by-side"))
	s.create(s.pod("stock", stock, "side-by-side"), request(whole, 1))
	s.running("plain", "stock")
	s.create(s.pod("ours", ashlar, "side-by-side"), request(whole, 2))
	s.create(s.pod("plain-ours", ashlar, "side-by-side"))
	s.running("ours", "plain-ours")
	s.create(s.pod("stock-again", stock, "side-by-side"), request(whole, 1))
	s.running("stock-again")

	held := map[string]bool{}
	for _, name := range []string{"stock", "ours", "stock-again"} {
		for _, device := range s.devices(name) {
			require.False(t, held[device], "%s is held twice", device)
			held[device] = true
		}
	}
	require.Len(t, held, 4)
	require.Empty(t, s.devices("plain"))
}

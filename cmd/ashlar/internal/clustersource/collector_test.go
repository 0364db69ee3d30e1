package clustersource

import (
	"runtime/debug"
	"testing"
)

// Readings may overlap, and end in any order.
func TestCollectRarely(t *testing.T) {
	t.Setenv("GOGC", "")
	const usual = 90
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	percent := func() int {
		now := debug.SetGCPercent(usual)
		debug.SetGCPercent(now)
		return now
	}
	first, second := collectRarely(), collectRarely()
	first()
	first()
	if got := percent(); got != rarely {
		t.Errorf("while one reads: %d, want %d", got, rarely)
	}
	second()
	if got := percent(); got != usual {
		t.Errorf("when nobody reads: %d, want %d", got, usual)
	}
	t.Setenv("GOGC", "50")
	collectRarely()
	if got := percent(); got != usual {
		t.Errorf("with GOGC set: %d, want %d", got, usual)
	}
}

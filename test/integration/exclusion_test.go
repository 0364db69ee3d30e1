package integration

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
)

// One GPU is handed out whole, in slices, or in shares: whichever comes first
// keeps the other forms out, for both schedulers, until it is gone.
func TestFormsExcludeEachOther(t *testing.T) {
	forms := map[string]func() resourceapi.DeviceRequest{
		"whole": func() resourceapi.DeviceRequest { return request(whole, 1, gpu(0)) },
		"mig":   func() resourceapi.DeviceRequest { return request(mig, 1, gpu(0), profile("2g.12gb")) },
		"share": func() resourceapi.DeviceRequest { return sharing("8Gi", gpu(0)) },
	}
	// How many pods of a form one A30 holds.
	capacity := map[string]int{"whole": 1, "mig": 2, "share": 2}
	for first, makeFirst := range forms {
		t.Run(first, func(t *testing.T) {
			s := newSpace(t)
			s.create(s.pod("holder", ashlar, "exclusion"), makeFirst())
			s.running("holder")
			for other, makeOther := range forms {
				for _, scheduler := range []string{ashlar, stock} {
					if other == first {
						continue
					}
					name := other + "-" + scheduler
					s.create(s.pod(name, scheduler, "exclusion"), makeOther())
					s.pending(name)
					s.delete(name)
				}
			}
			if capacity[first] > 1 {
				s.create(s.pod("second", ashlar, "exclusion"), makeFirst())
				s.running("second")
				s.delete("second")
			}
			s.delete("holder")
			for other, makeOther := range forms {
				if other != first {
					s.create(s.pod("after", ashlar, "exclusion"), makeOther())
					s.running("after")
					s.delete("after")
				}
			}
		})
	}
}

// Shares never add up to more than the GPU has.
func TestSharesNeverExceedMemory(t *testing.T) {
	s := newSpace(t)
	// An A30 has 24 GiB: two shares of 9 GiB fit, a third does not.
	for _, name := range []string{"one", "two"} {
		s.create(s.pod(name, ashlar, "exclusion"), sharing("9Gi", gpu(1)))
		s.running(name)
		if diff := cmp.Diff([]string{"gpu-1-share"}, s.devices(name)); diff != "" {
			t.Fatalf("s.devices(name) (-want +got):\n%s", diff)
		}
	}
	s.create(s.pod("three", ashlar, "exclusion"), sharing("9Gi", gpu(1)))
	if got := s.pending("three"); !strings.Contains(got, "no GPU with 9GiB left to share") {
		t.Fatalf("%q does not contain %q", got, "no GPU with 9GiB left to share")
	}
	for _, name := range []string{"one", "two", "three"} {
		s.delete(name)
	}
}

// Two shares of one pod go where they fit, each request getting its own.
func TestSharesOfOnePod(t *testing.T) {
	s := newSpace(t)
	one, two := sharing("6Gi"), sharing("7Gi")
	two.Name = "second"
	s.create(s.pod("both", ashlar, "exclusion"), one, two)
	s.running("both")
	if diff := cmp.Diff([]string{"gpu-0-share", "gpu-0-share"}, s.devices("both")); diff != "" {
		t.Fatalf("the second share joins the first: s.devices(\"both\") (-want +got):\n%s", diff)
	}
	s.delete("both")
}

// An amount that overflows when it is rounded up is refused, and books nothing.
func TestAbsurdAmountIsRefused(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("absurd", ashlar, "exclusion"), sharing("8Ei"))
	if got := s.pending("absurd"); !strings.Contains(got, "is not an amount that a device can have") {
		t.Fatalf("%q does not contain %q", got, "is not an amount that a device can have")
	}
	if got := holdings(s.ctx, t, "exclusion"); len(got) > 0 {
		t.Fatalf("holdings(s.ctx, t, \"exclusion\") = %v, want none", got)
	}
	s.delete("absurd")
}

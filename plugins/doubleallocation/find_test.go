package doubleallocation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
)

func TestFindDoubleAllocations(t *testing.T) {
	ledger := testLedger(t)
	var published []*resourceapi.ResourceSlice
	for _, object := range ledger.slices.List() {
		published = append(published, object.(*resourceapi.ResourceSlice))
	}
	unnumbered := claimOf("c", 0, "gpu-0")
	unnumbered.ResourceVersion = ""
	for name, tc := range map[string]struct {
		claims []*resourceapi.ResourceClaim
		want   []string
	}{
		"both fit": {[]*resourceapi.ResourceClaim{claimOf("a", 5, "half-0"), claimOf("b", 6, "half-1")}, nil},
		"one device twice": {[]*resourceapi.ResourceClaim{claimOf("b", 6, "half-0"), claimOf("a", 5, "half-0")}, []string{
			"ns/b ns/a device half-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a",
		}},
		"without versions": {[]*resourceapi.ResourceClaim{unnumbered, claimOf("a", 5, "gpu-0")}, []string{
			"ns/a ns/c device gpu-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/a and was to ns/c",
		}},
	} {
		found, err := FindDoubleAllocations(published, tc.claims)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range found {
			got = append(got, one.Claim.String()+" "+one.Rival.String()+" "+one.Cause)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

package migtest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/mig/migtest"
)

func tableOf(t *testing.T, key string) *mig.Table {
	t.Helper()
	table, err := catalogue.Default().MIG(key)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLegalStatesStops(t *testing.T) {
	seen := 0
	for state := range migtest.LegalStates(tableOf(t, "A30-24GB"), []mig.ProfileID{14, 5, 0}) {
		if seen == 0 && len(state) != 0 {
			t.Errorf("the first state is %v, want the empty one", state)
		}
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("saw %d states, want to stop at 3", seen)
	}
}

func TestLegalStatesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for state := range migtest.LegalStates(tableOf(t, "H100-80GB"), []mig.ProfileID{19, 20, 15, 14, 9, 5, 0}) {
		key := slices.Clone(state)
		slices.SortFunc(key, func(a, b mig.Instance) int { return int(a.Placement.Start - b.Placement.Start) })
		if text := fmt.Sprint(key); seen[text] {
			t.Fatalf("%s occurs twice", text)
		} else {
			seen[text] = true
		}
	}
}

// Two walks of the same states agree on their number.
func TestLegalStatesAreThoseCounted(t *testing.T) {
	for key, profiles := range map[string][]mig.ProfileID{
		"A30-24GB": {14, 21, 5, 6, 0}, "H100-80GB": {19, 20, 15, 14, 9, 5, 0}, "RTXPRO6000-96GB": {14, 5, 0, 99, 14},
	} {
		got := int64(0)
		for range migtest.LegalStates(tableOf(t, key), profiles) {
			got++
		}
		if want := mig.Count(tableOf(t, key), profiles).Legal; got != want {
			t.Errorf("%s: got %d states, want %d", key, got, want)
		}
	}
}

package soak

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

// doctoredSlice has a GPU, two MIG instances of it that overlap, and a share.
func doctoredSlice() *sliceRecord {
	at := func(device string) deviceKey { return deviceKey{"gpu.ashlar.dev", "n", device} }
	counter := counterKey{"gpu.ashlar.dev", "n", "set", "memory-slice-0"}
	takes := map[counterKey]int64{counter: 1}
	return &sliceRecord{
		devices: map[deviceKey]*publishedDevice{
			at("gpu"):   {kind: "gpu", gpu: "GPU-0", takes: takes},
			at("mig-a"): {kind: "mig", gpu: "GPU-1", start: 0, size: 2},
			at("mig-b"): {kind: "mig", gpu: "GPU-1", start: 1, size: 2},
			at("mig-c"): {kind: "mig", gpu: "GPU-1", start: 4, size: 2},
			at("share"): {kind: "share", gpu: "GPU-2", shared: true, capacity: map[string]int64{"memory": 10}},
			at("other"): {kind: "nic", takes: takes},
		},
		counters: map[counterKey]int64{counter: 1},
	}
}

func doctoredClaim(name, pool, device string, memory int64) *claimRecord {
	held := heldDevice{deviceKey{"gpu.ashlar.dev", pool, device}, map[string]int64{}}
	if memory > 0 {
		held.consumed["memory"] = memory
	}
	return &claimRecord{name: name, devices: []heldDevice{held}, reservedFor: []types.UID{types.UID("uid-" + types.UID(name))}}
}

func doctoredPod(name, node string) *podRecord {
	return &podRecord{name: name, uid: types.UID("uid-" + name), node: node, claims: []string{name}}
}

// The checker finds what must not be, and nothing in what may be.
func TestCheckerFindsWhatItShould(t *testing.T) {
	a, b := doctoredClaim("a", "n", "gpu", 0), doctoredClaim("b", "n", "gpu", 0)
	for name, tc := range map[string]struct {
		changes []change
		want    []string
	}{
		"one after the other": {changes: []change{{claim: a}, {pod: doctoredPod("a", "n")}, {claim: a, gone: true}, {claim: b}}},
		"a device twice":      {changes: []change{{claim: a}, {claim: b}}, want: []string{devicesTwice}},
		"a counter overdrawn": {changes: []change{{claim: a}, {claim: doctoredClaim("b", "n", "other", 0)}}, want: []string{overdrawn}},
		"a capacity overdrawn": {changes: []change{{claim: doctoredClaim("a", "n", "share", 6)}, {claim: doctoredClaim("b", "n", "share", 5)}},
			want: []string{overdrawn}},
		"two shares": {changes: []change{{claim: doctoredClaim("a", "n", "share", 5)}, {claim: doctoredClaim("b", "n", "share", 5)}}},
		"instances that overlap": {changes: []change{{claim: doctoredClaim("a", "n", "mig-a", 0)}, {claim: doctoredClaim("b", "n", "mig-b", 0)}},
			want: []string{overlapping}},
		"instances apart":      {changes: []change{{claim: doctoredClaim("a", "n", "mig-a", 0)}, {claim: doctoredClaim("b", "n", "mig-c", 0)}}},
		"a device of nobody's": {changes: []change{{claim: doctoredClaim("a", "n", "ghost", 0)}}, want: []string{unpublished}},
		"no claim":             {changes: []change{{pod: doctoredPod("a", "n")}}, want: []string{claimsMissing}},
		"a claim of another's": {changes: []change{{claim: a}, {pod: &podRecord{name: "b", uid: "uid-b", node: "n", claims: []string{"a"}}}},
			want: []string{claimsMissing}},
		"a claim elsewhere": {changes: []change{{claim: a}, {pod: doctoredPod("a", "m")}}, want: []string{wrongNode}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker()
			c.replay(append([]change{{slice: doctoredSlice()}}, tc.changes...))
			var got []string
			for _, v := range c.found {
				got = append(got, v.what)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s\n%v", diff, c.found)
			}
		})
	}
}

// At rest no claim may be held for a pod that has gone or ended.
func TestCheckerFindsWhatIsHeldForNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		pod  *podRecord
		want int
	}{
		"for its pod":            {pod: doctoredPod("a", "n")},
		"for a pod that ended":   {pod: &podRecord{name: "a", uid: "uid-a", node: "n", over: true}, want: 1},
		"for a pod that is gone": {want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker()
			c.learn(doctoredSlice())
			c.setClaim(doctoredClaim("a", "n", "gpu", 0), false)
			if tc.pod != nil {
				c.pods[tc.pod.name] = tc.pod
			}
			c.checkHolders()
			if len(c.found) != tc.want {
				t.Errorf("found %v, want %d", c.found, tc.want)
			}
		})
	}
}

// doctoredRest is what is at rest with these pods.
func doctoredRest(pods ...*podRecord) *snapshot {
	s := &snapshot{checker: newChecker()}
	for _, pod := range pods {
		s.pods[pod.name] = pod
	}
	return s
}

// Whoever waits while the running scheduler sees no reason to try it again is found by what a fresh one does.
func TestRestFindsWhoIsForgotten(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after string
		want          int
	}{
		"waits and is placed by a fresh one": {before: "", after: "n", want: 1},
		"waits for both":                     {before: "", after: ""},
		"is bound":                           {before: "n", after: "n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := doctoredRest(doctoredPod("job-1-0", tc.before))
			if more := s.checkForgotten(doctoredRest(doctoredPod("job-1-0", tc.after)), "then", nil); more != tc.want || len(s.found) != tc.want {
				t.Errorf("%d more, found %v, want %d", more, s.found, tc.want)
			}
		})
	}
}

// Of a gang as many as it needs begin, or none.
func TestRestFindsPartsOfGangs(t *testing.T) {
	for name, tc := range map[string]struct {
		begun, needed, gone, want int
	}{
		"all":                        {begun: 3, needed: 3},
		"none":                       {begun: 0, needed: 3},
		"some":                       {begun: 1, needed: 3, want: 1},
		"as many as it needs":        {begun: 2, needed: 2},
		"fewer than it needs":        {begun: 1, needed: 2, want: 1},
		"somebody has taken members": {begun: 1, needed: 3, gone: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := doctoredRest()
			for member := range 3 - tc.gone {
				pod := doctoredPod(fmt.Sprintf("job-1-%d", member), "")
				if pod.gang = "job-1"; member < tc.begun {
					pod.node = "n"
				}
				s.pods[pod.name] = pod
			}
			if s.checkGangs(map[string]gangSize{"job-1": {3, tc.needed}}); len(s.found) != tc.want {
				t.Errorf("found %v, want %d", s.found, tc.want)
			}
		})
	}
}

// Each kind of change is one for a pod or a gang, which has something to wait for until it is made.
func TestLateChangesAreWaitedFor(t *testing.T) {
	for i := range lateKinds {
		t.Run(lateKinds[i].name, func(t *testing.T) {
			random, kinds := rand.New(rand.NewSource(1)), 0
			for _, members := range []int{1, quietMembers} {
				plain, a := newQuiet("job-1", members, false), newQuiet("job-1", members, false)
				if !a.prepareLate(random, &lateKinds[i]) {
					continue
				}
				kinds++
				waits := len(a.late.withheld) > 0 || a.late.withheldGroup || a.late.before != nil ||
					!cmp.Equal(plain.pods, a.pods) || !cmp.Equal(plain.claims, a.claims) || !cmp.Equal(plain.group, a.group)
				if !waits {
					t.Errorf("%d pods wait for nothing", members)
				}
				if a.late.make == nil || a.late.after >= a.rounds {
					t.Errorf("%d pods: the change is never made", members)
				}
			}
			if kinds == 0 {
				t.Error("there is no such change")
			}
		})
	}
}

package metrics

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
)

func TestWaitingCollector(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	var sources waitingSources[GangCause]
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(&waitingCollector[GangCause]{
		counts: gangsDesc, ages: oldestGangDesc, keys: gangCauses, sources: &sources, now: func() time.Time { return noon },
	})
	gather := func(what, want string) {
		t.Helper()
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, end := context.WithCancel(context.Background())
	sources.addSource(ctx, func() map[GangCause]PendingPods { return nil })
	gather("of one that stands by", "")
	sources.addSource(ctx, func() map[GangCause]PendingPods {
		return map[GangCause]PendingPods{PlacesMissing: PendingPods{}.AddPod(noon.Add(-time.Minute)).AddPod(noon.Add(-time.Hour))}
	})
	sources.addSource(ctx, func() map[GangCause]PendingPods {
		return map[GangCause]PendingPods{PlacesMissing: PendingPods{}.AddPod(noon.Add(-2 * time.Hour))}
	})
	gather("of two profiles", `
# HELP ashlar_gangs_oldest_seconds [ALPHA] Age of the oldest pod of the PodGroups that wait, by cause; 0 without one.
# TYPE ashlar_gangs_oldest_seconds gauge
ashlar_gangs_oldest_seconds{cause="MembersMissing"} 0
ashlar_gangs_oldest_seconds{cause="PlacesMissing"} 7200
# HELP ashlar_gangs_waiting [ALPHA] PodGroups that have not started and have pods that wait, by cause: MembersMissing (there are fewer pods than start together) or PlacesMissing. From the replica that schedules.
# TYPE ashlar_gangs_waiting gauge
ashlar_gangs_waiting{cause="MembersMissing"} 0
ashlar_gangs_waiting{cause="PlacesMissing"} 3
`)
	end()
	for deadline := time.Now().Add(5 * time.Second); sources.measureAll() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a source that ended is still asked")
		}
	}
	gather("after the end", "")
}

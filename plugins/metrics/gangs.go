package metrics

import (
	"context"
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// GangCause is why a PodGroup waits, in a word of gangCauses.
type GangCause string

const (
	// MembersMissing is that of a group of which there are fewer pods than start together.
	MembersMissing GangCause = "MembersMissing"
	// PlacesMissing is that of a group of which fewer pods have a place than start together.
	PlacesMissing GangCause = "PlacesMissing"
)

var gangCauses = []GangCause{MembersMissing, PlacesMissing}

var (
	gangsDesc = metrics.NewDesc("ashlar_gangs_waiting",
		"PodGroups that have not started and have pods that wait, by cause: MembersMissing (there are fewer pods than start together) or "+
			"PlacesMissing. From the replica that schedules.", []string{"cause"}, nil, metrics.ALPHA, "")
	oldestGangDesc = metrics.NewDesc("ashlar_gangs_oldest_seconds",
		"Age of the oldest pod of the PodGroups that wait, by cause; 0 without one.", []string{"cause"}, nil, metrics.ALPHA, "")
)

var (
	gangSources   waitingSources[GangCause]
	registerGangs = sync.OnceFunc(func() {
		legacyregistry.CustomMustRegister(&waitingCollector[GangCause]{
			counts: gangsDesc, ages: oldestGangDesc, keys: gangCauses, sources: &gangSources, now: time.Now,
		})
	})
)

// RegisterGangs has the metrics of PodGroups that wait measured for a profile, when somebody
// asks, until ctx ends. measure returns nil as long as its scheduler does not schedule.
func RegisterGangs(ctx context.Context, measure func() map[GangCause]PendingPods) {
	registerGangs()
	gangSources.addSource(ctx, measure)
}

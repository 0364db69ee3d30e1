package gang

import (
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Less puts what has the higher priority first, then what came earlier, then what comes
// first by namespace and name. Members of a group came when their group was made, or,
// if it failed, when it last failed: they stand together, and a group that does not fit
// does not keep others waiting.
func (p *Plugin) Less(first, second fwk.QueuedEntityInfo) bool {
	if a, b := first.GetPriority(), second.GetPriority(); a != b {
		return a > b
	}
	a, b := p.placeInQueue(first), p.placeInQueue(second)
	if !a.since.Equal(b.since) {
		return a.since.Before(b.since)
	}
	return a.name < b.name
}

// queuePlace is what the queue sorts entities of one priority by.
type queuePlace struct {
	since time.Time
	name  string // namespace/name, of the pod also where its group gives the time
}

// podEntity is a queued entity that is one pod. The framework's interface does not say
// which pod; the scheduler's queue holds pods of this shape.
type podEntity interface {
	GetPodInfo() fwk.PodInfo
}

// namedEntity is a queued entity that is a group of kube-scheduler's own.
type namedEntity interface {
	GetNamespace() string
	GetName() string
}

// placeInQueue finds an entity's place.
func (p *Plugin) placeInQueue(entity fwk.QueuedEntityInfo) queuePlace {
	place := queuePlace{since: firstAttempt(entity)}
	if single, ok := entity.(podEntity); ok && entity.Type() == fwk.PodKeyType {
		pod := single.GetPodInfo().GetPod()
		place.name = pod.Namespace + "/" + pod.Name
		if since := p.groupSince(pod); !since.IsZero() {
			place.since = since
		}
	} else if named, ok := entity.(namedEntity); ok {
		place.name = named.GetNamespace() + "/" + named.GetName()
	}
	return place
}

// groupSince is the time that places the pod's group in the queue; zero if the pod is
// in no group, or in one that does not exist.
func (p *Plugin) groupSince(pod *v1.Pod) time.Time {
	key, ok := p.groupOf(pod)
	if !ok {
		return time.Time{}
	}
	if failed := p.ledger.lastFailure(key); !failed.IsZero() {
		return failed
	}
	group, err := p.findGroup(key)
	if err != nil || group == nil {
		return time.Time{}
	}
	return group.CreationTimestamp.Time
}

// firstAttempt is when the entity first came out of the queue, or else when it was put
// there.
func firstAttempt(entity fwk.QueuedEntityInfo) time.Time {
	if since := entity.GetInitialAttemptTimestamp(); since != nil {
		return *since
	}
	return entity.GetTimestamp()
}

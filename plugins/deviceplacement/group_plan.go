package deviceplacement

import (
	"maps"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// plannedMember is where a member of a group is to go, and what it is to get there.
type plannedMember struct {
	node      string
	inventory *placement.Inventory
	devices   []placement.DeviceAllocation
	// shape is the members that ask alike.
	shape string
}

// groupPlan is the places of all members of a group. What was not taken yet counts as held
// for every other pod, until the plan ends.
type groupPlan struct {
	members map[types.UID]*plannedMember
	// deviceless are the members that need no devices of their own.
	deviceless sets.Set[types.UID]
	// spare are members that the group starts without and that came while it did.
	spare map[types.UID]*v1.Pod
	ends  time.Time
}

// memberStanding is what an open plan says of a member.
type memberStanding uint8

const (
	// memberUnplanned says that there is no plan, or one that does not suffice any more.
	memberUnplanned memberStanding = iota
	// memberPlaced says that the member has a place, memberDeviceless that it needs none.
	memberPlaced
	memberDeviceless
	// memberSpared says that the group starts without it.
	memberSpared
)

// groupRecord is what is remembered of a group from one cycle to the next.
type groupRecord struct {
	plan *groupPlan
	// reservation is what a group has to itself that waits for more; nil for nothing.
	reservation *groupReservation
	// refusedOn are the nodes on which other plugins refused members, by shape.
	refusedOn map[string]sets.Set[string]
	replans   int
	// singlyUntil is until when its pods are placed one by one.
	singlyUntil time.Time
	// refusal is why it did not fit, as things were then; nil if it was not refused.
	refusal *groupRefusal
	// since is when it was first refused, zero if it was not since it last started, and
	// priority that of its pods then.
	since    time.Time
	priority int32
	// member is one of its pods, to be tried again.
	member *v1.Pod
	// used is when the record was last looked at.
	used time.Time
}

// groupRefusal is why a group does not fit.
type groupRefusal struct {
	version groupVersion
	fit     int
	because string
}

// groupPlans holds the plans of all groups. It is safe for concurrent use.
type groupPlans struct {
	now func() time.Time
	// activate has pods tried again at once.
	activate func([]*v1.Pod)
	// landing reports whether devices that were given back may be allocated yet; nil for never.
	landing func() bool

	mutex  sync.Mutex
	groups map[types.NamespacedName]*groupRecord
	// barred are the pods that have no node and were tried while something was held for others, or
	// nobody could have what was given back.
	barred map[types.UID]barredPod
	// version changes when a plan is made or goes.
	version int64
	swept   time.Time
}

// barredPod is a pod with the key of its group, empty if it is in none.
type barredPod struct {
	pod   *v1.Pod
	group types.NamespacedName
}

func newGroupPlans(activate func([]*v1.Pod)) *groupPlans {
	return &groupPlans{
		now: time.Now, activate: activate, groups: map[types.NamespacedName]*groupRecord{}, barred: map[types.UID]barredPod{},
	}
}

// recordTTL is how long a group is remembered that is not looked at.
const recordTTL = 30 * time.Minute

// recordOf is the record of a group, a new one if there is none. The mutex is held.
func (g *groupPlans) recordOf(key types.NamespacedName) *groupRecord {
	now := g.now()
	if now.Sub(g.swept) > recordTTL {
		g.swept = now
		for other, record := range g.groups {
			if now.Sub(record.used) > recordTTL {
				delete(g.groups, other)
			}
		}
	}
	record := g.groups[key]
	if record == nil {
		record = &groupRecord{refusedOn: map[string]sets.Set[string]{}}
		g.groups[key] = record
	}
	record.used = now
	return record
}

// readRecord calls read with the record of a group.
func (g *groupPlans) readRecord(key types.NamespacedName, read func(*groupRecord)) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	read(g.recordOf(key))
}

// standingOf is what a group's plan says of its member, if needed more must have a node, and the
// member's place if it has one. A member that is spared is tried again when the plan is used up.
func (g *groupPlans) standingOf(key types.NamespacedName, pod *v1.Pod, needed int) (*plannedMember, memberStanding) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	record := g.groups[key]
	if record == nil || record.plan == nil || !g.now().Before(record.plan.ends) {
		return nil, memberUnplanned
	}
	plan := record.plan
	switch place := plan.members[pod.UID]; {
	case place != nil:
		return place, memberPlaced
	case plan.deviceless.Has(pod.UID):
		return nil, memberDeviceless
	case needed == 0 || len(plan.members)+len(plan.deviceless) < needed:
		return nil, memberUnplanned
	}
	plan.spare[pod.UID] = pod
	return nil, memberSpared
}

// openPlan keeps a plan until it is used up, dropped, or ends.
func (g *groupPlans) openPlan(key types.NamespacedName, plan *groupPlan) {
	g.mutex.Lock()
	record := g.recordOf(key)
	gone := record.plan != nil || record.reservation != nil
	record.plan, record.refusal, record.since, record.reservation = plan, nil, time.Time{}, nil
	g.version++
	g.releaseWaiting(gone, key)
	time.AfterFunc(plan.ends.Sub(g.now()), func() { g.endPlan(key, plan) })
}

// endPlan drops a plan if it is still there.
func (g *groupPlans) endPlan(key types.NamespacedName, plan *groupPlan) {
	g.mutex.Lock()
	record := g.groups[key]
	gone := record != nil && record.plan == plan
	if gone {
		record.plan = nil
	}
	g.releaseWaiting(gone, key)
}

// endReservation gives a reservation back if it is still there: another group's turn comes
// before this one's.
func (g *groupPlans) endReservation(key types.NamespacedName, reservation *groupReservation) {
	g.mutex.Lock()
	record := g.groups[key]
	gone := record != nil && record.reservation == reservation
	if gone {
		record.reservation, record.since = nil, g.now()
	}
	g.releaseWaiting(gone, key)
}

// dropPlan drops a group's plan: what it held is free again.
func (g *groupPlans) dropPlan(key types.NamespacedName) {
	g.mutex.Lock()
	record := g.groups[key]
	gone := record != nil && record.plan != nil
	if gone {
		record.plan = nil
	}
	g.releaseWaiting(gone, key)
}

// releaseWaiting lets the mutex go and, if something is free again, has a member of each
// other group tried that was refused, and the pods that were tried while it was held.
func (g *groupPlans) releaseWaiting(gone bool, but types.NamespacedName) {
	var waiting []*v1.Pod
	if gone {
		g.version++
		for key, record := range g.groups {
			if key != but && record.refusal != nil && record.member != nil {
				waiting = append(waiting, record.member)
			}
		}
		for uid, barred := range g.barred {
			if barred.group != but || barred.group == (types.NamespacedName{}) {
				waiting = append(waiting, barred.pod)
				delete(g.barred, uid)
			}
		}
	}
	g.mutex.Unlock()
	if len(waiting) > 0 && g.activate != nil {
		g.activate(waiting)
	}
}

// retryWaiting has those tried that waited while it was not known what devices are free.
func (g *groupPlans) retryWaiting() {
	g.mutex.Lock()
	g.releaseWaiting(true, types.NamespacedName{})
}

// takeMember notes that a member has what was planned for it. A plan that is used up goes, and
// members that were spared are tried.
func (g *groupPlans) takeMember(key types.NamespacedName, uid types.UID) {
	var spare []*v1.Pod
	g.mutex.Lock()
	if record := g.groups[key]; record != nil && record.plan != nil && record.plan.members[uid] != nil {
		delete(record.plan.members, uid)
		if len(record.plan.members) == 0 {
			spare = slices.Collect(maps.Values(record.plan.spare))
			delete(g.groups, key)
		}
	}
	g.mutex.Unlock()
	if len(spare) > 0 && g.activate != nil {
		g.activate(spare)
	}
}

// forgetPod drops the plan that has a place for a pod which is gone, and the reservation of
// its group.
func (g *groupPlans) forgetPod(key types.NamespacedName, uid types.UID) {
	g.mutex.Lock()
	record := g.groups[key]
	gone := false
	if record != nil && record.plan != nil {
		delete(record.plan.spare, uid)
		if record.plan.members[uid] != nil {
			record.plan, gone = nil, true
		}
	}
	if record != nil && record.reservation != nil {
		record.reservation, record.since, gone = nil, time.Time{}, true
	}
	g.releaseWaiting(gone, key)
}

// heldDevices are devices of one node that a plan or a reservation holds.
type heldDevices struct {
	inventory *placement.Inventory
	devices   []placement.DeviceAllocation
}

// heldFor is what plans and reservations hold, by node, for a pod of a priority: all but the
// pod's own place and its group's own reservation. Reservations do not stand in the way of
// higher priorities.
func (g *groupPlans) heldFor(group types.NamespacedName, uid types.UID, priority int32) map[string][]heldDevices {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.listHeld(group, uid, priority)
}

// barPod is heldFor for a pod that is being tried. If something is held, or has yet to land, it is
// tried again once that no longer is.
func (g *groupPlans) barPod(group types.NamespacedName, pod *v1.Pod) map[string][]heldDevices {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	held := g.listHeld(group, pod.UID, podPriority(pod))
	if len(held) > 0 || g.landing != nil && g.landing() {
		g.barred[pod.UID] = barredPod{pod, group}
	}
	return held
}

// unbarPod forgets a pod that has a node or is gone.
func (g *groupPlans) unbarPod(uid types.UID) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.barred, uid)
}

// listHeld is heldFor; the mutex is held.
func (g *groupPlans) listHeld(group types.NamespacedName, uid types.UID, priority int32) map[string][]heldDevices {
	var held map[string][]heldDevices
	add := func(place *plannedMember) {
		if held == nil {
			held = map[string][]heldDevices{}
		}
		held[place.node] = append(held[place.node], heldDevices{place.inventory, place.devices})
	}
	now := g.now()
	for key, record := range g.groups {
		if record.plan != nil && now.Before(record.plan.ends) {
			for member, place := range record.plan.members {
				if member != uid {
					add(place)
				}
			}
		}
		if r := record.reservation; r != nil && key != group && now.Before(r.ends) && priority <= r.priority {
			for _, place := range r.places {
				add(place)
			}
		}
	}
	return held
}

// maxReplans is how often a group is planned anew because other plugins refused a place.
const maxReplans = 32

// refusePlace notes that other plugins refused a member on the node that was planned for it.
// The group is planned anew without, or, after too many times, its pods are placed one by one
// for that long.
func (g *groupPlans) refusePlace(key types.NamespacedName, member *plannedMember, singly time.Duration) {
	g.mutex.Lock()
	record := g.recordOf(key)
	if record.refusedOn[member.shape] == nil {
		record.refusedOn[member.shape] = sets.New[string]()
	}
	record.refusedOn[member.shape].Insert(member.node)
	if record.replans++; record.replans > maxReplans {
		record.placeSingly(g.now().Add(singly))
	}
	gone := record.plan != nil
	record.plan = nil
	g.releaseWaiting(gone, key)
}

// placeSingly has the group's pods placed one by one for a time, after which it is planned
// again from the beginning.
func (r *groupRecord) placeSingly(until time.Time) {
	r.singlyUntil, r.replans, r.refusal = until, 0, nil
	clear(r.refusedOn)
}

// wasRefused reports whether a group waits because it did not fit.
func (g *groupPlans) wasRefused(key types.NamespacedName) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	record := g.groups[key]
	return record != nil && record.refusal != nil
}

package simulator

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Defragmentation moves running jobs now and then, so that jobs that wait find room. Whom to move
// is decided by package cluster.
type Defragmentation struct {
	// Every is the time between rounds, 0 for never.
	Every Time
	// Moves bounds the jobs that are moved in a round.
	Moves int
	// Restart is how long a moved job takes to end and start again, beside what it takes to load;
	// the work since its last checkpoint is lost too.
	Restart Time
}

// MaxMoves bounds the moves of a round.
const MaxMoves = 64

func (d *Defragmentation) validateDefragmentation() error {
	if d.Every < 0 || d.Every > MaxTime || d.Restart < 0 || d.Restart > MaxTime || d.Moves < 0 || d.Moves > MaxMoves {
		return fmt.Errorf("defragmentation every %d ms with %d moves of %d ms: want times from 0 to %s and at most %d moves",
			int64(d.Every), d.Moves, int64(d.Restart), MaxTime, MaxMoves)
	}
	return nil
}

// defragSteps bounds the search for moves, for each job that waits.
const defragSteps = 600

// defragRound makes room for jobs that wait, one of each class, as far as moves are left.
func (e *simulationRun) defragRound() error {
	if next := e.now + e.input.Defragmentation.Every; e.input.Horizon == 0 || next <= e.input.Horizon {
		if e.input.Horizon > 0 || e.events.anyLeft() {
			e.events.pushEvent(next, defragDue{})
		}
	}
	left := e.input.Defragmentation.Moves
	tried := map[int]bool{}
	for _, job := range append([]int(nil), e.queue.jobs...) {
		s := &e.jobStates[job]
		// As long as nobody has left since, moves do not help where they did not help before.
		if s.phase != queued || tried[s.class] || left == 0 || e.defragRefusal[s.class] == e.changes {
			continue
		}
		tried[s.class] = true
		made, err := e.makeRoomFor(job, left)
		if err != nil {
			return err
		}
		if made == 0 {
			e.defragRefusal[s.class] = e.changes
		}
		left -= made
	}
	return e.tryAll()
}

// makeRoomFor moves jobs so that one that waits fits, and starts it. It returns how many moved.
func (e *simulationRun) makeRoomFor(job, most int) (int, error) {
	j := &e.input.Jobs[job]
	if j.Members > 1 || !j.Template.wantsGPUs() {
		return 0, nil
	}
	defrag := &cluster.Defragmentation{MayClose: true, MaxMoves: most, MaxSteps: defragSteps}
	for other := range e.placed.inOrder() {
		if e.mayMove(other) {
			defrag.Holders = append(defrag.Holders, e.movableJob(other))
		}
	}
	pod := cluster.GroupMember{Ranking: e.cluster.requestOf(j.Template).NodeRanking, Host: j.Host}
	plan, found := e.cluster.snapshot.PlanRoom(defrag, pod, 1)
	if !found || len(plan.Moves) == 0 {
		return 0, nil
	}
	for i := range plan.Moves {
		if err := e.moveJob(&plan.Moves[i]); err != nil {
			return i, err
		}
	}
	_, err := e.tryJob(job)
	return len(plan.Moves), err
}

// mayMove reports whether a job may be moved: it runs, by itself, on devices that are no replicas.
func (e *simulationRun) mayMove(job int) bool {
	s := &e.jobStates[job]
	return s.phase == running && len(s.members) == 1 && len(s.members[0].devices) > 0 && s.members[0].replicas == nil
}

// movableJob is a job with what it costs to move it: its GPU time until it is as far as now.
func (e *simulationRun) movableJob(job int) cluster.MovableHolder {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	lost := s.workSoFar(e.now)
	if j.Checkpoint > 0 {
		lost %= j.Checkpoint
	}
	return cluster.MovableHolder{
		Holder: holderOf(job), Ranking: e.cluster.requestOf(j.Template).NodeRanking, Host: j.Host, Forecast: e.cluster.forecastCost(j),
		Cost: int64(lost+e.input.Defragmentation.Restart+j.Loads) * s.milliGPUs / 1000,
	}
}

// moveJob ends a job and starts it again where it goes, in the same instant. What that takes is
// time until it does useful work again.
func (e *simulationRun) moveJob(move *cluster.DefragMove) error {
	job := jobOf(move.Holder)
	s := &e.jobStates[job]
	e.counters.moves++
	e.log.writeLine(logLine{
		At: e.now, Event: LogMoved, Job: e.input.Jobs[job].Name, Node: e.cluster.nodes[move.From].Name, Lost: e.loseWork(job),
	})
	e.stopJob(job)
	s.phase, s.queuedAt, s.restarts = queued, e.now, 0
	e.restartTakes = e.input.Defragmentation.Restart
	defer func() { e.restartTakes = 0 }()
	return e.startJob(job, []jobMember{{node: move.To, devices: append([]placement.DeviceAllocation(nil), move.Takes...)}})
}

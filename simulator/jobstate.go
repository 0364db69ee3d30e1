package simulator

// jobPhase is what a job is doing.
type jobPhase uint8

const (
	absent jobPhase = iota // not yet submitted
	queued
	loading          // has its place, does no useful work yet
	outOfMemoryPhase // has its place, ran out of memory and is going to start again
	running
	finished
	failed
)

// jobState is what has become of a job.
type jobState struct {
	phase   jobPhase
	class   int // by number, see engine.lastRefusal
	members []jobMember
	// attempt counts placements; failures those that did not fit since the last one.
	attempt, failures int64
	notBefore         Time // of the next attempt
	queuedAt          Time
	arrived           Time
	firstPlaced       Time // -1 before
	placedAt, readyAt Time
	// left is the work to do, waited the time in the queue.
	left, waited Time
	restarts     int64
	milliGPUs    int64         // what it holds
	failure      FailureReason // of a failed job
}

func (s *jobState) holdsPlace() bool {
	return s.phase == loading || s.phase == outOfMemoryPhase || s.phase == running
}

package simulator

// phase is what a job is doing.
type phase uint8

const (
	absent phase = iota // not yet submitted
	queued
	loading // has its place, does no useful work yet
	crashed // has its place, ran out of memory and is going to start again
	running
	finished
	failed
)

// jobState is what has become of a job.
type jobState struct {
	phase   phase
	demand  int // by number, see engine.refused
	members []member
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
	part         int64 // what it holds, in thousandths of a GPU
	reason       string
}

func (s *jobState) holds() bool {
	return s.phase == loading || s.phase == crashed || s.phase == running
}

package simulator

// jobPhase is what a job is doing.
type jobPhase uint8

const (
	absent jobPhase = iota // not yet submitted
	queued
	loading    // has its place, does no useful work yet
	restarting // has its place, ended by itself and is going to start again
	running
	finished
	failed
)

// jobState is what has become of a job.
type jobState struct {
	phase   jobPhase
	class   int // by number, see engine.lastRefusal
	members []jobMember
	// attempt counts placements, and starts again after a crash; failures are attempts to
	// place it that did not fit since the last one.
	attempt, failures int64
	notBefore         Time // of the next attempt
	queuedAt          Time
	arrived           Time
	firstPlaced       Time // -1 before
	placedAt, readyAt Time
	// done is the work until pacedAt since the job was ready, pace how much longer it takes than
	// alone, in thousandths, and paceChanges numbers the plans for its end.
	done, pacedAt     Time
	pace, paceChanges int64
	// grownSteps is how many steps its memory grew by.
	grownSteps int
	everReady  Time // when it was first ready, -1 before
	// left is the work to do, waited the time in the queue.
	left, waited Time
	restarts     int64
	milliGPUs    int64         // what it holds
	failure      FailureReason // of a failed job
}

// hasProcesses reports whether its containers run.
func (s *jobState) hasProcesses() bool { return s.phase == loading || s.phase == running }

// holdsPlace reports whether it has what was decided for it.
func (s *jobState) holdsPlace() bool {
	return s.phase == loading || s.phase == restarting || s.phase == running
}

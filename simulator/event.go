package simulator

// scheduledEvent is one thing that is going to happen. Events are totally ordered by At,
// then Sequence: of those at the same time the one that was pushed first comes first.
type scheduledEvent struct {
	At       Time
	Sequence int64
	Payload  eventPayload
}

// comesBefore is the order of events.
func (e *scheduledEvent) comesBefore(other *scheduledEvent) bool {
	return e.At < other.At || e.At == other.At && e.Sequence < other.Sequence
}

// eventPayload is what happens. Its type is the kind of event; engine.handleEvent has a
// case for each.
type eventPayload interface {
	// kindName is what errors call the kind.
	kindName() string
	// subjectOf names the job or node that the event is about, "" for none.
	subjectOf(in *Input) string
}

// The payloads. job is an index into Input.Jobs, node into Input.Nodes. attempt is the
// placement or restart of the job that the event belongs to, outage the failure or drain of the
// node, pace the plan for the end of the job's work: an event of an earlier one is void.
type (
	// jobArrival: a job is submitted.
	jobArrival struct{ jobSubject }
	// loadingDone: a placed job has loaded and begins its work.
	loadingDone struct {
		jobSubject
		attempt int64
	}
	// workDone: a job's work is done, and it leaves.
	workDone struct {
		jobSubject
		attempt, pace int64
	}
	// memoryGrowth: a running job allocates more memory.
	memoryGrowth struct {
		jobSubject
		attempt int64
	}
	// jobLeaves: a job ends whatever it has done.
	jobLeaves struct{ jobSubject }
	// containerRestart: a job that ran out of memory or crashed starts again in its place.
	containerRestart struct {
		jobSubject
		attempt int64
	}
	// jobCrash: a job has a fatal GPU error.
	jobCrash struct{ jobSubject }
	// maxWaitOver: a job has waited as long as it is willing to.
	maxWaitOver struct{ jobSubject }
	// queueRetry: the back-off of a waiting job is over.
	queueRetry struct{ noSubject }
	// defragDue: running jobs are moved for those that wait.
	defragDue struct{ noSubject }
	// nodeUp: a node joins, or is back after an outage.
	nodeUp struct {
		nodeSubject
		outage int64
	}
	// nodeDown: a node fails with all that runs there; lasts is for how long, 0 for ever.
	nodeDown struct {
		nodeSubject
		lasts Time
	}
	// nodeDrain: a node takes nothing new; lasts is for how long, 0 for ever. What runs
	// there is ended after grace, if that is not 0.
	nodeDrain struct {
		nodeSubject
		lasts, grace Time
	}
	// nodeEvict: what still runs on a draining node is ended.
	nodeEvict struct {
		nodeSubject
		outage int64
	}
)

func (jobArrival) kindName() string       { return "arrival" }
func (loadingDone) kindName() string      { return "ready" }
func (workDone) kindName() string         { return "departure" }
func (memoryGrowth) kindName() string     { return "memory growth" }
func (jobLeaves) kindName() string        { return "leave" }
func (containerRestart) kindName() string { return "restart" }
func (jobCrash) kindName() string         { return "crash" }
func (maxWaitOver) kindName() string      { return "give-up" }
func (queueRetry) kindName() string       { return "retry" }
func (defragDue) kindName() string        { return "defragmentation" }
func (nodeUp) kindName() string           { return "node-up" }
func (nodeDown) kindName() string         { return "node-down" }
func (nodeDrain) kindName() string        { return "node-drain" }
func (nodeEvict) kindName() string        { return "node-evict" }

type jobSubject struct{ job int }

func (s jobSubject) subjectOf(in *Input) string { return "job " + in.Jobs[s.job].Name }

type nodeSubject struct{ node int }

func (s nodeSubject) subjectOf(in *Input) string { return "node " + in.Nodes[s.node].Name }

type noSubject struct{}

func (noSubject) subjectOf(*Input) string { return "" }

package simulator

// Kind is the kind of an event.
type Kind uint8

// The kinds. Of events at the same time the one that was planned first comes first.
const (
	Arrival   Kind = iota // a job is submitted
	Ready                 // a placed job has loaded and begins its work
	Departure             // a job's work is done
	Retry                 // the back-off of a waiting job is over
	Restart               // a job that ran out of memory starts again in its place
	GiveUp                // a job has waited as long as it is willing to
	NodeUp                // a node joins, or is back
	NodeDown              // a node fails with all that runs there
	NodeDrain             // a node takes nothing new
	NodeEvict             // what still runs on a draining node is ended
	kinds
)

func (k Kind) String() string {
	if k >= kinds {
		return "unknown"
	}
	return [kinds]string{"arrival", "ready", "departure", "retry", "restart", "give-up", "node-up", "node-down", "node-drain", "node-evict"}[k]
}

// Event is one thing that is going to happen. Events are totally ordered by At, then
// Sequence.
type Event struct {
	At       Time
	Sequence int64
	Kind     Kind
	// Job is an index into Input.Jobs, Node one into Input.Nodes; -1 if the event is not
	// about one.
	Job, Node int
	// attempt is the job's placement that the event belongs to: an event of an earlier
	// one is void.
	attempt int64
	// grace is NodeDrain's.
	grace Time
}

// before is the order of events.
func (e *Event) before(other *Event) bool {
	return e.At < other.At || e.At == other.At && e.Sequence < other.Sequence
}

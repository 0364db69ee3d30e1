package scenario

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/ashlar-dev/ashlar/simulator"
)

// Workload is jobs of one kind that keep arriving.
type Workload struct {
	Name     string `json:"name"`
	Priority int64  `json:"priority,omitempty"`
	// Arrivals and Duration say when jobs come and how long they run; or else Autoscale does,
	// whose jobs are replicas.
	Arrivals  Arrivals          `json:"arrivals,omitzero"`
	Duration  Duration          `json:"duration,omitzero"`
	Autoscale *ReplicaAutoscale `json:"autoscale,omitempty"`
	// Loading is how long a job takes from its placement until it does useful work, or ColdStart
	// how that follows from a model's weights.
	Loading   Span       `json:"loading,omitempty"`
	ColdStart *ColdStart `json:"coldStart,omitempty"`
	// Busy is for which part of its time a job keeps its GPUs busy, up to 1, which it is if not
	// stated; what it slows down others by (SlowDown).
	Busy float64 `json:"busy,omitempty"`
	// Members is the number of pods of each job, which are placed together; SameDomain
	// is "required" if that must be within one domain of nodes.
	Members    int64  `json:"members,omitempty"`
	SameDomain string `json:"sameDomain,omitempty"`
	// Checkpoint is how often a job saves its work, 0 for never.
	Checkpoint Span `json:"checkpoint,omitempty"`
	// MaxWait is how long a job waits for a place before it is given up, 0 for ever.
	MaxWait Span `json:"patience,omitempty"`
	// CPU and Memory are what each member takes of its node.
	CPU    CPU    `json:"cpu,omitempty"`
	Memory Memory `json:"memory,omitempty"`
	// Requests is what the jobs ask for: each draws one of them, by weight.
	Requests []Request `json:"requests"`
}

const maxRequests = 1000

func (w *Workload) checkFields(path string) error {
	problems := []error{
		checkName(path+".name", w.Name),
		checkRange(path+".priority", w.Priority, -1_000_000_000, 1_000_000_000),
		w.checkTimes(path), w.ColdStart.checkFields(path + ".coldStart"),
		w.Loading.checkNotNegative(path + ".loading"), w.Checkpoint.checkNotNegative(path + ".checkpoint"),
		w.MaxWait.checkNotNegative(path + ".patience"),
		checkRange(path+".members", w.Members, 0, simulator.MaxMembers),
		checkRange(path+".cpu", int64(w.CPU), 0, maxCPU*1000), checkRange(path+".memory", int64(w.Memory), 0, maxMemory),
		checkRange(path+".requests", int64(len(w.Requests)), 1, maxRequests),
	}
	if w.SameDomain != "" && w.SameDomain != sameDomainRequired {
		problems = append(problems, fieldErrorf(path+".sameDomain", "%q, want %s or nothing", w.SameDomain, sameDomainRequired))
	}
	if w.Arrivals.Load > 0 && w.Duration.UntilEnd {
		problems = append(problems, fieldErrorf(path+".arrivals.load", "does not go with a duration until the end: state how many arrive"))
	}
	for i := range w.Requests {
		problems = append(problems, w.Requests[i].checkFields(fmt.Sprintf("%s.requests[%d]", path, i)))
	}
	return errors.Join(problems...)
}

// checkTimes checks when jobs come and how long they run and load.
func (w *Workload) checkTimes(path string) error {
	var problems []error
	if !(w.Busy >= 0 && w.Busy <= 1) {
		problems = append(problems, fieldErrorf(path+".busy", "%v, want a part of its time from 0 to 1", w.Busy))
	}
	if w.ColdStart != nil {
		if w.Loading != 0 {
			problems = append(problems, fieldErrorf(path+".loading", "does not go with coldStart, of which it follows"))
		}
		for i := range w.Requests {
			if w.Requests[i].Model == nil {
				problems = append(problems, fieldErrorf(path+".coldStart", "is of models: requests[%d] names none, state loading instead", i))
				break
			}
		}
	}
	if w.Autoscale == nil {
		return errors.Join(append(problems, w.Arrivals.checkFields(path+".arrivals"), w.Duration.checkFields(path+".duration"))...)
	}
	if !reflect.ValueOf(w.Arrivals).IsZero() || w.Duration != (Duration{}) {
		problems = append(problems, fieldErrorf(path+".autoscale", "says when jobs come and go: leave out arrivals and duration"))
	}
	if w.Members > 1 {
		problems = append(problems, fieldErrorf(path+".autoscale", "does not go with members: a replica is one pod"))
	}
	return errors.Join(append(problems, w.Autoscale.checkFields(path+".autoscale"))...)
}

const sameDomainRequired = "required"

// Arrivals is when jobs arrive: exactly one of the first four.
type Arrivals struct {
	// Poisson is how many arrive on average, at any time as likely as at any other.
	Poisson *Rate `json:"poisson,omitempty"`
	// Load is Poisson with a rate such that the GPU time asked for is so much of what the
	// cluster has: 0.9 leaves a tenth idle, at 1.1 the queue grows.
	Load float64 `json:"load,omitempty"`
	// Every is the time from one to the next.
	Every Span `json:"every,omitempty"`
	// At lists the times.
	At []Span `json:"at,omitempty"`
	// Count ends it after so many, 0 for the horizon.
	Count int64 `json:"count,omitempty"`
	// From is when it begins.
	From Span `json:"from,omitempty"`
}

// maxLoad is how much more may be asked for than there is.
const maxLoad = 100

func (a *Arrivals) checkFields(path string) error {
	given := map[string]bool{"poisson": a.Poisson != nil, "load": a.Load != 0, "every": a.Every != 0, "at": len(a.At) > 0}
	problems := []error{
		oneOf(path, given, "poisson", "load", "every", "at"),
		checkRange(path+".count", a.Count, 0, maxJobs), a.From.checkNotNegative(path + ".from"), a.Every.checkNotNegative(path + ".every"),
		checkRange(path+".at", int64(len(a.At)), 0, maxJobs),
	}
	if math.IsNaN(a.Load) || a.Load < 0 || a.Load > maxLoad {
		problems = append(problems, fieldErrorf(path+".load", "%v, want above 0 and up to %d", a.Load, maxLoad))
	}
	if a.Poisson != nil && !(a.Poisson.PerHour > 0 && a.Poisson.PerHour <= maxRate) {
		problems = append(problems, fieldErrorf(path+".poisson", "want a rate like 12/h"))
	}
	for i, at := range a.At {
		problems = append(problems, at.checkNotNegative(fmt.Sprintf("%s.at[%d]", path, i)))
	}
	return errors.Join(problems...)
}

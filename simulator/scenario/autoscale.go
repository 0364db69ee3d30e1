package scenario

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/ashlar-dev/ashlar/simulator"
)

// ReplicaAutoscale makes the jobs of a workload replicas of one Deployment, as many as its load calls
// for: a HorizontalPodAutoscaler on requests per second and pod, which looks every 15 seconds,
// leaves differences within a tenth, at most doubles or adds four pods at a time, and goes down
// only to the most that it wanted within Down (source: Kubernetes, Horizontal Pod Autoscaling).
// A replica that is no longer wanted is taken away, the newest first.
type ReplicaAutoscale struct {
	// Min and Max bound the replicas. With min 0 the last one goes when there has been no request
	// for Idle, and the next request wakes one, which has to be placed and to load: a cold start
	// (as KEDA does it, whose cooldownPeriod is 5 minutes).
	Min int64 `json:"min,omitempty"`
	Max int64 `json:"max"`
	// Target is how many requests a second one replica is to serve.
	Target float64 `json:"target"`
	// Load is how many requests come, step by step; Repeat is after which time they begin anew,
	// 0 for never.
	Load   []LoadStep `json:"load"`
	Repeat Span       `json:"repeat,omitempty"`
	// Down and Idle are 5 minutes if not stated.
	Down Span `json:"down,omitempty"`
	Idle Span `json:"idle,omitempty"`
}

// LoadStep is the requests per second from a time on.
type LoadStep struct {
	At        Span    `json:"at"`
	PerSecond float64 `json:"perSecond"`
}

const (
	maxReplicaCount = 10_000
	maxLoadSteps    = 10_000
	maxPerSecond    = 1e9
	// syncPeriod, tolerance and fastest are the defaults of kube-controller-manager and of a
	// HorizontalPodAutoscaler's behavior.
	syncPeriod     = 15 * simulator.Second
	tolerance      = 0.1
	fastestPods    = 4
	defaultCooling = Span(5 * simulator.Minute)
)

func (a *ReplicaAutoscale) checkFields(path string) error {
	problems := []error{
		checkRange(path+".min", a.Min, 0, maxReplicaCount), checkRange(path+".max", a.Max, max(1, a.Min), maxReplicaCount),
		checkRange(path+".load", int64(len(a.Load)), 1, maxLoadSteps), a.Repeat.checkNotNegative(path + ".repeat"),
		a.Down.checkNotNegative(path + ".down"), a.Idle.checkNotNegative(path + ".idle"),
	}
	if !(a.Target > 0 && a.Target <= maxPerSecond) {
		problems = append(problems, fieldErrorf(path+".target", "%v, want above 0: requests a second that one replica is to serve", a.Target))
	}
	last := Span(-1)
	for i, step := range a.Load {
		at := fmt.Sprintf("%s.load[%d]", path, i)
		problems = append(problems, step.At.checkNotNegative(at+".at"))
		if step.At <= last {
			problems = append(problems, fieldErrorf(at+".at", "is not after the one before"))
		}
		if a.Repeat > 0 && step.At >= a.Repeat {
			problems = append(problems, fieldErrorf(at+".at", "is not before repeat, when the load begins anew"))
		}
		if !(step.PerSecond >= 0 && step.PerSecond <= maxPerSecond) {
			problems = append(problems, fieldErrorf(at+".perSecond", "%v, want 0 or more", step.PerSecond))
		}
		last = step.At
	}
	return errors.Join(problems...)
}

// loadAt is the requests per second at a time: none before the first step.
func (a *ReplicaAutoscale) loadAt(at simulator.Time) float64 {
	if a.Repeat > 0 {
		at %= simulator.Time(a.Repeat)
	}
	next := sort.Search(len(a.Load), func(i int) bool { return simulator.Time(a.Load[i].At) > at })
	if next == 0 {
		return 0
	}
	return a.Load[next-1].PerSecond
}

// replicaLife is when a replica is wanted; until is 0 for to the end.
type replicaLife struct{ from, until simulator.Time }

// replicaLives plays the autoscaler until the horizon, or until there are more than maxJobs
// lives. They are in the order of their beginnings.
func (a *ReplicaAutoscale) replicaLives(horizon simulator.Time) []replicaLife {
	var lives []replicaLife
	var up []int // indexes of lives, the newest last
	var wanted recentMost
	down, idle := a.Down, a.Idle
	if down == 0 {
		down = defaultCooling
	}
	if idle == 0 {
		idle = defaultCooling
	}
	lastRequest := simulator.Time(0)
	for at := simulator.Time(0); at <= horizon && len(lives) <= maxJobs; at += syncPeriod {
		load := a.loadAt(at)
		if load > 0 {
			lastRequest = at
		}
		now := int64(len(up))
		want := a.recommendedReplicas(load, now)
		if load == 0 && a.Min == 0 && at-lastRequest < simulator.Time(idle) {
			want = max(want, min(1, now))
		}
		// With a load of 0 for long enough nothing is left, as KEDA does it.
		most := wanted.addValue(at, want, simulator.Time(down))
		if want < now && !(load == 0 && a.Min == 0 && at-lastRequest >= simulator.Time(idle)) {
			want = min(now, most)
		}
		want = min(want, max(2*now, now+fastestPods))
		for ; now < want; now++ {
			up = append(up, len(lives))
			lives = append(lives, replicaLife{from: at})
		}
		for ; now > want; now-- {
			lives[up[now-1]].until = max(at, 1)
			up = up[:now-1]
		}
	}
	return lives
}

// recommendedReplicas is how many replicas the load calls for.
func (a *ReplicaAutoscale) recommendedReplicas(load float64, now int64) int64 {
	want := now
	if now == 0 || math.Abs(load/(a.Target*float64(now))-1) > tolerance {
		want = int64(math.Min(math.Ceil(load/a.Target), maxReplicaCount))
	}
	least := a.Min
	if load > 0 {
		least = max(1, least)
	}
	return min(max(want, least), a.Max)
}

// recentMost is the largest of the values of some time: those that later ones do not exceed.
type recentMost struct {
	at     []simulator.Time
	values []int64
}

// addValue adds a value and returns the largest since window ago.
func (r *recentMost) addValue(at simulator.Time, value int64, window simulator.Time) int64 {
	for len(r.values) > 0 && r.values[len(r.values)-1] <= value {
		r.at, r.values = r.at[:len(r.at)-1], r.values[:len(r.values)-1]
	}
	r.at, r.values = append(r.at, at), append(r.values, value)
	for r.at[0] <= at-window {
		r.at, r.values = r.at[1:], r.values[1:]
	}
	return r.values[0]
}

// ColdStart is how long a model server loads: its weights at the speed of the disk or network
// that they are read from, then what its engine takes to start (imports, compiling, graphs,
// the profile run), which does not depend on that speed (source: "Breaking the Ice: Analyzing
// Cold Start Latency in vLLM", arXiv 2606.07362; a start's log names each part).
type ColdStart struct {
	// Read is how much of the weights is read in a second.
	Read Memory `json:"read"`
	// Startup is all the rest.
	Startup Span `json:"startup,omitempty"`
}

func (c *ColdStart) checkFields(path string) error {
	if c == nil {
		return nil
	}
	return errors.Join(checkRange(path+".read", int64(c.Read), 1, maxMemory), c.Startup.checkNotNegative(path+".startup"))
}

// loadingOf is how long a job of the workload with this request loads.
func (b *inputBuilder) loadingOf(w *Workload, r *Request) simulator.Time {
	if w.ColdStart == nil || r.Model == nil {
		return simulator.Time(w.Loading)
	}
	weights := 0.0
	for _, pool := range b.pools {
		if pool.inventory == nil {
			continue
		}
		for _, gpu := range pool.inventory.Node.GPUs {
			if f := b.fitOf(r.Model, gpu.Model, int64(len(pool.inventory.Node.GPUs))); f.whole > 0 {
				weights = float64(f.weights)
				break
			}
		}
		if weights > 0 {
			break
		}
	}
	read := weights / float64(w.ColdStart.Read) * float64(simulator.Second)
	return min(simulator.MaxTime, simulator.Time(w.ColdStart.Startup)+simulator.Time(math.Min(math.Round(read), float64(simulator.MaxTime))))
}

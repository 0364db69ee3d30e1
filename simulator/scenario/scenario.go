package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Scenario is one simulation.
type Scenario struct {
	Name string `json:"name"`
	// About says what is to be seen, in a few sentences.
	About string `json:"about,omitempty"`
	// Horizon is when the run ends. Jobs arrive until then.
	Horizon Span `json:"horizon"`
	// Sample is the time between samples, by default a hundredth of the horizon.
	Sample Span `json:"sample,omitempty"`
	// Seed is what arrivals, requests and durations are drawn from.
	Seed int64 `json:"seed,omitempty"`
	// Policy is how placements are ranked, by default keep-placeable.
	Policy string `json:"policy,omitempty"`
	// Demand is what the policy expects of the future: "prior", which knows nothing, or
	// "workload", what the workloads here ask for. The scheduler has the prior.
	Demand string `json:"demand,omitempty"`
	// Sharing is how GPUs are handed out: ashlar (by request, the default), whole,
	// time-slicing/N, mps/N, or the latter two in slices of a MIG profile, as in
	// 3g.20gb/time-slicing/2.
	Sharing Sharing `json:"sharing,omitempty"`
	// SlowDown is how jobs that share a GPU slow one another down; none does without.
	SlowDown *SlowDown `json:"slowDown,omitempty"`
	// Preemption is "lower", by which jobs end those of lower priority, or "never".
	Preemption string `json:"preemption,omitempty"`
	// Defragmentation moves running jobs, so that jobs that wait find room; nothing is moved without.
	Defragmentation *Defragmentation `json:"defragmentation,omitempty"`
	// Reslice is how long it takes to change the MIG layout of a GPU.
	Reslice Span `json:"reslice,omitempty"`

	Nodes     []Pool     `json:"nodes"`
	Workloads []Workload `json:"workloads"`
	Events    []Event    `json:"events,omitempty"`
	// Variants are run next to one another, on the same arrivals.
	Variants []Variant `json:"variants,omitempty"`
	// Assertions are what the runs are to show; a command that runs the scenario fails if
	// they do not.
	Assertions []Assertion `json:"assertions,omitempty"`
}

// Variant changes some of a scenario; what it does not state stays.
type Variant struct {
	Name   string `json:"name"`
	Policy string `json:"policy,omitempty"`
	// Sharing and Preemption are as in Scenario.
	Sharing    Sharing `json:"sharing,omitempty"`
	Preemption string  `json:"preemption,omitempty"`
	// Defragmentation is as in Scenario.
	Defragmentation *Defragmentation `json:"defragmentation,omitempty"`
	// MinReplicas takes the place of Autoscale.Min of all workloads.
	MinReplicas *int64 `json:"minReplicas,omitempty"`
}

// With is the scenario as a variant has it.
func (s Scenario) With(v Variant) Scenario {
	if v.Policy != "" {
		s.Policy = v.Policy
	}
	if v.Sharing != "" {
		s.Sharing = v.Sharing
	}
	if v.Preemption != "" {
		s.Preemption = v.Preemption
	}
	if v.Defragmentation != nil {
		s.Defragmentation = v.Defragmentation
	}
	if v.MinReplicas != nil {
		s.Workloads = slices.Clone(s.Workloads)
		for i := range s.Workloads {
			if w := &s.Workloads[i]; w.Autoscale != nil {
				scaled := *w.Autoscale
				scaled.Min = min(*v.MinReplicas, scaled.Max)
				w.Autoscale = &scaled
			}
		}
	}
	return s
}

// Bounds of what a scenario may hold.
const (
	maxPools      = 100
	maxWorkloads  = 100
	maxEvents     = 10_000
	maxVariants   = 20
	maxAssertions = 1000
	maxJobs       = 1_000_000
	maxName       = 100
	maxAbout      = 4000
)

// Check returns everything about a scenario that cannot be: FieldErrors, joined.
func (s *Scenario) Check() error {
	problems := []error{
		checkName("name", s.Name),
		checkRange("about", int64(len(s.About)), 0, maxAbout),
		s.Horizon.checkPositive("horizon"), s.Sample.checkNotNegative("sample"), s.Reslice.checkNotNegative("reslice"),
		checkPolicy("policy", s.Policy), s.Sharing.checkWord("sharing"), checkPreemption("preemption", s.Preemption),
		s.Defragmentation.checkFields("defragmentation"), s.SlowDown.checkFields("slowDown"),
		checkRange("nodes", int64(len(s.Nodes)), 1, maxPools),
		checkRange("workloads", int64(len(s.Workloads)), 1, maxWorkloads),
		checkRange("events", int64(len(s.Events)), 0, maxEvents),
		checkRange("variants", int64(len(s.Variants)), 0, maxVariants),
		checkRange("assertions", int64(len(s.Assertions)), 0, maxAssertions),
		s.checkNodes(), s.checkWorkloads(), s.checkVariants(),
	}
	if s.Demand != "" && s.Demand != demandPrior && s.Demand != demandWorkload {
		problems = append(problems, fieldErrorf("demand", "%q, want %s or %s", s.Demand, demandPrior, demandWorkload))
	}
	if s.Sample > 0 && s.Horizon/s.Sample > maxSamples {
		const many = "%s of %s are more than %d samples"
		problems = append(problems, fieldErrorf("sample", many, simulator.Time(s.Sample), simulator.Time(s.Horizon), maxSamples))
	}
	for i := range s.Events {
		problems = append(problems, s.Events[i].checkFields(fmt.Sprintf("events[%d]", i)))
	}
	return errors.Join(problems...)
}

func (s *Scenario) checkNodes() error {
	var problems []error
	names, total := uniqueNames{}, int64(0)
	for i := range s.Nodes {
		path := fmt.Sprintf("nodes[%d]", i)
		problems = append(problems, s.Nodes[i].checkFields(path), names.addName(path, s.Nodes[i].Name))
		count := s.Nodes[i].nodeCount()
		if total += count; total > simulator.MaxNodes && total-count <= simulator.MaxNodes && count <= simulator.MaxNodes {
			problems = append(problems, fieldErrorf(path+".count", "makes more than %d nodes", simulator.MaxNodes))
		}
	}
	return errors.Join(problems...)
}

func (s *Scenario) checkWorkloads() error {
	var problems []error
	names := uniqueNames{}
	for i := range s.Workloads {
		path := fmt.Sprintf("workloads[%d]", i)
		problems = append(problems, s.Workloads[i].checkFields(path), names.addName(path, s.Workloads[i].Name))
	}
	return errors.Join(problems...)
}

func (s *Scenario) checkVariants() error {
	var problems []error
	names := uniqueNames{}
	for i := range s.Variants {
		v, path := &s.Variants[i], fmt.Sprintf("variants[%d]", i)
		problems = append(problems,
			checkName(path+".name", v.Name), checkPolicy(path+".policy", v.Policy), v.Sharing.checkWord(path+".sharing"),
			checkPreemption(path+".preemption", v.Preemption), v.Defragmentation.checkFields(path+".defragmentation"), names.addName(path, v.Name),
		)
		if v.MinReplicas != nil {
			problems = append(problems, checkRange(path+".minReplicas", *v.MinReplicas, 0, maxReplicaCount))
		}
	}
	return errors.Join(problems...)
}

// uniqueNames are the names of a list so far.
type uniqueNames map[string]bool

func (n uniqueNames) addName(path, name string) error {
	if name != "" && n[name] {
		return fieldErrorf(path+".name", "%q occurs twice", name)
	}
	n[name] = true
	return nil
}

// maxSamples is simulator's bound with room for the first and last.
const maxSamples = 1000

const (
	demandPrior    = "prior"
	demandWorkload = "workload"
)

func checkName(path, name string) error {
	if name == "" || len(name) > maxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return fieldErrorf(path, "%q, want a name of 1 to %d letters, digits, - _ and .", name, maxName)
	}
	return nil
}

func checkPolicy(path, name string) error {
	if name == "" {
		return nil
	}
	if _, err := placement.PolicyNamed(name, placement.PriorDemand(), 0); err != nil {
		return fieldErrorf(path, "%v", err)
	}
	return nil
}

const (
	preemptLower = "lower"
	preemptNever = "never"
)

func checkPreemption(path, word string) error {
	if word != "" && word != preemptLower && word != preemptNever {
		return fieldErrorf(path, "%q, want %s or %s", word, preemptLower, preemptNever)
	}
	return nil
}

func (s Span) checkPositive(path string) error {
	if s <= 0 || s > Span(simulator.MaxTime) {
		return fieldErrorf(path, "is missing or not above 0: write a length of time like 12h or 7d")
	}
	return nil
}

func (s Span) checkNotNegative(path string) error {
	if s < 0 || s > Span(simulator.MaxTime) {
		return fieldErrorf(path, "%d ms, want 0 to %s", int64(s), simulator.MaxTime)
	}
	return nil
}

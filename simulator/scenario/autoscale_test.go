package scenario

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

const (
	oneMinute = Span(simulator.Minute)
	oneHour   = Span(simulator.Hour)
)

// When replicas come and go, by hand after the rules of a HorizontalPodAutoscaler.
func TestReplicaLives(t *testing.T) {
	at := func(text string) simulator.Time {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return simulator.Time(s)
	}
	for name, tc := range map[string]struct {
		scale ReplicaAutoscale
		want  []replicaLife
	}{
		"as many as the load calls for": {
			ReplicaAutoscale{Min: 1, Max: 9, Target: 2, Load: []LoadStep{{0, 3}}}, []replicaLife{{0, 0}, {0, 0}}},
		"no more than max, no fewer than min": {
			ReplicaAutoscale{Min: 1, Max: 2, Target: 1, Load: []LoadStep{{0, 50}, {oneHour, 0}}},
			[]replicaLife{{0, 0}, {0, at("1h4m") + 45*simulator.Second}}},
		"up at once, down after the window": {
			ReplicaAutoscale{Min: 1, Max: 9, Target: 1, Down: 10 * oneMinute, Load: []LoadStep{{0, 1}, {10 * oneMinute, 3}, {20 * oneMinute, 1}}},
			[]replicaLife{{0, 0}, {at("10m"), at("29m45s")}, {at("10m"), at("29m45s")}}},
		"four at a time, then twice as many": {
			ReplicaAutoscale{Min: 1, Max: 20, Target: 1, Load: []LoadStep{{0, 20}}},
			slices.Concat(slices.Repeat([]replicaLife{{from: 0}}, 4), slices.Repeat([]replicaLife{{from: 15_000}}, 4),
				slices.Repeat([]replicaLife{{from: 30_000}}, 8), slices.Repeat([]replicaLife{{from: 45_000}}, 4))},
		"a tenth more is left": {
			ReplicaAutoscale{Min: 1, Max: 9, Target: 1, Load: []LoadStep{{0, 2}, {oneHour, 2.15}}}, []replicaLife{{0, 0}, {0, 0}}},
		"to zero when nothing came for a while, and back": {
			ReplicaAutoscale{Max: 3, Target: 1, Idle: 20 * oneMinute, Load: []LoadStep{{10 * oneMinute, 1}, {30 * oneMinute, 0}, {oneHour, 1}}},
			[]replicaLife{{at("10m"), at("49m45s")}, {at("1h"), 0}}},
		"every hour anew": {
			ReplicaAutoscale{Max: 3, Target: 1, Idle: 5 * oneMinute, Repeat: oneHour, Load: []LoadStep{{10 * oneMinute, 1}, {20 * oneMinute, 0}}},
			[]replicaLife{{at("10m"), at("24m45s")}, {at("1h10m"), at("1h24m45s")}}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.scale.checkFields("autoscale"); err != nil {
				t.Fatal(err)
			}
			got := tc.scale.replicaLives(2 * simulator.Hour)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(replicaLife{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// modelScenario is one model server on one node.
func modelScenario() *Scenario {
	return &Scenario{
		Name: "x", Horizon: 2 * oneHour, Nodes: []Pool{{Name: "n", GPU: "L40S", GPUs: 2}},
		Workloads: []Workload{{
			Name: "w", Autoscale: &ReplicaAutoscale{Max: 2, Target: 1, Load: []LoadStep{{0, 1}}}, Busy: 0.25,
			ColdStart: &ColdStart{Read: 1 << 30, Startup: oneMinute},
			Requests:  []Request{{Model: &Model{Name: "meta-llama/Llama-3.1-8B-Instruct", MaxModelLen: 8192, Concurrency: 4}}},
		}},
	}
}

// A replica loads its weights, about 15 GiB of an 8B model in 16 bits, at 1 GiB a second, and a minute more.
func TestColdStart(t *testing.T) {
	s := modelScenario()
	s.SlowDown = &SlowDown{Measured: nosYolos}
	in, err := s.Build(catalogue.Default(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Jobs) != 1 {
		t.Fatalf("%d jobs, want 1", len(in.Jobs))
	}
	job := &in.Jobs[0]
	if least, most := 74*simulator.Second, 76*simulator.Second; job.Loads < least || job.Loads > most {
		t.Errorf("loads for %s, want %s to %s", job.Loads, least, most)
	}
	if job.Busy != 250 {
		t.Errorf("busy for %d thousandths, want 250", job.Busy)
	}
	if got := in.Contention.TimeSlicing.TimesAt(4000); got != 4436 {
		t.Errorf("four holders take %d thousandths of the time of one, want 4436: between 3.325 and 5.547", got)
	}
}

// A variant's minReplicas takes the place of all workloads', and leaves the scenario as it is.
func TestMinReplicas(t *testing.T) {
	s, none := modelScenario(), int64(0)
	s.Workloads[0].Autoscale.Min = 1
	changed := s.With(Variant{MinReplicas: &none})
	if got := changed.Workloads[0].Autoscale.Min; got != 0 {
		t.Errorf("min %d, want 0", got)
	}
	if got := s.Workloads[0].Autoscale.Min; got != 1 {
		t.Errorf("the scenario's own min became %d", got)
	}
}

// What cannot be is named with its field.
func TestSharingMistakes(t *testing.T) {
	for want, change := range map[string]func(*Scenario){
		"workloads[0].autoscale: says when jobs come and go: leave out arrivals": func(s *Scenario) { s.Workloads[0].Duration.Fixed = oneHour },
		"workloads[0].autoscale.max: 0, want 1 to":                               func(s *Scenario) { s.Workloads[0].Autoscale.Max = 0 },
		"workloads[0].autoscale.target: 0, want above 0":                         func(s *Scenario) { s.Workloads[0].Autoscale.Target = 0 },
		"workloads[0].autoscale.load: 0, want 1 to":                              func(s *Scenario) { s.Workloads[0].Autoscale.Load = nil },
		"workloads[0].autoscale.load[1].at: is not after the one before": func(s *Scenario) {
			s.Workloads[0].Autoscale.Load = []LoadStep{{oneHour, 1}, {oneHour, 2}}
		},
		"workloads[0].autoscale.load[0].at: is not before repeat": func(s *Scenario) {
			s.Workloads[0].Autoscale.Repeat, s.Workloads[0].Autoscale.Load[0].At = oneHour, oneHour
		},
		"workloads[0].busy: 1.5, want a part of its time from 0 to 1":  func(s *Scenario) { s.Workloads[0].Busy = 1.5 },
		"workloads[0].loading: does not go with coldStart":             func(s *Scenario) { s.Workloads[0].Loading = oneMinute },
		"workloads[0].coldStart.read: 0, want 1 to":                    func(s *Scenario) { s.Workloads[0].ColdStart.Read = 0 },
		"workloads[0].coldStart: is of models: requests[0] names none": func(s *Scenario) { s.Workloads[0].Requests = []Request{{GPUs: 1}} },
		"workloads[0].requests[0].grows.to: 0, want 1 to": func(s *Scenario) {
			s.Workloads[0].Requests[0].Grows = &MemoryGrowth{Over: oneHour}
		},
		`slowDown.measured: "mine", want nos-yolos`: func(s *Scenario) { s.SlowDown = &SlowDown{Measured: "mine"} },
		"slowDown: want measured, or points":        func(s *Scenario) { s.SlowDown = &SlowDown{} },
		"slowDown.mps[0].holders: 1, want more than 1": func(s *Scenario) {
			s.SlowDown = &SlowDown{MPS: []SlowDownPoint{{1, 2}}}
		},
		"slowDown.timeSlicing[1].times: 2, want 3 to 1000: more holders": func(s *Scenario) {
			s.SlowDown = &SlowDown{TimeSlicing: []SlowDownPoint{{2, 3}, {3, 2}}}
		},
		"slowDown.measured: does not go with points of one's own": func(s *Scenario) {
			s.SlowDown = &SlowDown{Measured: nosYolos, MPS: []SlowDownPoint{{2, 2}}}
		},
		"workloads[0].arrivals: want exactly one of poisson, load, every ": func(s *Scenario) { s.Workloads[0].Autoscale = nil },
	} {
		s := modelScenario()
		change(s)
		err := s.Check()
		var field *FieldError
		if err == nil || !errors.As(err, &field) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Jobs of a log come at their times, ask for what they did, and take the place of the workloads.
func TestBuildTraced(t *testing.T) {
	log := &trace.JobLog{Jobs: []trace.LoggedJob{
		{Name: "early", Submitted: 0, Ran: simulator.Minute, Members: 1, GPUs: 1, PerGPU: 1000},
		{Name: "gang", Class: "vc", Submitted: simulator.Hour, Ran: simulator.Minute, Members: 2, GPUs: 2, PerGPU: 1000, MilliCPU: 4000},
		{Name: "part", Submitted: simulator.Hour + simulator.Minute, Ran: simulator.Minute, Members: 1, GPUs: 1, PerGPU: 500},
		{Name: "cpu", Submitted: simulator.Hour + 2*simulator.Minute, Ran: simulator.Minute, Members: 1, PerGPU: 1000},
		{Name: "late", Submitted: 5 * simulator.Hour, Ran: simulator.Minute, Members: 1, GPUs: 1, PerGPU: 1000},
	}}
	traced := &TracedJobs{Log: log, From: oneHour, Part: 1}
	if got := traced.UsedWithin(2 * oneHour); got != 3 {
		t.Errorf("%d jobs within the horizon, want 3", got)
	}
	in, err := modelScenario().BuildTraced(catalogue.Default(), 1, traced)
	if err != nil {
		t.Fatal(err)
	}
	type asked struct {
		Name, Ask string
		At        simulator.Time
		Members   int
		CPU       simulator.MilliCPU
	}
	var got []asked
	for i := range in.Jobs {
		j := &in.Jobs[i]
		got = append(got, asked{j.Name, j.Template.Name, j.Arrives, j.Members, j.Host.CPU})
	}
	want := []asked{
		{"gang", "2 GPUs", 0, 2, 4000}, {"part", "share 500m", simulator.Minute, 1, 0}, {"cpu", "CPU only", 2 * simulator.Minute, 1, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

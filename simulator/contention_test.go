package simulator

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
	"github.com/google/go-cmp/cmp"
)

// twiceOfTwo slows two holders that are always busy down to half, and three to a quarter.
func twiceOfTwo() *GPUContention {
	return &GPUContention{TimeSlicing: SlowDownCurve{{2000, 2000}, {3000, 4000}}, MPS: SlowDownCurve{{2000, 1500}}}
}

func TestSlowDownCurve(t *testing.T) {
	curve := twiceOfTwo().TimeSlicing
	for busy, want := range map[int64]int64{0: 1000, 1000: 1000, 1500: 1500, 2000: 2000, 2500: 3000, 3000: 4000, 4000: 6000} {
		if got := curve.TimesAt(busy); got != want {
			t.Errorf("TimesAt(%d) = %d, want %d", busy, got, want)
		}
	}
	if got := (SlowDownCurve{}).TimesAt(9000); got != 1000 {
		t.Errorf("without points: %d, want 1000", got)
	}
	for name, wrong := range map[string]SlowDownCurve{
		"faster with more": {{2000, 3000}, {3000, 2000}}, "not rising": {{2000, 2000}, {2000, 3000}}, "one holder": {{1000, 2000}},
	} {
		if wrong.validateCurve() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// runFirstFit plays jobs and returns the log and the result.
func runFirstFit(t *testing.T, in *Input) (string, *Result) {
	t.Helper()
	var log bytes.Buffer
	in.Policy = placement.FirstFit{}
	result, err := Run(in, Watch{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	return log.String(), result
}

// timesOf are the times of an event by job.
func timesOf(log string, event LogEvent) map[string]Time {
	times := map[string]Time{}
	for _, l := range linesOf(log) {
		if l.Event == event {
			times[l.Job] = l.At
		}
	}
	return times
}

// Work takes longer while another holder works, and as long as alone before and after.
func TestContention(t *testing.T) {
	onOneGPU := replicas(1, 4, topology.GiB, 0)
	for name, tc := range map[string]struct {
		sharing GPUSharing
		busy    int64
		want    map[string]Time
	}{
		// a works alone for 10 s, with b for 40 s at half the pace, then alone for 10 s: 40 s of work.
		"time-slicing": {GPUSharing{Parts: 1, Replicas: 4, Memory: 20 * topology.GiB}, 0,
			map[string]Time{"a": 60 * Second, "b": 50 * Second}},
		"mps": {GPUSharing{Parts: 1, Replicas: 4, Memory: 20 * topology.GiB, MPS: true, ClientLimit: 5 * topology.GiB}, 0,
			map[string]Time{"a": 50 * Second, "b": 40 * Second}},
		// Half of the time idle: 1.5 holders for each of them.
		"half busy": {GPUSharing{Parts: 1, Replicas: 4, Memory: 20 * topology.GiB}, 500,
			map[string]Time{"a": 50 * Second, "b": 40 * Second}},
		// On slices of their own nothing is slowed down.
		"slices": {GPUSharing{Parts: 2, Replicas: 2, Memory: 10 * topology.GiB}, 0,
			map[string]Time{"a": 40 * Second, "b": 30 * Second}},
	} {
		t.Run(name, func(t *testing.T) {
			log, result := runFirstFit(t, &Input{Nodes: sharedNodes(t, 1, tc.sharing), Contention: twiceOfTwo(), Jobs: []Job{
				{Name: "a", Class: "x", Members: 1, Template: onOneGPU, Runs: 40 * Second, Busy: tc.busy},
				{Name: "b", Class: "x", Members: 1, Template: onOneGPU, Runs: 20 * Second, Arrives: 10 * Second, Busy: tc.busy},
			}})
			if diff := cmp.Diff(tc.want, timesOf(log, LogDeparture)); diff != "" {
				t.Errorf("departures (-want +got):\n%s", diff)
			}
			ran := float64(tc.want["a"] + tc.want["b"] - 10*Second)
			if want := ran / float64(60*Second); result.All.SlowDown != want {
				t.Errorf("slow-down %v, want %v", result.All.SlowDown, want)
			}
		})
	}
}

// Shares of one GPU slow one another down as well; a crash ends the work so far at its pace.
func TestContentionOfShares(t *testing.T) {
	log, result := runFirstFit(t, &Input{
		Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Contention: twiceOfTwo(),
		Crashes: []JobCrash{{Job: 0, At: 30 * Second}},
		Jobs: []Job{
			{Name: "a", Class: "x", Members: 1, Template: share(2 * topology.GiB), Runs: 40 * Second, Checkpoint: 5 * Second},
			{Name: "b", Class: "x", Members: 1, Template: share(2 * topology.GiB), Runs: 40 * Second, Arrives: 10 * Second},
		}})
	// a: 10 s alone and 20 s at half the pace are 20 s of work, all of it saved; b is alone from 30 s
	// to 40 s, when a is back; b then has 20 s left, a too, at half the pace.
	want := map[string]Time{"a": 80 * Second, "b": 80 * Second}
	if diff := cmp.Diff(want, timesOf(log, LogDeparture)); diff != "" {
		t.Errorf("departures (-want +got):\n%s\n%s", diff, log)
	}
	if result.LostGPUHours != 0 {
		t.Errorf("lost %v GPU hours, want 0: all was saved", result.LostGPUHours)
	}
	if result.All.SlowDownMost != 2 {
		t.Errorf("at most %v times as long, want 2", result.All.SlowDownMost)
	}
}

// Memory that grows ends who finds none left.
func TestMemoryGrowth(t *testing.T) {
	grows := MemoryGrowth{To: 9 * topology.GiB, Over: 16 * Second}
	for name, tc := range map[string]struct {
		sharing GPUSharing
		want    int
	}{
		// 1 GiB and half a GiB a second each: 16 GiB are full within 15 s.
		"nothing keeps them apart": {GPUSharing{Parts: 1, Replicas: 2, Memory: 16 * topology.GiB}, 1},
		"past the client's limit":  {GPUSharing{Parts: 1, Replicas: 2, Memory: 40 * topology.GiB, MPS: true, ClientLimit: 8 * topology.GiB}, 2},
		"enough":                   {GPUSharing{Parts: 1, Replicas: 2, Memory: 18 * topology.GiB}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onOneGPU := replicas(1, 2, topology.GiB, 0)
			log, result := runFirstFit(t, &Input{Horizon: 20 * Second, Nodes: sharedNodes(t, 1, tc.sharing), Jobs: []Job{
				{Name: "a", Members: 1, Template: onOneGPU, Runs: Minute, Growth: grows},
				{Name: "b", Members: 1, Template: onOneGPU, Runs: Minute, Growth: grows},
			}})
			if got := strings.Count(log, `"out-of-memory"`); got != tc.want || result.OutOfMemory != int64(tc.want) {
				t.Errorf("%d times out of memory, counted %d, want %d:\n%s", got, result.OutOfMemory, tc.want, log)
			}
		})
	}
}

// A job that is taken away ends at its time, whatever it does.
func TestJobLeaves(t *testing.T) {
	whole := wholes(4)
	log, result := runFirstFit(t, &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Horizon: Minute, Jobs: []Job{
		{Name: "runs", Members: 1, Template: whole, Runs: Hour, Loads: 5 * Second, Leaves: 20 * Second},
		{Name: "loads", Members: 1, Template: whole, Runs: Hour, Loads: Minute, Arrives: 1, Leaves: 30 * Second},
		{Name: "waits", Members: 1, Template: whole, Runs: Hour, Arrives: 2, Leaves: 10 * Second},
	}})
	want := map[string]Time{"runs": 20 * Second}
	if diff := cmp.Diff(want, timesOf(log, LogDeparture)); diff != "" {
		t.Errorf("departures (-want +got):\n%s", diff)
	}
	if result.Jobs.Failures[GaveUp] != 2 || result.Jobs.Finished != 1 {
		t.Errorf("%+v, want two that gave up, since they never were ready, and one that finished", result.Jobs)
	}
	if result.All.Starts.Count != 1 || result.All.Starts.Mean != 5*Second {
		t.Errorf("starts %+v, want one of 5s", result.All.Starts)
	}
}

package simulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// sharedGPUs hands out every GPU of a make in the same way.
func sharedGPUs(inv *placement.Inventory, sharing GPUSharing) []GPUSharing {
	all := make([]GPUSharing, len(inv.Node.GPUs))
	for i := range all {
		all[i] = sharing
	}
	return all
}

// sharedNodes are nodes of four A30 that are handed out in replicas.
func sharedNodes(t testing.TB, count int, sharing GPUSharing) []Node {
	t.Helper()
	inv := inventoryOf(t, "4xA30-pcie")
	devices := append([]placement.Device(nil), inv.Devices...)
	for i := range devices {
		if devices[i].Form == placement.Share {
			sharing.ShareDevice(&devices[i])
		}
	}
	shared, err := placement.NewInventory(inv.Node, devices, placement.PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	nodes := nodesOf(shared, count)
	for i := range nodes {
		nodes[i].Sharing = sharedGPUs(shared, sharing)
	}
	return nodes
}

// replicas asks for a number of replicas on the first GPUs of a node, each of which uses so
// much memory.
func replicas(count, slots int, uses topology.Bytes, gpus ...int) *PodTemplate {
	return &PodTemplate{Name: fmt.Sprint(count, " replicas"), For: func(inv *placement.Inventory) NodeRequest {
		accepts := inv.SelectDevices(func(o *placement.Device) bool {
			for _, gpu := range gpus {
				if o.Form == placement.Share && o.GPU == gpu {
					return true
				}
			}
			return false
		})
		return NodeRequest{Request: ReplicaRequest(count, slots, accepts), UsesMemory: uses, Replica: true}
	}}
}

// ended are the jobs that a crash ended, in the order of the log.
func ended(log string) []string {
	var names []string
	for _, l := range linesOf(log) {
		if l.Event == "crash" && l.Node != "" || l.Event == "crashed-with" {
			names = append(names, l.Job)
		}
	}
	return names
}

// Whom the fatal error of job "a" ends beside itself depends on who serves its GPU.
func TestCrashEnds(t *testing.T) {
	const gib = topology.GiB
	mps := GPUSharing{Parts: 1, Replicas: 4, Memory: 24 * gib, MPS: true, ClientLimit: 6 * gib}
	byTime := GPUSharing{Parts: 1, Replicas: 4, Memory: 24 * gib}
	slices := GPUSharing{Parts: 2, Replicas: 2, Memory: 12 * gib, MPS: true, ClientLimit: 6 * gib}
	on := func(gpus ...int) *PodTemplate { return replicas(len(gpus), 4, gib, gpus...) }
	for name, tc := range map[string]struct {
		sharing   GPUSharing
		templates []*PodTemplate // of jobs a, b, c and so on
		want      []string
	}{
		"clients of one server":           {mps, []*PodTemplate{on(0), on(0), on(0)}, []string{"a", "b", "c"}},
		"clients on other GPUs go on":     {mps, []*PodTemplate{on(0), on(1), on(0)}, []string{"a", "c"}},
		"by time-slicing nobody else":     {byTime, []*PodTemplate{on(0), on(0), on(0)}, []string{"a"}},
		"in slices those of the slice":    {slices, []*PodTemplate{on(0), on(0), on(0), on(0)}, []string{"a", "c"}},
		"a client on both GPUs":           {mps, []*PodTemplate{on(0), on(0, 1), on(1), on(2)}, []string{"a", "b", "c"}},
		"no further than such clients":    {mps, []*PodTemplate{on(0), on(0, 1), on(1, 2), on(2)}, []string{"a", "b", "c"}},
		"its own GPUs, all of them":       {mps, []*PodTemplate{on(0, 3), on(3), on(2)}, []string{"a", "b"}},
		"who waits to start again is not": {mps, []*PodTemplate{on(0), replicas(1, 4, 7*gib, 0), on(0)}, []string{"a", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &Input{Nodes: sharedNodes(t, 2, tc.sharing), Policy: placement.FirstFit{}, Crashes: []JobCrash{{Job: 0, At: Minute + 5*Second}}}
			for i, template := range tc.templates {
				in.Jobs = append(in.Jobs, job(string(rune('a'+i)), Minute, Hour, template))
			}
			result, log := runLog(t, in)
			if diff := cmp.Diff(tc.want, ended(log)); diff != "" {
				t.Errorf("ended (-want +got):\n%s\n%s", diff, log)
			}
			if result.Crashes != 1 || result.CrashedWith != int64(len(tc.want)-1) {
				t.Errorf("%d crashes, %d crashed with it", result.Crashes, result.CrashedWith)
			}
		})
	}
}

// A job that crashes keeps its place, loses what it did since its last checkpoint, and
// starts again after a back-off that is forgotten after ten minutes.
func TestCrashedJobStartsAgain(t *testing.T) {
	in := &Input{
		Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Jobs: []Job{job("a", 0, Hour, wholes(1)), job("b", 0, Minute, host())},
		Crashes: []JobCrash{
			{Job: 0, At: 30 * Second}, {Job: 0, At: 35 * Second}, {Job: 0, At: Minute + 30*Second}, {Job: 0, At: 30 * Minute},
			{Job: 1, At: Second}, {Job: 0, At: 3 * Hour},
		},
	}
	in.Jobs[0].Loads, in.Jobs[0].Checkpoint = 10*Second, 5*Minute
	result, log := runLog(t, in)
	want := `{"t":0,"n":1,"event":"arrival","job":"a","class":"a","ask":"1 GPUs"}
{"t":0,"n":2,"event":"placed","job":"a","on":[{"node":"n-000","devices":["0"]}]}
{"t":0,"n":3,"event":"arrival","job":"b","class":"b","ask":"CPU"}
{"t":0,"n":4,"event":"placed","job":"b","on":[{"node":"n-000"}]}
{"t":0,"n":5,"event":"ready","job":"b"}
{"t":1000,"n":6,"event":"crash","job":"b","reason":"uses no GPU now"}
{"t":10000,"n":7,"event":"ready","job":"a"}
{"t":30000,"n":8,"event":"crash","job":"a","node":"n-000","lostMs":20000}
{"t":35000,"n":9,"event":"crash","job":"a","reason":"uses no GPU now"}
{"t":50000,"n":10,"event":"ready","job":"a"}
{"t":60000,"n":11,"event":"departure","job":"b"}
{"t":90000,"n":12,"event":"crash","job":"a","node":"n-000","lostMs":40000}
{"t":120000,"n":13,"event":"ready","job":"a"}
{"t":1800000,"n":14,"event":"crash","job":"a","node":"n-000","lostMs":180000}
{"t":1820000,"n":15,"event":"ready","job":"a"}
{"t":3920000,"n":16,"event":"departure","job":"a"}
{"t":10800000,"n":17,"event":"crash","job":"a","reason":"uses no GPU now"}
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(log, "\n")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if result.Crashes != 3 || result.Jobs.Finished != 2 {
		t.Errorf("%d crashes, %d finished, want 3 and 2", result.Crashes, result.Jobs.Finished)
	}
}

// Of the slices of a GPU a replica is in the one with the fewest holders.
func TestReplicasSpreadOverSlices(t *testing.T) {
	in := &Input{Nodes: sharedNodes(t, 1, GPUSharing{Parts: 2, Replicas: 2, Memory: 12 * topology.GiB}), Policy: placement.FirstFit{}}
	one := replicas(1, 4, 0, 0)
	for i, runs := range []Time{Minute, Hour, Minute, Hour} {
		in.Jobs = append(in.Jobs, job(fmt.Sprint("early-", i), Time(i), runs, one))
	}
	in.Jobs = append(in.Jobs, job("late-0", 2*Minute, Hour, one), job("late-1", 2*Minute, Hour, one), job("none", 2*Minute, Hour, one))
	_, log := runLog(t, in)
	var got []string
	for _, l := range linesOf(log) {
		if l.Event == "placed" {
			got = append(got, l.Job+" "+l.On[0].Devices[0])
		}
	}
	want := []string{
		"early-0 0 replica of slice 0", "early-1 0 replica of slice 1", "early-2 0 replica of slice 0", "early-3 0 replica of slice 1",
		"late-0 0 replica of slice 0", "late-1 0 replica of slice 0", "none 0 replica of slice 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("placed (-want +got):\n%s", diff)
	}
}

// Whatever happens to jobs with replicas, no part has more holders or memory in use than it
// may, nothing is left when all are gone, and the same input gives the same bytes.
func TestReplicaProperties(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		sharing := GPUSharing{Parts: 1 + random.IntN(4), Replicas: 1 + random.IntN(4), Memory: 12 * topology.GiB, MPS: random.IntN(2) == 0}
		sharing.ClientLimit = sharing.Memory / topology.Bytes(sharing.Replicas)
		in := &Input{Nodes: sharedNodes(t, 3, sharing), Policy: placement.Spread{}}
		for i := range 300 {
			uses := topology.Bytes(random.Int64N(int64(8 * topology.GiB)))
			j := job(fmt.Sprint("job-", i), Time(random.Int64N(int64(3*Hour))), Time(random.Int64N(int64(2*Hour))),
				replicas(1+random.IntN(2), sharing.SlotCount(), uses, 0, 1, 2, 3))
			j.Loads, j.Priority, j.Members = Time(random.Int64N(int64(Minute))), random.Int64N(2), 1+random.IntN(2)
			in.Jobs = append(in.Jobs, j)
		}
		for range 40 {
			in.Crashes = append(in.Crashes, JobCrash{Job: random.IntN(len(in.Jobs)), At: Time(random.Int64N(int64(5 * Hour)))})
		}
		in.Outages = []Outage{{Node: 1, At: Hour, For: Hour}, {Node: 2, At: 2 * Hour, Drain: true, Grace: Minute, For: Hour}}
		_, log := runLog(t, in)
		if _, again := runLog(t, in); again != log {
			t.Fatalf("seed %d: the same input gave other bytes", seed)
		}
		e, err := newEngine(in, Watch{})
		if err != nil {
			t.Fatal(err)
		}
		checks := 0
		e.watch.Progress = func(Time) error {
			checks++
			return checkParts(e, &sharing)
		}
		if err := e.playEvents(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if checks == 0 {
			t.Fatalf("seed %d: nothing was checked on the way", seed)
		}
		sharing.Replicas, sharing.Memory = 0, 0
		if err := checkParts(e, &sharing); err != nil {
			t.Fatalf("seed %d, at the end: %v", seed, err)
		}
	}
}

// checkParts reports a part that is held by more, or in use for more, than it may be.
func checkParts(e *simulationRun, sharing *GPUSharing) error {
	for _, n := range e.cluster.nodes {
		for gpu := range n.parts {
			for i, part := range n.parts[gpu] {
				if part.holders < 0 || part.holders > sharing.Replicas || part.inUse < 0 || part.inUse > sharing.Memory {
					return fmt.Errorf("part %d of GPU %d of %s has %d holders and %s in use", i, gpu, n.Name, part.holders, part.inUse)
				}
			}
		}
	}
	return nil
}

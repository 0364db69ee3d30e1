package simulator

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
	"github.com/google/go-cmp/cmp"
)

// inventoryOf is what a machine of the catalogue hands out.
func inventoryOf(t testing.TB, name string) *placement.Inventory {
	t.Helper()
	machine, err := catalogue.Default().Machine(name)
	if err != nil {
		t.Fatal(err)
	}
	tables := make([]*mig.Table, len(machine.Node.GPUs))
	for i, gpu := range machine.Node.GPUs {
		if gpu.Model.MIG != "" {
			tables[i], err = catalogue.Default().MIG(gpu.Model.MIG)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	inv, err := placement.NewInventory(machine.Node, placement.NodeDevices(machine.Node, tables), placement.PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// asking is a request of one part for what accept holds.
func asking(name string, part placement.Part, terms NodeRequest, accept func(*placement.Device) bool) *PodTemplate {
	return &PodTemplate{Name: name, For: func(inv *placement.Inventory) NodeRequest {
		part := part
		part.Accepts = inv.SelectDevices(accept)
		terms := terms
		terms.Request = &placement.Request{Parts: []placement.Part{part}}
		return terms
	}}
}

func wholes(count int) *PodTemplate {
	return asking(fmt.Sprint(count, " GPUs"), placement.Part{Count: count}, NodeRequest{},
		func(o *placement.Device) bool { return o.Form == placement.Whole })
}

func share(bytes topology.Bytes) *PodTemplate {
	return asking("share "+bytes.String(), placement.Part{Count: 1, Bytes: bytes}, NodeRequest{},
		func(o *placement.Device) bool { return o.Form == placement.Share })
}

func instance(memory topology.Bytes) *PodTemplate {
	return asking("mig", placement.Part{Count: 1}, NodeRequest{}, func(o *placement.Device) bool {
		return o.Form == placement.MIG && o.Memory >= memory && o.Memory < 2*memory
	})
}

func host() *PodTemplate { return &PodTemplate{Name: "CPU"} }

func nodesOf(inv *placement.Inventory, count int) []Node {
	var nodes []Node
	for i := range count {
		nodes = append(nodes, Node{
			Name: fmt.Sprintf("n-%03d", i), Inventory: inv, Host: Host{CPU: 64_000, Memory: 512 * topology.GiB},
			Domain: cluster.NoDomain, Price: 2_000_000,
		})
	}
	return nodes
}

func job(name string, at, runs Time, ask *PodTemplate) Job {
	return Job{Name: name, Class: name, Arrives: at, Runs: runs, Members: 1, Template: ask, Host: Host{CPU: 1000}}
}

// runLog plays an input and returns the result and the log.
func runLog(t testing.TB, in *Input) (*Result, string) {
	t.Helper()
	if in.Policy == nil {
		in.Policy = placement.KeepPlaceable{}
	}
	var log bytes.Buffer
	result, err := Run(in, Watch{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	return result, log.String()
}

// The life of a job that fits, of one that waits for it, and of one that never fits.
func TestLog(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	in := &Input{Nodes: nodesOf(inv, 1), Jobs: []Job{
		job("a", 0, Minute, wholes(4)), job("b", Second, Minute, wholes(1)), job("c", 2*Second, Minute, wholes(5)),
	}}
	in.Jobs[0].Loads = 30 * Second
	result, log := runLog(t, in)
	if log != `{"t":0,"n":1,"event":"arrival","job":"a","class":"a","ask":"4 GPUs"}
{"t":0,"n":2,"event":"placed","job":"a","on":[{"node":"n-000","devices":["0","1","2","3"]}]}
{"t":1000,"n":3,"event":"arrival","job":"b","class":"b","ask":"1 GPUs"}
{"t":1000,"n":4,"event":"waits","job":"b"}
{"t":2000,"n":5,"event":"arrival","job":"c","class":"c","ask":"5 GPUs"}
{"t":2000,"n":6,"event":"failed","job":"c","reason":"never fits"}
{"t":30000,"n":7,"event":"ready","job":"a"}
{"t":90000,"n":8,"event":"departure","job":"a"}
{"t":90000,"n":9,"event":"placed","job":"b","on":[{"node":"n-000","devices":["0"]}]}
{"t":90000,"n":10,"event":"ready","job":"b"}
{"t":150000,"n":11,"event":"departure","job":"b"}
` {
		t.Fatalf("log = %q, want %q", log, `{"t":0,"n":1,"event":"arrival","job":"a","class":"a","ask":"4 GPUs"}
{"t":0,"n":2,"event":"placed","job":"a","on":[{"node":"n-000","devices":["0","1","2","3"]}]}
{"t":1000,"n":3,"event":"arrival","job":"b","class":"b","ask":"1 GPUs"}
{"t":1000,"n":4,"event":"waits","job":"b"}
{"t":2000,"n":5,"event":"arrival","job":"c","class":"c","ask":"5 GPUs"}
{"t":2000,"n":6,"event":"failed","job":"c","reason":"never fits"}
{"t":30000,"n":7,"event":"ready","job":"a"}
{"t":90000,"n":8,"event":"departure","job":"a"}
{"t":90000,"n":9,"event":"placed","job":"b","on":[{"node":"n-000","devices":["0"]}]}
{"t":90000,"n":10,"event":"ready","job":"b"}
{"t":150000,"n":11,"event":"departure","job":"b"}
`)
	}
	wantJobs := JobCounts{Arrived: 3, Finished: 2, Failed: 1, Failures: map[FailureReason]int64{NeverFits: 1}}
	if diff := cmp.Diff(wantJobs, result.Jobs); diff != "" {
		t.Fatalf("result.Jobs (-want +got):\n%s", diff)
	}
	if result.All.Waits.Max != 89*Second {
		t.Fatalf("result.All.Waits.Max = %v, want %v", result.All.Waits.Max, 89*Second)
	}
	if math.Abs(result.Utilisation-((4*90.0+60)/(4*150))) > 1e-9 {
		t.Fatalf("result.Utilisation = %v, want %v within %v", result.Utilisation, (4*90.0+60)/(4*150), 1e-9)
	}
	if math.Abs(result.Served-((4*60.0+60)/(4*150))) > 1e-9 {
		t.Fatalf("result.Served = %v, want %v within %v", result.Served, (4*60.0+60)/(4*150), 1e-9)
	}
	if math.Abs(result.DollarsPerHour-8) > 1e-9 {
		t.Fatalf("result.DollarsPerHour = %v, want %v within %v", result.DollarsPerHour, 8, 1e-9)
	}
}

// Of jobs that wait, priority comes first, then arrival.
func TestQueueOrder(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Preemption: PreemptNever, Jobs: []Job{
		job("first", 0, Hour, wholes(4)), job("low", Second, Minute, wholes(4)),
		job("late", 3*Second, Minute, wholes(4)), job("high", 4*Second, Minute, wholes(4)),
	}}
	in.Jobs[2].Priority, in.Jobs[3].Priority = 5, 5
	_, log := runLog(t, in)
	if diff := cmp.Diff([]string{"first", "late", "high", "low"}, placedOrder(log)); diff != "" {
		t.Fatalf("placedOrder(log) (-want +got):\n%s", diff)
	}
}

// Preemption ends the fewest jobs, of the lowest priority, and counts what is lost.
func TestPreemption(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 2), Jobs: []Job{
		job("two", 0, Hour, wholes(2)), job("one", 0, Hour, wholes(1)), job("uno", 0, Hour, wholes(1)),
		job("all", 0, Hour, wholes(4)), job("urgent", 10*Minute, Minute, wholes(2)),
	}}
	for i := range 4 {
		in.Jobs[i].Checkpoint = 4 * Minute
	}
	in.Jobs[4].Priority = 10
	result, log := runLog(t, in)
	if !strings.Contains(log, `{"t":600000,"n":14,"event":"preempted","job":"two","lostMs":120000}`) {
		t.Fatalf("%q does not contain %q", log, `{"t":600000,"n":14,"event":"preempted","job":"two","lostMs":120000}`)
	}
	if result.Preemptions != 1 {
		t.Fatalf("result.Preemptions = %v, want %v", result.Preemptions, 1)
	}
	if math.Abs(result.LostGPUHours-(2*2/60.0)) > 1e-9 {
		t.Fatalf("result.LostGPUHours = %v, want %v within %v", result.LostGPUHours, 2*2/60.0, 1e-9)
	}
	if result.Jobs.Finished != 5 {
		t.Fatalf("result.Jobs.Finished = %v, want %v", result.Jobs.Finished, 5)
	}
	if result.End != 11*Minute+52*Minute {
		t.Fatalf("result.End = %v, want %v", result.End, 11*Minute+52*Minute)
	} // "two" had 52 minutes left, and goes on once "urgent" is done
}

// A gang is placed as a whole or not at all, in one domain if it must be.
func TestGang(t *testing.T) {
	nodes := nodesOf(inventoryOf(t, "4xA30-pcie"), 4)
	for i := range nodes {
		nodes[i].Domain = int64(i / 2)
	}
	gang := job("gang", Second, Minute, wholes(4))
	gang.Members, gang.SameDomain = 2, true
	in := &Input{Nodes: nodes, Jobs: []Job{job("a", 0, Hour, wholes(4)), gang}}
	_, log := runLog(t, in)
	const want = `"placed","job":"gang","on":[{"node":"n-002","devices":["0","1","2","3"]},{"node":"n-003","devices":["0","1","2","3"]}]`
	if !strings.Contains(log, want) {
		t.Fatalf("%q does not contain %q", log, want)
	}
	gang.Members = 3
	in.Jobs[1] = gang
	result, _ := runLog(t, in)
	if result.Jobs.Failures[NeverFits] != 1 {
		t.Fatalf("result.Jobs.Failures[NeverFits] = %v, want %v", result.Jobs.Failures[NeverFits], 1)
	}
}

// A gang counts the CPUs of a node once for each member there.
func TestGangHost(t *testing.T) {
	gang := job("gang", 0, Minute, wholes(1))
	gang.Members, gang.Host.CPU = 3, 40_000
	result, log := runLog(t, &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 3), Jobs: []Job{gang}})
	if result.Jobs.Finished != 1 {
		t.Fatalf("%v: result.Jobs.Finished = %v, want %v", log, result.Jobs.Finished, 1)
	}
	for _, node := range []string{"n-000", "n-001", "n-002"} {
		if !strings.Contains(log, node) {
			t.Fatalf("%q does not contain %q", log, node)
		}
	}
}

// The time to slice a GPU anew is only spent if its layout changes.
func TestReslicing(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Reslice: 10 * Second, Jobs: []Job{
		job("a", 0, Minute, instance(5*topology.GiB)), job("b", 2*Minute, Minute, instance(5*topology.GiB)),
		job("c", 4*Minute, Minute, wholes(4)),
	}}
	result, log := runLog(t, in)
	if !strings.Contains(log, `{"t":10000,"n":3,"event":"ready","job":"a"}`) {
		t.Fatalf("%q does not contain %q", log, `{"t":10000,"n":3,"event":"ready","job":"a"}`)
	}
	if !strings.Contains(log, `{"t":120000,"n":7,"event":"ready","job":"b"}`) {
		t.Fatalf("%q does not contain %q", log, `{"t":120000,"n":7,"event":"ready","job":"b"}`)
	}
	if !strings.Contains(log, `{"t":250000,"n":11,"event":"ready","job":"c"}`) {
		t.Fatalf("%q does not contain %q", log, `{"t":250000,"n":11,"event":"ready","job":"c"}`)
	}
	if result.Reslices != 2 {
		t.Fatalf("result.Reslices = %v, want %v", result.Reslices, 2)
	}
}

// Under time-slicing nothing keeps holders apart: whoever comes too late runs out of
// memory, starts again, and is given up. A share that is kept to its part is safe.
func TestOutOfMemory(t *testing.T) {
	sliced := &PodTemplate{Name: "replica", For: func(inv *placement.Inventory) NodeRequest {
		shares := inv.SelectDevices(func(o *placement.Device) bool { return o.Form == placement.Share && o.GPU == 0 })
		return NodeRequest{Request: ReplicaRequest(1, 3, shares), UsesMemory: 10 * topology.GiB, Replica: true}
	}}
	jobs := []Job{
		job("a", 0, Hour, sliced), job("b", Second, Hour, sliced), job("c", 2*Second, Hour, sliced), job("d", 3*Second, Hour, sliced),
	}
	result, log := runLog(t, &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Jobs: jobs})
	if result.Jobs.Finished != 2 {
		t.Fatalf("%v: result.Jobs.Finished = %v, want %v", log, result.Jobs.Finished, 2)
	}
	if result.Jobs.Failures[OutOfMemory] != 2 {
		t.Fatalf("result.Jobs.Failures[OutOfMemory] = %v, want %v", result.Jobs.Failures[OutOfMemory], 2)
	}
	if result.OutOfMemory != 2*(1+maxRestarts) {
		t.Fatalf("result.OutOfMemory = %v, want %v", result.OutOfMemory, 2*(1+maxRestarts))
	}
	for i := range jobs {
		jobs[i].Template = share(10 * topology.GiB)
	}
	result, _ = runLog(t, &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Jobs: jobs})
	if result.Jobs.Finished != 4 {
		t.Fatalf("result.Jobs.Finished = %v, want %v", result.Jobs.Finished, 4)
	}
	if result.OutOfMemory != 0 {
		t.Fatalf("result.OutOfMemory = %v, want none", result.OutOfMemory)
	}
}

// A node that fails loses what runs there; one that drains lets it go on for its grace.
func TestOutages(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Jobs: []Job{job("a", 0, 10*Minute, wholes(1))}, Outages: []Outage{
		{Node: 0, At: Minute, For: Minute}, {Node: 0, At: 5 * Minute, Drain: true, Grace: Minute, For: 2 * Minute},
	}}
	result, log := runLog(t, in)
	for _, event := range []string{
		`"t":60000,"n":4,"event":"node-down"`, `"event":"lost","job":"a","lostMs":60000`, `"t":120000,"n":7,"event":"node-up"`,
		`"t":300000,"n":10,"event":"node-drain"`, `"t":360000,"n":11,"event":"evicted"`, `"t":420000,"n":13,"event":"node-up"`,
	} {
		if !strings.Contains(log, event) {
			t.Fatalf("%q does not contain %q", log, event)
		}
	}
	if result.Evictions != 2 {
		t.Fatalf("result.Evictions = %v, want %v", result.Evictions, 2)
	}
	if result.End != 17*Minute {
		t.Fatalf("result.End = %v, want %v", result.End, 17*Minute)
	}
}

// A job that is not willing to wait is given up; jobs that are there are not.
func TestMaxWait(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Jobs: []Job{job("a", 0, Hour, wholes(4)), job("b", 0, Hour, wholes(1))}}
	in.Jobs[0].MaxWait, in.Jobs[1].MaxWait = Minute, Minute
	result, _ := runLog(t, in)
	if result.Jobs.Failures[GaveUp] != 1 {
		t.Fatalf("result.Jobs.Failures[GaveUp] = %v, want %v", result.Jobs.Failures[GaveUp], 1)
	}
	if result.Jobs.Finished != 1 {
		t.Fatalf("result.Jobs.Finished = %v, want %v", result.Jobs.Finished, 1)
	}
	if result.All.Waits.Max != Minute {
		t.Fatalf("result.All.Waits.Max = %v, want %v", result.All.Waits.Max, Minute)
	}
}

// What cannot be is refused before anything runs.
func TestInputRefused(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	for want, change := range map[string]func(*Input){
		"no nodes":                     func(in *Input) { in.Nodes = nil },
		"no policy":                    func(in *Input) { in.Policy = nil },
		"nodes must be sorted":         func(in *Input) { in.Nodes[1].Name = in.Nodes[0].Name },
		"job 0 a: Runs is -1 ms":       func(in *Input) { in.Jobs[0].Runs = -1 },
		"job 0 a: has 0 Members":       func(in *Input) { in.Jobs[0].Members = 0 },
		"job 0 a: Template is missing": func(in *Input) { in.Jobs[0].Template = nil },
		"milli-CPU":                    func(in *Input) { in.Jobs[0].Host.CPU = 1 << 60 },
		"outage 0 of node 7":           func(in *Input) { in.Outages = []Outage{{Node: 7}} },
		"crash 0 of job 1 at 0 ms":     func(in *Input) { in.Crashes = []JobCrash{{Job: 1}} },
		"says of 1 GPUs how they":      func(in *Input) { in.Nodes[1].Sharing = make([]GPUSharing, 1) },
		"2 x 501 replicas of 1GiB": func(in *Input) {
			in.Nodes[1].Sharing = sharedGPUs(inv, GPUSharing{Parts: 2, Replicas: 501, Memory: 1 << 30})
		},
		"Horizon -1 ms":                 func(in *Input) { in.Horizon = -1 },
		"at most 2000 samples":          func(in *Input) { in.Horizon, in.SampleEvery = Day, Second },
		"node 0 n-000: joins at -1 ms:": func(in *Input) { in.Nodes[0].Joins = -1 },
	} {
		in := &Input{Nodes: nodesOf(inv, 2), Jobs: []Job{job("a", 0, 1, wholes(1))}, Policy: placement.FirstFit{}}
		change(in)
		_, err := Run(in, Watch{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
	}
}

// unknownEvent is of a kind that nothing handles.
type unknownEvent struct{ nodeSubject }

func (unknownEvent) kindName() string { return "unknown" }

// An error while an event is handled names the event.
func TestErrorNamesEvent(t *testing.T) {
	in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1), Policy: placement.FirstFit{}}
	e, err := newEngine(in, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	e.events.pushEvent(5, unknownEvent{nodeSubject{0}})
	if err := e.playEvents(); err == nil || err.Error() != "event 1, unknown at 0.005s, node n-000: no handler for event kind unknown" {
		t.Fatalf("error %v, want %q", err, "event 1, unknown at 0.005s, node n-000: no handler for event kind unknown")
	}
}

func placedOrder(log string) []string {
	var names []string
	for _, l := range linesOf(log) {
		if l.Event == "placed" {
			names = append(names, l.Job)
		}
	}
	return names
}

// anyInput draws a small busy cluster with everything in it.
func anyInput(t testing.TB, seed uint64) *Input {
	random := rand.New(rand.NewPCG(seed, 0))
	templates := []*PodTemplate{
		wholes(1), wholes(2), wholes(4), share(5 * topology.GiB), share(20 * topology.GiB),
		instance(5 * topology.GiB), instance(11 * topology.GiB), host(),
	}
	nodes := nodesOf(inventoryOf(t, "4xA30-pcie"), 5)
	nodes[4].Inventory = nil
	nodes[3].Joins = Time(random.Int64N(int64(Hour)))
	in := &Input{Nodes: nodes, Reslice: Second, SnapshotNodes: 5, SampleEvery: 5 * Minute, Horizon: 6 * Hour}
	in.Policy = placement.Policies(placement.PriorDemand(), seed)[random.IntN(9)]
	for i := range 200 {
		j := job(fmt.Sprint("job-", i), Time(random.Int64N(int64(3*Hour))),
			Time(random.Int64N(int64(Hour))), templates[random.IntN(len(templates))])
		j.Host.CPU = MilliCPU(random.Int64N(20_000))
		j.Priority = random.Int64N(3)
		j.Class = fmt.Sprint("class-", i%4)
		j.Loads = Time(random.Int64N(int64(2 * Minute)))
		if random.IntN(8) == 0 {
			j.Members = 1 + random.IntN(4)
		}
		if random.IntN(4) == 0 {
			j.MaxWait = Time(random.Int64N(int64(Hour)))
		}
		if random.IntN(3) == 0 {
			j.Checkpoint = Minute
		}
		in.Jobs = append(in.Jobs, j)
	}
	for range 4 {
		in.Outages = append(in.Outages, Outage{
			Node: random.IntN(5), At: Time(random.Int64N(int64(4 * Hour))), For: Time(random.Int64N(int64(Hour))),
			Drain: random.IntN(2) == 0, Grace: Time(random.Int64N(int64(Hour))),
		})
	}
	for range 20 {
		in.Crashes = append(in.Crashes, JobCrash{Job: random.IntN(len(in.Jobs)), At: Time(random.Int64N(int64(4 * Hour)))})
	}
	return in
}

// Whatever happens: the same input gives the same bytes, time never goes back, nothing
// is held twice, every job comes to exactly one end, and an emptied cluster is free.
func TestProperties(t *testing.T) {
	for seed := range uint64(40) {
		in := anyInput(t, seed)
		_, log := runLog(t, in)
		_, again := runLog(t, in)
		if again != log {
			t.Fatalf("seed %d: again = %q, want %q", seed, again, log)
		}
		checkLog(t, in, log)

		in.Horizon, in.SampleEvery, in.SnapshotNodes = 0, 0, 0
		in.Outages = slices.DeleteFunc(in.Outages, func(o Outage) bool { return o.For == 0 })
		result, _ := runLog(t, in)
		if result.Jobs.Running+result.Jobs.Waiting != 0 {
			t.Fatalf("seed %d: %+v: result.Jobs.Running + result.Jobs.Waiting = %v, want none",
				seed, result.Jobs, result.Jobs.Running+result.Jobs.Waiting)
		}
		if got, want := result.Jobs.Finished+result.Jobs.Failed, int64(len(in.Jobs)); got != want {
			t.Fatalf("result.Jobs.Finished + result.Jobs.Failed = %v, want %v", got, want)
		}
	}
}

// checkLog follows a log with books of its own.
func checkLog(t *testing.T, in *Input, log string) {
	t.Helper()
	ask := map[string]*Job{}
	for i := range in.Jobs {
		ask[in.Jobs[i].Name] = &in.Jobs[i]
	}
	cpu := map[string]MilliCPU{}
	whole, parts := map[string]string{}, map[string]int{} // by "node/gpu"
	where := map[string][]logPlace{}
	last := logLine{At: -1}
	for _, l := range linesOf(log) {
		if l.At < last.At {
			t.Fatalf("l.At = %v, want at least %v", l.At, last.At)
		}
		if l.Line != (last.Line + 1) {
			t.Fatalf("l.Line = %v, want %v", l.Line, (last.Line + 1))
		}
		last = l
		move := func(places []logPlace, sign int) {
			for _, p := range places {
				cpu[p.Node] += MilliCPU(sign) * ask[l.Job].Host.CPU
				if cpu[p.Node] > MilliCPU(64_000) {
					t.Fatalf("%+v: cpu[p.Node] = %v, want at most %v", l, cpu[p.Node], MilliCPU(64_000))
				}
				for _, device := range p.Devices {
					gpu := p.Node + "/" + device[:1]
					if len(device) > 1 {
						parts[gpu] += sign
						if whole[gpu] != "" {
							t.Fatalf("%+v: %s: whole[gpu] = %v, want none", l, gpu, whole[gpu])
						}
						continue
					}
					if parts[gpu] != 0 {
						t.Fatalf("%+v: %s: parts[gpu] = %v, want none", l, gpu, parts[gpu])
					}
					if sign > 0 {
						if whole[gpu] != "" {
							t.Fatalf("%+v: %s: whole[gpu] = %v, want none", l, gpu, whole[gpu])
						}
						whole[gpu] = l.Job
					} else {
						delete(whole, gpu)
					}
				}
			}
		}
		switch l.Event {
		case "placed":
			if len(where[l.Job]) > 0 {
				t.Fatalf("%+v: where[l.Job] = %v, want none", l, where[l.Job])
			}
			if len(l.On) != ask[l.Job].Members {
				t.Fatalf("len(l.On) = %d, want %d: %v", len(l.On), ask[l.Job].Members, l.On)
			}
			move(l.On, 1)
			where[l.Job] = l.On
		case "departure", "lost", "evicted", "preempted", "failed":
			move(where[l.Job], -1)
			delete(where, l.Job)
		}
	}
}

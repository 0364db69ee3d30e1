package replay

import (
	"math"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/google/go-cmp/cmp"
)

const header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"

const small = header + `p-2,4000,1024,1,460,,LS,Running,200,900,260
p-1,8000,1024,8,1000,V100M16|V100M32,BE,Running,100,400,100
p-3,8000,1024,0,0,,BE,Failed,300,350,
`

var testHost = simulator.Host{CPU: 64_000, Memory: 1 << 38}

func nodes() []trace.Node {
	var all []trace.Node
	for _, name := range []string{"n-0", "n-1", "n-2", "n-3"} {
		all = append(all, trace.Node{Name: name, Host: testHost, GPUs: 8, Model: "V100M32"})
	}
	return append(all, trace.Node{Name: "n-4", Host: testHost, GPUs: 2, Model: "T4"})
}

// readSmall reads the pods of the tests.
func readSmall(t *testing.T) []trace.Pod {
	t.Helper()
	pods, err := trace.ReadTimedPods("a.csv", strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return pods
}

// Its own times are kept; models and shares are respected.
func TestOwnTimes(t *testing.T) {
	pods := readSmall(t)
	in, err := Input(pods, nodes(), Options{Window: simulator.Hour, Policy: "first-fit"})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	result, err := simulator.Run(in, simulator.Watch{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	if result.Jobs.Finished != 3 {
		t.Fatalf("result.Jobs.Finished = %v, want %v", result.Jobs.Finished, 3)
	}
	if got := log.String(); !strings.Contains(got, `{"t":100000,"n":2,"event":"placed","job":"p-1","on":[{"node":"n-0"`) {
		t.Fatalf("%q does not contain %q", got, `{"t":100000,"n":2,"event":"placed","job":"p-1","on":[{"node":"n-0"`)
	}
	if got := log.String(); !strings.Contains(got, `"event":"departure","job":"p-1"`) {
		t.Fatalf("%q does not contain %q", got, `"event":"departure","job":"p-1"`)
	}
	// Only those of the last 150 seconds.
	in, err = Input(pods, nodes(), Options{Window: 150 * simulator.Second, Policy: "first-fit"})
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Jobs) != 2 {
		t.Fatalf("len(in.Jobs) = %d, want %d: %v", len(in.Jobs), 2, in.Jobs)
	}
	if in.Jobs[0].Arrives != 50*simulator.Second {
		t.Fatalf("in.Jobs[0].Arrives = %v, want %v", in.Jobs[0].Arrives, 50*simulator.Second)
	}
}

// Drawn arrivals ask for the load, and are the same for the same seed.
func TestLoad(t *testing.T) {
	pods := readSmall(t)
	o := Options{Window: 30 * simulator.Day, Load: 0.9, Seed: 1, Policy: "first-fit"}
	in, err := Input(pods, nodes(), o)
	if err != nil {
		t.Fatal(err)
	}
	work := 0.0
	milli := map[string]float64{"share 460m": 0.46, "8 GPUs V100M16|V100M32": 8}
	for i := range in.Jobs {
		work += milli[in.Jobs[i].Template.Name] * float64(in.Jobs[i].Runs)
	}
	if math.Abs(work-(0.9*34*float64(o.Window)))/math.Abs(0.9*34*float64(o.Window)) > 0.05 {
		t.Fatalf("work = %v, want %v within a part of %v", work, 0.9*34*float64(o.Window), 0.05)
	}
	again, err := Input(pods, nodes(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Jobs) != len(in.Jobs) {
		t.Fatalf("len(again.Jobs) = %d, want %d: %v", len(again.Jobs), len(in.Jobs), again.Jobs)
	}
	if again.Jobs[17].Arrives != in.Jobs[17].Arrives {
		t.Fatalf("again.Jobs[17].Arrives = %v, want %v", again.Jobs[17].Arrives, in.Jobs[17].Arrives)
	}
}

func TestScale(t *testing.T) {
	kept, err := ScaleNodes(nodes(), 0.6)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range kept {
		names = append(names, n.Name)
	}
	if diff := cmp.Diff([]string{"n-0", "n-1", "n-4"}, names); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	for _, factor := range []float64{0, -1, 1.5} {
		_, err := ScaleNodes(nodes(), factor)
		if err == nil || !strings.Contains(err.Error(), "want above 0 and up to 1") {
			t.Fatalf("error %v, want %q", err, "want above 0 and up to 1")
		}
	}
}

func TestInputRefuses(t *testing.T) {
	pods := readSmall(t)
	for want, o := range map[string]Options{
		"a window of 0s":         {Policy: "first-fit"},
		"load -1":                {Window: 1, Load: -1, Policy: "first-fit"},
		`unknown policy "best"`:  {Window: 1, Policy: "best"},
		"more than 1000000 arri": {Window: simulator.MaxTime, Load: 100, Policy: "first-fit"},
	} {
		_, err := Input(pods, nodes(), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
	}
}

package trace

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
)

const (
	nodeHeader  = "sn,cpu_milli,memory_mib,gpu,model\n"
	podHeader   = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
	timedHeader = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
)

func TestReadTimedPods(t *testing.T) {
	pods, err := ReadTimedPods("a.csv", strings.NewReader(timedHeader+`p-2,4000,1024,1,460,,LS,Running,200,900,260
p-1,8000,1024,8,1000,V100M16|V100M32,BE,Running,100,400,100
p-3,8000,1024,0,0,,,Failed,300,350,
p-0,8000,1024,0,0,,BE,Failed,300,350,
`))
	if err != nil {
		t.Fatal(err)
	}
	host := func(cpu topology.MilliCPU) topology.HostResources {
		return topology.HostResources{CPU: cpu, Memory: topology.GiB}
	}
	second := simulator.Second
	want := []Pod{
		{Name: "p-1", Host: host(8000), GPUs: 8, PerGPU: 1000, Models: "V100M16|V100M32",
			PodTimes: PodTimes{QoS: "BE", Created: 100 * second, Ran: 300 * second}},
		{Name: "p-2", Host: host(4000), GPUs: 1, PerGPU: 460,
			PodTimes: PodTimes{QoS: "LS", Created: 200 * second, Ran: 640 * second, Waited: 60 * second}},
		{Name: "p-3", Host: host(8000), PodTimes: PodTimes{QoS: "none", Created: 300 * second, Ran: -1, Waited: 50 * second}},
		{Name: "p-0", Host: host(8000), PodTimes: PodTimes{QoS: "BE", Created: 300 * second, Ran: -1, Waited: 50 * second}},
	}
	if diff := cmp.Diff(want, pods); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

// Mistakes are named by file, line and column, with what to do.
func TestReadRefuses(t *testing.T) {
	nodes := func(text string) error { _, err := ReadNodes("f.csv", strings.NewReader(text)); return err }
	pods := func(text string) error { _, err := ReadPods("f.csv", strings.NewReader(text)); return err }
	timed := func(text string) error { _, err := ReadTimedPods("f.csv", strings.NewReader(text)); return err }
	for name, tc := range map[string]struct {
		read func(string) error
		text string
		want string
	}{
		"nothing":            {nodes, "", "f.csv:1: is empty, want a header with the columns sn,"},
		"no column":          {nodes, "sn,cpu_milli,memory_mib,gpu\n", "f.csv:1: model: the column is missing"},
		"column twice":       {nodes, "sn,sn,cpu_milli,memory_mib,gpu,model\n", "f.csv:1: sn: the column is there twice"},
		"short row":          {nodes, nodeHeader + "a,1,1,1,A\nb,1\n", "f.csv:3: wrong number of fields"},
		"quote":              {nodes, nodeHeader + "a,1,1,1,\"A\n", "f.csv:2: "},
		"no name":            {nodes, nodeHeader + ",1,1,1,A\n", "f.csv:2: sn: is empty"},
		"name twice":         {nodes, nodeHeader + "a,1,1,1,A\nb,1,1,1,A\na,1,1,1,A\n", `f.csv:4: sn: "a" is in line 2 already`},
		"negative":           {nodes, nodeHeader + "a,-1,1,1,A\n", `f.csv:2: cpu_milli: "-1" is not a whole number from 0 to 1000000000`},
		"not a number":       {nodes, nodeHeader + "a,NaN,1,1,A\n", `cpu_milli: "NaN"`},
		"fraction":           {nodes, nodeHeader + "a,1.5,1,1,A\n", `cpu_milli: "1.5"`},
		"overflow":           {nodes, nodeHeader + "a,1,99999999999999999999,1,A\n", "memory_mib: "},
		"too much memory":    {nodes, nodeHeader + "a,1,4194305,1,A\n", "from 0 to 4194304"},
		"too many GPUs":      {nodes, nodeHeader + "a,1,1,17,A\n", `gpu: "17" is not a whole number from 0 to 16`},
		"no model":           {nodes, nodeHeader + "a,1,1,1,\n", `model: "": want the name of one GPU model`},
		"two models":         {nodes, nodeHeader + "a,1,1,1,A|B\n", `model: "A|B"`},
		"pod: no column":     {pods, "name,cpu_milli\n", "f.csv:1: memory_mib: the column is missing"},
		"pod: name twice":    {pods, podHeader + "a,1,1,0,0,\na,1,1,0,0,\n", `f.csv:3: name: "a" is in line 2 already`},
		"pod: shares of two": {pods, podHeader + "a,1,1,2,500,\n", "f.csv:2: gpu_milli: 500 of each of 2 GPUs"},
		"pod: many GPUs":     {pods, podHeader + "a,1,1,17,1000,\n", `f.csv:2: num_gpu: "17"`},
		"pod: huge share":    {pods, podHeader + "a,1,1,1,1000001,\n", `f.csv:2: gpu_milli: "1000001"`},

		"timed: nothing":        {timed, "", "f.csv:1: is empty, want a header with the columns name,"},
		"timed: no pods":        {timed, timedHeader, "f.csv:1: no pods"},
		"timed: no column":      {timed, "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n", "f.csv:1: qos: the column is missing"},
		"timed: negative":       {timed, timedHeader + "p,-1,1,1,1,,LS,R,1,2,1\n", `f.csv:2: cpu_milli: "-1" is not a whole number`},
		"timed: many GPUs":      {timed, timedHeader + "p,1,1,17,1,,LS,R,1,2,1\n", `f.csv:2: num_gpu: "17" is not a whole number`},
		"timed: huge time":      {timed, timedHeader + "p,1,1,1,1,,LS,R,1e18,2,1\n", `f.csv:2: creation_time: "1e18" is not a whole number`},
		"timed: not a number":   {timed, timedHeader + "p,1,NaN,1,1,,LS,R,1,2,1\n", `f.csv:2: memory_mib: "NaN" is not a whole number`},
		"timed: ends too soon":  {timed, timedHeader + "p,1,1,1,1,,LS,R,5,4,\n", "f.csv:2: deletion_time: times go backwards"},
		"timed: runs backwards": {timed, timedHeader + "p,1,1,1,1,,LS,R,1,4,5\n", "f.csv:2: deletion_time: times go backwards"},
		"timed: short row":      {timed, timedHeader + "p,1\n", "f.csv:2: wrong number of fields"},
		"timed: name twice":     {timed, timedHeader + "p,1,1,0,0,,,,1,2,1\np,1,1,0,0,,,,1,2,1\n", `f.csv:3: name: "p" is in line 2 already`},
	} {
		if err := tc.read(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

type endless struct{}

func (endless) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = 'x'
	}
	return len(into), nil
}

func TestReadIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 256 MiB")
	}
	_, err := ReadNodes("f.csv", endless{})
	if !errors.Is(err, errTooLong) {
		t.Errorf("got %v, want %v", err, errTooLong)
	}
}

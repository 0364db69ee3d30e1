package openb

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

const (
	nodeHeader = "sn,cpu_milli,memory_mib,gpu,model\n"
	podHeader  = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
)

func TestReadNodes(t *testing.T) {
	nodes, err := ReadNodes("n.csv", strings.NewReader("\ufeffmodel,sn,gpu,memory_mib,cpu_milli,extra\nT4,b,2,1024,8000,x\n,a,0,1,2,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []policy.NodeCapacity{
		{Name: "a", CPU: 2, Memory: topology.MiB, Pods: 1001},
		{Name: "b", CPU: 8000, Memory: topology.GiB, Pods: 1001, GPUs: 2, Model: "T4"},
	}
	if diff := cmp.Diff(want, nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestReadPods(t *testing.T) {
	pods, err := ReadPods("p.csv", strings.NewReader(podHeader+
		"d,1,1,2,5000,A|B\nc,1,1,1,0,\nb,1,1,1,999,A\na,1,1,0,500,A\n"))
	if err != nil {
		t.Fatal(err)
	}
	memory := topology.MiB
	want := []policy.TracePod{
		{PodClass: forecast.PodClass{CPU: 1}, Memory: memory},
		{PodClass: forecast.PodClass{CPU: 1, GPUs: 1, PerGPU: 999, Models: "A"}, Memory: memory},
		{PodClass: forecast.PodClass{CPU: 1, GPUs: 1, PerGPU: 1}, Memory: memory},
		{PodClass: forecast.PodClass{CPU: 1, GPUs: 2, PerGPU: 1000, Models: "A|B"}, Memory: memory},
	}
	if diff := cmp.Diff(want, pods); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}

	pods, err = ReadPods("p.csv", strings.NewReader("name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,2,1,300\n"))
	if err != nil || pods[0].PerGPU != 300 {
		t.Errorf("without gpu_spec: got %+v, %v, want 300 thousandths", pods, err)
	}
}

// Mistakes are named by file, line and column, with what to do.
func TestReadRefuses(t *testing.T) {
	nodes := func(text string) error { _, err := ReadNodes("f.csv", strings.NewReader(text)); return err }
	pods := func(text string) error { _, err := ReadPods("f.csv", strings.NewReader(text)); return err }
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

// Whatever is accepted can be placed and simulated.
func FuzzReadPods(f *testing.F) {
	f.Add(podHeader + "a,1000,1024,1,500,A|B\nb,1,1,0,0,\n")
	f.Add("name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,2,8,1000\n")
	f.Fuzz(func(t *testing.T, text string) {
		pods, err := ReadPods("p.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, pod := range pods {
			if err := pod.Validate(); err != nil || pod.Memory < 0 || pod.Memory > policy.MaxMemory {
				t.Fatalf("accepted %+v, %v", pod, err)
			}
		}
		nodes, err := ReadNodes("n.csv", strings.NewReader(nodeHeader+"a,8000,8192,2,A\nb,64000,8192,4,B\n"))
		if err != nil {
			t.Fatal(err)
		}
		result, err := (&Experiment{Nodes: nodes, Pods: pods, Policy: policy.Ashlar{}, Seed: 1}).Run(t.Context())
		if err != nil || result.Failed > result.Arrived || result.At(130).Allocated > 100 {
			t.Fatalf("%+v, %v", result, err)
		}
	})
}

func FuzzReadNodes(f *testing.F) {
	f.Add(nodeHeader + "a,64000,262144,2,P100\nb,1,1,0,\n")
	f.Fuzz(func(t *testing.T, text string) {
		nodes, err := ReadNodes("n.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		for i, node := range nodes {
			if node.Name == "" || i > 0 && node.Name <= nodes[i-1].Name || (node.GPUs == 0) != (node.Model == "") {
				t.Fatalf("accepted %+v", nodes)
			}
		}
		if len(nodes) < 64 {
			if _, err := policy.NewClusterState(nodes); err != nil {
				t.Fatal(err)
			}
		}
	})
}

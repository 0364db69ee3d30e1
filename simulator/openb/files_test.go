package openb

import (
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

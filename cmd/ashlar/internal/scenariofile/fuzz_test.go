package scenariofile

import (
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

const valid = `apiVersion: ashlar.dev/v1alpha1
kind: Scenario
name: x
horizon: 1d
nodes:
- name: a
  machine: dgx-h100
workloads:
- name: w
  arrivals: {poisson: 6/h}
  duration: {fixed: 1h}
  requests:
  - {gpus: 1}
`

// No text makes the decoder, the builder or a short run panic or hang.
func FuzzScenario(f *testing.F) {
	f.Add([]byte(valid))
	for _, name := range scenarios.Names() {
		text, err := scenarios.Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	c := catalogue.Default()
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Decode("s.yaml", text)
		if err != nil {
			return
		}
		// A run may be as long as its author wants; here it is cut short.
		s.Horizon = min(s.Horizon, 3_600_000)
		s.Sample = 0
		for i := range s.Nodes {
			s.Nodes[i].Count = min(s.Nodes[i].Count, 2)
		}
		for i := range s.Workloads {
			s.Workloads[i].Arrivals.Count = 20
			s.Workloads[i].Members = min(s.Workloads[i].Members, 4)
		}
		in, err := s.Build(c, scenario.Variant{}, s.Seed)
		if err != nil {
			return
		}
		if _, err := simulator.Run(in, simulator.Watch{}); err != nil {
			t.Fatal(err)
		}
	})
}

package plan

import (
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// Of a cluster's snapshot only its own GPUs are looked at, each with how many are free now.
func TestPlanCluster(t *testing.T) {
	for name, args := range map[string][]string{
		"plan-snapshot.txt":       {"Qwen/Qwen3-8B", "--snapshot", "../whatif/testdata/whatif-cluster.json"},
		"plan-snapshot-gfd.txt":   {"Qwen/Qwen3-8B", "--snapshot", "testdata/gfd-cluster.yaml"},
		"plan-snapshot-claim.txt": {"Qwen/Qwen3-8B", "--max-model-len", "8k", "--snapshot", "testdata/gfd-cluster.yaml", "-o", "claim"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := runPlan(t, append([]string{"plan"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

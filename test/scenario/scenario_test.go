package scenario

import (
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The files in testdata are run one by one, each in a cluster of its own:
//
//	go test ./test/scenario                      compare with what they expect
//	go test ./test/scenario -rewrite             write what they print now
//	go test ./test/scenario -run 'Scenarios/placement/dgx1'
//
// A rewritten file is a change of the specification: commit only lines that you can
// explain.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		environment := NewEnvironment()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			output, err := environment.Execute(d)
			if err != nil {
				t.Fatal(err)
			}
			return output
		})
		if environment.forks > 0 {
			t.Errorf("%s: %d forks are still open at the end", path, environment.forks)
		}
	})
}

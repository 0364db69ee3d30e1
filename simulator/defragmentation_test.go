package simulator

import (
	"strings"
	"testing"
)

// Two jobs on one GPU each keep two machines of four from a job on four. The one with less work to
// lose is moved, which costs it that and the restart; without defragmentation the third waits.
func TestDefragmentationMakesRoom(t *testing.T) {
	input := func() *Input {
		in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 2), Jobs: []Job{
			job("fill", 0, Minute, wholes(3)), job("old", Second, 2*Hour, wholes(1)),
			job("young", 2*Second, 2*Hour, wholes(1)), job("all", 5*Minute, Minute, wholes(4)),
		}}
		in.Jobs[1].Checkpoint, in.Jobs[2].Checkpoint = Hour, 4*Minute
		return in
	}
	result, log := runLog(t, input())
	if result.Moves != 0 || !strings.Contains(log, `"event":"waits","job":"all"`) {
		t.Fatalf("without defragmentation %d jobs were moved, and the log is\n%s", result.Moves, log)
	}
	in := input()
	in.Defragmentation = Defragmentation{Every: 10 * Minute, Moves: 2, Restart: 30 * Second}
	result, log = runLog(t, in)
	for _, want := range []string{
		`{"t":600000,"n":13,"event":"moved","job":"young","node":"n-001","lostMs":118000}`,
		`"t":600000,"n":15,"event":"placed","job":"all","on":[{"node":"n-001","devices":["0","1","2","3"]}]`,
		`{"t":630000,"n":17,"event":"ready","job":"young"}`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if result.Moves != 1 || result.Jobs.Finished != 4 {
		t.Errorf("%d jobs were moved and %d finished, want 1 and 4", result.Moves, result.Jobs.Finished)
	}
}

// The bounds of rounds are held.
func TestDefragmentationRefused(t *testing.T) {
	for name, d := range map[string]Defragmentation{
		"a negative period":  {Every: -1, Moves: 1},
		"a negative restart": {Every: Hour, Moves: 1, Restart: -1},
		"too many moves":     {Every: Hour, Moves: MaxMoves + 1},
	} {
		in := &Input{Nodes: nodesOf(inventoryOf(t, "4xA30-pcie"), 1)}
		in.Jobs, in.Defragmentation = []Job{job("a", 0, Hour, wholes(1))}, d
		in.Policy = anyInput(t, 1).Policy
		if err := in.validateInput(); err == nil || !strings.Contains(err.Error(), "defragmentation every") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

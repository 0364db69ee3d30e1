package inprocess

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// What is shared reads as before, and what nodes differ in stays their own.
func TestShareEqual(t *testing.T) {
	maker, err := workload.NewNodeMaker(workload.Size{Nodes: 2, Devices: 160})
	if err != nil {
		t.Fatal(err)
	}
	first, err := maker.MakeSlices(0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := maker.MakeSlices(1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := maker.MakeSlices(1)
	if err != nil {
		t.Fatal(err)
	}
	shareEqual(got, first)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	mine, theirs := got[1].Spec.Devices[0], first[1].Spec.Devices[0]
	if reflect.ValueOf(mine.Capacity).Pointer() != reflect.ValueOf(theirs.Capacity).Pointer() {
		t.Error("equal capacities are not shared")
	}
	if *mine.Attributes["uuid"].StringValue == *theirs.Attributes["uuid"].StringValue {
		t.Error("GPUs of two nodes have one UUID")
	}
}

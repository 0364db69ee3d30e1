package publish_test

import (
	"slices"
	"testing"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// ledger is what is left of the counters of one GPU.
type ledger map[string]int64

func newLedger(set resourceapi.CounterSet) ledger {
	left := ledger{}
	for name, counter := range set.Counters {
		left[name] = counter.Value.Value()
	}
	return left
}

// take takes what a device consumes if there is enough of everything.
func (l ledger) take(device resourceapi.Device) bool {
	for name, counter := range device.ConsumesCounters[0].Counters {
		if l[name] < counter.Value.Value() {
			return false
		}
	}
	for name, counter := range device.ConsumesCounters[0].Counters {
		l[name] -= counter.Value.Value()
	}
	return true
}

func (l ledger) putBack(device resourceapi.Device) {
	for name, counter := range device.ConsumesCounters[0].Counters {
		l[name] += counter.Value.Value()
	}
}

// instanceOf is what a MIG device stands for.
func instanceOf(device resourceapi.Device) mig.Instance {
	return mig.Instance{
		Profile: mig.ProfileID(*device.Attributes[deviceapi.ProfileID].IntValue),
		Placement: mig.Placement{
			Start: *device.Attributes[deviceapi.PlacementStart].IntValue,
			Size:  *device.Attributes[deviceapi.PlacementSize].IntValue,
		},
	}
}

// firstGPU returns the counter set and the devices of GPU 0, MIG ones apart.
func firstGPU(t *testing.T, machine *topology.MachineType) (set resourceapi.CounterSet, whole, instances []resourceapi.Device) {
	t.Helper()
	for _, slice := range resourceSlices(t, machine) {
		for _, candidate := range slice.Spec.SharedCounters {
			if candidate.Name == deviceapi.CounterSet(0) {
				set = candidate
			}
		}
		for _, device := range slice.Spec.Devices {
			switch {
			case *device.Attributes[deviceapi.Index].IntValue != 0:
			case *device.Attributes[deviceapi.Type].StringValue == deviceapi.TypeMIG:
				instances = append(instances, device)
			default:
				whole = append(whole, device)
			}
		}
	}
	return set, whole, instances
}

// The whole GPU, the share and every MIG placement exclude one another.
func TestFormsExcludeOneAnother(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		set, whole, instances := firstGPU(t, machine)
		if len(whole) != 2 {
			t.Fatalf("%d devices beside MIG, want the whole GPU and the share", len(whole))
		}
		for i, first := range whole {
			for j, second := range slices.Concat(whole, instances) {
				left := newLedger(set)
				if i != j && left.take(first) && left.take(second) {
					t.Errorf("%s and %s fit together", first.Name, second.Name)
				}
			}
		}
	})
}

// Two placements fit the counters exactly if MIG permits them together.
func TestCountersAgreeWithMIGOnPairs(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		table := simulatedtest.ReadNode(t, machine).GPUs[0].Table
		set, _, instances := firstGPU(t, machine)
		for i, first := range instances {
			for _, second := range instances[i+1:] {
				left := newLedger(set)
				fits := left.take(first) && left.take(second)
				illegal := table.Legal([]mig.Instance{instanceOf(first), instanceOf(second)})
				if fits != (illegal == nil) {
					t.Errorf("%s with %s: counters say %v, MIG says %v", first.Name, second.Name, fits, illegal)
				}
			}
		}
	})
}

// Not only pairs: every set that fits the counters is legal, and there are as
// many as there are legal sets. On an H100 those are 2319.
func TestCountersAgreeWithMIGOnSets(t *testing.T) {
	simulatedtest.EachMachine(t, func(t *testing.T, machine *topology.MachineType) {
		table := simulatedtest.ReadNode(t, machine).GPUs[0].Table
		if table == nil {
			t.Skip("no MIG")
		}
		set, _, instances := firstGPU(t, machine)
		left, fitting := newLedger(set), int64(0)
		var visit func(from int, chosen []mig.Instance)
		visit = func(from int, chosen []mig.Instance) {
			fitting++
			if err := table.Legal(chosen); err != nil {
				t.Errorf("%v fits the counters: %v", chosen, err)
			}
			for i := from; i < len(instances); i++ {
				if left.take(instances[i]) {
					visit(i+1, append(chosen, instanceOf(instances[i])))
					left.putBack(instances[i])
				}
			}
		}
		visit(0, nil)
		var profiles []mig.ProfileID
		for _, profile := range table.Profiles {
			profiles = append(profiles, profile.ID)
		}
		if want := mig.Count(table, profiles).Legal; fitting != want {
			t.Errorf("%d sets fit the counters, %d are legal", fitting, want)
		}
	})
}

package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// constraintLine says that a property of what parts get must be alike, or different.
type constraintLine struct {
	property string
	parts    []int
	distinct bool
}

// noProperty is the property of a device that has none.
const noProperty = ""

// deviceProperties are what constraints can compare, each as a text.
var deviceProperties = map[string]func(m *catalogueMachine, device int) string{
	"gpu":     func(m *catalogueMachine, device int) string { return fmt.Sprint(m.inventory.Devices[device].GPU) },
	"model":   func(m *catalogueMachine, device int) string { return m.gpuOf(device).Model.Name },
	"profile": func(m *catalogueMachine, device int) string { return m.profileName(device) },
	"pcie":    func(m *catalogueMachine, device int) string { return m.gpuOf(device).PCIeRoot },
	"numa": func(m *catalogueMachine, device int) string {
		if numa := m.gpuOf(device).NUMA; numa != topology.NoNUMA {
			return fmt.Sprint(numa)
		}
		return noProperty
	},
	"island": func(m *catalogueMachine, device int) string {
		if island := m.inventory.Node.Islands()[m.inventory.Devices[device].GPU]; island != topology.NoIsland {
			return fmt.Sprint(island)
		}
		return noProperty
	},
}

// gpuOf is the GPU of a device.
func (m *catalogueMachine) gpuOf(device int) *topology.GPU {
	return &m.inventory.Node.GPUs[m.inventory.Devices[device].GPU]
}

// parseConstraint reads "same=numa", "distinct=gpu parts=(a, b)". Without parts it is
// about all of them.
func parseConstraint(args *commandArguments, parts []*partLine) (*constraintLine, error) {
	c := &constraintLine{property: args.textOf("same", args.textOf("distinct", "")), distinct: args.hasOption("distinct")}
	if deviceProperties[c.property] == nil || c.distinct && args.hasOption("same") {
		return nil, fmt.Errorf("want same= or distinct= with one of %s", strings.Join(slices.Sorted(maps.Keys(deviceProperties)), ", "))
	}
	names := args.valueList("parts")
	for i, part := range parts {
		if names == nil || slices.Contains(names, part.name) {
			c.parts = append(c.parts, i)
		}
	}
	if len(c.parts) == 0 || names != nil && len(c.parts) != len(names) {
		return nil, fmt.Errorf("%s= comes after the parts that it names", map[bool]string{false: "same", true: "distinct"}[c.distinct])
	}
	return c, args.unusedError()
}

// onMachine is the constraint in the terms of one machine.
func (c *constraintLine) onMachine(m *catalogueMachine) placement.Constraint {
	numbers := map[string]int64{noProperty: placement.NoValue}
	values := make([]int64, len(m.inventory.Devices))
	for i := range values {
		text := deviceProperties[c.property](m, i)
		if _, known := numbers[text]; !known {
			numbers[text] = int64(len(numbers))
		}
		values[i] = numbers[text]
	}
	return placement.Constraint{Parts: c.parts, Values: values, Distinct: c.distinct}
}

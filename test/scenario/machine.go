package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// catalogueMachine is what nodes are made from: a machine type of the catalogue with the MIG
// tables of its GPUs. Nodes of one machine share its inventory.
type catalogueMachine struct {
	name      string
	inventory *placement.Inventory
	// tables[i] is the MIG table of GPU i, nil without MIG.
	tables []*mig.Table
	mixed  bool // it has GPUs of several models
}

// machineNamed finds or builds a machine. Each replacement, "3:A30-24GB", puts a GPU of
// another model into a slot.
func (e *Environment) machineNamed(name string, replacements []string) (*catalogueMachine, error) {
	if len(replacements) > 0 {
		name += " with " + strings.Join(replacements, ", ")
	}
	if known := e.machineKeys[name]; known != nil {
		return known, nil
	}
	key, _, _ := strings.Cut(name, " ")
	machineType, err := catalogue.Default().Machine(key)
	if err != nil {
		return nil, err
	}
	node := *machineType.Node
	node.GPUs = slices.Clone(node.GPUs)
	m := &catalogueMachine{name: name, mixed: len(replacements) > 0}
	for _, replacement := range replacements {
		slot, model, _ := strings.Cut(replacement, ":")
		gpu, err := strconv.Atoi(slot)
		if err != nil || gpu < 0 || gpu >= len(node.GPUs) {
			return nil, fmt.Errorf("replace=%s: want GPU:MODEL, with a GPU of 0 to %d", replacement, len(node.GPUs)-1)
		}
		if node.GPUs[gpu].Model, err = catalogue.Default().Model(model); err != nil {
			return nil, err
		}
	}
	m.tables = make([]*mig.Table, len(node.GPUs))
	for i, gpu := range node.GPUs {
		if gpu.Model.MIG == "" {
			continue
		}
		if m.tables[i], err = catalogue.Default().MIG(gpu.Model.MIG); err != nil {
			return nil, err
		}
	}
	if m.inventory, err = placement.NewInventory(&node, placement.NodeDevices(&node, m.tables), e.demand); err != nil {
		return nil, fmt.Errorf("machine %s: %w", name, err)
	}
	e.machineKeys[name], e.machines[m.inventory] = m, m
	return m, nil
}

// machineOf is the machine of a node with GPUs.
func (e *Environment) machineOf(node int) *catalogueMachine {
	return e.machines[e.snapshot.Node(node).Inventory]
}

// profileName is the name of a MIG device's profile, "" for other devices.
func (m *catalogueMachine) profileName(device int) string {
	d := &m.inventory.Devices[device]
	if d.Form != placement.MIG {
		return ""
	}
	profile, _ := m.tables[d.GPU].Profile(d.Profile)
	return profile.Name
}

// devicesWhere selects devices by number.
func (m *catalogueMachine) devicesWhere(accept func(i int) bool) placement.DeviceSet {
	set := placement.NewDeviceSet(len(m.inventory.Devices))
	for i := range m.inventory.Devices {
		if accept(i) {
			set.Add(i)
		}
	}
	return set
}

package scenario

import (
	"fmt"
	"strconv"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// holdDevices gives a holder devices that the scenario chooses itself, to set up a
// state. With recorded it is what somebody else allocated already, whether or not it
// fits.
//
// Example:
//
//	hold as=old node=h-0 priority=1 pinned
//	gpu=0 mig=2g.20gb at=2
//	gpu=1 share=20GiB compute=500
//	gpu=2
func (e *Environment) holdDevices(args *commandArguments, lines []string) (string, error) {
	h, err := parseHolder(args)
	if err != nil {
		return "", err
	}
	node, err := e.nodeNumber(args.textOf("node", ""))
	if err != nil {
		return "", err
	}
	host, recorded := args.hostResources(), args.hasFlag("recorded")
	var devices []placement.DeviceAllocation
	for _, line := range lines {
		if e.machineOf(node) == nil {
			return "", fmt.Errorf("node %s has no GPUs", e.snapshot.Node(node).Name)
		}
		device, err := e.machineOf(node).parseDevice(line)
		if err != nil {
			return "", fmt.Errorf("line %q: %w", line, err)
		}
		devices = append(devices, device)
	}
	if h.id == "" {
		return "", fmt.Errorf("want as=")
	}
	if recorded {
		e.snapshot.RecordAllocation(node, h.allocationOf(host, devices))
		return "", nil
	}
	if err := e.snapshot.Allocate(node, h.allocationOf(host, devices)); err != nil {
		return "refused: " + err.Error(), nil
	}
	return "", nil
}

// parseDevice finds the device that a line names.
func (m *catalogueMachine) parseDevice(line string) (placement.DeviceAllocation, error) {
	args, err := parseArguments(line)
	if err != nil {
		return placement.DeviceAllocation{}, err
	}
	gpu, err := strconv.Atoi(args.textOf("gpu", ""))
	if err != nil {
		return placement.DeviceAllocation{}, fmt.Errorf("want gpu=, the GPU's index")
	}
	var size placement.ShareSize
	form, profile, start := placement.Whole, args.textOf("mig", ""), int64(0)
	switch {
	case profile != "":
		form, start = placement.MIG, args.numberOf("at", 0, 0)
	case args.hasOption("share"):
		form = placement.Share
		size = args.shareSize()
	}
	for i := range m.inventory.Devices {
		d := &m.inventory.Devices[i]
		if d.GPU == gpu && d.Form == form && m.profileName(i) == profile && d.Placement.Start == start {
			return placement.DeviceAllocation{Device: i, ShareSize: size}, args.unusedError()
		}
	}
	return placement.DeviceAllocation{}, fmt.Errorf("%s has no such device", m.name)
}

package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// heldDevice is a device and who holds it.
type heldDevice struct {
	placement.DeviceAllocation
	holder podHolder
}

// heldOn lists what is held of a GPU in a form, MIG instances by where they lie.
func (e *Environment) heldOn(node, gpu int, form placement.Form) []heldDevice {
	inventory := e.snapshot.Node(node).Inventory
	var held []heldDevice
	for _, a := range e.snapshot.NodeState(node).Allocations() {
		for _, device := range a.Devices {
			if d := &inventory.Devices[device.Device]; d.GPU == gpu && d.Form == form {
				held = append(held, heldDevice{device, podHolder{a.Holder, a.Priority, a.Pinned}})
			}
		}
	}
	slices.SortStableFunc(held, func(a, b heldDevice) int {
		return cmp.Compare(inventory.Devices[a.Device].Placement.Start, inventory.Devices[b.Device].Placement.Start)
	})
	return held
}

// drawGPU is a text for each form in which a GPU is held, without the GPU's number.
func (e *Environment) drawGPU(node, gpu int) string {
	out := ""
	for _, held := range e.heldOn(node, gpu, placement.Whole) {
		out += fmt.Sprintf("whole for %s\n", held.holder)
	}
	if held := e.heldOn(node, gpu, placement.MIG); len(held) > 0 {
		out += fmt.Sprintf("mig   [%s]%s", e.drawSlices(node, gpu, held), e.barLegend(node, held, nil))
	}
	if held := e.heldOn(node, gpu, placement.Share); len(held) > 0 {
		left := e.machineOf(node).gpuOf(held[0].Device).Model.Usable() - e.snapshot.NodeState(node).GPUs()[gpu].Shared
		out += fmt.Sprintf("share [%s]%s", e.drawShares(node, held), e.barLegend(node, held, []string{left.String() + " left"}))
	}
	return out
}

// barLetter names the i-th thing in a bar and in its legend.
func barLetter(i int) byte { return 'a' + byte(i%26) }

// drawSlices draws memory slices: a letter for each instance, a dot where nothing is,
// an exclamation mark where two overlap.
func (e *Environment) drawSlices(node, gpu int, held []heldDevice) string {
	bar := []byte(strings.Repeat(".", int(e.machineOf(node).tables[gpu].MemorySlices)))
	for i, h := range held {
		at := e.snapshot.Node(node).Inventory.Devices[h.Device].Placement
		for slice := at.Start; slice < at.Start+at.Size; slice++ {
			if bar[slice] != '.' {
				bar[slice] = '!'
				continue
			}
			bar[slice] = barLetter(i)
		}
	}
	return string(bar)
}

// drawShares draws tenths of a GPU's memory, rounded up to where each share ends.
func (e *Environment) drawShares(node int, held []heldDevice) string {
	const tenths = 10
	all := e.machineOf(node).gpuOf(held[0].Device).Model.Usable()
	bar := []byte(strings.Repeat(".", tenths))
	var sum topology.Bytes
	at := 0
	for i, h := range held {
		sum += shareBytes(h.ShareSize, all)
		for ; at < tenths && topology.Bytes(at)*all < sum*tenths; at++ {
			bar[at] = barLetter(i)
		}
	}
	return string(bar)
}

// maxLegend is how many things a bar explains on its own line; more of them get a line
// each.
const maxLegend = 2

// barLegend says what the letters of a bar stand for, and what else is said of it.
func (e *Environment) barLegend(node int, held []heldDevice, more []string) string {
	var words []string
	for i, h := range held {
		words = append(words, fmt.Sprintf("%c: %s for %s", barLetter(i), e.deviceWords(node, h.DeviceAllocation), h.holder))
	}
	words = append(words, more...)
	if len(held) <= maxLegend {
		return " " + strings.Join(words, "; ") + "\n"
	}
	return "\n    " + strings.Join(words, "\n    ") + "\n"
}

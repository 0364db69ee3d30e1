package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// partWords says in words what each part of a request got, in the order of the parts.
func (e *Environment) partWords(node int, devices []placement.DeviceAllocation) []string {
	var words []string
	for len(devices) > 0 {
		count := 1
		for count < len(devices) && devices[count].Part == devices[0].Part {
			count++
		}
		words = append(words, e.devicesWords(node, devices[:count]))
		devices = devices[count:]
	}
	return words
}

// devicesWords says in words what one part got: "GPUs 0,1 | links NV12 | ring 300 GB/s".
func (e *Environment) devicesWords(node int, devices []placement.DeviceAllocation) string {
	m := e.machineOf(node)
	var whole, alike []int
	var words []string
	for i, device := range devices {
		d := &m.inventory.Devices[device.Device]
		if d.Form == placement.Whole {
			whole = append(whole, d.GPU)
			continue
		}
		alike = append(alike, d.GPU)
		text := e.deviceWords(node, device)
		if i+1 < len(devices) && e.deviceWords(node, devices[i+1]) == text {
			continue // the same of the next GPU
		}
		words = append(words, fmt.Sprintf("%s: %s", m.gpuWords(alike), text))
		alike = nil
	}
	if len(whole) > 0 {
		words = append([]string{m.gpuWords(whole) + m.connectionWords(whole)}, words...)
	}
	return strings.Join(words, "; ")
}

// deviceWords is one device without its GPU: "1g.10gb at 6:1", "20GiB of 44.42GiB".
func (e *Environment) deviceWords(node int, device placement.DeviceAllocation) string {
	m := e.machineOf(node)
	d := &m.inventory.Devices[device.Device]
	switch d.Form {
	case placement.MIG:
		return m.profileName(device.Device) + " at " + d.Placement.String()
	case placement.Share:
		words := fmt.Sprintf("%s of %s", shareBytes(device.ShareSize, d.Memory), d.Memory)
		if device.Compute > 0 {
			words += fmt.Sprintf(" and %d/%d of compute", device.Compute, topology.WholeGPU)
		}
		return words
	}
	return "whole"
}

// shareBytes is the memory of a share of a GPU that has so much of it.
func shareBytes(size placement.ShareSize, all topology.Bytes) topology.Bytes {
	if size.Bytes == 0 {
		return all
	}
	return size.Bytes
}

// gpuWords names GPUs, with their models on a machine that has several.
func (m *catalogueMachine) gpuWords(gpus []int) string {
	if !m.mixed {
		return gpuNumbers(gpus)
	}
	var models []string
	for _, gpu := range gpus {
		if name := m.inventory.Node.GPUs[gpu].Model.Name; !slices.Contains(models, name) {
			models = append(models, name)
		}
	}
	return fmt.Sprintf("%s (%s)", gpuNumbers(gpus), strings.Join(models, ", "))
}

// gpuNumbers lists GPUs: "GPU 3", "GPUs 0,1".
func gpuNumbers(gpus []int) string {
	var numbers []string
	for _, gpu := range gpus {
		numbers = append(numbers, strconv.Itoa(gpu))
	}
	if len(gpus) == 1 {
		return "GPU " + numbers[0]
	}
	return "GPUs " + strings.Join(numbers, ",")
}

// connectionWords says how whole GPUs reach one another, over how many NUMA nodes they
// are spread, and how the worst placed of them reaches a NIC.
func (m *catalogueMachine) connectionWords(gpus []int) string {
	node := m.inventory.Node
	var set placement.GPUSet
	var links []string
	for i, gpu := range gpus {
		set |= 1 << gpu
		for _, other := range gpus[:i] {
			if link := node.Links[other][gpu].String(); !slices.Contains(links, link) {
				links = append(links, link)
			}
		}
	}
	words := ""
	view := placement.View{Inventory: m.inventory}
	if len(gpus) > 1 {
		slices.Sort(links)
		words = fmt.Sprintf(" | links %s | ring %d GB/s", strings.Join(links, " "), m.inventory.RingBandwidth(set))
		switch numa := view.NUMANodes(set); numa {
		case 0:
		case 1:
			words += " | 1 NUMA node"
		default:
			words += fmt.Sprintf(" | %d NUMA nodes", numa)
		}
	}
	if len(node.NICs) > 0 {
		words += " | NIC " + topology.Link{Kind: view.NearestNIC(set)}.String()
	}
	return words
}

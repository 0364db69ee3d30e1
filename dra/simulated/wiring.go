package simulated

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
)

// linkEnd is where one NVLink of a GPU leads.
type linkEnd struct {
	kind nvml.IntNvLinkDeviceType
	// gpu is the peer's index if kind is GPU; the number of the switch if SWITCH.
	gpu int
}

// wireLinks works out where each GPU's NVLinks lead: wiring[i] are the active links
// of GPU i. A link table does not tell direct links from switched ones, but
// arithmetic does: a GPU whose entries add up to more links than a GPU can have
// is on switches. Each GPU then has as many links as its best entry says.
func wireLinks(node *topology.Node) ([][]linkEnd, error) {
	if err := node.Validate(); err != nil {
		return nil, err
	}
	wiring := make([][]linkEnd, len(node.GPUs))
	switched := make([]int64, len(node.GPUs)) // links to switches; 0 if direct
	for gpu, row := range node.Links {
		var sum, best int64
		for _, link := range row {
			sum, best = sum+link.Lanes, max(best, link.Lanes)
		}
		if best > nvml.NVLINK_MAX_LINKS {
			return nil, fmt.Errorf("GPU %d has %d NVLinks, NVML knows at most %d", gpu, best, int64(nvml.NVLINK_MAX_LINKS))
		}
		if sum > nvml.NVLINK_MAX_LINKS {
			switched[gpu] = best
		}
	}
	for gpu, row := range node.Links {
		for range switched[gpu] {
			wiring[gpu] = append(wiring[gpu], linkEnd{nvml.NVLINK_DEVICE_TYPE_SWITCH, len(wiring[gpu]) / linksPerSwitch})
		}
		for peer, link := range row {
			if link.Lanes == 0 {
				continue
			}
			if link.Lanes != node.Links[peer][gpu].Lanes {
				return nil, fmt.Errorf("GPUs %d and %d count different NVLinks between them", gpu, peer)
			}
			if switched[gpu] > 0 && link.Lanes != min(switched[gpu], switched[peer]) {
				return nil, fmt.Errorf("GPUs %d and %d have %d NVLinks between them, which no switch gives", gpu, peer, link.Lanes)
			}
			for range link.Lanes {
				if switched[gpu] == 0 {
					wiring[gpu] = append(wiring[gpu], linkEnd{nvml.NVLINK_DEVICE_TYPE_GPU, peer})
				}
			}
		}
	}
	return wiring, nil
}

// linksPerSwitch is how many NVLinks of a GPU lead to one switch. Machines differ
// (DGX A100: 2; DGX H100: 4 or 5); nothing depends on it.
const linksPerSwitch = 6

// switchAddress is the PCI address of a switch, in a domain of its own.
func switchAddress(number int) string { return fmt.Sprintf("00fe:%02x:00.0", number+1) }

// gpuAddress is the PCI address of a GPU, made up where the machine has none.
func gpuAddress(node *topology.Node, gpu int) string {
	if address := node.GPUs[gpu].BusID; address != "" {
		return address
	}
	return fmt.Sprintf("00ff:%02x:00.0", gpu+1)
}

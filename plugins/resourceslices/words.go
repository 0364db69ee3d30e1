package resourceslices

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Got describes the devices: "GPUs 0,1", "GPU 0: 1g.10gb at 6:1", "GPU 0: 20GiB of
// 44.42GiB".
func (h *Holding) Got() string {
	var whole []string
	var parts []string
	for _, held := range h.Devices {
		switch held.Offer.Form {
		case placement.Whole:
			whole = append(whole, fmt.Sprint(held.Offer.GPU))
		case placement.MIG:
			parts = append(parts, fmt.Sprintf("GPU %d: %s at %s", held.Offer.GPU, held.Profile, held.Offer.Placement))
		case placement.Share:
			parts = append(parts, fmt.Sprintf("GPU %d: %s of %s", held.Offer.GPU, held.Bytes, held.Offer.Memory))
		}
	}
	if len(whole) == 1 {
		parts = append(parts, "GPU "+whole[0])
	} else if len(whole) > 1 {
		parts = append(parts, "GPUs "+strings.Join(whole, ","))
	}
	return strings.Join(parts, "; ")
}

// Connection describes how the whole GPUs are connected, "-" for fewer than two: the
// slowest link, and the bandwidth of the ring through all.
func (h *Holding) Connection() string {
	if h.Bandwidth == 0 {
		return "-"
	}
	kind := h.Link.String()
	if h.Link.Kind != topology.NVLink {
		kind = "PCIe " + kind
	}
	return fmt.Sprintf("%s, %d GB/s", kind, h.Bandwidth)
}

// Product is the model of the first device, as people call it.
func (h *Holding) Product() string {
	return strings.TrimPrefix(h.Devices[0].Product, "NVIDIA ")
}
